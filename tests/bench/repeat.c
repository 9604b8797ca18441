/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_repeat: do two runs of one config give the same?
 *
 *     bench_repeat DIR DIR
 *
 * Per point the medians of both runs with their 99 % intervals, which hold what the config
 * declares of other runs (repeat.between_runs).  A point is MATCHED when both
 * runs saw the same machine: its cores' steps, and between two CPUs its cache-line round
 * trips, are within 10 % of each other, since times follow the pace of the core.  A matched
 * point REPEATS when each median lies within the other run's interval and both half-widths are
 * at most 10 % of their medians.
 */
#include "analysis/manifest.h"
#include "analysis/stats.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "base/cleanup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double level = 0.99;
static const double same_machine = 1.10;
static const double widest = 0.10;

struct run {
    double between_runs;
    struct ipm_table table;
    struct ipm_summary summary;
};

static int read_run(const char *directory, struct run *run)
{
    char path[4096];
    struct ipm_why why = {0};
    ipm_auto_json json_t *manifest = NULL;
    (void)snprintf(path, sizeof(path), "%s/records.jsonl", directory);
    int error = ipm_manifest_read(directory, &manifest, &why);
    if (error == 0)
        error = ipm_table_read(path, &run->table, &why);
    if (error == 0)
        error = ipm_summary_make(&run->table, manifest, &run->summary, &why);
    run->between_runs = ipm_manifest_between_runs(manifest);
    if (error != 0)
        (void)fprintf(stderr, "bench_repeat: %s\n", why.text);
    return error;
}

/* Median time of an operation, or of a message where none is timed alone. */
static double value_of(const struct ipm_row *row)
{
    return strcmp(row->sample, "interval") == 0 ? 1e9 / row->messages_per_s
                                                : row->p50_ns;
}

static void estimate(const struct run *run, const char *point, struct ipm_estimate *out)
{
    const struct ipm_table *table = &run->table;
    ipm_auto_free double *values = calloc(table->n_rows + 1, sizeof(*values));
    size_t n = 0;
    for (size_t i = 0; values != NULL && i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status == IPM_ROW_OK && !row->set_aside &&
            strcmp(row->pass, "timing") == 0 && strcmp(row->point, point) == 0 &&
            isfinite(value_of(row)))
            values[n++] = value_of(row);
    }
    if (values == NULL)
        return;
    ipm_estimate_median(values, n, level, out);
    ipm_estimate_widen(out, run->between_runs);
}

static bool alike(const struct ipm_point *a, const struct ipm_point *b,
                  const char *figure)
{
    double x = ipm_point_value(a, figure);
    double y = ipm_point_value(b, figure);
    return (isnan(x) && isnan(y)) || (x <= same_machine * y && y <= same_machine * x);
}

static double half_width(const struct ipm_estimate *estimate)
{
    return (estimate->high - estimate->low) / 2 / estimate->value;
}

static bool within(const struct ipm_estimate *a, const struct ipm_estimate *b)
{
    return b->low <= a->value && a->value <= b->high;
}

int main(int argc, char **argv)
{
    struct run a = {0};
    struct run b = {0};
    if (argc != 3) {
        (void)fputs("usage: bench_repeat DIR DIR\n", stderr);
        return 2;
    }
    if (read_run(argv[1], &a) != 0 || read_run(argv[2], &b) != 0)
        return 1;
    size_t matched = 0;
    size_t inside = 0;
    size_t repeated = 0;
    size_t shared = 0;
    (void)printf("%-10s %-14s %8s %-13s %7s %7s %7s  %s\n", "workload", "mechanism",
                 "size", "placement", "ratio", "+-a", "+-b", "verdict");
    for (size_t i = 0; i < a.summary.n_points; i++) {
        const struct ipm_point *left = &a.summary.points[i];
        const struct ipm_point *right = NULL;
        for (size_t k = 0; k < b.summary.n_points; k++) {
            if (strcmp(b.summary.points[k].id, left->id) == 0)
                right = &b.summary.points[k];
        }
        if (right == NULL)
            continue;
        shared++;
        struct ipm_estimate x;
        struct ipm_estimate y;
        estimate(&a, left->id, &x);
        estimate(&b, right->id, &y);
        bool match = alike(left, right, "core_step_ns") &&
                     alike(left, right, "cacheline_rtt_ns");
        bool in = match && within(&x, &y) && within(&y, &x);
        bool narrow = half_width(&x) <= widest && half_width(&y) <= widest;
        matched += match;
        inside += in;
        repeated += in && narrow;
        (void)printf("%-10s %-14s %8lld %-13s %7.3f %6.1f%% %6.1f%%  %s\n",
                     left->factors.workload, left->factors.mechanism,
                     (long long)left->factors.size, left->factors.placement,
                     y.value / x.value, 100 * half_width(&x), 100 * half_width(&y),
                     !match         ? "another machine"
                     : in && narrow ? "repeats"
                     : in           ? "too wide"
                                    : "differs");
    }
    (void)printf("%zu of %zu points saw the same machine; of these %zu lie within each "
                 "other's 99 %% intervals, %zu (%.0f %%) with half-widths of at most "
                 "10 %%\n",
                 matched, shared, inside, repeated,
                 matched > 0 ? 100.0 * (double)repeated / (double)matched : NAN);
    ipm_summary_fini(&a.summary);
    ipm_summary_fini(&b.summary);
    ipm_table_fini(&a.table);
    ipm_table_fini(&b.table);
    return 0;
}
