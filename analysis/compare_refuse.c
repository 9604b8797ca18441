/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 256, PLUGIN = 120 };

bool ipm_compare_has(const struct ipm_compare *compare,
                     const struct ipm_compare_point *point, size_t side)
{
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        if (ipm_compare_cell(compare, point, i) != NULL)
            return true;
    }
    return false;
}

/* Joules of a side: one provenance, "mixed", or "" when there are none. */
static const char *provenance_of(const struct ipm_compare *compare, size_t side)
{
    const char *found = "";
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const char *of = compare->sessions[i].provenance;
        if (of[0] == '\0')
            continue;
        if (found[0] != '\0' && strcmp(found, of) != 0)
            return "mixed";
        found = of;
    }
    return found;
}

/* 1 emulated, 0 real, -1 some of each. */
static int emulated(const struct ipm_compare *compare, size_t side)
{
    int found = compare->sessions[compare->first[side]].emulated;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        if (compare->sessions[i].emulated != (found == 1))
            return -1;
    }
    return found;
}

const char *ipm_compare_refusal(const struct ipm_compare *compare, size_t a, size_t b,
                                enum ipm_by by, char text[256])
{
    const char *const sides[] = {compare->names[a], compare->names[b]};
    int kind_a = emulated(compare, a);
    int kind_b = emulated(compare, b);
    text[0] = '\0';
    if (kind_a < 0 || kind_b < 0) {
        (void)snprintf(text, TEXT,
                       "%.80s has sessions of real and of emulated machines",
                       sides[kind_a < 0 ? 0 : 1]);
    } else if (kind_a != kind_b) {
        (void)snprintf(text, TEXT,
                       "%.80s was measured on an emulated machine and %.80s was not: "
                       "its times are the emulator's",
                       sides[kind_a ? 0 : 1], sides[kind_a ? 1 : 0]);
    } else if (by == IPM_BY_JOULES) {
        const char *left = provenance_of(compare, a);
        const char *right = provenance_of(compare, b);
        bool mixed = strcmp(left, "mixed") == 0 || strcmp(right, "mixed") == 0;
        if (left[0] == '\0' || right[0] == '\0' || (!mixed && strcmp(left, right) == 0))
            return text;
        (void)snprintf(text, TEXT,
                       "joules of %.60s are %.30s and those of %.60s %.30s: they are "
                       "not of one kind",
                       sides[0], left, sides[1], right);
    }
    return text;
}

/* The side's version of a plug-in; -1: unknown; -2: its sessions differ. */
static json_int_t version_of(const struct ipm_compare *compare, size_t side,
                             const char *name)
{
    json_int_t found = -1;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const json_t *version = json_object_get(compare->sessions[i].versions, name);
        if (!json_is_integer(version))
            continue;
        if (found >= 0 && found != json_integer_value(version))
            return -2;
        found = json_integer_value(version);
    }
    return found;
}

/* The plug-in's place, or SIZE_MAX. */
static size_t place_of(const json_t *places, const char *kind, const char *of)
{
    char name[PLUGIN];
    (void)snprintf(name, sizeof(name), "%s %.100s", kind, of);
    const json_t *place = json_object_get(places, name);
    return place == NULL ? SIZE_MAX : (size_t)json_integer_value(place);
}

int ipm_compare_plugins(struct ipm_compare *compare)
{
    const char *name;
    json_t *value;
    json_t *names = compare->plugin_names = json_object();
    for (size_t i = 0; i < compare->n_sessions; i++) {
        json_object_foreach(compare->sessions[i].versions, name, value)
        {
            json_int_t next = (json_int_t)json_object_size(names);
            if (json_object_get(names, name) == NULL &&
                json_object_set_new(names, name, json_integer(next)) != 0)
                return -ENOMEM;
        }
    }
    compare->plugins = calloc(json_object_size(names) + 1, sizeof(*compare->plugins));
    if (names == NULL || compare->plugins == NULL)
        return -ENOMEM;
    json_object_foreach(names, name, value)
    {
        struct ipm_compare_plugin *plugin = &compare->plugins[compare->n_plugins++];
        plugin->name = name;
        plugin->versions = calloc(compare->n_sides + 1, sizeof(*plugin->versions));
        if (plugin->versions == NULL)
            return -ENOMEM;
        for (size_t side = 0; side < compare->n_sides; side++)
            plugin->versions[side] = version_of(compare, side, name);
    }
    for (size_t i = 0; i < compare->n_points; i++) {
        struct ipm_compare_point *point = &compare->points[i];
        point->mechanism = place_of(names, "mechanism", point->factors.mechanism);
        point->workload = place_of(names, "workload", point->factors.workload);
    }
    return 0;
}

static bool missed(const struct ipm_compare *compare,
                   const struct ipm_compare_point *point, size_t side)
{
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const struct ipm_compare_cell *cell = ipm_compare_cell(compare, point, i);
        for (; cell != NULL; cell = cell->pooled) {
            if (cell->missed)
                return true;
        }
    }
    return false;
}

const char *ipm_compare_point_refusal(const struct ipm_compare *compare,
                                      const struct ipm_compare_point *point, size_t a,
                                      size_t b, enum ipm_by by, char text[256])
{
    const size_t places[] = {point->mechanism, point->workload};
    text[0] = '\0';
    for (size_t i = 0; i < 2; i++) {
        if (places[i] >= compare->n_plugins)
            continue;
        const struct ipm_compare_plugin *plugin = &compare->plugins[places[i]];
        json_int_t left = plugin->versions[a];
        json_int_t right = plugin->versions[b];
        if (left == right || left == -1 || right == -1)
            continue;
        (void)snprintf(text, TEXT,
                       "%.80s is of different versions in %.40s and %.40s: it does "
                       "not mean the same",
                       plugin->name, compare->names[a], compare->names[b]);
        return text;
    }
    size_t late = missed(compare, point, a) ? a : b;
    if (by != IPM_BY_JOULES && missed(compare, point, late))
        (void)snprintf(text, TEXT,
                       "rate_not_achieved: %.100s did not keep up with the rate",
                       compare->names[late]);
    return text;
}
