/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double fact(const json_t *mode, const char *key)
{
    const json_t *value = json_object_get(mode, key);
    return json_is_number(value) && json_number_value(value) >= 0
               ? json_number_value(value)
               : -1;
}

static const json_t *mode_of(const json_t *manifest, const struct ipm_factors *factors)
{
    const json_t *list =
        json_object_get(json_object_get(manifest, "describe"), "mechanisms");
    size_t i;
    json_t *mechanism;
    json_array_foreach(list, i, mechanism)
    {
        const char *name = json_string_value(json_object_get(mechanism, "name"));
        if (name == NULL || strcmp(name, factors->mechanism) != 0)
            continue;
        size_t k;
        json_t *mode;
        json_array_foreach(json_object_get(mechanism, "modes"), k, mode)
        {
            if (json_integer_value(json_object_get(mode, "copies")) == factors->copies)
                return mode;
        }
    }
    return NULL;
}

static void add_capacity(struct ipm_time_series *series, double bytes, const char *name)
{
    if (!(bytes > 0) || series->n_capacities == IPM_TIME_CAPACITIES)
        return;
    struct ipm_segments_capacity *capacity =
        &series->capacities[series->n_capacities++];
    capacity->bytes = bytes;
    (void)snprintf(capacity->name, sizeof(capacity->name), "%.31s", name);
}

/* Options like pipe.capacity=65536: a room that was asked for. */
static void add_options(struct ipm_time_series *series)
{
    const char *at = series->factors->options;
    while (*at != '\0') {
        size_t length = strcspn(at, " ");
        char option[96];
        (void)snprintf(option, sizeof(option), "%.*s", (int)length, at);
        char *equals = strchr(option, '=');
        if (equals != NULL) {
            *equals = '\0';
            if (strstr(option, "capacity") != NULL || strstr(option, "buffer") != NULL)
                add_capacity(series, strtod(equals + 1, NULL), option);
        }
        at += length + (at[length] == ' ');
    }
}

/* A copy has a source and a destination: half a cache is the most that both fit into. */
void ipm_time_declare(const json_t *manifest, struct ipm_time_series *series)
{
    const json_t *mode = mode_of(manifest, series->factors);
    series->facts.copies = fact(mode, "copies_made");
    series->facts.syncs = fact(mode, "syncs");
    series->facts.pages = fact(mode, "pages");
    series->facts.chunk_bytes = fact(mode, "chunk_bytes");
    add_capacity(series, series->facts.chunk_bytes, "chunk");
    add_options(series);
    add_capacity(series, 4096, "page");
    size_t i;
    json_t *cache;
    json_array_foreach(json_object_get(json_object_get(manifest, "host"), "caches"), i,
                       cache)
    {
        char name[IPM_SEGMENTS_NAME];
        double bytes = fact(cache, "bytes");
        int level = (int)fact(cache, "level");
        const char *type = json_string_value(json_object_get(cache, "type"));
        if (type == NULL || strcmp(type, "Instruction") == 0)
            continue;
        (void)snprintf(name, sizeof(name), "L%d%s", level,
                       strcmp(type, "Data") == 0 ? "d" : "");
        add_capacity(series, bytes, name);
        (void)snprintf(name, sizeof(name), "half of L%d%s", level,
                       strcmp(type, "Data") == 0 ? "d" : "");
        add_capacity(series, bytes / 2, name);
    }
}
