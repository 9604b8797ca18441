/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Largest k with P(T < k) <= tail for the signed-rank statistic T of n values, 0 <= T <=
 * n (n + 1) / 2: the sum of a random subset of 1 .. n.  Its distribution by adding one rank
 * at a time.
 */
static size_t lower_rank(size_t n, double tail, double *chance)
{
    size_t most =
        n * (n + 1) / 4; /* the lower half: it has all of a tail of at most 1/2 */
    memset(chance, 0, (most + 1) * sizeof(*chance));
    chance[0] = 1;
    size_t reached = 0;
    for (size_t rank = 1; rank <= n; rank++) {
        reached = reached + rank < most ? reached + rank : most;
        for (size_t sum = reached + 1; sum-- > 0;)
            chance[sum] = 0.5 * (chance[sum] + (sum >= rank ? chance[sum - rank] : 0));
    }
    double below = 0;
    size_t k = 0;
    while (k <= most && below + chance[k] <= tail)
        below += chance[k++];
    return k;
}

int ipm_estimate_pseudomedian(const double *values, size_t n, double level,
                              struct ipm_estimate *out_estimate)
{
    struct ipm_estimate estimate = {
        .value = NAN, .low = NAN, .high = NAN, .level = NAN, .n = n};
    if (n > IPM_PSEUDOMEDIAN_MOST)
        estimate.n = n = IPM_PSEUDOMEDIAN_MOST;
    size_t pairs = n * (n + 1) / 2;
    ipm_auto_free double *walsh = malloc((pairs + 1) * sizeof(*walsh));
    ipm_auto_free double *chance = malloc((pairs + 1) * sizeof(*chance));
    if (walsh == NULL || chance == NULL)
        return -ENOMEM;
    size_t filled = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i; k < n; k++)
            walsh[filled++] = (values[i] + values[k]) / 2;
    }
    size_t k = n > 0 ? lower_rank(n, (1 - level) / 2, chance) : 0;
    /* Where a rank was selected, what lies beyond it is past looking at; at most half of the
     * distribution lies below k, so that the median is between. */
    double *middle = walsh;
    size_t n_middle = pairs;
    if (k > 0) {
        double outside = 0;
        for (size_t i = 0; i < k; i++)
            outside += 2 * chance[i];
        estimate.low = ipm_select(walsh, pairs, k - 1);
        middle = walsh + k - 1;
        n_middle = pairs - 2 * (k - 1);
        estimate.high = ipm_select(middle, pairs - (k - 1), n_middle - 1);
        estimate.level = 1 - outside;
    } else {
        (void)snprintf(estimate.reason, sizeof(estimate.reason),
                       "too few: %zu values give no interval of %.0f %%", n,
                       100 * level);
    }
    if (n_middle > 0)
        estimate.value = (ipm_select(middle, n_middle, (n_middle - 1) / 2) +
                          ipm_select(middle, n_middle, n_middle / 2)) /
                         2;
    *out_estimate = estimate;
    return 0;
}
