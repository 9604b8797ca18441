/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS = 4, ENTRANTS = 160 /* of a cell; more are not judged */ };

/* By which figure, of which workload. */
static const struct {
    enum ipm_by by;
    const char *name, *workload;
} dimensions[DIMENSIONS] = {
    {IPM_BY_TAIL, "p99", "pingpong"},
    {IPM_BY_THROUGHPUT, "throughput", "stream"},
    {IPM_BY_CPU, "cpu", "stream"},
    {IPM_BY_JOULES, "joules", "stream"},
};

/* One mechanism on one side, at one size and place. */
struct entrant {
    const struct ipm_compare_point *sample; /* any of its points: what it is */
    size_t side;
    const struct ipm_compare_point *at[DIMENSIONS];
    size_t dominated_by; /* index; SIZE_MAX: none */
    bool judged;
};

struct cell {
    struct entrant *list;
    size_t n, room;
};

static int numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Order of cells: all that is asked of both workloads. */
static int compare_asked(const struct ipm_factors *a, const struct ipm_factors *b)
{
    const char *const left = a->placement_class;
    const char *const right = b->placement_class;
    int order = strcmp(left, right);
    if (order == 0)
        order = numbers(a->size, b->size);
    if (order == 0)
        order = strcmp(a->touch, b->touch);
    if (order == 0)
        order = strcmp(a->policy, b->policy);
    return order;
}

static int compare_answers(const struct ipm_factors *a, const struct ipm_factors *b)
{
    int order = strcmp(a->mechanism, b->mechanism);
    if (order == 0)
        order = numbers(a->copies, b->copies);
    if (order == 0)
        order = strcmp(a->wait, b->wait);
    return order != 0 ? order : strcmp(a->options, b->options);
}

static int compare_entrants(const void *a, const void *b)
{
    const struct entrant *left = a;
    const struct entrant *right = b;
    int order = compare_asked(&left->sample->factors, &right->sample->factors);
    if (order == 0)
        order = compare_answers(&left->sample->factors, &right->sample->factors);
    return order != 0 ? order : numbers((int64_t)left->side, (int64_t)right->side);
}

/* All entrants of all cells, those of one mechanism and side put together. */
static int gather(const struct ipm_compare *compare, struct cell *all)
{
    for (size_t i = 0; i < compare->n_points; i++) {
        const struct ipm_compare_point *point = &compare->points[i];
        if (point->floor || point->token || strcmp(point->factors.rate, "max") != 0)
            continue;
        for (size_t side = 0; side < compare->n_sides; side++) {
            struct entrant entrant = {
                .sample = point, .side = side, .dominated_by = SIZE_MAX};
            bool any = false;
            for (int d = 0; d < DIMENSIONS; d++) {
                bool fits =
                    strcmp(dimensions[d].workload, point->factors.workload) == 0;
                entrant.at[d] = fits ? point : NULL;
                any = any || fits;
            }
            if (!any || !ipm_compare_has(compare, point, side))
                continue;
            struct entrant *list =
                ipm_array_grow(all->list, all->n, &all->room, sizeof(*list));
            if (list == NULL)
                return -ENOMEM;
            all->list = list;
            all->list[all->n++] = entrant;
        }
    }
    if (all->n > 0)
        qsort(all->list, all->n, sizeof(*all->list), compare_entrants);
    size_t kept = 0;
    for (size_t i = 0; i < all->n; i++) {
        struct entrant *last = kept > 0 ? &all->list[kept - 1] : NULL;
        if (last == NULL || compare_entrants(last, &all->list[i]) != 0) {
            all->list[kept++] = all->list[i];
            continue;
        }
        for (int d = 0; d < DIMENSIONS; d++) {
            if (last->at[d] == NULL) /* else another depth or batch: the first stands */
                last->at[d] = all->list[i].at[d];
        }
    }
    all->n = kept;
    return 0;
}

/* Does a cost less than b in all that both have, two figures at least?  -ENOMEM; 1; 0.
 * @told: set where there is an interval to tell by */
static int dominates(const struct ipm_compare *compare, const struct entrant *a,
                     const struct entrant *b, struct ipm_compare_ranks *ranks,
                     bool *told)
{
    int compared = 0;
    for (int d = 0; d < DIMENSIONS; d++) {
        struct ipm_compare_values left;
        struct ipm_compare_values right;
        struct ipm_compare_ratio ratio;
        enum ipm_by by = dimensions[d].by;
        char text[256];
        if (a->at[d] == NULL || b->at[d] == NULL ||
            ipm_compare_refusal(compare, a->side, b->side, by, text)[0] != '\0' ||
            ipm_compare_point_refusal(compare, b->at[d], a->side, b->side, by,
                                      text)[0] != '\0')
            continue;
        ipm_compare_take(compare, a->at[d], a->side, by, false, &left);
        ipm_compare_take(compare, b->at[d], b->side, by, false, &right);
        if (left.n == 0 || right.n == 0)
            continue;
        int error = ipm_compare_ratio(&left, &right, false, true, ranks, &ratio);
        if (error != 0)
            return error;
        *told = *told || !isnan(ratio.low);
        if (!(ratio.low > 1))
            return 0;
        compared++;
    }
    return compared >= 2;
}

static int judge(const struct ipm_compare *compare, struct entrant *list, size_t n,
                 struct ipm_compare_ranks *ranks)
{
    bool told = false;
    for (size_t i = 0; i < n; i++) {
        list[i].judged = n <= ENTRANTS;
        for (size_t k = 0; k < n && list[i].judged; k++) {
            int result =
                k == i ? 0 : dominates(compare, &list[k], &list[i], ranks, &told);
            if (result < 0)
                return result;
            if (result > 0) {
                list[i].dominated_by = k;
                break;
            }
        }
    }
    /* Without an interval nobody can be beaten, and all would be the front. */
    for (size_t i = 0; i < n && !told; i++)
        list[i].judged = false;
    return 0;
}

static json_t *entrant_json(const struct ipm_compare *compare,
                            const struct entrant *list, size_t number)
{
    const struct entrant *entrant = &list[number];
    const struct ipm_factors *of = &entrant->sample->factors;
    json_t *json = json_pack("{s: I, s: I}", "side", (json_int_t)entrant->side,
                             "copies", (json_int_t)of->copies);
    (void)json_object_set_new(json, "mechanism", ipm_json_text(of->mechanism));
    (void)json_object_set_new(json, "wait", ipm_json_text(of->wait));
    (void)json_object_set_new(json, "options", ipm_json_text(of->options));
    for (int d = 0; d < DIMENSIONS; d++) {
        struct ipm_compare_values values;
        struct ipm_estimate estimate = {.value = NAN};
        values.n = 0;
        if (entrant->at[d] != NULL)
            ipm_compare_take(compare, entrant->at[d], entrant->side, dimensions[d].by,
                             false, &values);
        double sign = dimensions[d].by == IPM_BY_THROUGHPUT ? -1 : 1;
        for (size_t i = 0; i < values.n; i++)
            values.cost_room[i] = exp(sign * values.cost[i]);
        if (values.n > 0)
            ipm_estimate_median(values.cost_room, values.n, IPM_COMPARE_LEVEL,
                                &estimate);
        json_t *interval = ipm_compare_interval(estimate.value, NAN, NAN);
        (void)json_object_set(json, dimensions[d].name,
                              json_object_get(interval, "value"));
        json_decref(interval);
    }
    return json;
}

static json_t *cell_json(const struct ipm_compare *compare, const struct entrant *list,
                         size_t n)
{
    json_t *front = json_array();
    size_t dominated = 0;
    for (size_t i = 0; i < n; i++) {
        dominated += list[i].dominated_by != SIZE_MAX;
        if (list[i].dominated_by == SIZE_MAX && list[i].judged)
            (void)json_array_append_new(front, entrant_json(compare, list, i));
    }
    const struct ipm_factors *asked = &list[0].sample->factors;
    json_t *json = json_pack("{s: I, s: I, s: I, s: o}", "size",
                             (json_int_t)asked->size, "entrants", (json_int_t)n,
                             "dominated", (json_int_t)dominated, "front", front);
    (void)json_object_set_new(json, "placement_class",
                              ipm_json_text(asked->placement_class));
    (void)json_object_set_new(json, "touch", ipm_json_text(asked->touch));
    (void)json_object_set_new(json, "policy", ipm_json_text(asked->policy));
    (void)json_object_set_new(
        json, "reason",
        list[0].judged ? json_null()
        : n > ENTRANTS ? json_string("too many: not judged")
                       : json_string("too few: no interval tells any two apart"));
    return json;
}

/* Has anybody two figures?  Else nobody can be dominated, and all would be the front. */
static bool twofold(const struct entrant *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].at[1] != NULL) /* throughput, and CPU time with it */
            return true;
    }
    return false;
}

int ipm_compare_fronts(const struct ipm_compare *compare, json_t **out_fronts)
{
    struct cell all = {0};
    ipm_auto_json json_t *list = json_array();
    ipm_auto_free struct ipm_compare_ranks *ranks = calloc(1, sizeof(*ranks));
    int error = ranks == NULL ? -ENOMEM : gather(compare, &all);
    for (size_t from = 0, to; from < all.n && error == 0; from = to) {
        to = from;
        while (to < all.n && compare_asked(&all.list[from].sample->factors,
                                           &all.list[to].sample->factors) == 0)
            to++;
        if (to - from < 2 || !twofold(all.list + from, to - from))
            continue;
        error = judge(compare, all.list + from, to - from, ranks);
        if (error == 0)
            (void)json_array_append_new(list,
                                        cell_json(compare, all.list + from, to - from));
    }
    free(all.list);
    if (error == 0)
        *out_fronts = ipm_steal(&list);
    return error;
}
