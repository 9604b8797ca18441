/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of plan.h that prints. */
#include "base/cleanup.h"
#include "harness/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static void append(char label[IPM_LABEL], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(char label[IPM_LABEL], const char *format, ...)
{
    size_t used = strlen(label);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(label + used, IPM_LABEL - used, format, arguments);
    va_end(arguments);
}

const char *ipm_factors_label(const struct ipm_factors *factors, char label[IPM_LABEL])
{
    (void)snprintf(label, IPM_LABEL, "%s/%s/%" PRId64 "/%s/%s/copies=%" PRId64,
                   factors->workload, factors->mechanism, factors->size,
                   factors->placement, factors->wait, factors->copies);
    if (strcmp(factors->rate, "max") != 0)
        append(label, "/rate=%s", factors->rate);
    if (strcmp(factors->touch, "none") != 0)
        append(label, "/touch=%s", factors->touch);
    if (factors->depth != 64)
        append(label, "/depth=%" PRId64, factors->depth);
    if (factors->batch != 16)
        append(label, "/batch=%" PRId64, factors->batch);
    if (factors->reply_size >= 0)
        append(label, "/reply_size=%" PRId64, factors->reply_size);
    if (strcmp(factors->policy, "other") != 0)
        append(label, "/policy=%s", factors->policy);
    const char *key;
    json_t *value;
    json_object_foreach(factors->options, key, value)
    {
        ipm_auto_free char *text = json_is_string(value)
                                       ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY);
        append(label, "/%s=%s", key, text != NULL ? text : "?");
    }
    return label;
}

static json_t *background_cpus(const struct ipm_factors *factors)
{
    json_t *cpus = json_array();
    for (int cpu = 0; cpu < IPM_CPUS_MAX; cpu++) {
        if ((factors->background_cpus[cpu / 8] >> cpu % 8 & 1) != 0)
            (void)json_array_append_new(cpus, json_integer(cpu));
    }
    return cpus;
}

void ipm_factors_json(const struct ipm_factors *factors, json_t *json)
{
    set(json, "workload", json_string(factors->workload));
    set(json, "mechanism", json_string(factors->mechanism));
    set(json, "size", json_integer(factors->size));
    set(json, "rate", json_string(factors->rate));
    set(json, "placement", json_string(factors->placement));
    if (factors->place.n_cpus > 0) {
        json_t *cpus = json_array();
        int listed = factors->n_fan > 0 ? 1 + factors->n_fan : 2 * factors->n_pairs;
        for (int i = 0; i < listed; i++)
            (void)json_array_append_new(cpus, json_integer(factors->pair_cpus[i]));
        for (int i = 0; i < factors->place.n_cpus && listed == 0; i++)
            (void)json_array_append_new(cpus, json_integer(factors->place.cpus[i]));
        set(json, "placement_class",
            json_string(ipm_distance_names[factors->place.distance]));
        set(json, "cpus", cpus);
    }
    if (factors->n_background > 0)
        set(json, "background_cpus", background_cpus(factors));
    set(json, "wait", json_string(factors->wait));
    set(json, "copies", json_integer(factors->copies));
    set(json, "touch", json_string(factors->touch));
    set(json, "depth", json_integer(factors->depth));
    set(json, "batch", json_integer(factors->batch));
    set(json, "reply_size", json_integer(factors->reply_size));
    set(json, "policy", json_string(factors->policy));
    if (factors->memory_node >= 0)
        set(json, "memory_node_resolved", json_integer(factors->memory_node));
    json_t *options = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(factors->options, key, value)(void)
        json_object_set(strchr(key, '.') != NULL ? options : json, key, value);
    set(json, "options", options);
}

json_t *ipm_plan_skips_json(const struct ipm_spec *spec, const struct ipm_skip *skips,
                            size_t n_skips)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n_skips; i++) {
        json_t *one = json_object();
        set(one, "sweep", json_string(spec->sweeps[skips[i].sweep].name));
        ipm_factors_json(&skips[i].factors, one);
        set(one, "reason", json_string(skips[i].reason));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *points_json(const struct ipm_plan *plan, const struct ipm_spec *spec)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        json_t *one = json_object();
        json_t *invocations = json_object();
        set(one, "point", json_string(point->hash));
        set(one, "sweep", json_string(spec->sweeps[point->sweep].name));
        ipm_factors_json(&point->factors, one);
        for (size_t p = 0; p < plan->n_passes; p++) {
            const struct ipm_pass *pass = &plan->passes[p];
            if (pass->used)
                set(invocations, pass->name,
                    json_integer(ipm_plan_invocations(pass, point)));
        }
        set(one, "invocations", invocations);
        set(one, "window_ns", json_integer(point->repeat.window_ns));
        set(one, "warmup_ns", json_integer(point->repeat.warmup_ns));
        (void)json_array_append_new(list, one);
    }
    return list;
}

json_t *ipm_plan_json(const struct ipm_plan *plan, const struct ipm_spec *spec)
{
    json_t *json = json_object();
    json_t *passes = json_array();
    for (size_t i = 0; i < plan->n_passes; i++) {
        const struct ipm_pass *pass = &plan->passes[i];
        json_t *one = json_object();
        set(one, "name", json_string(pass->name));
        set(one, "used", json_boolean(pass->used));
        set(one, "reason", pass->used ? json_null() : json_string(pass->reason));
        set(one, "min_window_ns", json_integer(pass->min_window_ns));
        set(one, "estimate_ns", json_integer(ipm_plan_pass_ns(plan, pass)));
        (void)json_array_append_new(passes, one);
    }
    set(json, "schema", json_integer(1));
    set(json, "name", json_string(spec->name));
    set(json, "config", ipm_spec_json(spec));
    set(json, "quick", json_boolean(spec->quick));
    set(json, "combinations", json_integer((json_int_t)plan->n_combinations));
    set(json, "merged", json_integer((json_int_t)plan->n_merged));
    set(json, "excluded", json_integer((json_int_t)plan->n_excluded));
    set(json, "passes", passes);
    set(json, "points", points_json(plan, spec));
    set(json, "skips", ipm_plan_skips_json(spec, plan->skips, plan->n_skips));
    set(json, "dropped", ipm_plan_skips_json(spec, plan->dropped, plan->n_dropped));
    set(json, "estimate_ns", json_integer(plan->estimate_ns));
    set(json, "budget_ns",
        plan->budget_ns != 0 ? json_integer(plan->budget_ns) : json_null());
    set(json, "most_invocations",
        plan->most_invocations != 0 ? json_integer(plan->most_invocations)
                                    : json_null());
    (void)json_object_set(json, "notes", plan->notes);
    return json;
}
