/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Chances of the Mann-Whitney statistic of m and n values, 0 .. m n, into @chance.  By
 * which sample the largest value of all belongs to:
 *
 *     f(m, n, u) = m / (m + n) f(m - 1, n, u - n) + n / (m + n) f(m, n - 1, u)
 *
 * Sums of positive terms only: nothing cancels.  @rows: room for (n + 1) (m n + 1).
 */
static void mann_whitney(size_t m, size_t n, double *rows, double *chance)
{
    size_t width = m * n + 1;
    /* Row k holds f(i, k, .) of the i reached so far. */
    for (size_t k = 0; k <= n; k++) {
        for (size_t u = 0; u < width; u++)
            rows[k * width + u] = u == 0;
    }
    for (size_t i = 1; i <= m; i++) {
        for (size_t k = 1; k <= n; k++) {
            double *row = rows + k * width;
            const double *fewer = row - width;
            double share = (double)i / (double)(i + k);
            for (size_t u = width; u-- > 0;)
                row[u] = (u >= k ? share * row[u - k] : 0) + (1 - share) * fewer[u];
        }
    }
    for (size_t u = 0; u < width; u++)
        chance[u] = rows[n * width + u];
}

/* The rank, from 1, of the difference that the interval begins with; 0: none is rare
 * enough. */
static size_t exact_rank(const double *chance, size_t n, double tail, double *out_level)
{
    double below = 0;
    size_t rank = 0;
    while (rank <= n && below + chance[rank] <= tail)
        below += chance[rank++];
    *out_level = 1 - 2 * below;
    return rank;
}

static size_t normal_rank(size_t m, size_t n, double level)
{
    double pairs = (double)m * (double)n;
    double z = ipm_student(1000000, level);
    double rank = floor(pairs / 2 - z * sqrt(pairs * (double)(m + n + 1) / 12));
    return rank >= 1 ? (size_t)rank : 0;
}

int ipm_shift_rank(size_t n_a, size_t n_b, double level, size_t *out_rank,
                   double *out_level)
{
    /* Of thousands of pairs of points most have as many values as the pair before. */
    static _Thread_local struct {
        size_t n_a, n_b, rank;
        double asked, achieved;
    } last;
    size_t pairs = n_a * n_b;
    if (pairs > 0 && last.n_a == n_a && last.n_b == n_b && last.asked == level) {
        *out_rank = last.rank;
        *out_level = last.achieved;
        return 0;
    }
    *out_rank = 0;
    *out_level = NAN;
    if (pairs == 0)
        return 0;
    if (pairs > IPM_SHIFT_EXACT) {
        *out_rank = normal_rank(n_a, n_b, level);
        return 0;
    }
    ipm_auto_free double *room = calloc((n_b + 2) * (pairs + 1), sizeof(*room));
    if (room == NULL)
        return -ENOMEM;
    double *chance = room + (n_b + 1) * (pairs + 1);
    mann_whitney(n_a, n_b, room, chance);
    *out_rank = exact_rank(chance, pairs, (1 - level) / 2, out_level);
    last.n_a = n_a;
    last.n_b = n_b;
    last.rank = *out_rank;
    last.asked = level;
    last.achieved = *out_level;
    return 0;
}

int ipm_estimate_shift(const double *a, size_t n_a, const double *b, size_t n_b,
                       double level, struct ipm_estimate *out_estimate)
{
    n_a = n_a > IPM_PSEUDOMEDIAN_MOST ? (size_t)IPM_PSEUDOMEDIAN_MOST : n_a;
    n_b = n_b > IPM_PSEUDOMEDIAN_MOST ? (size_t)IPM_PSEUDOMEDIAN_MOST : n_b;
    size_t pairs = n_a * n_b;
    struct ipm_estimate estimate = {
        .value = NAN, .low = NAN, .high = NAN, .level = NAN};
    estimate.n = n_a < n_b ? n_a : n_b;
    ipm_auto_free double *differences = calloc(pairs + 1, sizeof(*differences));
    if (differences == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_a; i++) {
        for (size_t k = 0; k < n_b; k++)
            differences[i * n_b + k] = b[k] - a[i];
    }
    ipm_sort(differences, pairs);
    estimate.value = ipm_quantile(differences, pairs, 0.5);
    size_t rank;
    double achieved;
    int error = ipm_shift_rank(n_a, n_b, level, &rank, &achieved);
    if (error != 0)
        return error;
    if (rank > 0) {
        estimate.low = differences[rank - 1];
        estimate.high = differences[pairs - rank];
        estimate.level = achieved;
    } else {
        (void)snprintf(estimate.reason, sizeof(estimate.reason),
                       "too few: %zu and %zu values give no interval of %.0f %%", n_a,
                       n_b, 100 * level);
    }
    *out_estimate = estimate;
    return 0;
}
