/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pooled: quantiles of all messages of a point, with intervals over its invocations.
 *
 * The distributions of all invocations are added up and the quantile is taken of the sum:
 * percentiles are never averaged.  Messages of one invocation resemble each other, so whole
 * invocations are what varies.  The interval holds those values x at which the share of
 * samples at or below x, p(x), does not differ from q by more than invocations make it differ
 * (Woodruff, 1952, for clusters).  With n invocations,
 *
 *     T = (logit p(x) - logit q) / s,
 *     s^2 = (n - 1) / n sum_k (logit p_without_k(x) - mean of these)^2        (jackknife)
 *
 * is made symmetric by the skewness of what the invocations add to p (Hall, On the removal of
 * skewness by transformation, 1992), in proportion to |2 q - 1| since a median has none to
 * speak of, and compared with Student's t of
 *
 *     (n - 1) / (1 + 3 |2 q - 1| (sum w_k^2 - 1 / n))
 *
 * degrees of freedom, w_k being the share that invocation k has of the samples beyond x: a tail
 * that a few invocations hold is known as well as so few tell.
 *
 * Nominal 95 % then cover in 93 to 97 of 100 runs of 6 to 60 invocations, but for a p99 where
 * invocations differ as much as the messages of one do: 89 with 6 of them, 92 with 8, 93 with 12.
 * Percentiles of the cluster bootstrap's own draws covered a p99 in 88 to 93, its limit with
 * t(n - 1) in 74 to 96.  No interval knows of what is rare and was not met:
 * tests/bench/coverage.c prints the table.
 */
#ifndef IPM_ANALYSIS_POOLED_H
#define IPM_ANALYSIS_POOLED_H

#include "analysis/stats.h"
#include "analysis/tally.h"

#include <stddef.h>

enum { IPM_POOLED_LEAST = 6 /* invocations that any interval needs */ };

/* Invocations that the interval of a quantile needs: twice as many beyond p99.5. */
size_t ipm_pooled_needs(double q);

/**
 * ipm_pooled_quantiles() - several quantiles of the same invocations
 * @tallies: none empty; @n of them, >= 1
 * @qs:      each in (0, 1); @n_qs of them
 *
 * A value is the bucket in which the rank ceil(q N) lies.  The estimates' n is @n.  Below
 * ipm_pooled_needs() invocations, or without GSL, there are values and no intervals.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_pooled_quantiles(const struct ipm_tally *const *tallies, size_t n,
                         const double *qs, size_t n_qs, double level,
                         struct ipm_estimate *out_estimates);

#endif
