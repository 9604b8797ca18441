/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * percentiles: the whole distribution of a few points, as far as it can be told.
 */
#ifndef IPM_ANALYSIS_PERCENTILES_H
#define IPM_ANALYSIS_PERCENTILES_H

#include "analysis/ladder.h"
#include "analysis/table.h"
#include "base/json.h"

enum {
    IPM_PERCENTILE_CURVES = 7,  /* at most: more are a tangle */
    IPM_PERCENTILES_DECADE = 8, /* steps in which 1 / (1 - q) grows tenfold */
};

/**
 * ipm_percentiles_json() - the distributions of points of the ladder
 *
 * Of each mechanism the fastest point of which round trips were timed one by one, as long as
 * there is room, then the fastest of the others.  All samples of the point's ok invocations of
 * the timing pass count together: percentiles are never averaged.
 *
 *   of       how many points have such a distribution
 *   curves   {point, samples, effective, limit, quantiles: [{q, ns}]}: quantiles at
 *            1 / (1 - q) = 10^(k / IPM_PERCENTILES_DECADE) for k >= 1 up to the number of
 *            samples; limit is the highest of these q for which there are as many effective
 *            samples as a finite upper bound needs (analysis/tails.h), null: none
 *
 * Return: a new reference; NULL: out of memory.
 */
json_t *ipm_percentiles_json(const struct ipm_table *table,
                             const struct ipm_ladder *ladder);

#endif
