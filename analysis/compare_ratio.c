/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_ratio.h"

#include "analysis/differences.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALL = 32 };

const char *const ipm_compare_standing_names[IPM_COMPARE_STANDINGS] = {
    "better", "worse", "tied", "unsure", "none"};

bool ipm_compare_between(const struct ipm_compare *compare, size_t a, size_t b)
{
    return compare->first[a + 1] - compare->first[a] > 1 &&
           compare->first[b + 1] - compare->first[b] > 1;
}

size_t ipm_compare_clusters(const struct ipm_compare *compare, size_t side,
                            bool between)
{
    size_t n = 0;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++)
        n += between ? 1 : compare->sessions[i].n_blocks;
    return n;
}

static void take_joules(const struct ipm_compare *compare,
                        const struct ipm_compare_point *point, size_t side,
                        struct ipm_compare_values *values)
{
    double sum = 0;
    double square = 0;
    size_t n = 0;
    values->freedom = INFINITY;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const struct ipm_compare_cell *cell = ipm_compare_cell(compare, point, i);
        for (; cell != NULL; cell = cell->pooled) {
            if (isnan(cell->joules[0]))
                continue;
            sum += cell->joules[0];
            square += cell->joules[1] * cell->joules[1];
            values->freedom = fmin(values->freedom, cell->joules[2]);
            n++;
        }
    }
    if (n == 0)
        return;
    values->n = 1;
    values->cost_room[0] = sum / (double)n;
    values->cluster_room[0] = 0;
    values->error = sqrt(square) / (double)n;
}

static void put_value(struct ipm_compare_values *values, double cost, size_t cluster)
{
    if (values->n == IPM_COMPARE_VALUES)
        return;
    values->cluster_room[values->n] = (int32_t)cluster;
    values->cost_room[values->n++] = cost;
}

void ipm_compare_take(const struct ipm_compare *compare,
                      const struct ipm_compare_point *point, size_t side,
                      enum ipm_by by, bool between,
                      struct ipm_compare_values *out_values)
{
    out_values->n = 0;
    out_values->error = out_values->freedom = NAN;
    out_values->cost = out_values->cost_room;
    out_values->cluster = out_values->cluster_room;
    if (by == IPM_BY_JOULES) {
        take_joules(compare, point, side, out_values);
        return;
    }
    const struct ipm_compare_cell *only =
        ipm_compare_cell(compare, point, compare->first[side]);
    if (compare->first[side + 1] - compare->first[side] == 1 && only != NULL &&
        only->pooled == NULL && only->known[by] == only->n &&
        only->n <= IPM_COMPARE_VALUES && !between) {
        /* The usual side has one session, and in that all of them. */
        out_values->n = only->n;
        out_values->cost = only->costs[by];
        out_values->cluster = only->blocks;
        return;
    }
    size_t offset = 0;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const struct ipm_compare_cell *cell = ipm_compare_cell(compare, point, i);
        double sum = 0;
        size_t n = 0;
        for (; cell != NULL; cell = cell->pooled) {
            for (uint32_t k = 0; k < cell->n; k++) {
                double cost = cell->costs[by][k];
                if (isnan(cost))
                    continue;
                sum += cost;
                n++;
                if (!between)
                    put_value(out_values, cost, offset + (size_t)cell->blocks[k]);
            }
        }
        if (between && n > 0)
            put_value(out_values, sum / (double)n, offset);
        offset += between ? 1 : compare->sessions[i].n_blocks;
    }
}

static int rank_of(struct ipm_compare_ranks *ranks, size_t n_a, size_t n_b, size_t *out)
{
    double level;
    bool small = n_a <= SMALL && n_b <= SMALL;
    if (small && ranks->rank[n_a][n_b] > 0) {
        *out = ranks->rank[n_a][n_b] - 1;
        return 0;
    }
    int error = ipm_shift_rank(n_a, n_b, IPM_COMPARE_LEVEL, out, &level);
    if (error == 0 && small)
        ranks->rank[n_a][n_b] = *out + 1;
    return error;
}

/* What the standing needs of an interval, which is whether 1 is in it, is counted. */
static enum ipm_compare_standing stand_by_count(struct ipm_differences *differences,
                                                size_t rank, double value)
{
    size_t pairs = differences->n_a * differences->n_b;
    double least = differences->b[0] - differences->a[differences->n_a - 1];
    double most = differences->b[differences->n_b - 1] - differences->a[0];
    if (value > 1 + IPM_COMPARE_MARGIN &&
        (least > 0 || ipm_differences_below(differences, nextafter(0, 1)) < rank))
        return IPM_COMPARE_WORSE;
    if (value < 1 / (1 + IPM_COMPARE_MARGIN) &&
        (most < 0 || ipm_differences_below(differences, 0) > pairs - rank))
        return IPM_COMPARE_BETTER;
    return IPM_COMPARE_TIED;
}

/* Hodges and Lehmann's shift, as ipm_estimate_shift(). */
static int shift(const struct ipm_compare_values *a, const struct ipm_compare_values *b,
                 bool interval, struct ipm_compare_ranks *ranks,
                 struct ipm_compare_ratio *ratio)
{
    struct ipm_differences differences;
    size_t rank;
    size_t pairs = a->n * b->n;
    int error = rank_of(ranks, a->n, b->n, &rank);
    if (error != 0)
        return -ENOMEM;
    ipm_differences_make(&differences, a->cost, a->n, b->cost, b->n);
    double lower = ipm_differences_rank(&differences, (pairs - 1) / 2);
    double upper =
        pairs % 2 == 0 ? ipm_differences_rank(&differences, pairs / 2) : lower;
    ratio->value = exp((lower + upper) / 2);
    if (rank == 0) {
        ratio->standing = IPM_COMPARE_UNSURE;
        (void)snprintf(ratio->reason, sizeof(ratio->reason),
                       "too few: %zu and %zu invocations give no interval of %.0f %%",
                       a->n, b->n, 100 * IPM_COMPARE_LEVEL);
        return 0;
    }
    ratio->standing = stand_by_count(&differences, rank, ratio->value);
    if (interval) {
        ratio->low = exp(ipm_differences_rank(&differences, rank - 1));
        ratio->high = exp(ipm_differences_rank(&differences, pairs - rank));
    }
    return 0;
}

static double mean_of(const struct ipm_compare_values *values, double *out_square)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < values->n; i++)
        sum += values->cost[i];
    double mean = sum / (double)values->n;
    for (size_t i = 0; i < values->n; i++)
        squares += (values->cost[i] - mean) * (values->cost[i] - mean);
    *out_square =
        values->n > 1 ? squares / ((double)values->n - 1) / (double)values->n : NAN;
    return mean;
}

/* Welch's interval of a difference of means, with degrees of freedom by Satterthwaite. */
static void welch(const struct ipm_compare_values *a,
                  const struct ipm_compare_values *b, struct ipm_compare_ratio *ratio)
{
    double left;
    double right;
    double mean = mean_of(a, &left);
    double difference = mean_of(b, &right) - mean;
    double free_a = (double)a->n - 1;
    double free_b = (double)b->n - 1;
    if (!isnan(a->error) && !isnan(b->error)) {
        left = a->error * a->error;
        right = b->error * b->error;
        free_a = a->freedom;
        free_b = b->freedom;
    }
    ratio->value = exp(difference);
    double both = left + right;
    double freedom = both * both / (left * left / free_a + right * right / free_b);
    /* Without any spread all of it is known, and no degree of freedom is. */
    double reach = both == 0 ? 0 : ipm_student(freedom, IPM_COMPARE_LEVEL) * sqrt(both);
    if (isnan(reach)) {
        (void)snprintf(ratio->reason, sizeof(ratio->reason),
                       "too few: %zu and %zu sessions give no interval", a->n, b->n);
        return;
    }
    ratio->low = exp(difference - reach);
    ratio->high = exp(difference + reach);
}

static enum ipm_compare_standing stand(const struct ipm_compare_ratio *ratio)
{
    if (isnan(ratio->value))
        return IPM_COMPARE_NONE;
    if (isnan(ratio->low))
        return IPM_COMPARE_UNSURE;
    if (ratio->low > 1 && ratio->value > 1 + IPM_COMPARE_MARGIN)
        return IPM_COMPARE_WORSE;
    if (ratio->high < 1 && ratio->value < 1 / (1 + IPM_COMPARE_MARGIN))
        return IPM_COMPARE_BETTER;
    return IPM_COMPARE_TIED;
}

int ipm_compare_ratio(const struct ipm_compare_values *a,
                      const struct ipm_compare_values *b, bool between, bool interval,
                      struct ipm_compare_ranks *ranks,
                      struct ipm_compare_ratio *out_ratio)
{
    struct ipm_compare_ratio *ratio = out_ratio;
    ratio->value = ratio->low = ratio->high = NAN;
    ratio->n_a = a->n;
    ratio->n_b = b->n;
    ratio->reason[0] = '\0';
    ratio->standing = IPM_COMPARE_NONE;
    if (a->n == 0 || b->n == 0)
        return 0;
    if (!between && isnan(a->error))
        return shift(a, b, interval, ranks, ratio);
    welch(a, b, ratio);
    ratio->standing = stand(ratio);
    return 0;
}
