/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ipm_compare_label(const struct ipm_compare_point *point,
                              char text[IPM_COMPARE_LABEL])
{
    const struct ipm_factors *factors = &point->factors;
    char size[IPM_UNITS_TEXT];
    char copies[32] = "";
    char depth[48] = "";
    if (factors->copies >= 0)
        (void)snprintf(copies, sizeof(copies), ", %lld %s", (long long)factors->copies,
                       factors->copies == 1 ? "copy" : "copies");
    if (strcmp(factors->workload, "stream") == 0)
        (void)snprintf(depth, sizeof(depth), ", depth %lld, batch %lld",
                       (long long)factors->depth, (long long)factors->batch);
    (void)snprintf(text, IPM_COMPARE_LABEL,
                   "%.24s %.32s%s, %s, %.24s, %.16s%s%s%.20s%s%.50s", factors->workload,
                   factors->mechanism, copies, ipm_format_size(size, factors->size),
                   ipm_compare_class_of(point, IPM_COMPARE_BY_PLACEMENT), factors->wait,
                   depth, strcmp(factors->rate, "max") == 0 ? "" : ", rate ",
                   strcmp(factors->rate, "max") == 0 ? "" : factors->rate,
                   factors->options[0] == '\0' ? "" : ", ", factors->options);
    return text;
}

static json_t *rounded(double value)
{
    char text[32];
    if (!isfinite(value))
        return json_null();
    (void)snprintf(text, sizeof(text), "%.9g", value);
    return ipm_json_number(strtod(text, NULL));
}

json_t *ipm_compare_interval(double value, double low, double high)
{
    return json_pack("{s: o, s: o, s: o}", "value", rounded(value), "low", rounded(low),
                     "high", rounded(high));
}

static json_t *factors_json(const struct ipm_compare_point *point)
{
    const struct ipm_factors *of = &point->factors;
    return json_pack("{s: s, s: s, s: I, s: I, s: s, s: s, s: s, s: I, s: I, s: I, s: "
                     "s, s: s, s: s}",
                     "workload", of->workload, "mechanism", of->mechanism, "size",
                     (json_int_t)of->size, "copies", (json_int_t)of->copies, "wait",
                     of->wait, "placement_class",
                     ipm_compare_class_of(point, IPM_COMPARE_BY_PLACEMENT), "touch",
                     of->touch, "depth", (json_int_t)of->depth, "batch",
                     (json_int_t)of->batch, "reply_size", (json_int_t)of->reply_size,
                     "policy", of->policy, "rate", of->rate, "options", of->options);
}

/* The figure itself, in its unit: median over invocations, or over sessions' means. */
static json_t *figure_json(const struct ipm_compare *compare,
                           const struct ipm_compare_point *point, size_t side,
                           enum ipm_by by)
{
    struct ipm_compare_values values;
    struct ipm_estimate estimate;
    bool between = compare->first[side + 1] - compare->first[side] > 1;
    ipm_compare_take(compare, point, side, by, between, &values);
    if (values.n == 0)
        return json_null();
    double sign = by == IPM_BY_THROUGHPUT ? -1 : 1;
    for (size_t i = 0; i < values.n; i++)
        values.cost_room[i] = exp(sign * values.cost[i]);
    ipm_estimate_median(values.cost_room, values.n, IPM_COMPARE_LEVEL, &estimate);
    if (!isnan(values.error)) {
        double reach = ipm_student(values.freedom, IPM_COMPARE_LEVEL) * values.error;
        estimate.low = estimate.value * (1 - reach);
        estimate.high = estimate.value * (1 + reach);
    }
    json_t *json = ipm_compare_interval(estimate.value, estimate.low, estimate.high);
    (void)json_object_set_new(json, "n", json_integer((json_int_t)values.n));
    return json;
}

static json_t *ratio_json(const struct ipm_compare_ratio *ratio, bool both)
{
    if (!both)
        return json_null();
    json_t *json = ipm_compare_interval(ratio->value, ratio->low, ratio->high);
    (void)json_object_set_new(json, "standing",
                              json_string(ipm_compare_standing_names[ratio->standing]));
    (void)json_object_set_new(json, "reason",
                              ratio->reason[0] == '\0' ? json_null()
                                                       : ipm_json_text(ratio->reason));
    return json;
}

/* What no message of the point can beat: the copy of its payload, else the way of a cache line
 * between its CPUs, else one system call.  NULL: the side has not measured it. */
static const struct ipm_compare_point *floor_of(const struct ipm_compare *compare,
                                                const struct ipm_compare_point *point,
                                                size_t side)
{
    bool large = point->factors.size > IPM_COMPARE_SMALL;
    const char *place = ipm_compare_class_of(point, IPM_COMPARE_BY_PLACEMENT);
    const char *name = large                            ? "floor_memcpy"
                       : strcmp(place, "same_cpu") == 0 ? "floor_syscall"
                                                        : "floor_cacheline";
    const struct ipm_compare_point *found = NULL;
    for (size_t i = 0; i < compare->n_points; i++) {
        const struct ipm_compare_point *at = &compare->points[i];
        if (!at->floor || strcmp(at->factors.mechanism, name) != 0 ||
            !ipm_compare_has(compare, at, side))
            continue;
        if (large && at->factors.size != point->factors.size)
            continue;
        if (strcmp(name, "floor_cacheline") == 0 &&
            strcmp(ipm_compare_class_of(at, IPM_COMPARE_BY_PLACEMENT), place) != 0)
            continue;
        /* Of several sizes the nearest: points are sorted by it. */
        if (found == NULL || at->factors.size <= point->factors.size)
            found = at;
    }
    return found;
}

/* How many of its machine's floors a point takes, with the floor's own uncertainty. */
static int floors_json(const struct ipm_compare *compare,
                       const struct ipm_compare_point *point,
                       struct ipm_compare_ranks *ranks, json_t **out)
{
    json_t *list = json_array();
    for (size_t side = 0; side < compare->n_sides; side++) {
        struct ipm_compare_values a;
        struct ipm_compare_values b;
        struct ipm_compare_ratio ratio;
        const struct ipm_compare_point *floor = floor_of(compare, point, side);
        ipm_compare_take(compare, point, side, IPM_BY_LATENCY, false, &b);
        if (floor == NULL || b.n == 0) {
            (void)json_array_append_new(list, json_null());
            continue;
        }
        ipm_compare_take(compare, floor, side, IPM_BY_LATENCY, false, &a);
        int error = ipm_compare_ratio(&a, &b, false, true, ranks, &ratio);
        if (error != 0) {
            json_decref(list);
            return error;
        }
        json_t *json = ipm_compare_interval(ratio.value, ratio.low, ratio.high);
        (void)json_object_set_new(json, "floor", json_string(floor->factors.mechanism));
        (void)json_array_append_new(list, json);
    }
    *out = list;
    return 0;
}

static int point_json(const struct ipm_compare *compare, size_t number,
                      struct ipm_compare_ratio *const *const *all,
                      struct ipm_compare_ranks *ranks, json_t **out)
{
    const struct ipm_compare_point *point = &compare->points[number];
    char label[IPM_COMPARE_LABEL];
    ipm_auto_json json_t *json = factors_json(point);
    json_t *bys = json_object();
    (void)json_object_set_new(json, "label",
                              ipm_json_text(ipm_compare_label(point, label)));
    (void)json_object_set_new(json, "floor", json_boolean(point->floor));
    (void)json_object_set_new(json, "by", bys);
    for (int by = 0; by < IPM_BYS; by++) {
        json_t *figures = json_array();
        json_t *ratios = json_array();
        bool any = false;
        for (size_t side = 0; side < compare->n_sides; side++) {
            json_t *figure = figure_json(compare, point, side, (enum ipm_by)by);
            any = any || !json_is_null(figure);
            (void)json_array_append_new(figures, figure);
            bool both =
                !json_is_null(json_array_get(figures, 0)) && !json_is_null(figure);
            if (side > 0)
                (void)json_array_append_new(ratios,
                                            ratio_json(&all[by][side][number], both));
        }
        json_t *of = json_pack("{s: s, s: o, s: o}", "unit", ipm_by_units[by],
                               "figures", figures, "ratios", ratios);
        if (any)
            (void)json_object_set(bys, ipm_by_names[by], of);
        json_decref(of);
    }
    json_t *floors = NULL;
    int error = point->floor ? 0 : floors_json(compare, point, ranks, &floors);
    if (error == 0) {
        (void)json_object_set_new(json, "floors",
                                  floors == NULL ? json_array() : floors);
        *out = json_incref(json);
    }
    return error;
}

int ipm_compare_points(const struct ipm_compare *compare,
                       struct ipm_compare_ratio *const *const *ratios,
                       struct ipm_compare_ranks *ranks, json_t **out_points)
{
    ipm_auto_json json_t *list = json_array();
    for (size_t i = 0; i < compare->n_points; i++) {
        json_t *point = NULL;
        int error = point_json(compare, i, ratios, ranks, &point);
        if (error != 0 || json_array_append_new(list, point) != 0)
            return -ENOMEM;
    }
    *out_points = ipm_steal(&list);
    return 0;
}
