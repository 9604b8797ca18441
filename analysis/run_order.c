/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/run_order.h"

#include "analysis/stats.h"
#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIME, CACHELINE, CORE_STEP, KINDS };

/* One invocation; its values become parts of their point's medians. */
struct turn {
    const struct ipm_row *row;
    double values[KINDS];
};

/* The bracket around the window has two ends. */
static double bracket(const struct ipm_row *row, const char *before, const char *after)
{
    const struct ipm_reading *first = ipm_row_reading(row, before);
    const struct ipm_reading *last = ipm_row_reading(row, after);
    return first == NULL || last == NULL ? NAN : (first->value + last->value) / 2;
}

static size_t take_turns(const struct ipm_table *table, struct turn *turns)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        bool measured = row->status == IPM_ROW_OK || row->status == IPM_ROW_INVALID;
        if (!measured || strcmp(row->pass, "timing") != 0)
            continue;
        struct turn *turn = &turns[n++];
        turn->row = row;
        turn->values[TIME] = row->p50_ns;
        turn->values[CACHELINE] =
            bracket(row, "cacheline_rtt_before_ns", "cacheline_rtt_after_ns");
        turn->values[CORE_STEP] =
            bracket(row, "core_step_before_ns", "core_step_after_ns");
    }
    return n;
}

static int compare_points(const void *a, const void *b)
{
    const struct turn *left = *(struct turn *const *)a;
    const struct turn *right = *(struct turn *const *)b;
    int order = strcmp(left->row->point, right->row->point);
    if (order != 0)
        return order;
    return (left->row->line > right->row->line) - (left->row->line < right->row->line);
}

/* Median of what is known; NaN below @least values.  @values has room for @n. */
static double middle(double *values, size_t n, size_t least)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i]))
            values[known++] = values[i];
    }
    ipm_sort(values, known);
    return known < least ? (double)NAN : ipm_quantile(values, known, 0.5);
}

/* @turns: those of one point. */
static void relate(struct turn *const *turns, size_t n, double *values)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        size_t ok = 0;
        for (size_t i = 0; i < n; i++) {
            if (turns[i]->row->status == IPM_ROW_OK)
                values[ok++] = turns[i]->values[kind];
        }
        double median = middle(values, ok, IPM_RUN_ORDER_LEAST);
        for (size_t i = 0; i < n; i++)
            turns[i]->values[kind] =
                median > 0 ? turns[i]->values[kind] / median : (double)NAN;
    }
}

static int relate_all(struct turn *turns, size_t n, double *values)
{
    ipm_auto_free struct turn **sorted = calloc(n + 1, sizeof(struct turn *));
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &turns[i];
    qsort(sorted, n, sizeof(*sorted), compare_points);
    for (size_t from = 0, to; from < n; from = to) {
        to = from;
        while (to < n && strcmp(sorted[to]->row->point, sorted[from]->row->point) == 0)
            to++;
        relate(sorted + from, to - from, values);
    }
    return 0;
}

/* A new list of the document. */
static json_t *list_in(json_t *json, const char *key)
{
    json_t *list = json_array();
    (void)json_object_set_new(json, key, list);
    return list;
}

/* A ratio, without the digits that are the numeric library's. */
static void append(json_t *list, double value)
{
    (void)json_array_append_new(list, ipm_json_number(round(value * 1e6) / 1e6));
}

static json_t *put_entries(const struct turn *turns, size_t n, double *values)
{
    static const char *const kinds[KINDS] = {"time", "cacheline_rtt", "core_step"};
    size_t per = n == 0 ? 1 : (n - 1) / IPM_RUN_ORDER_ENTRIES + 1;
    json_t *json =
        json_pack("{s:I, s:I}", "invocations", (json_int_t)n, "per", (json_int_t)per);
    json_t *lines = list_in(json, "line");
    json_t *medians[KINDS];
    for (size_t kind = 0; kind < KINDS; kind++)
        medians[kind] = list_in(json, kinds[kind]);
    json_t *least = list_in(json, "time_least");
    json_t *most = list_in(json, "time_most");
    json_t *changed = list_in(json, "regime_changed");
    json_t *slow = list_in(json, "slow_core");
    for (size_t from = 0; from < n; from += per) {
        size_t count = n - from < per ? n - from : per;
        double low = NAN;
        double high = NAN;
        json_int_t n_changed = 0;
        json_int_t n_slow = 0;
        for (size_t i = from; i < from + count; i++) {
            low = fmin(low, turns[i].values[TIME]);
            high = fmax(high, turns[i].values[TIME]);
            n_changed += turns[i].row->regime_changed;
            n_slow += turns[i].row->slow_core;
        }
        (void)json_array_append_new(lines,
                                    json_integer((json_int_t)turns[from].row->line));
        for (size_t kind = 0; kind < KINDS; kind++) {
            for (size_t i = 0; i < count; i++)
                values[i] = turns[from + i].values[kind];
            append(medians[kind], middle(values, count, 1));
        }
        append(least, low);
        append(most, high);
        (void)json_array_append_new(changed, json_integer(n_changed));
        (void)json_array_append_new(slow, json_integer(n_slow));
    }
    return json;
}

json_t *ipm_run_order_json(const struct ipm_table *table)
{
    ipm_auto_free struct turn *turns = calloc(table->n_rows + 1, sizeof(*turns));
    ipm_auto_free double *values = calloc(table->n_rows + 1, sizeof(*values));
    if (turns == NULL || values == NULL)
        return NULL;
    size_t n = take_turns(table, turns);
    if (relate_all(turns, n, values) != 0)
        return NULL;
    return put_entries(turns, n, values);
}
