/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pooled.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#endif

/* All invocations on one grid of values.  @below[j * n + k]: samples of invocation k that are
 * at most values[j], side by side for one j because a probe wants all of them. */
struct grid {
    double *values, *below;
    size_t n_values, n;
};

static void drop_grid(struct grid *grid)
{
    free(grid->values);
    free(grid->below);
}

static int make_grid(const struct ipm_tally *const *tallies, size_t n,
                     struct grid *grid)
{
    size_t room = 0;
    for (size_t k = 0; k < n; k++)
        room += tallies[k]->n;
    grid->n = n;
    grid->values = calloc(room + 1, sizeof(*grid->values));
    if (grid->values == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t k = 0; k < n; k++) {
        memcpy(grid->values + used, tallies[k]->values,
               tallies[k]->n * sizeof(*grid->values));
        used += tallies[k]->n;
    }
    ipm_sort(grid->values, used);
    for (size_t i = 0; i < used; i++) {
        if (grid->n_values == 0 || grid->values[grid->n_values - 1] != grid->values[i])
            grid->values[grid->n_values++] = grid->values[i];
    }
    grid->below = calloc(grid->n_values * n + 1, sizeof(*grid->below));
    if (grid->below == NULL)
        return -ENOMEM;
    for (size_t k = 0; k < n; k++) {
        double sum = 0;
        size_t at = 0;
        for (size_t j = 0; j < grid->n_values; j++) {
            if (at < tallies[k]->n && tallies[k]->values[at] == grid->values[j])
                sum += (double)tallies[k]->counts[at++];
            grid->below[j * n + k] = sum;
        }
    }
    return 0;
}

/* The invocations of a draw: which, and how often. */
struct draw {
    size_t n;
    size_t *which;
    double *times;
};

static double sum_below(const struct grid *grid, const struct draw *draw, size_t j)
{
    const double *below = grid->below + j * grid->n;
    double sum = 0;
    for (size_t i = 0; i < draw->n; i++)
        sum += draw->times[i] * below[draw->which[i]];
    return sum;
}

/* The first place in [low, high] with at least the rank of @q below or at it. */
static size_t find(const struct grid *grid, const struct draw *draw, double q,
                   size_t low, size_t high)
{
    double rank = fmax(ceil(q * sum_below(grid, draw, grid->n_values - 1)), 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sum_below(grid, draw, middle) >= rank)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

#if IPM_HAVE_GSL

double ipm_pooled_tail(size_t n, double level)
{
    double reach = gsl_cdf_tdist_Pinv((1 + level) / 2, (double)(n - 1));
    return gsl_cdf_ugaussian_Q(sqrt((double)n / (double)(n - 1)) * reach);
}

/* FNV-1a: any text is a seed. */
static unsigned long seed_of(const char *text)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

/* Draws as many invocations as there are; @often is for its own use. */
static void draw_invocations(gsl_rng *source, size_t n, unsigned *often,
                             struct draw *draw)
{
    memset(often, 0, n * sizeof(*often));
    for (size_t i = 0; i < n; i++)
        often[gsl_rng_uniform_int(source, n)]++;
    draw->n = 0;
    for (size_t k = 0; k < n; k++) {
        if (often[k] == 0)
            continue;
        draw->which[draw->n] = k;
        draw->times[draw->n++] = often[k];
    }
}

/* Any sum of invocations has its quantile between the least and the largest of theirs. */
static void find_bounds(const struct grid *grid, double q, size_t *out_low,
                        size_t *out_high)
{
    *out_low = grid->n_values - 1;
    *out_high = 0;
    for (size_t k = 0; k < grid->n; k++) {
        double once = 1;
        struct draw one = {1, &k, &once};
        size_t at = find(grid, &one, q, 0, grid->n_values - 1);
        *out_low = at < *out_low ? at : *out_low;
        *out_high = at > *out_high ? at : *out_high;
    }
}

static int add_intervals(const struct grid *grid, const double *qs, size_t n_qs,
                         double level, const char *seed, struct draw *draw,
                         struct ipm_estimate *estimates)
{
    ipm_auto_free double *found = calloc(n_qs * IPM_POOLED_DRAWS, sizeof(*found));
    ipm_auto_free size_t *bounds = calloc(n_qs * 2, sizeof(*bounds));
    ipm_auto_free unsigned *often = calloc(grid->n, sizeof(*often));
    gsl_rng *source = gsl_rng_alloc(gsl_rng_taus2);
    if (found == NULL || bounds == NULL || often == NULL || source == NULL) {
        if (source != NULL)
            gsl_rng_free(source);
        return -ENOMEM;
    }
    gsl_rng_set(source, seed_of(seed));
    for (size_t i = 0; i < n_qs; i++)
        find_bounds(grid, qs[i], &bounds[2 * i], &bounds[2 * i + 1]);
    for (size_t d = 0; d < IPM_POOLED_DRAWS; d++) {
        draw_invocations(source, grid->n, often, draw);
        for (size_t i = 0; i < n_qs; i++)
            found[i * IPM_POOLED_DRAWS + d] =
                grid->values[find(grid, draw, qs[i], bounds[2 * i], bounds[2 * i + 1])];
    }
    gsl_rng_free(source);
    double tail = ipm_pooled_tail(grid->n, level);
    for (size_t i = 0; i < n_qs; i++) {
        double *sorted = found + i * IPM_POOLED_DRAWS;
        ipm_sort(sorted, IPM_POOLED_DRAWS);
        estimates[i].low = ipm_quantile(sorted, IPM_POOLED_DRAWS, tail);
        estimates[i].high = ipm_quantile(sorted, IPM_POOLED_DRAWS, 1 - tail);
        estimates[i].level = level;
    }
    return 0;
}

static const char no_library[] = "";

#else

double ipm_pooled_tail(size_t n, double level)
{
    (void)n;
    (void)level;
    return NAN;
}

static int add_intervals(const struct grid *grid, const double *qs, size_t n_qs,
                         double level, const char *seed, struct draw *draw,
                         struct ipm_estimate *estimates)
{
    (void)grid, (void)qs, (void)n_qs, (void)level;
    (void)seed, (void)draw, (void)estimates;
    return 0;
}

static const char no_library[] = "built without GSL";

#endif

int ipm_pooled_quantiles(const struct ipm_tally *const *tallies, size_t n,
                         const double *qs, size_t n_qs, double level, const char *seed,
                         struct ipm_estimate *out_estimates)
{
    __attribute__((cleanup(drop_grid))) struct grid grid = {0};
    ipm_auto_free size_t *which = calloc(n, sizeof(*which));
    ipm_auto_free double *times = calloc(n, sizeof(*times));
    if (which == NULL || times == NULL || make_grid(tallies, n, &grid) != 0)
        return -ENOMEM;
    struct draw draw = {n, which, times};
    for (size_t k = 0; k < n; k++) {
        which[k] = k;
        times[k] = 1;
    }
    for (size_t i = 0; i < n_qs; i++) {
        size_t at = find(&grid, &draw, qs[i], 0, grid.n_values - 1);
        struct ipm_estimate *estimate = &out_estimates[i];
        *estimate = (struct ipm_estimate){
            .value = grid.values[at], .low = NAN, .high = NAN, .level = NAN, .n = n};
        if (n < IPM_POOLED_LEAST)
            (void)snprintf(estimate->reason, sizeof(estimate->reason),
                           "too few: %zu of the %d invocations that an interval needs",
                           n, IPM_POOLED_LEAST);
        else
            (void)snprintf(estimate->reason, sizeof(estimate->reason), "%s",
                           no_library);
    }
    if (n < IPM_POOLED_LEAST)
        return 0;
    return add_intervals(&grid, qs, n_qs, level, seed, &draw, out_estimates);
}
