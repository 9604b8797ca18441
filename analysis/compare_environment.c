/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "analysis/machine_keys.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stdlib.h>

/* A side's value: that of its sessions; where they differ, a list of what they say. */
static json_t *value_of(json_t *const *flats, size_t from, size_t to, const char *key)
{
    json_t *first = json_object_get(flats[from], key);
    bool same = true;
    for (size_t i = from + 1; i < to; i++) {
        json_t *other = json_object_get(flats[i], key);
        same = same && (first == other ||
                        (first != NULL && other != NULL && json_equal(first, other)));
    }
    if (same)
        return first == NULL ? json_null() : json_incref(first);
    json_t *list = json_array();
    for (size_t i = from; i < to; i++) {
        json_t *value = json_object_get(flats[i], key);
        (void)json_array_append(list, value == NULL ? json_null() : value);
    }
    return json_pack("{s: o}", "differs", list);
}

static bool differs(const json_t *values)
{
    const json_t *first = json_array_get(values, 0);
    size_t i;
    const json_t *value;
    json_array_foreach(values, i, value)
    {
        if (!json_equal(first, value) || json_object_get(value, "differs") != NULL)
            return true;
    }
    return false;
}

json_t *ipm_compare_environment(const struct ipm_compare *compare)
{
    ipm_auto_free json_t **flats = calloc(compare->n_sessions + 1, sizeof(json_t *));
    json_t *all = json_object();
    json_t *unlike = json_array();
    size_t alike = 0;
    size_t n_hard = 0;
    const char *key;
    json_t *ignored;
    if (flats == NULL)
        return NULL;
    for (size_t i = 0; i < compare->n_sessions; i++) {
        flats[i] = ipm_machine_flat(compare->sessions[i].manifest);
        (void)json_object_update_missing(all, flats[i]);
    }
    json_object_foreach(all, key, ignored)
    {
        json_t *values = json_array();
        bool is_hard = ipm_machine_key(key)->other_machine;
        for (size_t side = 0; side < compare->n_sides; side++)
            (void)json_array_append_new(
                values,
                value_of(flats, compare->first[side], compare->first[side + 1], key));
        if (differs(values)) {
            n_hard += is_hard;
            (void)json_array_append_new(unlike,
                                        json_pack("{s: s, s: b, s: O}", "key", key,
                                                  "hard", is_hard, "values", values));
        } else {
            alike++;
        }
        json_decref(values);
    }
    for (size_t i = 0; i < compare->n_sessions; i++)
        json_decref(flats[i]);
    json_decref(all);
    return json_pack("{s: I, s: I, s: o}", "alike", (json_int_t)alike, "hard",
                     (json_int_t)n_hard, "unlike", unlike);
}
