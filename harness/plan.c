/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan.h"

#include "harness/describe.h"
#include "harness/plan_budget.h"
#include "harness/plan_passes.h"
#include "harness/plan_rows.h"
#include "harness/plan_rules.h"
#include "harness/plan_when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct building {
    struct ipm_plan *plan;
    struct ipm_rules rules;
    size_t sweep;
    const struct ipm_repeat *repeat;
    json_t *seen; /* hash of every point and skip so far: its index, -1 a skip */
    const char *left_out;  /* why this run has no such sweep; NULL: it has */
    const json_t *exclude; /* rows that hold now; NULL: none */
    json_t *hits;          /* which of them have matched */
    size_t max_pairs;      /* for one placement: the spec's max_points */
    size_t n_crowded;      /* points with several spinning roles on a CPU */
};

/* Room for one more: the arrays double at powers of two, without a field for it. */
static int grow(void *array, size_t n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return 0;
    void **slot = array;
    void *larger = realloc(*slot, (n == 0 ? 1 : 2 * n) * size);
    if (larger == NULL)
        return -ENOMEM;
    *slot = larger;
    return 0;
}

static int add_skip(struct ipm_skip **skips, size_t *n_skips,
                    const struct ipm_factors *factors, size_t sweep, const char *reason)
{
    int error = grow(skips, *n_skips, sizeof(**skips));
    if (error != 0)
        return error;
    struct ipm_skip *skip = &(*skips)[(*n_skips)++];
    *skip = (struct ipm_skip){.factors = *factors, .sweep = sweep};
    json_incref(factors->options);
    (void)snprintf(skip->reason, sizeof(skip->reason), "%s", reason);
    return 0;
}

/* Sets one factor from a canonical axis value. */
static void apply(struct ipm_factors *factors, const char *axis, json_t *value)
{
    struct {
        const char *name;
        const char **text;
        int64_t *integer;
    } fields[] = {
        {"size", NULL, &factors->size},
        {"rate", &factors->rate, NULL},
        {"placement", &factors->placement, NULL},
        {"wait", &factors->wait, NULL},
        {"copies", NULL, &factors->copies},
        {"touch", &factors->touch, NULL},
        {"depth", NULL, &factors->depth},
        {"batch", NULL, &factors->batch},
        {"reply_size", NULL, &factors->reply_size},
        {"policy", &factors->policy, NULL},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, axis) != 0)
            continue;
        if (fields[i].text != NULL)
            *fields[i].text = json_string_value(value);
        else /* the one word among integers is a reply's "same" */
            *fields[i].integer =
                json_is_integer(value) ? json_integer_value(value) : -1;
        return;
    }
    (void)json_object_set(factors->options, axis, value);
}

/* The first sweep that has a point says how often it is measured.  But one without windows of
 * energy says nothing of them: a later sweep's hold. */
static void merge(struct building *building, json_int_t index)
{
    struct ipm_plan *plan = building->plan;
    plan->n_merged++;
    if (index >= 0 && plan->points[index].repeat.energy == 0)
        plan->points[index].repeat.energy = building->repeat->energy;
}

static int add_combination(struct building *building, struct ipm_factors *factors);

/* The same on each pair of CPUs, as if the config named them all. */
static int add_pairs(struct building *building, const struct ipm_factors *factors)
{
    struct ipm_plan *plan = building->plan;
    if (plan->pairs == NULL)
        plan->pairs = ipm_topology_pairs(building->rules.topology);
    size_t n = json_array_size(plan->pairs);
    int error = plan->pairs == NULL ? -ENOMEM : 0;
    /* Told before half a million points are made, to be counted and refused. */
    if (n > building->max_pairs || plan->n_combinations + n > IPM_COMBINATIONS_LIMIT)
        error = -E2BIG;
    for (size_t i = 0; error == 0 && i < n; i++) {
        struct ipm_factors one = *factors;
        one.placement = json_string_value(json_array_get(plan->pairs, i));
        one.options = json_copy(factors->options);
        error = add_combination(building, &one);
        json_decref(one.options);
    }
    return error;
}

static int add_combination(struct building *building, struct ipm_factors *factors)
{
    struct ipm_plan *plan = building->plan;
    char hash[IPM_HASH_TEXT];
    ipm_rules_canonicalise(&building->rules, factors);
    bool several = strcmp(factors->placement, "all_pairs") == 0 &&
                   building->rules.topology->n_cpus > 1;
    plan->n_combinations += several ? 0 : 1;
    /* Not seen: another sweep may have the same point, and mean it. */
    if (ipm_rows_exclude(building->exclude, &building->rules, factors,
                         building->hits)) {
        plan->n_combinations += several ? 1 : 0;
        plan->n_excluded++;
        return 0;
    }
    if (several)
        return add_pairs(building, factors);
    ipm_rules_hash(&building->rules, factors, hash);
    json_t *earlier = json_object_get(building->seen, hash);
    if (earlier != NULL) {
        merge(building, json_integer_value(earlier));
        return 0;
    }
    if (json_object_set_new(building->seen, hash, json_integer(-1)) != 0)
        return -ENOMEM;
    if (building->left_out != NULL)
        return add_skip(&plan->skips, &plan->n_skips, factors, building->sweep,
                        building->left_out);

    struct ipm_why why = {0};
    if (ipm_rules_check(&building->rules, factors, &why) != 0)
        return add_skip(&plan->skips, &plan->n_skips, factors, building->sweep,
                        why.text);
    int error = grow(&plan->points, plan->n_points, sizeof(*plan->points));
    if (error != 0)
        return error;
    struct ipm_point *point = &plan->points[plan->n_points++];
    *point = (struct ipm_point){
        .factors = *factors, .sweep = building->sweep, .repeat = *building->repeat};
    if (point->repeat.precision > 0 &&
        point->repeat.invocations < IPM_BUDGET_INVOCATIONS)
        point->repeat.invocations = IPM_BUDGET_INVOCATIONS; /* fewer have no interval */
    (void)strcpy(point->hash, hash);
    json_incref(factors->options);
    building->n_crowded += factors->spinning > 1;
    return json_object_set_new(building->seen, hash,
                               json_integer((json_int_t)plan->n_points - 1)) != 0
               ? -ENOMEM
               : 0;
}

/* Every combination of the axes, the last axis fastest. */
static int add_axes(struct building *building, const json_t *axes, size_t axis,
                    const struct ipm_factors *outer)
{
    const char *name = NULL;
    json_t *values = NULL;
    size_t at = 0;
    const char *key;
    json_t *list;
    json_object_foreach((json_t *)axes, key, list)
    {
        if (at++ == axis) {
            name = key;
            values = list;
        }
    }
    size_t n = name != NULL ? json_array_size(values) : 1;
    for (size_t i = 0; i < n; i++) {
        struct ipm_factors factors = *outer;
        factors.options = json_copy(outer->options);
        int error = 0;
        if (name != NULL) {
            apply(&factors, name, json_array_get(values, i));
            error = add_axes(building, axes, axis + 1, &factors);
        } else {
            error = add_combination(building, &factors);
        }
        json_decref(factors.options);
        if (error != 0)
            return error;
    }
    return 0;
}

/* The defaults of a pair, whose rules hold from here on. */
static struct ipm_factors begin(struct building *building, const json_t *workload,
                                const json_t *mechanism)
{
    struct ipm_rules *rules = &building->rules;
    struct ipm_factors factors = rules->defaults;
    factors.workload = json_string_value(workload);
    factors.mechanism = json_string_value(mechanism);
    rules->workload = ipm_describe_find(rules->describe, "workloads", factors.workload);
    rules->mechanism =
        ipm_describe_find(rules->describe, "mechanisms", factors.mechanism);
    return factors;
}

/* Single points, which no row of "exclude" touches. */
static int add_included(struct building *building, const struct ipm_sweep *sweep)
{
    size_t r;
    json_t *row;
    json_array_foreach(sweep->include, r, row)
    {
        struct ipm_factors factors = begin(building, json_object_get(row, "workload"),
                                           json_object_get(row, "mechanism"));
        factors.options = json_object();
        const char *name;
        json_t *value;
        json_object_foreach(row, name, value)
        {
            if (strcmp(name, "workload") != 0 && strcmp(name, "mechanism") != 0)
                apply(&factors, name, value);
        }
        int error = add_combination(building, &factors);
        json_decref(factors.options);
        if (error != 0)
            return error;
    }
    return 0;
}

static int add_sweep(struct building *building, const struct ipm_sweep *sweep)
{
    size_t w;
    const json_t *workload;
    ipm_auto_json json_t *hits = json_array();
    building->exclude = sweep->exclude;
    building->hits = hits;
    json_array_foreach(sweep->workloads, w, workload)
    {
        size_t m;
        const json_t *mechanism;
        json_array_foreach(sweep->mechanisms, m, mechanism)
        {
            struct ipm_factors factors = begin(building, workload, mechanism);
            ipm_auto_json json_t *options = json_object();
            factors.options = options;
            int error = add_axes(building, sweep->axes, 0, &factors);
            if (error != 0)
                return error;
        }
    }
    ipm_rows_tell(sweep, hits, building->plan->notes);
    building->exclude = NULL;
    return add_included(building, sweep);
}

/* One sweep after the other: what a sweep that is left out has, a later one may measure. */
static int add_sweeps(struct building *building, const struct ipm_spec *spec)
{
    json_t *seen = building->seen;
    int error = 0;
    for (size_t i = 0; error == 0 && i < spec->n_sweeps; i++) {
        char reason[IPM_WHEN_REASON];
        ipm_auto_json json_t *own = json_object();
        bool out = ipm_plan_left_out(building->plan, &spec->sweeps[i], reason);
        building->left_out = out ? reason : NULL;
        building->seen = out ? own : seen;
        building->sweep = i;
        building->repeat = &spec->sweeps[i].repeat;
        error = add_sweep(building, &spec->sweeps[i]);
    }
    building->seen = seen;
    building->left_out = NULL;
    return error;
}

static void set_notes(struct ipm_plan *plan, const struct ipm_spec *spec)
{
    bool precision = spec->repeat.precision > 0;
    for (size_t i = 0; i < spec->n_sweeps; i++)
        precision = precision || spec->sweeps[i].repeat.precision > 0;
    if (precision)
        (void)json_array_append_new(
            plan->notes,
            json_string("with a precision the time is that of the first invocations of "
                        "each point: it goes on until its interval is narrow, at most "
                        "until the budget ends"));
}

int ipm_plan_build(const struct ipm_spec *spec, const json_t *describe,
                   const struct ipm_topology *topology, struct ipm_plan *out_plan,
                   struct ipm_why *why)
{
    struct ipm_plan plan = {.budget_ns = spec->repeat.budget_ns, .notes = json_array()};
    ipm_auto_json json_t *seen = json_object();
    struct building building = {
        .plan = &plan,
        .rules = {.describe = describe,
                  .topology = topology,
                  .oversubscribe = spec->oversubscribe == IPM_OVERSUBSCRIBE_ALLOW},
        .seen = seen,
        .max_pairs = (size_t)spec->max_points,
    };
    ipm_rules_defaults(&building.rules);
    int error = ipm_plan_passes(&plan, spec, describe, why);
    if (error == 0) {
        error = add_sweeps(&building, spec);
        if (error != 0)
            (void)ipm_why_set(
                why, error,
                error == -E2BIG
                    ? "plan: placement all_pairs is more pairs of CPUs than "
                      "max_points allows: use fewer CPUs, or raise it"
                    : "plan: ");
    }
    if (error == 0) {
        set_notes(&plan, spec);
        if (building.n_crowded > 0)
            (void)json_array_append_new(
                plan.notes,
                json_sprintf("oversubscribe: %zu point%s several spinning roles on one "
                             "CPU; its time slices are what is measured there",
                             building.n_crowded,
                             building.n_crowded == 1 ? " has" : "s have"));
        error = ipm_plan_budget(&plan, why);
    }
    if (error != 0) {
        ipm_plan_fini(&plan);
        return error;
    }
    *out_plan = plan;
    return 0;
}

int ipm_plan_keep(struct ipm_plan *plan,
                  bool (*keep)(void *context, const struct ipm_factors *factors,
                               const char *label),
                  void *context, const char *reason)
{
    size_t kept = 0;
    int error = 0;
    for (size_t i = 0; i < plan->n_points; i++) {
        struct ipm_point *point = &plan->points[i];
        char label[IPM_LABEL];
        if (error != 0 ||
            keep(context, &point->factors, ipm_factors_label(&point->factors, label))) {
            plan->points[kept++] = *point;
            continue;
        }
        error = add_skip(&plan->skips, &plan->n_skips, &point->factors, point->sweep,
                         reason);
        if (error == 0)
            json_decref(point->factors.options);
        else
            plan->points[kept++] = *point;
    }
    plan->n_points = kept;
    plan->estimate_ns = ipm_plan_estimate(plan);
    return error;
}

static void free_skips(struct ipm_skip *skips, size_t n_skips)
{
    for (size_t i = 0; i < n_skips; i++)
        json_decref(skips[i].factors.options);
    free(skips);
}

void ipm_plan_fini(struct ipm_plan *plan)
{
    for (size_t i = 0; i < plan->n_points; i++)
        json_decref(plan->points[i].factors.options);
    free(plan->points);
    free_skips(plan->skips, plan->n_skips);
    free_skips(plan->dropped, plan->n_dropped);
    json_decref(plan->notes);
    json_decref(plan->pairs);
    *plan = (struct ipm_plan){0};
}
