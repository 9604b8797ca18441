/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/rate_series.h"

#include "analysis/plot_canvas.h"
#include "analysis/report_json.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ipm_rate_kept(const struct ipm_point *point)
{
    return 2 * point->open_loop.not_achieved < point->open_loop.invocations;
}

static bool same_series(const struct ipm_factors *a, const struct ipm_factors *b)
{
    struct ipm_factors other = *b;
    other.rate = a->rate;
    return ipm_factors_compare(a, &other) == 0;
}

static struct ipm_rate_series *series_of(struct ipm_rate_set *set,
                                         const struct ipm_point *point)
{
    for (size_t i = 0; i < set->n_series; i++) {
        if (same_series(&set->series[i].points[0]->factors, &point->factors))
            return &set->series[i];
    }
    struct ipm_rate_series *grown =
        reallocarray(set->series, set->n_series + 1, sizeof(*grown));
    if (grown == NULL)
        return NULL;
    set->series = grown;
    grown += set->n_series++;
    *grown = (struct ipm_rate_series){.capacity_per_s = NAN};
    return grown;
}

static int add_point(struct ipm_rate_set *set, const struct ipm_point *point)
{
    struct ipm_rate_series *series = series_of(set, point);
    if (series == NULL)
        return -ENOMEM;
    const struct ipm_point **grown =
        reallocarray(series->points, series->n_points + 1, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    series->points = grown;
    grown[series->n_points++] = point;

    const char *rate = point->factors.rate;
    size_t length = strlen(rate);
    double share = strtod(rate, NULL) / 100;
    if (length > 1 && rate[length - 1] == '%' && share > 0 &&
        isnan(series->capacity_per_s))
        series->capacity_per_s = point->open_loop.offered_per_s / share;
    return 0;
}

static int by_rate(const void *a, const void *b)
{
    const struct ipm_point *left = *(const struct ipm_point *const *)a;
    const struct ipm_point *right = *(const struct ipm_point *const *)b;
    double x = left->open_loop.offered_per_s;
    double y = right->open_loop.offered_per_s;
    return x != y ? (x > y) - (x < y) : strcmp(left->id, right->id);
}

static void describe(struct ipm_rate_series *series)
{
    const struct ipm_factors *factors = &series->points[0]->factors;
    bool known = factors->placement_class[0] != '\0' &&
                 strcmp(factors->placement_class, factors->placement) != 0;
    char name[40];
    char size[IPM_UNITS_TEXT] = "no payload";
    char text[512];
    ipm_canvas_cut(name, sizeof(name), factors->mechanism);
    if (factors->size > 0)
        (void)ipm_format_size(size, factors->size);
    if (factors->copies < 0)
        (void)snprintf(series->label, sizeof(series->label), "%s", name);
    else
        (void)snprintf(series->label, sizeof(series->label), "%s, %lld cop%s", name,
                       (long long)factors->copies, factors->copies == 1 ? "y" : "ies");
    (void)snprintf(text, sizeof(text), "wait %s, %s%s%s%s, %s%s%s", factors->wait,
                   factors->placement, known ? " (" : "",
                   known ? factors->placement_class : "", known ? ")" : "", size,
                   factors->options[0] == '\0' ? "" : ", ", factors->options);
    ipm_canvas_cut(series->detail, sizeof(series->detail), text);
}

int ipm_rate_set_make(const struct ipm_summary *summary, struct ipm_rate_set *out_set,
                      struct ipm_why *why)
{
    ipm_auto_rate_set struct ipm_rate_set set = {0};
    int error = 0;
    for (size_t i = 0; i < summary->n_points && error == 0; i++) {
        const struct ipm_point *point = &summary->points[i];
        if (point->open_loop.invocations > 0 && point->open_loop.offered_per_s > 0)
            error = add_point(&set, point);
    }
    if (error != 0)
        return ipm_why_set(why, error, "collect the rates: ");
    for (size_t i = 0; i < set.n_series; i++) {
        qsort(set.series[i].points, set.series[i].n_points, sizeof(struct ipm_point *),
              by_rate);
        describe(&set.series[i]);
    }
    *out_set = set;
    memset(&set, 0, sizeof(set));
    return 0;
}

void ipm_rate_set_fini(struct ipm_rate_set *set)
{
    for (size_t i = 0; i < set->n_series; i++)
        free(set->series[i].points);
    free(set->series);
    *set = (struct ipm_rate_set){0};
}

static void set_new(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *point_json(const struct ipm_point *point)
{
    static const char *const figures[] = {"response_p50_ns", "response_p99_ns",
                                          "service_p50_ns",  "service_p99_ns",
                                          "send_lag_p50_ns", "send_lag_p99_ns"};
    const struct ipm_open_loop_sums *sums = &point->open_loop;
    const struct ipm_figure *achieved = ipm_point_figure(point, "messages_per_s");
    json_t *json = json_object();
    set_new(json, "id", json_string(point->id));
    set_new(json, "rate", json_string(point->factors.rate));
    set_new(json, "offered_per_s", ipm_json_number(sums->offered_per_s));
    if (achieved != NULL)
        set_new(json, "achieved_per_s", ipm_figure_json(achieved));
    set_new(json, "invocations", json_integer((json_int_t)sums->invocations));
    set_new(json, "not_achieved", json_integer((json_int_t)sums->not_achieved));
    set_new(json, "planned", ipm_json_number(sums->planned));
    set_new(json, "sent", ipm_json_number(sums->sent));
    set_new(json, "completed", ipm_json_number(sums->completed));
    set_new(json, "backlog", ipm_json_number(sums->backlog));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct ipm_figure *figure = ipm_point_figure(point, figures[i]);
        if (figure != NULL)
            set_new(json, figures[i], ipm_figure_json(figure));
    }
    return json;
}

json_t *ipm_rate_set_json(const struct ipm_rate_set *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < set->n_series; i++) {
        const struct ipm_rate_series *series = &set->series[i];
        const struct ipm_factors *factors = &series->points[0]->factors;
        json_t *json = json_object();
        json_t *points = json_array();
        set_new(json, "mechanism", json_string(factors->mechanism));
        set_new(json, "copies",
                factors->copies < 0 ? json_null() : json_integer(factors->copies));
        set_new(json, "wait", json_string(factors->wait));
        set_new(json, "placement", json_string(factors->placement));
        set_new(json, "placement_class", json_string(factors->placement_class));
        set_new(json, "size",
                factors->size < 0 ? json_null() : json_integer(factors->size));
        set_new(json, "label", json_string(series->label));
        set_new(json, "detail", json_string(series->detail));
        set_new(json, "capacity_per_s", ipm_json_number(series->capacity_per_s));
        for (size_t k = 0; k < series->n_points; k++)
            (void)json_array_append_new(points, point_json(series->points[k]));
        set_new(json, "points", points);
        (void)json_array_append_new(list, json);
    }
    return list;
}
