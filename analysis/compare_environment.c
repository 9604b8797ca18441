/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "analysis/member.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 160 };

/* With these another machine begins; other keys are settings of the same one. */
static const char *const hard[] = {"architecture",
                                   "cpu_model",
                                   "vendor",
                                   "family",
                                   "model",
                                   "stepping",
                                   "packages",
                                   "cores",
                                   "threads",
                                   "caches",
                                   "numa_nodes",
                                   "hypervisor",
                                   "emulated",
                                   "core_kinds",
                                   "kernel",
                                   "libc",
                                   "compiler",
                                   "mitigations",
                                   "build",
                                   "version",
                                   "boot_options",
                                   "page_table_isolation",
                                   NULL};

/* Checks of the doctor that show a setting, not what the machine was doing. */
static const char *const settings[] = {
    "governor",      "energy_preference", "turbo",          "idle_states", "isolation",
    "huge_pages",    "numa_balancing",    "aslr",           "cpu_quota",   "mains",
    "perf_paranoid", "realtime",          "message_queues", NULL};

static bool listed(const char *const *list, const char *name, size_t length)
{
    for (; *list != NULL; list++) {
        if (strlen(*list) == length && memcmp(*list, name, length) == 0)
            return true;
    }
    return false;
}

/* Adds a member, and of an object each member of its own, one level deep. */
static void add(json_t *flat, const char *prefix, const char *key, json_t *value)
{
    char name[NAME];
    const char *inner;
    json_t *member;
    if (json_is_object(value) && prefix[0] == '\0') {
        json_object_foreach(value, inner, member) add(flat, key, inner, member);
        return;
    }
    (void)snprintf(name, sizeof(name), "%.60s%s%.80s", prefix,
                   prefix[0] == '\0' ? "" : ".", key);
    (void)json_object_set(flat, name, value);
}

/* All that a session's manifest says of its machine, flat. */
static json_t *flatten(const json_t *manifest)
{
    static const char *const tops[] = {"build", "version", "quick"};
    json_t *flat = json_object();
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(json_object_get(manifest, "host"), key, value)
    {
        if (strcmp(key, "class") != 0) /* a hash of the others */
            add(flat, "", key, value);
    }
    for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        value = json_object_get(manifest, tops[i]);
        if (value != NULL)
            (void)json_object_set(flat, tops[i], value);
    }
    const json_t *before = json_object_get(manifest, "environment_before");
    json_array_foreach(json_object_get(before, "checks"), i, value)
    {
        const char *name = ipm_member_text(value, "name");
        json_t *text = json_object_get(value, "text");
        if (text != NULL && listed(settings, name, strlen(name)))
            add(flat, "setting", name, text);
    }
    return flat;
}

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
        flats[i] = flatten(compare->sessions[i].manifest);
        (void)json_object_update_missing(all, flats[i]);
    }
    json_object_foreach(all, key, ignored)
    {
        json_t *values = json_array();
        bool is_hard = listed(hard, key, strcspn(key, "."));
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
