/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_ratio: how much more a point costs on one side than on another.  Part of compare.
 */
#ifndef IPM_ANALYSIS_COMPARE_RATIO_H
#define IPM_ANALYSIS_COMPARE_RATIO_H

#include "analysis/compare.h"

enum {
    IPM_COMPARE_REASON = 256,
    IPM_COMPARE_VALUES = 128 /* of a point and side: IPM_DIFFERENCES */
};

enum ipm_compare_standing {
    IPM_COMPARE_BETTER, /* b costs less than a, beyond the interval and the margin */
    IPM_COMPARE_WORSE,
    IPM_COMPARE_TIED,
    IPM_COMPARE_UNSURE, /* there is no interval */
    IPM_COMPARE_NONE,   /* there is no ratio */
    IPM_COMPARE_STANDINGS,
};

/* "better", "worse", "tied", "unsure", "none" */
extern const char *const ipm_compare_standing_names[IPM_COMPARE_STANDINGS];

/* A point's values on one side: logarithms of costs, and what varies together.  It points
 * into itself, or into the session's cell, and is not to be copied. */
struct ipm_compare_values {
    size_t n;
    const double *cost;
    const int32_t *cluster; /* below ipm_compare_clusters() */
    double error, freedom;  /* of joules, which are one mean; else NaN */
    double cost_room[IPM_COMPARE_VALUES];
    int32_t cluster_room[IPM_COMPARE_VALUES];
};

struct ipm_compare_ratio {
    double value, low, high; /* of costs, b over a; NaN: none */
    size_t n_a, n_b;
    enum ipm_compare_standing standing;
    char reason[IPM_COMPARE_REASON]; /* without value or interval: why */
};

/* Ranks of intervals for small samples, which a million ratios share. */
struct ipm_compare_ranks {
    size_t rank[33][33]; /* one more than the rank; 0: not yet known */
};

/* Whether replicates are sessions, which they are where both sides have several. */
bool ipm_compare_between(const struct ipm_compare *compare, size_t a, size_t b);

/* How many clusters a side's values may have. */
size_t ipm_compare_clusters(const struct ipm_compare *compare, size_t side,
                            bool between);

/* Of more than IPM_COMPARE_VALUES the first so many count. */
void ipm_compare_take(const struct ipm_compare *compare,
                      const struct ipm_compare_point *point, size_t side,
                      enum ipm_by by, bool between,
                      struct ipm_compare_values *out_values);

/**
 * ipm_compare_ratio() - b over a
 * @between:  values are of sessions
 * @interval: false: low and high may be NaN, of which the standing is told all the same
 *
 * Return: 0; -ENOMEM.
 */
int ipm_compare_ratio(const struct ipm_compare_values *a,
                      const struct ipm_compare_values *b, bool between, bool interval,
                      struct ipm_compare_ranks *ranks,
                      struct ipm_compare_ratio *out_ratio);

#endif
