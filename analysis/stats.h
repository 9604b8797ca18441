/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stats: medians and quantiles with intervals that assume no shape.
 *
 * They rest on order statistics: the number of values below the true quantile is binomial,
 * whatever the distribution (Conover, Practical Nonparametric Statistics, section 3.2).  The
 * values must come from independent invocations, never from the messages of one.
 */
#ifndef IPM_ANALYSIS_STATS_H
#define IPM_ANALYSIS_STATS_H

#include <stddef.h>

/* Conditions of the interval functions. */
enum {
    IPM_STATS_TOO_FEW = 1, /* no interval of that level exists for so few values */
    IPM_STATS_NO_GSL = 2,  /* built without GSL */
};

/* Ranks of the two order statistics, counted from 1, and what they cover. */
struct ipm_rank_interval {
    size_t low, high; /* 1 <= low <= high <= n */
    double level;     /* achieved: P(low <= Bin(n, q) < high), >= the level asked for */
};

/**
 * ipm_rank_interval() - the ranks between which the true quantile lies
 * @n:     number of values
 * @q:     the quantile, in (0, 1)
 * @level: wanted coverage, in (0, 1)
 *
 * low is the largest k with P(Bin(n, q) < k) <= (1 - level) / 2, high the smallest k with
 * P(Bin(n, q) >= k) <= (1 - level) / 2; for the median high = n + 1 - low.
 *
 * Return: 0; IPM_STATS_TOO_FEW; IPM_STATS_NO_GSL; -EINVAL @q or @level is out of range.
 */
int ipm_rank_interval(size_t n, double q, double level,
                      struct ipm_rank_interval *out_interval);

/* The least n for which ipm_rank_interval() finds one: 6 for the median at 95 %.  Needs no
 * GSL.  @q and @level in (0, 1). */
size_t ipm_rank_interval_needs(double q, double level);

/* Sorts @values ascending, in place. */
void ipm_sort(double *values, size_t n);

/* The value of rank @k, from 0, of all; puts them in another order: it at @k, none above it
 * before and none below it behind.  @k below @n. */
double ipm_select(double *values, size_t n, size_t k);

/* Quantile of sorted values, linear between order statistics (type 7 of Hyndman and Fan,
 * 1996).  @q in [0, 1]; NaN when @n is 0. */
double ipm_quantile(const double *sorted, size_t n, double q);

enum { IPM_ESTIMATE_REASON = 96 };

/* A median and how sure it is. */
struct ipm_estimate {
    double value;                     /* NaN when n is 0 */
    double low, high;                 /* NaN without an interval */
    double level;                     /* coverage asked for; NaN without an interval */
    size_t n;                         /* values it is made from */
    char reason[IPM_ESTIMATE_REASON]; /* why there is no interval; else "" */
};

/**
 * ipm_median_place() - where the interval of a median begins
 * @level: wanted coverage, in (0, 1)
 *
 * Between two order statistics cover at least @level, 99.2 % with 8 values where 95 % were
 * asked for, and between their inner neighbours less.  Hettmansperger and Sheather (1986)
 * divide the step: with k the largest rank whose interval has at least @level, and the levels
 * g_k and g_(k+1), I = (g_k - level) / (g_k - g_(k+1)),
 *
 *     place = k + (n - k) I / (k + (n - 2 k) I).
 *
 * The lower end lies there, counted from 1 and linear between ranks, the upper one at
 * n + 1 - place.  Exact for a double exponential; 94 to 96 % for normal, skewed and heavy-tailed
 * values: tests/bench/coverage.c.  Needs no GSL.
 *
 * Return: k <= place < k + 1; NaN: @n is too small, 5 for 95 %.
 */
double ipm_median_place(size_t n, double level);

/* The ends.  @place as returned for this @n; not NaN. */
void ipm_median_interval(const double *sorted, size_t n, double place, double *out_low,
                         double *out_high);

/* Median of @values with that interval.  Sorts them; none may be NaN. */
void ipm_estimate_median(double *values, size_t n, double level,
                         struct ipm_estimate *out_estimate);

/**
 * ipm_estimate_widen() - let an interval hold what one run cannot see
 * @deviation: relative standard deviation from run to run, >= 0
 *
 * Each arm becomes sqrt(arm^2 + (z deviation value)^2), z the normal quantile of the
 * interval's level: a component known from elsewhere is added in quadrature (type B in
 * JCGM 100:2008, sections 4.3 and 5.1.2).  Without an interval, nothing changes.
 */
void ipm_estimate_widen(struct ipm_estimate *estimate, double deviation);

/* What a standard error of so many degrees of freedom, > 0, is to be multiplied by:
 * t(freedom, (1 + level) / 2).  NaN without GSL, and of 0 degrees. */
double ipm_student(double freedom, double level);

/**
 * ipm_estimate_mean() - mean with Student's interval
 *
 * mean -+ t(n - 1, (1 + level) / 2) s / sqrt(n), which assumes values that are about normal:
 * sums over long windows are, times of messages are not.  None may be NaN; @level in (0, 1).
 * Below two values, or without GSL, there is no interval.
 *
 * Returns the standard error s / sqrt(n); NaN below two values.
 */
double ipm_estimate_mean(const double *values, size_t n, double level,
                         struct ipm_estimate *out_estimate);

/**
 * ipm_estimate_pseudomedian() - Hodges and Lehmann's estimate with its exact interval
 *
 * The median of all Walsh averages (x_i + x_j) / 2, i <= j, and the interval between two of
 * them whose ranks the distribution of Wilcoxon's signed-rank statistic gives (Hollander
 * and Wolfe, Nonparametric Statistical Methods, sections 3.2 and 3.3).  It assumes symmetry.
 * Where a machine has two paces, as guests do, a median jumps between them and this does
 * not; a gross outlier moves it as little as a median.
 *
 * @n at most IPM_PSEUDOMEDIAN_MOST: of more, the first so many count.  Without enough values
 * for the level (6 for 95 %) there is no interval.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_estimate_pseudomedian(const double *values, size_t n, double level,
                              struct ipm_estimate *out_estimate);

enum { IPM_PSEUDOMEDIAN_MOST = 128 };

/**
 * ipm_estimate_shift() - by how much @b lies above @a, of two independent samples
 *
 * Hodges and Lehmann's estimate: the median of all differences b_k - a_i, and the interval
 * between two of them whose ranks the distribution of the Mann-Whitney statistic gives
 * (Hollander and Wolfe, Nonparametric Statistical Methods, sections 4.2 and 4.3).  It
 * assumes that the two differ in place alone; of logarithms, in a factor alone.
 *
 * Up to IPM_SHIFT_EXACT differences the ranks are exact, above by the normal approximation
 * (equation 4.41 there), which needs GSL.  The level achieved is known for the former only.
 * Of more than IPM_PSEUDOMEDIAN_MOST values of a sample the first so many count.  Too few
 * values (4 and 4 are enough for 95 %) give no interval; @out_estimate's n is the smaller
 * number of values.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_estimate_shift(const double *a, size_t n_a, const double *b, size_t n_b,
                       double level, struct ipm_estimate *out_estimate);

/* The rank, from 1, of the sorted differences that this interval begins with, and, up to
 * IPM_SHIFT_EXACT differences, the level achieved, else NaN; it ends as far from the top.  0:
 * too few values.  For who compares many samples of the same sizes.  Return: 0; -ENOMEM. */
int ipm_shift_rank(size_t n_a, size_t n_b, double level, size_t *out_rank,
                   double *out_level);

enum { IPM_SHIFT_EXACT = 400 };

#endif
