/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run_order: how the machine drifted, seen in what each invocation found in its turn.
 */
#ifndef IPM_ANALYSIS_RUN_ORDER_H
#define IPM_ANALYSIS_RUN_ORDER_H

#include "analysis/table.h"
#include "base/json.h"

enum {
    IPM_RUN_ORDER_ENTRIES = 500, /* at most: more show nothing on a picture */
    IPM_RUN_ORDER_LEAST = 3,     /* invocations that a point needs to have a middle */
};

/**
 * ipm_run_order_json() - the invocations of the timing pass in the order of the records
 *
 * Those that were measured, also the ones that were measured again because the machine changed.
 * Neighbours are put together until there are no more than IPM_RUN_ORDER_ENTRIES entries.
 *
 *   invocations   how many there are
 *   per           how many of them an entry holds; the last one may hold fewer
 *   line          of each entry's first record
 *   time          median of its times, each divided by the median over its point's ok
 *                 invocations; null where no point has IPM_RUN_ORDER_LEAST of them
 *   time_least, time_most   the extremes of the same
 *   cacheline_rtt, core_step   medians of those, divided alike
 *   regime_changed, slow_core  how many of its invocations are flagged
 *
 * All but the first two are lists of the same length.
 *
 * Return: a new reference; NULL: out of memory.
 */
json_t *ipm_run_order_json(const struct ipm_table *table);

#endif
