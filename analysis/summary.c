/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/summary.h"

#include "analysis/figures.h"
#include "analysis/manifest.h"
#include "analysis/overhead.h"
#include "analysis/tails.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int ipm_factors_compare(const struct ipm_factors *a, const struct ipm_factors *b)
{
    const int orders[] = {
        strcmp(a->workload, b->workload),
        strcmp(a->mechanism, b->mechanism),
        compare_integers(a->copies, b->copies),
        strcmp(a->wait, b->wait),
        strcmp(a->placement, b->placement),
        compare_integers(a->size, b->size),
        strcmp(a->touch, b->touch),
        compare_integers(a->reply_size, b->reply_size),
        compare_integers(a->depth, b->depth),
        compare_integers(a->batch, b->batch),
        strcmp(a->policy, b->policy),
        strcmp(a->rate, b->rate),
        strcmp(a->options, b->options),
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return 0;
}

/* Rows of a point together, its passes by name, repeated lines side by side. */
static int compare_rows(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    int order = strcmp(left->point, right->point);
    if (order == 0)
        order = strcmp(left->pass, right->pass);
    if (order == 0)
        order = compare_integers(left->invocation, right->invocation);
    if (order == 0)
        order = strcmp(left->build, right->build);
    if (order == 0)
        order = compare_integers(left->status, right->status);
    return order != 0 ? order
                      : compare_integers((int64_t)left->line, (int64_t)right->line);
}

static bool repeats(const struct ipm_row *row, const struct ipm_row *earlier)
{
    return row->status == IPM_ROW_OK && earlier->status == IPM_ROW_OK &&
           strcmp(row->point, earlier->point) == 0 &&
           strcmp(row->pass, earlier->pass) == 0 &&
           row->invocation == earlier->invocation &&
           strcmp(row->build, earlier->build) == 0;
}

/* All rows that count, sorted; ok lines of an invocation that has one are left out. */
static int sort_rows(const struct ipm_table *table, struct ipm_health *health,
                     const struct ipm_row ***out_rows, size_t *out_n)
{
    const struct ipm_row **rows = calloc(table->n_rows + 1, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->n_rows; i++)
        rows[i] = &table->rows[i];
    qsort(rows, table->n_rows, sizeof(*rows), compare_rows);

    size_t kept = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (kept > 0 && repeats(rows[i], rows[kept - 1])) {
            health->repeated++;
            continue;
        }
        rows[kept++] = rows[i];
        health->rows[rows[i]->status]++;
        if (rows[i]->status != IPM_ROW_OK)
            continue;
        health->regime_changed += rows[i]->regime_changed;
        health->slow_core += rows[i]->slow_core;
        health->set_aside += rows[i]->set_aside;
    }
    *out_rows = rows;
    *out_n = kept;
    return 0;
}

static int count_passes(const struct ipm_row *const *rows, size_t n,
                        struct ipm_point *point)
{
    point->passes = calloc(n, sizeof(*point->passes));
    if (point->passes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(rows[i]->pass, rows[i - 1]->pass) != 0)
            point->passes[point->n_passes++].pass = rows[i]->pass;
        point->passes[point->n_passes - 1].rows[rows[i]->status]++;
    }
    return 0;
}

/* @rows: those of one point. */
static int make_point(const struct ipm_row *const *rows, size_t n,
                      const json_t *manifest, struct ipm_point *point)
{
    *point = (struct ipm_point){
        .id = rows[0]->point, .factors = rows[0]->factors, .sample = ""};
    point->floor = ipm_manifest_is_floor(manifest, point->factors.mechanism);
    point->token =
        ipm_manifest_has_capability(manifest, point->factors.mechanism, "token");
    int error = count_passes(rows, n, point);
    if (error != 0)
        return error;

    ipm_auto_free const struct ipm_row **ok = calloc(n, sizeof(*ok));
    ipm_auto_free const struct ipm_row **timed = calloc(n, sizeof(*timed));
    if (ok == NULL || timed == NULL)
        return -ENOMEM;
    size_t n_ok = 0;
    size_t n_timed = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->status != IPM_ROW_OK)
            continue;
        point->regime_changed += rows[i]->regime_changed;
        point->slow_core += rows[i]->slow_core;
        point->set_aside += rows[i]->set_aside;
        if (rows[i]->set_aside)
            continue;
        ok[n_ok++] = rows[i];
        if (strcmp(rows[i]->pass, "timing") != 0)
            continue;
        /* One batched invocation makes the point's tail one of batch means. */
        if (point->sample[0] == '\0' || strcmp(rows[i]->sample, "batch") == 0)
            point->sample = rows[i]->sample;
        if (rows[i]->timing_batch > point->timing_batch)
            point->timing_batch = rows[i]->timing_batch;
        if (rows[i]->operations > 0)
            point->messages_per_operation =
                round((double)rows[i]->messages / (double)rows[i]->operations);
        point->steady[rows[i]->steady.state]++;
        timed[n_timed++] = rows[i];
    }
    point->sampling = ipm_tails_sampling(timed, n_timed);
    error = ipm_open_loop_sum(timed, n_timed, &point->open_loop);
    return error != 0 ? error
                      : ipm_figures_make(ok, n_ok, &point->figures, &point->n_figures);
}

/* What differs from run to run cannot be seen in one; it is of times, not of counts. */
static void widen(struct ipm_point *point, double between_runs)
{
    for (size_t i = 0; i < point->n_figures; i++) {
        struct ipm_figure *figure = &point->figures[i];
        if (strcmp(figure->pass, "timing") == 0 &&
            (strcmp(figure->unit, "ns") == 0 || strcmp(figure->unit, "1/s") == 0 ||
             strcmp(figure->unit, "B/s") == 0))
            ipm_estimate_widen(&figure->estimate, between_runs);
    }
}

static int compare_points(const void *a, const void *b)
{
    const struct ipm_point *left = a;
    const struct ipm_point *right = b;
    int order = ipm_factors_compare(&left->factors, &right->factors);
    return order != 0 ? order : strcmp(left->id, right->id);
}

static int make_points(const struct ipm_row *const *rows, size_t n,
                       const json_t *manifest, struct ipm_summary *summary)
{
    summary->points = calloc(n + 1, sizeof(*summary->points));
    if (summary->points == NULL)
        return -ENOMEM;
    double between_runs = ipm_manifest_between_runs(manifest);
    for (size_t from = 0, to; from < n; from = to) {
        to = from;
        while (to < n && strcmp(rows[to]->point, rows[from]->point) == 0)
            to++;
        int error = make_point(rows + from, to - from, manifest,
                               &summary->points[summary->n_points++]);
        if (error != 0)
            return error;
        widen(&summary->points[summary->n_points - 1], between_runs);
    }
    qsort(summary->points, summary->n_points, sizeof(*summary->points), compare_points);
    ipm_overhead_apply(summary->points, summary->n_points);
    for (size_t i = 0; i < summary->n_points; i++)
        summary->health.not_steady += summary->points[i].steady[IPM_STEADY_NONE];
    return 0;
}

/* Rows of one build together; the rest of the order only makes it a fixed one. */
static int compare_builds(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    int order = strcmp(left->build, right->build);
    return order != 0 ? order : compare_rows(a, b);
}

/* What the ok rows have in common: builds, and metrics that none of them has. */
static int survey(const struct ipm_row *const *rows, size_t n,
                  struct ipm_summary *summary)
{
    ipm_auto_free const struct ipm_row **ok = calloc(n + 1, sizeof(*ok));
    if (ok == NULL)
        return -ENOMEM;
    size_t n_ok = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->status == IPM_ROW_OK)
            ok[n_ok++] = rows[i];
    }
    qsort(ok, n_ok, sizeof(*ok), compare_builds);
    for (size_t i = 0; i < n_ok; i++)
        summary->health.builds += i == 0 || strcmp(ok[i - 1]->build, ok[i]->build) != 0;

    ipm_auto_free const char **names = NULL;
    size_t n_names = 0;
    int error = ipm_metric_names(ok, n_ok, &names, &n_names);
    if (error != 0)
        return error;
    summary->absent = calloc(n_names + 1, sizeof(*summary->absent));
    if (summary->absent == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_names; i++) {
        const char *reason = ipm_metric_absence(ok, n_ok, names[i]);
        if (reason[0] == '\0')
            continue;
        const char *unit = "";
        for (size_t k = 0; k < n_ok && unit[0] == '\0'; k++) {
            const struct ipm_reading *reading = ipm_row_reading(ok[k], names[i]);
            unit = reading == NULL ? "" : reading->unit;
        }
        summary->absent[summary->n_absent++] =
            (struct ipm_absence){.name = names[i], .unit = unit, .reason = reason};
    }
    return 0;
}

int ipm_summary_make(const struct ipm_table *table, const json_t *manifest,
                     struct ipm_summary *out_summary, struct ipm_why *why)
{
    ipm_auto_summary struct ipm_summary summary = {0};
    ipm_auto_free const struct ipm_row **rows = NULL;
    size_t n = 0;
    int error = sort_rows(table, &summary.health, &rows, &n);
    if (error == 0)
        error = make_points(rows, n, manifest, &summary);
    if (error == 0)
        error = survey(rows, n, &summary);
    if (error != 0)
        return ipm_why_set(why, error, "summarise the records: ");
    *out_summary = summary;
    memset(&summary, 0, sizeof(summary));
    return 0;
}

void ipm_summary_fini(struct ipm_summary *summary)
{
    for (size_t i = 0; i < summary->n_points; i++) {
        free(summary->points[i].passes);
        free(summary->points[i].figures);
    }
    free(summary->points);
    free(summary->absent);
    memset(summary, 0, sizeof(*summary));
}

const struct ipm_figure *ipm_point_figure(const struct ipm_point *point,
                                          const char *name)
{
    for (size_t i = 0; i < point->n_figures; i++) {
        if (strcmp(point->figures[i].name, name) == 0)
            return &point->figures[i];
    }
    return NULL;
}

double ipm_point_value(const struct ipm_point *point, const char *name)
{
    const struct ipm_figure *figure = ipm_point_figure(point, name);
    return figure == NULL ? NAN : figure->estimate.value;
}
