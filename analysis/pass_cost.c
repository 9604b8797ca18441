/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pass_cost.h"

#include "analysis/summary.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One invocation of a pass against the timing pass's beside it. */
struct twin {
    const char *pass, *point;
    double ratio;
};

/* NaN: the row has no time, or one that its plan of send times makes, not the machine. */
static double time_ns(const struct ipm_row *row)
{
    if (strcmp(row->factors.rate, "max") != 0)
        return NAN;
    if (isfinite(row->p50_ns) && row->p50_ns > 0)
        return row->p50_ns;
    return row->messages_per_s > 0 ? 1e9 / row->messages_per_s : NAN;
}

static int compare_rows(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    int order = strcmp(left->point, right->point);
    if (order == 0)
        order = (left->block > right->block) - (left->block < right->block);
    return order != 0 ? order : strcmp(left->pass, right->pass);
}

static int compare_twins(const void *a, const void *b)
{
    const struct twin *left = a;
    const struct twin *right = b;
    int order = strcmp(left->pass, right->pass);
    return order != 0 ? order : strcmp(left->point, right->point);
}

/* Pairs each row with the timing row of its point and block, where there is one, and where
 * both had a slow core or neither.  Two windows under load share a block, so that invocations of the same number are no pair. */
static size_t pair(const struct ipm_row *const *rows, size_t n, struct twin *twins)
{
    size_t n_twins = 0;
    for (size_t from = 0, to; from < n; from = to) {
        double timing_ns = NAN;
        bool timing_slow = false;
        for (to = from; to < n && rows[to]->block == rows[from]->block &&
                        strcmp(rows[to]->point, rows[from]->point) == 0;
             to++) {
            if (strcmp(rows[to]->pass, "timing") != 0)
                continue;
            timing_ns = time_ns(rows[to]);
            timing_slow = rows[to]->slow_core;
        }
        for (size_t i = from; i < to && isfinite(timing_ns); i++) {
            double ratio = time_ns(rows[i]) / timing_ns;
            if (strcmp(rows[i]->pass, "timing") != 0 && isfinite(ratio) &&
                rows[i]->slow_core == timing_slow)
                twins[n_twins++] = (struct twin){rows[i]->pass, rows[i]->point, ratio};
        }
    }
    return n_twins;
}

/* One pass: the median over blocks of each point, then over points. */
static void judge(const struct twin *twins, size_t n, double *ratios, double *medians,
                  struct ipm_pass_cost *cost)
{
    size_t points = 0;
    for (size_t from = 0, to; from < n; from = to) {
        size_t k = 0;
        for (to = from; to < n && strcmp(twins[to].point, twins[from].point) == 0; to++)
            ratios[k++] = twins[to].ratio;
        ipm_sort(ratios, k);
        medians[points++] = ipm_quantile(ratios, k, 0.5);
    }
    cost->pass = twins[0].pass;
    ipm_estimate_median(medians, points, IPM_SUMMARY_LEVEL, &cost->ratio);
}

int ipm_pass_costs_make(const struct ipm_table *table, struct ipm_pass_costs *out_costs,
                        struct ipm_why *why)
{
    size_t room = table->n_rows + 1;
    ipm_auto_free const struct ipm_row **rows = calloc(room, sizeof(*rows));
    ipm_auto_free struct twin *twins = calloc(room, sizeof(*twins));
    ipm_auto_free double *ratios = calloc(2 * room, sizeof(*ratios));
    struct ipm_pass_costs costs = {.list = calloc(room, sizeof(*costs.list))};
    if (rows == NULL || twins == NULL || ratios == NULL || costs.list == NULL) {
        free(costs.list);
        return ipm_why_set(why, -ENOMEM, "compare the passes: ");
    }
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].status == IPM_ROW_OK)
            rows[n++] = &table->rows[i];
    }
    qsort(rows, n, sizeof(*rows), compare_rows);
    size_t n_twins = pair(rows, n, twins);
    qsort(twins, n_twins, sizeof(*twins), compare_twins);
    for (size_t from = 0, to; from < n_twins; from = to) {
        to = from;
        while (to < n_twins && strcmp(twins[to].pass, twins[from].pass) == 0)
            to++;
        judge(twins + from, to - from, ratios, ratios + room, &costs.list[costs.n++]);
    }
    *out_costs = costs;
    return 0;
}

void ipm_pass_costs_fini(struct ipm_pass_costs *costs)
{
    free(costs->list);
    *costs = (struct ipm_pass_costs){0};
}
