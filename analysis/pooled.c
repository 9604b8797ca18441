/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pooled.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double rounding = 1e-12; /* logits closer than this are equal */

/* Chosen with tests/bench/coverage.c: 0 covers less where few invocations hold the tail. */
static const double unequal_weight = 3;

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

/* Two ascending lists into one. */
static void merge(const double *a, size_t n_a, const double *b, size_t n_b, double *out)
{
    size_t i = 0;
    size_t k = 0;
    while (i < n_a || k < n_b)
        *out++ = k == n_b || (i < n_a && a[i] <= b[k]) ? a[i++] : b[k++];
}

/* Ascending lists @ends[k - 1] .. @ends[k] of @values into one, by pairs of neighbours. */
static void merge_all(double *values, size_t *ends, size_t n, double *scratch)
{
    while (n > 1) {
        size_t kept = 0;
        for (size_t k = 0; k < n; k += 2) {
            size_t from = k == 0 ? 0 : ends[k - 1];
            size_t middle = ends[k];
            size_t to = k + 1 < n ? ends[k + 1] : middle;
            merge(values + from, middle - from, values + middle, to - middle,
                  scratch + from);
            /* In place: what lies at @kept has been read. */
            ends[kept++] = to;
        }
        memcpy(values, scratch, ends[kept - 1] * sizeof(*values));
        n = kept;
    }
}

static int make_grid(const struct ipm_tally *const *tallies, size_t n,
                     struct grid *grid)
{
    size_t room = 0;
    for (size_t k = 0; k < n; k++)
        room += tallies[k]->n;
    grid->n = n;
    grid->values = calloc(room + 1, sizeof(*grid->values));
    ipm_auto_free double *values = calloc(room + 1, sizeof(*values));
    ipm_auto_free double *counts = calloc(room + 1, sizeof(*counts));
    ipm_auto_free double *scratch = calloc(room + 1, sizeof(*scratch));
    ipm_auto_free size_t *ends = calloc(n + 1, sizeof(*ends));
    if (grid->values == NULL || values == NULL || counts == NULL || scratch == NULL ||
        ends == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t k = 0; k < n; k++) {
        ipm_tally_unpack(tallies[k], values + used, counts + used);
        used += tallies[k]->n;
        ends[k] = used;
    }
    memcpy(grid->values, values, used * sizeof(*values));
    merge_all(grid->values, ends, n, scratch);
    for (size_t i = 0; i < used; i++) {
        if (grid->n_values == 0 || grid->values[grid->n_values - 1] != grid->values[i])
            grid->values[grid->n_values++] = grid->values[i];
    }
    grid->below = calloc(grid->n_values * n + 1, sizeof(*grid->below));
    if (grid->below == NULL)
        return -ENOMEM;
    size_t at = 0;
    for (size_t k = 0, end = 0; k < n; k++) {
        end += tallies[k]->n;
        double sum = 0;
        for (size_t j = 0; j < grid->n_values; j++) {
            if (at < end && values[at] == grid->values[j])
                sum += counts[at++];
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

/* Half a sample from the ends: a share of 1 has no logit. */
static double logit(double share, double count)
{
    double inside = fmin(fmax(share, 0.5 / count), 1 - 0.5 / count);
    return log(inside / (1 - inside));
}

/* What the samples at or below one value say about the share there. */
struct evidence {
    double distance; /* of its logit from that of q */
    double error;    /* of that, by the jackknife over invocations */
    double skewness; /* of what the invocations add to the share */
    double
        unequal; /* 1 / (invocations that the tail's weight is spread over) - 1 / n */
};

static struct evidence weigh(const struct grid *grid, size_t j, double q)
{
    const double *below = grid->below + j * grid->n;
    const double *whole = grid->below + (grid->n_values - 1) * grid->n;
    double count = sum_below(grid, grid->n_values - 1);
    double sum = sum_below(grid, j);
    double n = (double)grid->n;
    double mean = 0;
    for (size_t k = 0; k < grid->n; k++)
        mean += logit((sum - below[k]) / (count - whole[k]), count) / n;
    double spread = 0;
    double squares = 0;
    double cubes = 0;
    double tail = 0;
    double tail_squares = 0;
    for (size_t k = 0; k < grid->n; k++) {
        double without = logit((sum - below[k]) / (count - whole[k]), count) - mean;
        double apart = below[k] - sum / count * whole[k];
        double beyond = q < 0.5 ? below[k] : whole[k] - below[k];
        spread += without * without;
        squares += apart * apart;
        cubes += apart * apart * apart;
        tail += beyond;
        tail_squares += beyond * beyond;
    }
    return (struct evidence){
        .distance = logit(sum / count, count) - log(q / (1 - q)),
        .error = sqrt((n - 1) / n * spread),
        .skewness = squares > 0 ? cubes / n / pow(squares / n, 1.5) : 0,
        .unequal = tail > 0 ? tail_squares / (tail * tail) - 1 / n : 0};
}

/* What is compared with Student's t, and what bounds that t: its freedom is different at each
 * value, its inverse is most of the work, and most values are decided without. */
struct scale {
    double q, level;
    double least, most; /* of t: with all freedom there could be, with the least */
};

static double freedom_of(size_t n, double q, double unequal)
{
    return ((double)n - 1) / (1 + unequal_weight * fabs(2 * q - 1) * unequal);
}

static struct scale scale_of(const struct grid *grid, double q, double level)
{
    double n = (double)grid->n;
    /* Rounding may take the spread of the tail's weight a little beyond its ends. */
    return (struct scale){
        .q = q,
        .level = level,
        .least = ipm_student(freedom_of(grid->n, q, 0), level) * (1 - 1e-9),
        .most = ipm_student(freedom_of(grid->n, q, 1 - 1 / n), level) * (1 + 1e-9)};
}

/* Whether @size is at most Student's t. */
static bool is_within(const struct grid *grid, const struct scale *scale, double size,
                      double unequal)
{
    if (size <= scale->least)
        return true;
    return size < scale->most &&
           size <= ipm_student(freedom_of(grid->n, scale->q, unequal), scale->level);
}

static struct reached reaches(const struct grid *grid, size_t j,
                              const struct scale *scale)
{
    struct evidence at = weigh(grid, j, scale->q);
    if (at.error < rounding)
        return (struct reached){at.distance >= -rounding, at.distance >= -rounding};
    double root = sqrt((double)grid->n);
    double skewness = at.skewness * fabs(2 * scale->q - 1);
    double y = at.distance / at.error / root;
    double symmetric =
        root * (y + skewness * y * y / 3 + skewness * skewness * y * y * y / 27) +
        skewness / 6 / root;
    bool within = is_within(grid, scale, fabs(symmetric), at.unequal);
    return (struct reached){symmetric >= 0 || within, symmetric >= 0 && !within};
}

/* Outwards from the estimate: far out, where one invocation alone has samples on one side,
 * everything is possible again, and says nothing. */
static void add_interval(const struct grid *grid, double q, double level,
                         struct ipm_estimate *estimate)
{
    if (isnan(ipm_student((double)grid->n - 1, level))) {
        (void)snprintf(estimate->reason, sizeof(estimate->reason), "built without GSL");
        return;
    }
    struct scale scale = scale_of(grid, q, level);
    size_t low = find(grid, q);
    size_t high = low;
    while (low > 0 && reaches(grid, low - 1, &scale).low)
        low--;
    while (high + 1 < grid->n_values && !reaches(grid, high, &scale).high)
        high++;
    estimate->level = level;
    estimate->low = grid->values[low];
    estimate->high = grid->values[high]; /* at most the largest: it is all there is */
}

size_t ipm_pooled_needs(double q)
{
    return fabs(2 * q - 1) > 0.99 ? 2 * IPM_POOLED_LEAST : (size_t)IPM_POOLED_LEAST;
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
        if (n >= ipm_pooled_needs(qs[i]))
            add_interval(&grid, qs[i], level, estimate);
        else
            (void)snprintf(estimate->reason, sizeof(estimate->reason),
                           "too few: %zu of the %zu invocations that an interval needs",
                           n, ipm_pooled_needs(qs[i]));
    }
    return 0;
}
