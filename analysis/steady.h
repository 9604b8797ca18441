/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steady: did a window measure one thing, or something that still changed?
 *
 * Out of the means of a window's blocks, in order.  What warms up first is cut off (White's
 * MSER: the prefix without which the mean of the rest is surest, at most half), then the rest
 * is looked at: a trend (Mann and Kendall), two levels, neighbours that resemble each other.
 * For the cut, blocks far out of the quartiles are pulled in first: one interrupt is neither a
 * warm-up nor a jump.  A difference must be large as well as sure to count: with 256 blocks hardly
 * anything is exactly level.
 */
#ifndef IPM_ANALYSIS_STEADY_H
#define IPM_ANALYSIS_STEADY_H

#include <stdbool.h>
#include <stddef.h>

enum ipm_steady_state {
    IPM_STEADY_UNKNOWN, /* too few blocks, or built without GSL */
    IPM_STEADY_FLAT,
    IPM_STEADY_WARM_UP,  /* slower at first, then flat */
    IPM_STEADY_SLOWDOWN, /* faster at first, then flat */
    IPM_STEADY_NONE,     /* still changing in what is left */
    IPM_STEADY_STATES,
};

extern const char *const ipm_steady_names[]; /* by enum, NULL-terminated */

enum { IPM_STEADY_LEAST = 24 }; /* blocks */

#define IPM_STEADY_TOLERANCE 0.05 /* relative: less is level, however sure */
#define IPM_STEADY_JUMP      0.10 /* the same between quarters of the rest */
#define IPM_STEADY_SURE      0.01 /* p of a trend */

struct ipm_steady {
    enum ipm_steady_state state;
    size_t n, cut; /* blocks, and those cut off; the latter 0 when unknown */
    double
        shift; /* median of what was cut over that of the rest, less 1; 0: no cut worth it */
    double drift;   /* last third of the rest over its first, less 1, by medians */
    double trend_p; /* of no trend in the rest; neighbours' likeness allowed for */
    double lag1;    /* autocorrelation of the rest; these four NaN when unknown */
};

/**
 * ipm_steady_judge() - classify a window
 * @means: of blocks of equal length, in order; > 0
 *
 * Return: 0; -ENOMEM.
 */
int ipm_steady_judge(const double *means, size_t n, struct ipm_steady *out_steady);

/**
 * ipm_mser_cut() - how many values at the beginning not to use
 *
 * The d in [0, n / 2] that makes sum (x_i - mean)^2 / (n - d)^2 over i >= d least; the
 * smallest of several (White, 1997).  0 below two values.
 */
size_t ipm_mser_cut(const double *values, size_t n);

/* Mann and Kendall's S and its variance under no trend, ties allowed for. */
struct ipm_trend {
    double s, variance;
};

/* Return: 0; -ENOMEM. */
int ipm_mann_kendall(const double *values, size_t n, struct ipm_trend *out_trend);

/* Two-sided p, by the normal approximation with continuity correction, the variance taken
 * @inflation times; 1 where all values are equal. */
double ipm_trend_p(const struct ipm_trend *trend, double inflation);

/* sum (x_i - m)(x_{i+1} - m) / sum (x_i - m)^2; 0 of equal values, NaN without GSL. */
double ipm_lag1(const double *values, size_t n);

enum { IPM_BATCH_MEANS = 20 }; /* groups of blocks that a variance is taken over */

/**
 * ipm_effective_share() - how many independent samples a sample is worth
 * @means:    of blocks of @samples samples each
 * @variance: of single samples
 *
 * By batch means: variance / (m var(means of m samples)), over IPM_BATCH_MEANS groups of
 * neighbouring blocks; at most 1.  NaN with fewer than 2 blocks per group.
 */
double ipm_effective_share(const double *means, size_t n, double samples,
                           double variance);

#endif
