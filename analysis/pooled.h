/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pooled: quantiles of all messages of a point, with intervals over its invocations.
 *
 * The distributions of all invocations are added up and the quantile is taken of the sum:
 * percentiles are never averaged.  Messages of one invocation resemble each other, so the
 * interval is by cluster bootstrap: whole invocations are drawn, with replacement (Davison and
 * Hinkley, Bootstrap Methods, section 3.8).  Its ends are expanded percentiles (Hesterberg,
 * What Teachers Should Know about the Bootstrap, 2015, section 5.2): with few invocations plain
 * ones are too narrow, by what a normal interval is narrower than Student's.
 */
#ifndef IPM_ANALYSIS_POOLED_H
#define IPM_ANALYSIS_POOLED_H

#include "analysis/stats.h"
#include "analysis/tally.h"

#include <stddef.h>

enum {
    IPM_POOLED_DRAWS = 2000,
    IPM_POOLED_LEAST = 6, /* invocations that an interval needs */
};

/**
 * ipm_pooled_quantiles() - several quantiles of the same invocations
 * @tallies: none empty; @n of them, >= 1
 * @qs:      ascending, each in (0, 1); @n_qs of them
 * @seed:    the draws are the same for the same text
 *
 * A value is the bucket in which the rank ceil(q N) lies.  The estimates' n is @n.  Below
 * IPM_POOLED_LEAST invocations, or without GSL, there are values and no intervals.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_pooled_quantiles(const struct ipm_tally *const *tallies, size_t n,
                         const double *qs, size_t n_qs, double level, const char *seed,
                         struct ipm_estimate *out_estimates);

/* The share of draws to leave out at either end for an interval of that level over @n >= 2
 * clusters: Phi(-sqrt(n / (n - 1)) t(n - 1, (1 + level) / 2)).  NaN without GSL. */
double ipm_pooled_tail(size_t n, double level);

#endif
