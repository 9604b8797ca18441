/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pass_cost: what measuring itself costs.
 *
 * A counter pass slows what it counts.  Each of its invocations is held against the timing
 * pass's of the same point in the same block: the ratio of their times per operation.
 */
#ifndef IPM_ANALYSIS_PASS_COST_H
#define IPM_ANALYSIS_PASS_COST_H

#include "analysis/stats.h"
#include "analysis/table.h"
#include "base/why.h"

#include <stddef.h>

struct ipm_pass_cost {
    const char *pass; /* borrowed from the table; never "timing" */
    /* Time per operation against the timing pass, 1.02 = 2 % slower: the median over
     * points of the median over blocks, n = points. */
    struct ipm_estimate ratio;
};

struct ipm_pass_costs {
    struct ipm_pass_cost *list; /* in the order of their names */
    size_t n;
};

/**
 * ipm_pass_costs_make() - of every pass that has times to compare
 *
 * Return: 0; -ENOMEM.  @out_costs needs fini only after 0, and borrows from the table.
 */
int ipm_pass_costs_make(const struct ipm_table *table, struct ipm_pass_costs *out_costs,
                        struct ipm_why *why);

/* Idempotent. */
void ipm_pass_costs_fini(struct ipm_pass_costs *costs);

#endif
