/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
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

double ipm_student(size_t n, double level)
{
    return n < 2 ? NAN : gsl_cdf_tdist_Pinv((1 + level) / 2, (double)(n - 1));
}

#else

double ipm_student(size_t n, double level)
{
    (void)n;
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

void ipm_estimate_median(double *values, size_t n, double level,
                         struct ipm_estimate *out_estimate)
{
    ipm_sort(values, n);
    *out_estimate = (struct ipm_estimate){.value = ipm_quantile(values, n, 0.5),
                                          .low = NAN,
                                          .high = NAN,
                                          .level = NAN,
                                          .n = n};
    struct ipm_rank_interval ranks;
    switch (ipm_rank_interval(n, 0.5, level, &ranks)) {
    case 0:
        out_estimate->low = values[ranks.low - 1];
        out_estimate->high = values[ranks.high - 1];
        out_estimate->level = ranks.level;
        break;
    case IPM_STATS_TOO_FEW:
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason),
                       "too few: %zu of the %zu values that a %g %% interval needs", n,
                       ipm_rank_interval_needs(0.5, level), level * 100);
        break;
    case IPM_STATS_NO_GSL:
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason),
                       "built without GSL");
        break;
    default:
        (void)snprintf(out_estimate->reason, sizeof(out_estimate->reason),
                       "no interval of level %g exists", level);
        break;
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
    double reach = ipm_student(n, level) * error;
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
