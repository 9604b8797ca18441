/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/slow_core.h"

#include "analysis/stats.h"
#include "analysis/table.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The longer of the two; NaN when either is missing. */
static double step_ns(const struct ipm_row *row)
{
    const struct ipm_reading *before = ipm_row_reading(row, "core_step_before_ns");
    const struct ipm_reading *after = ipm_row_reading(row, "core_step_after_ns");
    if (before == NULL || after == NULL || isnan(before->value) || isnan(after->value))
        return NAN;
    return fmax(before->value, after->value);
}

static int compare_cpus(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    return strcmp(left->cpus, right->cpus);
}

static int compare_points(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    return strcmp(left->point, right->point);
}

/* @rows: all of the same CPUs; @steps_ns: room for as many. */
static void mark_slow(struct ipm_row *const *rows, size_t n, double *steps_ns)
{
    for (size_t i = 0; i < n; i++)
        steps_ns[i] = step_ns(rows[i]);
    ipm_sort(steps_ns, n);
    double fastest_ns = steps_ns[(size_t)(IPM_SLOW_CORE_ODD * (double)n)];
    for (size_t i = 0; i < n; i++)
        rows[i]->slow_core = step_ns(rows[i]) > IPM_SLOW_CORE * fastest_ns;
}

/* @rows: the timing pass of one point. */
static void set_aside(struct ipm_row *const *rows, size_t n)
{
    size_t whole = 0;
    for (size_t i = 0; i < n; i++)
        whole += !rows[i]->slow_core;
    for (size_t i = 0; i < n && whole >= IPM_SLOW_CORE_LEFT; i++)
        rows[i]->set_aside = rows[i]->slow_core;
}

int ipm_slow_core_mark(struct ipm_table *table)
{
    ipm_auto_free struct ipm_row **rows = calloc(table->n_rows + 1, sizeof(*rows));
    ipm_auto_free double *steps_ns = calloc(table->n_rows + 1, sizeof(*steps_ns));
    if (rows == NULL || steps_ns == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].status == IPM_ROW_OK && !isnan(step_ns(&table->rows[i])))
            rows[n++] = &table->rows[i];
    }
    qsort(rows, n, sizeof(struct ipm_row *), compare_cpus);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && compare_cpus(&rows[to], &rows[from]) == 0; to++)
            ;
        mark_slow(rows + from, to - from, steps_ns);
    }

    size_t n_timed = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i]->pass, "timing") == 0)
            rows[n_timed++] = rows[i];
    }
    qsort(rows, n_timed, sizeof(struct ipm_row *), compare_points);
    for (size_t from = 0, to; from < n_timed; from = to) {
        for (to = from; to < n_timed && compare_points(&rows[to], &rows[from]) == 0;
             to++)
            ;
        set_aside(rows + from, to - from);
    }
    return 0;
}
