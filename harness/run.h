/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run: a plan into a result folder, one worker at a time.
 *
 *     DIR/manifest.json   written before the first invocation, again at the end
 *     DIR/records.jsonl   one line an invocation, synced before the next one begins
 *
 * Whatever ends a run early - Ctrl-C, a full disk, SIGKILL - leaves a folder that
 * `report` reads and `run --resume` completes.
 */
#ifndef IPM_HARNESS_RUN_H
#define IPM_HARNESS_RUN_H

#include "harness/prepare.h"
#include "harness/ticker.h"

#include <stdbool.h>
#include <stdint.h>

struct ipm_run_request {
    struct ipm_request request;
    const char *out; /* result folder; created */
    bool resume;
    bool seeded;
    uint64_t seed; /* when seeded; below 2^53 */
    enum ipm_ticker_mode ticker;
    int retries;             /* of a failed invocation */
    size_t max_failures;     /* stop after so many were given up; 0: never */
    const char *resume_line; /* the command that goes on with it; for the last word */
};

struct ipm_run_result {
    size_t measured; /* records written by this call */
    size_t failed;   /* invocations given up */
    bool interrupted;
    bool too_many; /* max_failures was reached: stopped, and resumable */
    json_t *drift; /* of the manifest (harness/drift.h); the caller's; NULL: not told */
};

/**
 * ipm_run() - measure what is prepared and not yet done
 *
 * Return: 0, also when interrupted, stopped by max_failures or with failed invocations;
 *         -ESTALE the records file was taken away during the run; -EEXIST the folder holds a
 *         run and resume was not asked for; -EXDEV it holds another run; -errno.
 */
int ipm_run(const struct ipm_run_request *request, const struct ipm_prepared *prepared,
            struct ipm_run_result *out_result, struct ipm_why *why);

#endif
