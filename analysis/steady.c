/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/steady.h"

#include "analysis/stats.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_statistics_double.h>
#endif

const char *const ipm_steady_names[] = {
    "unknown", "flat", "warm_up", "slowdown", "no_steady_state", NULL,
};

enum {
    QUARTERS = 4,
    SURE_ERRORS = 4,
    LEAST_SHARE = 32, /* a prefix of less than one in so many blocks is an accident */
};

size_t ipm_mser_cut(const double *values, size_t n)
{
    if (n < 2)
        return 0;
    /* From the end: the sums over what is left grow by one value at a time.  Around the last
     * value, so that nothing is lost in squares of large numbers. */
    double origin = values[n - 1];
    double sum = 0;
    double squares = 0;
    double least = INFINITY;
    size_t cut = 0;
    for (size_t i = n; i-- > 0;) {
        double apart = values[i] - origin;
        double left = (double)(n - i);
        sum += apart;
        squares += apart * apart;
        double error = fmax(squares - sum * sum / left, 0) / (left * left);
        if (i <= n / 2 && error <= least) {
            least = error;
            cut = i;
        }
    }
    return cut;
}

/* Sorts by merging runs twice as long each time; how often a later value was less. */
static size_t sort_inversions(double *values, size_t n, double *scratch)
{
    size_t inversions = 0;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t from = 0; from < n; from += 2 * run) {
            size_t middle = from + run < n ? from + run : n;
            size_t to = middle + run < n ? middle + run : n;
            size_t i = from;
            size_t k = middle;
            for (size_t at = from; at < to; at++) {
                if (k == to || (i < middle && values[i] <= values[k])) {
                    scratch[at] = values[i++];
                } else {
                    scratch[at] = values[k++];
                    inversions += middle - i;
                }
            }
        }
        memcpy(values, scratch, n * sizeof(*values));
    }
    return inversions;
}

int ipm_mann_kendall(const double *values, size_t n, struct ipm_trend *out_trend)
{
    ipm_auto_free double *sorted = malloc((n + 1) * sizeof(*sorted));
    ipm_auto_free double *scratch = malloc((n + 1) * sizeof(*scratch));
    if (sorted == NULL || scratch == NULL)
        return -ENOMEM;
    memcpy(sorted, values, n * sizeof(*sorted));
    double falling = (double)sort_inversions(sorted, n, scratch);
    double count = (double)n;
    double variance = count * (count - 1) * (2 * count + 5);
    double rising = count * (count - 1) / 2 - falling;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && sorted[to] == sorted[from]; to++)
            ;
        double tied = (double)(to - from);
        variance -= tied * (tied - 1) * (2 * tied + 5);
        rising -= tied * (tied - 1) / 2;
    }
    *out_trend = (struct ipm_trend){.s = rising - falling, .variance = variance / 18};
    return 0;
}

double ipm_trend_p(const struct ipm_trend *trend, double inflation)
{
    if (!(trend->variance > 0))
        return 1;
    double reach = fmax(fabs(trend->s) - 1, 0) / sqrt(trend->variance * inflation);
    return erfc(reach / sqrt(2));
}

double ipm_lag1(const double *values, size_t n)
{
#if IPM_HAVE_GSL
    double lag1 = n < 2 ? 0 : gsl_stats_lag1_autocorrelation(values, 1, n);
    return isnan(lag1) ? 0 : lag1;
#else
    (void)values;
    (void)n;
    return NAN;
#endif
}

/* ipm_quantile() of values in no order, which stay in one of their own. */
static double quantile_of(double *values, size_t n, double q)
{
#if IPM_HAVE_GSL
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;
    double least = gsl_stats_select(values, 1, n, below);
    if (below + 1 >= n)
        return least;
    /* Selecting leaves nothing smaller behind the place. */
    double next = gsl_stats_min(values + below + 1, 1, n - below - 1);
    return least + (place - (double)below) * (next - least);
#else
    ipm_sort(values, n);
    return ipm_quantile(values, n, q);
#endif
}

static double median_of(const double *values, size_t n, double *scratch)
{
    memcpy(scratch, values, n * sizeof(*scratch));
    return quantile_of(scratch, n, 0.5);
}

/* Tukey's far-out fences. */
static void pull_in(double *values, size_t n, double *scratch)
{
    memcpy(scratch, values, n * sizeof(*scratch));
    double low = quantile_of(scratch, n, 0.25);
    double high = quantile_of(scratch, n, 0.75);
    double reach = 3 * (high - low);
    for (size_t i = 0; i < n; i++)
        values[i] = fmin(fmax(values[i], low - reach), high + reach);
}

/* Does a quarter lie on another level than another one, surely and by much?  A window may go
 * up and come back, which is no trend. */
static bool has_levels(const double *values, size_t n, double *scratch)
{
    size_t each = n / QUARTERS;
    double least = INFINITY;
    double most = 0;
    double noise = 0;
    for (size_t quarter = 0; quarter < QUARTERS; quarter++) {
        const double *part = values + quarter * each;
        double level = median_of(part, each, scratch);
        least = fmin(least, level);
        most = fmax(most, level);
        for (size_t i = 0; i < each; i++)
            scratch[i] = fabs(part[i] - level);
        noise = fmax(noise, quantile_of(scratch, each, 0.5));
    }
    /* 1.4826 makes it a standard deviation, 1.2533 / sqrt(n) that of a median. */
    double error = 1.4826 * 1.2533 * noise / sqrt((double)each);
    return most - least > IPM_STEADY_JUMP * least && most - least > SURE_ERRORS * error;
}

/* Both ways a window can be at its end, out of what is left of it. */
static int judge_rest(const double *rest, size_t n, double *scratch,
                      struct ipm_steady *steady)
{
    struct ipm_trend trend;
    int error = ipm_mann_kendall(rest, n, &trend);
    if (error != 0)
        return error;
    /* Neighbours that resemble each other make S vary more: as a first-order
     * autoregression does. */
    double like = fmin(fmax(steady->lag1, 0), 0.95);
    steady->trend_p = ipm_trend_p(&trend, (1 + like) / (1 - like));
    size_t third = n / 3;
    steady->drift =
        median_of(rest + n - third, third, scratch) / median_of(rest, third, scratch) -
        1;
    bool drifts =
        steady->trend_p < IPM_STEADY_SURE && fabs(steady->drift) > IPM_STEADY_TOLERANCE;
    if (drifts || has_levels(rest, n, scratch))
        steady->state = IPM_STEADY_NONE;
    else if (fabs(steady->shift) <= IPM_STEADY_TOLERANCE)
        steady->state = IPM_STEADY_FLAT;
    else
        steady->state = steady->shift > 0 ? IPM_STEADY_WARM_UP : IPM_STEADY_SLOWDOWN;
    return 0;
}

int ipm_steady_judge(const double *means, size_t n, struct ipm_steady *out_steady)
{
    struct ipm_steady steady = {.state = IPM_STEADY_UNKNOWN,
                                .n = n,
                                .shift = NAN,
                                .drift = NAN,
                                .trend_p = NAN,
                                .lag1 = NAN};
    *out_steady = steady;
    if (n < IPM_STEADY_LEAST || isnan(ipm_lag1(means, n)))
        return 0;
    ipm_auto_free double *values = malloc(n * sizeof(*values));
    ipm_auto_free double *scratch = malloc(n * sizeof(*scratch));
    if (values == NULL || scratch == NULL)
        return -ENOMEM;
    memcpy(values, means, n * sizeof(*values));
    pull_in(values, n, scratch);
    steady.cut = ipm_mser_cut(values, n);
    size_t left = n - steady.cut;
    steady.lag1 = ipm_lag1(values + steady.cut, left);
    /* Medians and ranks need no pulling in, and a warm-up lies outside the fences. */
    const double *rest = means + steady.cut;
    bool counts = steady.cut * LEAST_SHARE >= n;
    steady.shift = !counts ? 0
                           : median_of(means, steady.cut, scratch) /
                                     median_of(rest, left, scratch) -
                                 1;
    int error = judge_rest(rest, left, scratch, &steady);
    if (error == 0)
        *out_steady = steady;
    return error;
}

double ipm_effective_share(const double *means, size_t n, double samples,
                           double variance)
{
    size_t each = n / IPM_BATCH_MEANS;
    if (each < 2)
        return NAN;
    double groups[IPM_BATCH_MEANS] = {0};
    double mean = 0;
    for (size_t i = 0; i < IPM_BATCH_MEANS; i++) {
        for (size_t k = 0; k < each; k++)
            groups[i] += means[i * each + k] / (double)each;
        mean += groups[i] / IPM_BATCH_MEANS;
    }
    double between = 0;
    for (size_t i = 0; i < IPM_BATCH_MEANS; i++)
        between += (groups[i] - mean) * (groups[i] - mean) / (IPM_BATCH_MEANS - 1);
    double share = variance / (samples * (double)each * between);
    return share < 1 ? share : 1; /* also where nothing varies */
}
