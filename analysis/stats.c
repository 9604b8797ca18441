/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics.h>
#endif

static bool inside(double share)
{
    return share > 0 && share < 1;
}

#if IPM_HAVE_GSL

/* P(Bin(n, q) < k) */
static double below(size_t k, double q, size_t n)
{
    return k == 0 ? 0 : gsl_cdf_binomial_P((unsigned)(k - 1), q, (unsigned)n);
}

/* P(Bin(n, q) >= k); not 1 - below(), which is rounding noise far in the tail. */
static double at_least(size_t k, double q, size_t n)
{
    return k == 0 ? 1 : gsl_cdf_binomial_Q((unsigned)(k - 1), q, (unsigned)n);
}

int ipm_rank_interval(size_t n, double q, double level,
                      struct ipm_rank_interval *out_interval)
{
    if (!inside(q) || !inside(level))
        return -EINVAL;
    double tail = (1 - level) / 2;
    if (n == 0 || below(1, q, n) > tail || at_least(n, q, n) > tail)
        return IPM_STATS_TOO_FEW;

    size_t low = 1;
    while (low < n && below(low + 1, q, n) <= tail)
        low++;
    size_t high = n;
    while (high > 1 && at_least(high - 1, q, n) <= tail)
        high--;
    *out_interval = (struct ipm_rank_interval){
        .low = low, .high = high, .level = below(high, q, n) - below(low, q, n)};
    return 0;
}

double ipm_student(double freedom, double level)
{
    return freedom > 0 ? gsl_cdf_tdist_Pinv((1 + level) / 2, freedom) : NAN;
}

#else

double ipm_student(double freedom, double level)
{
    (void)freedom;
    (void)level;
    return NAN;
}

int ipm_rank_interval(size_t n, double q, double level,
                      struct ipm_rank_interval *out_interval)
{
    (void)n;
    (void)out_interval;
    return inside(q) && inside(level) ? IPM_STATS_NO_GSL : -EINVAL;
}

#endif

void ipm_estimate_widen(struct ipm_estimate *estimate, double deviation)
{
    double many =
        1e9; /* degrees of freedom: Student's distribution is the normal one */
    if (!isfinite(estimate->low) || !isfinite(estimate->high) || !(deviation > 0))
        return;
    double arm = ipm_student(many, estimate->level) * deviation * estimate->value;
    estimate->low = estimate->value - hypot(estimate->value - estimate->low, arm);
    estimate->high = estimate->value + hypot(estimate->high - estimate->value, arm);
}

size_t ipm_rank_interval_needs(double q, double level)
{
    /* Both extremes must be rare enough: q^n and (1 - q)^n, the larger one decides. */
    double worse = fmax(q, 1 - q);
    size_t n = 1;
    for (double tail = worse; tail > (1 - level) / 2; tail *= worse)
        n++;
    return n;
}

static int compare_values(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

void ipm_sort(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof(*values), compare_values);
}

double ipm_select(double *values, size_t n, size_t k)
{
#if IPM_HAVE_GSL
    return gsl_stats_select(values, 1, n, k);
#else
    ipm_sort(values, n);
    return values[k];
#endif
}

double ipm_quantile(const double *sorted, size_t n, double q)
{
    if (n == 0)
        return NAN;
    double place = q * (double)(n - 1);
    size_t below_it = (size_t)place;
    if (below_it + 1 >= n)
        return sorted[n - 1];
    double share = place - (double)below_it;
    return sorted[below_it] + share * (sorted[below_it + 1] - sorted[below_it]);
}

/* P(Bin(n, 1/2) = k), by logarithms: 2^-n is no double for the n of a long run. */
static double half_binomial(size_t n, size_t k)
{
    double ways =
        lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
    return exp(ways - (double)n * M_LN2);
}

double ipm_median_place(size_t n, double level)
{
    double tail = (1 - level) / 2;
    double beyond = 0; /* P(Bin(n, 1/2) < rank) */
    for (size_t rank = 0; 2 * rank < n; rank++) {
        double next = beyond + half_binomial(n, rank);
        if (next > tail) {
            double outer = 1 - 2 * beyond;
            double inner = 1 - 2 * next;
            double share = (outer - level) / (outer - inner);
            double k = (double)rank;
            double all = (double)n;
            return rank == 0 ? NAN
                             : k + (all - k) * share / (k + (all - 2 * k) * share);
        }
        beyond = next;
    }
    return NAN;
}

/* The value at a place between two ranks, from 1. */
static double between(const double *sorted, double place)
{
    size_t rank = (size_t)place;
    double share = place - (double)rank;
    return share > 0 ? sorted[rank - 1] + share * (sorted[rank] - sorted[rank - 1])
                     : sorted[rank - 1];
}

void ipm_median_interval(const double *sorted, size_t n, double place, double *out_low,
                         double *out_high)
{
    *out_low = between(sorted, place);
    *out_high = between(sorted, (double)(n + 1) - place);
}

void ipm_estimate_median(double *values, size_t n, double level,
                         struct ipm_estimate *out_estimate)
{
    ipm_sort(values, n);
    *out_estimate = (struct ipm_estimate){.value = ipm_quantile(values, n, 0.5),
                                          .low = NAN,
                                          .high = NAN,
                                          .level = NAN,
                                          .n = n};
    double place = inside(level) ? ipm_median_place(n, level) : NAN;
    if (!isnan(place)) {
        ipm_median_interval(values, n, place, &out_estimate->low, &out_estimate->high);
        out_estimate->level = level;
    } else if (inside(level)) {
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason),
                       "too few: %zu of the %zu values that a %g %% interval needs", n,
                       ipm_rank_interval_needs(0.5, level), level * 100);
    } else {
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason),
                       "no interval of level %g exists", level);
    }
}

double ipm_estimate_mean(const double *values, size_t n, double level,
                         struct ipm_estimate *out_estimate)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    double mean = n == 0 ? NAN : sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double error = n < 2 ? NAN : sqrt(squares / (double)(n - 1) / (double)n);
    double reach = ipm_student((double)n - 1, level) * error;
    *out_estimate = (struct ipm_estimate){
        .value = mean,
        .low = mean - reach,
        .high = mean + reach,
        .level = isnan(reach) ? NAN : level,
        .n = n,
    };
    if (isnan(reach))
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason), "%s",
                       n < 2 ? "too few: an interval of a mean needs two values"
                             : "built without GSL");
    return error;
}
