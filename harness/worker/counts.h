/* SPDX-License-Identifier: MIT */
/*
 * counts: what a record says of its own counts: which agree, and which a traced invocation
 * cannot have.
 */
#ifndef IPM_WORKER_COUNTS_H
#define IPM_WORKER_COUNTS_H

#include "harness/worker/leader.h"

#include <stdbool.h>

/* Was any role or helper traced in this invocation, or lost its tracer in it? */
bool ipm_counts_traced(const struct ipm_board *board,
                       const struct ipm_outcome *outcome);

/* Is that the name of a metric that counts one system call, "syscalls_read"? */
bool ipm_counts_is_call(const char *name);

/* Are the calls that a process has by name all that it made?  Those that it does not have
 * are then 0; else they are not known. */
bool ipm_counts_lists_all_calls(const struct ipm_metric *metrics, size_t n);

/**
 * ipm_counts_set_checks() - the record's member "checks", and flags where one fails
 * @traced: ipm_counts_traced()
 * @sums:   over the roles alone, of the switches
 * @totals: over roles and helpers, of calls and bytes
 *
 * Flags: switches_disagree, copies_disagree.
 */
void ipm_counts_set_checks(json_t *record, const struct ipm_point *point,
                           const struct ipm_board *board, bool traced,
                           const struct ipm_metric *sums, size_t n_sums,
                           const struct ipm_metric *totals, size_t n_totals,
                           double payload_bytes);

/* Takes from a traced record all that tracing has spoiled - latencies, rates, times, switches
 * - and says so: null with a reason, and the flag `traced`. */
void ipm_counts_amend_traced(json_t *record);

#endif
