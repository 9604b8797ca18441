/* SPDX-License-Identifier: MIT */
/*
 * record_metrics: what was read in roles, of helpers and by the leader, as the record has it:
 * each for itself, summed, and divided by what was done.
 */
#ifndef IPM_WORKER_RECORD_METRICS_H
#define IPM_WORKER_RECORD_METRICS_H

#include "harness/worker/leader.h"

/* Sets the members metrics, per_message, per_operation, roles and checks, and the flags of
 * checks that fail. */
void ipm_record_metrics(json_t *record, const struct ipm_point *point,
                        const struct ipm_board *board,
                        const struct ipm_outcome *outcome);

#endif
