/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pooled: quantiles of all messages of a point, with intervals over its invocations.
 *
 * The distributions of all invocations are added up and the quantile is taken of the sum:
 * percentiles are never averaged.  Messages of one invocation resemble each other, so whole
 * invocations are what varies.  At each value x the share of samples at or below it has the
 * standard error that a cluster bootstrap over invocations tends to (Davison and Hinkley,
 * Bootstrap Methods, section 3.8),
 *
 *     se^2 = n / (n - 1) sum_k (below_k(x) - p(x) N_k)^2 / N^2,
 *
 * and those x are in the interval at which the logit of the share lies within Student's t(n - 1)
 * of them from the logit of q (Woodruff, 1952; Korn and Graubard, 1998).  Percentiles of the
 * bootstrap's own draws cover a p99 in 88 to 93 of 100 runs of 6 to 20 invocations where these
 * cover in 92 to 95, and need a seed: tests/unit/test_pooled.c.
 */
#ifndef IPM_ANALYSIS_POOLED_H
#define IPM_ANALYSIS_POOLED_H

#include "analysis/stats.h"
#include "analysis/tally.h"

#include <stddef.h>

enum { IPM_POOLED_LEAST = 6 /* invocations that an interval needs */ };

/**
 * ipm_pooled_quantiles() - several quantiles of the same invocations
 * @tallies: none empty; @n of them, >= 1
 * @qs:      each in (0, 1); @n_qs of them
 *
 * A value is the bucket in which the rank ceil(q N) lies.  The estimates' n is @n.  Below
 * IPM_POOLED_LEAST invocations, or without GSL, there are values and no intervals.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_pooled_quantiles(const struct ipm_tally *const *tallies, size_t n,
                         const double *qs, size_t n_qs, double level,
                         struct ipm_estimate *out_estimates);

#endif
