/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticker: what a run says on stderr, between invocations and never during one.
 */
#ifndef IPM_HARNESS_TICKER_H
#define IPM_HARNESS_TICKER_H

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

enum ipm_ticker_mode {
    IPM_TICKER_AUTO,  /* a redrawn line on a terminal, else plain */
    IPM_TICKER_PLAIN, /* a line for every twentieth of the run, and for each failure */
    IPM_TICKER_JSONL, /* one JSON object per event */
    IPM_TICKER_NONE,
};

extern const char *const ipm_ticker_names[]; /* by mode, NULL-terminated */

struct ipm_ticker {
    enum ipm_ticker_mode mode;
    int64_t total_ns;   /* estimate of the whole run */
    int64_t done_ns;    /* of that, what is done */
    size_t total, done; /* invocations */
    size_t failed;
    int64_t begun_ns; /* CLOCK_MONOTONIC */
    int last_step;    /* twentieths said so far */
};

/* @total_ns and @total: what is left to measure. */
void ipm_ticker_init(struct ipm_ticker *ticker, enum ipm_ticker_mode mode, size_t total,
                     int64_t total_ns);

/* After an invocation that was planned to take @planned_ns. */
void ipm_ticker_record(struct ipm_ticker *ticker, const char *label,
                       const json_t *record, int64_t planned_ns);

/* The last word: @how is "done" or "interrupted". */
void ipm_ticker_end(struct ipm_ticker *ticker, const char *how);

#endif
