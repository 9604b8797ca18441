/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pooled.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Samples that are at most values[j]. */
static double sum_below(const struct grid *grid, size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < grid->n; k++)
        sum += grid->below[j * grid->n + k];
    return sum;
}

/* The first place with the rank of @q below or at it. */
static size_t find(const struct grid *grid, double q)
{
    double rank = fmax(ceil(q * sum_below(grid, grid->n_values - 1)), 1);
    size_t low = 0;
    size_t high = grid->n_values - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sum_below(grid, middle) >= rank)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Whether a value lies below, inside or above the interval, as a pair of flags: the smallest
 * value with the first one set is its lower end, with the second its upper one. */
struct reached {
    bool low, high;
};

static struct reached reaches(const struct grid *grid, size_t j, double q,
                              double student)
{
    const double *below = grid->below + j * grid->n;
    const double *whole = grid->below + (grid->n_values - 1) * grid->n;
    double count = sum_below(grid, grid->n_values - 1);
    /* Half a sample from the ends: a share of 1 has no logit. */
    double exact = sum_below(grid, j) / count;
    double share = fmin(fmax(exact, 0.5 / count), 1 - 0.5 / count);
    double squares = 0;
    for (size_t k = 0; k < grid->n; k++) {
        double apart = below[k] - exact * whole[k];
        squares += apart * apart;
    }
    double n = (double)grid->n;
    double error = sqrt(n / (n - 1) * squares) / count;
    double logit = log(share / (1 - share)) - log(q / (1 - q));
    double reach = student * error / (share * (1 - share));
    return (struct reached){logit + reach >= 0, logit - reach >= 0};
}

static void add_interval(const struct grid *grid, double q, double level,
                         struct ipm_estimate *estimate)
{
    double student = ipm_student(grid->n, level);
    if (isnan(student)) {
        (void)snprintf(estimate->reason, sizeof(estimate->reason), "built without GSL");
        return;
    }
    estimate->level = level;
    for (size_t j = 0; j < grid->n_values; j++) {
        struct reached reached = reaches(grid, j, q, student);
        if (reached.low && isnan(estimate->low))
            estimate->low = grid->values[j];
        if (!reached.high)
            continue;
        estimate->high = grid->values[j];
        break;
    }
    /* The largest sample is all there is to say. */
    if (isnan(estimate->high))
        estimate->high = grid->values[grid->n_values - 1];
}

int ipm_pooled_quantiles(const struct ipm_tally *const *tallies, size_t n,
                         const double *qs, size_t n_qs, double level,
                         struct ipm_estimate *out_estimates)
{
    __attribute__((cleanup(drop_grid))) struct grid grid = {0};
    if (make_grid(tallies, n, &grid) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < n_qs; i++) {
        struct ipm_estimate *estimate = &out_estimates[i];
        *estimate = (struct ipm_estimate){.value = grid.values[find(&grid, qs[i])],
                                          .low = NAN,
                                          .high = NAN,
                                          .level = NAN,
                                          .n = n};
        if (n >= IPM_POOLED_LEAST)
            add_interval(&grid, qs[i], level, estimate);
        else
            (void)snprintf(estimate->reason, sizeof(estimate->reason),
                           "too few: %zu of the %d invocations that an interval needs",
                           n, IPM_POOLED_LEAST);
    }
    return 0;
}
