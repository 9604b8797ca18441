/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tails: the pooled percentiles of a point.  Part of summary.
 */
#ifndef IPM_ANALYSIS_TAILS_H
#define IPM_ANALYSIS_TAILS_H

#include "analysis/summary.h"

enum { IPM_TAILS = 6 };

/**
 * ipm_tails_make() - p50_pooled_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns
 * @rows: ok rows of one point's timing pass; @n may be 0
 * @out_figures: room for IPM_TAILS
 *
 * A percentile for which there are fewer effective samples than a finite upper bound of its 95 %
 * interval needs (368 for p99, 3,688 for p99.9) is not estimable and has no value; nor has any
 * above the median where a sample is the mean of several operations.  max_ns is the largest
 * sample seen, without an interval.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_tails_make(const struct ipm_row *const *rows, size_t n,
                   struct ipm_figure *out_figures);

/* How many samples the rows have, and how many independent ones they are worth. */
struct ipm_sampling ipm_tails_sampling(const struct ipm_row *const *rows, size_t n);

#endif
