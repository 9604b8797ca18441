/* SPDX-License-Identifier: MIT */
/*
 * collect: from board and outcome to the one record (docs/record.md).
 */
#ifndef IPM_WORKER_COLLECT_H
#define IPM_WORKER_COLLECT_H

#include "harness/worker/leader.h"

struct ipm_times {
    int64_t begun_ns;   /* CLOCK_MONOTONIC when the worker started */
    int64_t sandbox_ns; /* spent on namespaces and mounts */
    char started[32];   /* UTC, ISO 8601 */
};

/* What every record of this worker has: the point's echo, build, protocol, times. */
json_t *ipm_record_begin(const json_t *point, const struct ipm_times *times);

/* Sets status, phase and reason. */
void ipm_record_end(json_t *record, const char *status, const char *phase,
                    const char *reason);

/* A whole record.  The caller owns it. */
json_t *ipm_collect(const struct ipm_point *point, const struct ipm_sandbox *sandbox,
                    const struct ipm_board *board, const struct ipm_outcome *outcome,
                    const struct ipm_times *times);

#endif
