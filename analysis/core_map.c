/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/core_map.h"

#include "analysis/manifest.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 1024 /* as many as a cpu_set_t holds */ };

/* Nearest first. */
static const char *const classes[] = {"smt_sibling", "same_llc",     "cross_llc",
                                      "cross_numa",  "cross_socket", "unknown"};
enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

/* Two different CPUs by number. */
static bool named_pair(const char *placement, int cpus[2])
{
    int used = 0;
    return sscanf(placement, "cpus:%4d,%4d%n", &cpus[0], &cpus[1], &used) == 2 &&
           placement[used] == '\0' && cpus[0] != cpus[1] && cpus[0] >= 0 &&
           cpus[1] >= 0 && cpus[0] < CPUS_MAX && cpus[1] < CPUS_MAX;
}

/* Do the two differ in where they ran, and in nothing else? */
static bool same_map(const struct ipm_factors *a, const struct ipm_factors *b)
{
    struct ipm_factors moved = *a;
    moved.placement = b->placement;
    moved.placement_class = b->placement_class;
    return ipm_factors_compare(&moved, b) == 0;
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *pair_json(const struct ipm_point *point, const int cpus[2])
{
    const struct ipm_figure *figure = ipm_point_figure(point, "p50_ns");
    const char *reason = figure == NULL              ? "absent: no such figure"
                         : figure->reason[0] != '\0' ? figure->reason
                                                     : figure->estimate.reason;
    struct ipm_estimate none = {.value = NAN, .low = NAN, .high = NAN};
    const struct ipm_estimate *estimate = figure != NULL ? &figure->estimate : &none;
    json_t *json = json_object();
    set(json, "cpus", json_pack("[i, i]", cpus[0], cpus[1]));
    set(json, "class", text_or_null(point->factors.placement_class));
    set(json, "point", json_string(point->id));
    set(json, "value", ipm_json_number(estimate->value));
    set(json, "low", ipm_json_number(estimate->low));
    set(json, "high", ipm_json_number(estimate->high));
    set(json, "n", json_integer((json_int_t)estimate->n));
    set(json, "reason", text_or_null(reason != NULL ? reason : ""));
    return json;
}

static json_t *map_json(const struct ipm_factors *factors)
{
    json_t *json = json_object();
    set(json, "workload", json_string(factors->workload));
    set(json, "mechanism", json_string(factors->mechanism));
    set(json, "size", factors->size < 0 ? json_null() : json_integer(factors->size));
    set(json, "copies",
        factors->copies < 0 ? json_null() : json_integer(factors->copies));
    set(json, "wait", text_or_null(factors->wait));
    set(json, "touch", text_or_null(factors->touch));
    set(json, "policy", text_or_null(factors->policy));
    set(json, "rate", text_or_null(factors->rate));
    set(json, "options", json_string(factors->options));
    set(json, "figure", json_string("p50_ns"));
    set(json, "unit", json_string("ns"));
    set(json, "pairs", json_array());
    return json;
}

static json_t *cpus_of(const json_t *pairs)
{
    bool seen[CPUS_MAX] = {false};
    json_t *json = json_array();
    size_t i;
    json_t *pair;
    json_array_foreach(pairs, i, pair)
    {
        const json_t *cpus = json_object_get(pair, "cpus");
        seen[json_integer_value(json_array_get(cpus, 0))] = true;
        seen[json_integer_value(json_array_get(cpus, 1))] = true;
    }
    for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
        if (seen[cpu])
            (void)json_array_append_new(json, json_integer(cpu));
    }
    return json;
}

static int rising(const void *a, const void *b)
{
    const double *first = a;
    const double *second = b;
    return (*first > *second) - (*first < *second);
}

/* One of classes[]; what is none of the others is unknown, as a machine's own word may be. */
static const char *class_of(const json_t *pair)
{
    const char *its = ipm_manifest_text(pair, "class", "");
    for (size_t i = 0; i < CLASSES; i++) {
        if (strcmp(its, classes[i]) == 0)
            return classes[i];
    }
    return classes[CLASSES - 1];
}

/* The pairs of one class; NULL when there are none, or no memory. */
static json_t *class_json(const json_t *pairs, const char *class)
{
    ipm_auto_free double *values =
        calloc(json_array_size(pairs) + 1, sizeof(values[0]));
    size_t n = 0;
    size_t n_pairs = 0;
    size_t i;
    json_t *pair;
    json_array_foreach(pairs, i, pair)
    {
        const json_t *value = json_object_get(pair, "value");
        if (values == NULL || strcmp(class_of(pair), class) != 0)
            continue;
        n_pairs++;
        if (json_is_number(value))
            values[n++] = json_number_value(value);
    }
    if (n_pairs == 0)
        return NULL;
    qsort(values, n, sizeof(values[0]), rising);
    double median = n == 0 ? NAN : (values[(n - 1) / 2] + values[n / 2]) / 2;
    json_t *json = json_object();
    set(json, "class", json_string(class));
    set(json, "pairs", json_integer((json_int_t)n_pairs));
    set(json, "measured", json_integer((json_int_t)n));
    set(json, "value", ipm_json_number(median));
    set(json, "low", ipm_json_number(n == 0 ? NAN : values[0]));
    set(json, "high", ipm_json_number(n == 0 ? NAN : values[n - 1]));
    return json;
}

static void complete(json_t *map)
{
    const json_t *pairs = json_object_get(map, "pairs");
    json_t *list = json_array();
    for (size_t i = 0; i < CLASSES; i++) {
        json_t *class = class_json(pairs, classes[i]);
        if (class != NULL)
            (void)json_array_append_new(list, class);
    }
    set(map, "classes", list);
    set(map, "cpus", cpus_of(pairs));
}

/* Is a placement, one or a list of them, "all_pairs"? */
static bool is_all_pairs(const json_t *placement)
{
    const char *text = json_string_value(placement);
    size_t i;
    const json_t *one;
    bool found = text != NULL && strcmp(text, "all_pairs") == 0;
    json_array_foreach(placement, i, one) found = found || is_all_pairs(one);
    return found;
}

static bool asks_all_pairs(const json_t *config)
{
    size_t i;
    size_t k;
    const json_t *sweep;
    const json_t *row;
    bool found = false;
    json_array_foreach(json_object_get(config, "sweeps"), i, sweep)
    {
        const json_t *axes = json_object_get(sweep, "axes");
        found = found || is_all_pairs(json_object_get(axes, "placement"));
        json_array_foreach(json_object_get(sweep, "include"), k, row) found =
            found || is_all_pairs(json_object_get(row, "placement"));
    }
    return found;
}

/* Which map each point belongs to, and the points of each; all of a size that holds every
 * point of the summary. */
struct sorting {
    const struct ipm_factors **factors; /* of each map's first point */
    size_t *map;                        /* of each point; SIZE_MAX: none */
    size_t *n_pairs;                    /* of each map */
    size_t n_maps;
};

static void sorting_fini(struct sorting *sorting)
{
    free(sorting->factors);
    free(sorting->map);
    free(sorting->n_pairs);
}

static int sort(const struct ipm_summary *summary, struct sorting *sorting)
{
    size_t room = summary->n_points + 1;
    sorting->factors = calloc(room, sizeof(const struct ipm_factors *));
    sorting->map = calloc(room, sizeof(*sorting->map));
    sorting->n_pairs = calloc(room, sizeof(*sorting->n_pairs));
    if (sorting->factors == NULL || sorting->map == NULL || sorting->n_pairs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_factors *factors = &summary->points[i].factors;
        int cpus[2];
        size_t at = 0;
        sorting->map[i] = SIZE_MAX;
        if (!named_pair(factors->placement, cpus))
            continue;
        while (at < sorting->n_maps && !same_map(sorting->factors[at], factors))
            at++;
        if (at == sorting->n_maps)
            sorting->factors[sorting->n_maps++] = factors;
        sorting->map[i] = at;
        sorting->n_pairs[at]++;
    }
    return 0;
}

/* The map of that number, and its points marked. */
static json_t *make_map(struct ipm_summary *summary, const struct sorting *sorting,
                        size_t number)
{
    json_t *map = map_json(sorting->factors[number]);
    json_t *pairs = json_object_get(map, "pairs");
    for (size_t i = 0; i < summary->n_points; i++) {
        struct ipm_point *point = &summary->points[i];
        int cpus[2];
        if (sorting->map[i] != number || !named_pair(point->factors.placement, cpus))
            continue;
        point->mapped = sorting->n_pairs[number] > 1;
        (void)json_array_append_new(pairs, pair_json(point, cpus));
    }
    complete(map);
    return map;
}

json_t *ipm_core_map_json(struct ipm_summary *summary, const json_t *manifest)
{
    bool asked = asks_all_pairs(json_object_get(manifest, "config"));
    __attribute__((cleanup(sorting_fini))) struct sorting sorting = {0};
    if (sort(summary, &sorting) != 0)
        return NULL;
    json_t *json = json_object();
    json_t *maps = json_array();
    for (size_t i = 0; i < sorting.n_maps; i++) {
        if (asked || sorting.n_pairs[i] > 1)
            (void)json_array_append_new(maps, make_map(summary, &sorting, i));
    }
    set(json, "topology",
        text_or_null(ipm_manifest_text(manifest, "host.topology", "")));
    set(json, "topology_reason",
        text_or_null(ipm_manifest_text(manifest, "host.topology_reason", "")));
    set(json, "maps", maps);
    return json;
}

static void append(char *line, size_t room, const char *text)
{
    size_t used = strlen(line);
    (void)snprintf(line + used, room - used, "%s", text);
}

static const char *size_text(char text[IPM_UNITS_TEXT], const json_t *size)
{
    json_int_t bytes = json_integer_value(size);
    return bytes > 0 ? ipm_format_size(text, bytes) : "no payload";
}

static void describe_class(char *line, size_t room, const json_t *class)
{
    char text[256];
    char value[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    const char *name = ipm_manifest_text(class, "class", "unknown");
    json_int_t pairs = json_integer_value(json_object_get(class, "pairs"));
    json_int_t measured = json_integer_value(json_object_get(class, "measured"));
    if (measured == 0) {
        (void)snprintf(text, sizeof(text), "; %.40s: none of %lld pairs measured", name,
                       (long long)pairs);
    } else {
        (void)snprintf(
            text, sizeof(text), "; %.40s %s", name,
            ipm_format_ns(value, json_number_value(json_object_get(class, "value"))));
        if (measured > 1)
            (void)snprintf(
                text + strlen(text), sizeof(text) - strlen(text),
                " (%s .. %s, %lld of %lld pairs)",
                ipm_format_ns(low, json_number_value(json_object_get(class, "low"))),
                ipm_format_ns(high, json_number_value(json_object_get(class, "high"))),
                (long long)measured, (long long)pairs);
    }
    append(line, room, text);
}

void ipm_core_map_text(const json_t *core_to_core,
                       void (*put)(FILE *out, const char *heading, const char *text),
                       FILE *out)
{
    const json_t *maps = json_object_get(core_to_core, "maps");
    size_t i;
    size_t k;
    const json_t *map;
    const json_t *class;
    json_array_foreach(maps, i, map)
    {
        char line[2048];
        char size[IPM_UNITS_TEXT];
        (void)snprintf(line, sizeof(line),
                       "%.40s, %s, wait %.20s, %zu CPUs: median %.20s",
                       ipm_manifest_text(map, "mechanism", "?"),
                       size_text(size, json_object_get(map, "size")),
                       ipm_manifest_text(map, "wait", "none"),
                       json_array_size(json_object_get(map, "cpus")),
                       strcmp(ipm_manifest_text(map, "workload", ""), "pingpong") == 0
                           ? "round trip"
                           : ipm_manifest_text(map, "workload", "?"));
        json_array_foreach(json_object_get(map, "classes"), k, class)
            describe_class(line, sizeof(line), class);
        put(out, i == 0 ? "Map" : "", line);
    }
    const char *reason = ipm_manifest_text(core_to_core, "topology_reason", "");
    if (json_array_size(maps) > 0 &&
        strcmp(ipm_manifest_text(core_to_core, "topology", ""), "hypervisor") == 0) {
        char line[512];
        (void)snprintf(
            line, sizeof(line),
            "topology: hypervisor: the classes are what the guest is shown%s%.300s",
            reason[0] == '\0' ? "" : ": ", reason);
        put(out, "", line);
    }
}
