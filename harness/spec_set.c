/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec_set.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"

#include <stdlib.h>
#include <string.h>

/* A number, true or false as JSON has them; any other word is a text. */
static json_t *parse_word(const char *word)
{
    json_t *value = json_loads(word, JSON_DECODE_ANY, NULL);
    if (json_is_number(value) || json_is_boolean(value))
        return value;
    json_decref(value);
    return json_string(word);
}

/* "imix,64:9,4096:1": where the axis is a mix, neighbours with colons are one. */
static json_t *join_mixes(const json_t *words)
{
    json_t *joined = json_array();
    bool open = false; /* the last one may go on */
    size_t i;
    const json_t *word;
    json_array_foreach(words, i, word)
    {
        const char *text = json_string_value(word);
        bool part = text != NULL && strchr(text, ':') != NULL;
        size_t last = json_array_size(joined) - 1;
        if (part && open)
            (void)json_array_set_new(
                joined, last,
                json_sprintf("%s,%s", json_string_value(json_array_get(joined, last)),
                             text));
        else
            (void)json_array_append(joined, (json_t *)(uintptr_t)word);
        open = part;
    }
    return joined;
}

static json_t *parse_value(const char *text, struct ipm_diagnostics *diagnostics,
                           const char *key, bool mix)
{
    if (strchr("[{\"", text[0]) != NULL && text[0] != '\0') {
        json_error_t problem;
        json_t *value =
            json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &problem);
        if (value == NULL)
            ipm_diagnostics_error_set(diagnostics, key, NULL, "not JSON: %s",
                                      problem.text);
        return value;
    }
    /* An event may hold commas: whoever reads them parts them. */
    if (strchr(text, ',') == NULL || strcmp(key, "sensors.events") == 0)
        return parse_word(text);
    ipm_auto_free char *copy = strdup(text);
    ipm_auto_json json_t *list = json_array();
    char *rest = copy;
    for (char *word = NULL; copy != NULL && (word = strsep(&rest, ",")) != NULL;)
        (void)json_array_append_new(list, parse_word(word));
    return mix ? join_mixes(list) : json_incref(list);
}

static void put(json_t *object, const struct ipm_pointer *at, const char *key,
                json_t *value, const char *set, struct ipm_diagnostics *diagnostics)
{
    struct ipm_pointer member = {.up = at, .key = key};
    ipm_diagnostics_overlay(diagnostics, &member, set);
    (void)json_object_set(object, key, value);
}

/* Member @key of @object, made when it is not there; NULL: it is something else. */
static json_t *member_object(json_t *object, const char *key)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL) {
        (void)json_object_set_new(object, key, json_object());
        member = json_object_get(object, key);
    }
    return json_is_object(member) ? member : NULL;
}

static void set_in_sweeps(json_t *root, const char *key, json_t *value, bool axis,
                          struct ipm_diagnostics *diagnostics)
{
    struct ipm_pointer sweeps = {.key = "sweeps"};
    size_t index;
    json_t *sweep;
    json_array_foreach(json_object_get(root, "sweeps"), index, sweep)
    {
        struct ipm_pointer at = {.up = &sweeps, .index = index};
        struct ipm_pointer axes = {.up = &at, .key = "axes"};
        if (!json_is_object(sweep))
            continue; /* the check to come says so */
        if (!axis) {
            put(sweep, &at, key, value, key, diagnostics);
            continue;
        }
        json_t *object = member_object(sweep, "axes");
        if (object != NULL)
            put(object, &axes, key, value, key, diagnostics);
    }
}

/* A key of the top, or of an object there; what a sweep overrides is dropped. */
static void set_at_top(json_t *root, const char *key, json_t *value,
                       struct ipm_diagnostics *diagnostics)
{
    char outer[IPM_NAME];
    const char *dot = strchr(key, '.');
    if (dot == NULL) {
        put(root, NULL, key, value, key, diagnostics);
        return;
    }
    (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
    struct ipm_pointer at = {.key = outer};
    json_t *object = member_object(root, outer);
    if (object != NULL)
        put(object, &at, dot + 1, value, key, diagnostics);
    if (strcmp(outer, "repeat") != 0)
        return;
    size_t index;
    json_t *sweep;
    json_array_foreach(json_object_get(root, "sweeps"), index, sweep)(void)
        json_object_del(json_object_get(sweep, "repeat"), dot + 1);
}

/* Is it a key of the top that --set may change?  The names, where not. */
static bool is_top(const char *key)
{
    char outer[IPM_NAME];
    const char *dot = strchr(key, '.');
    size_t length = dot != NULL ? (size_t)(dot - key) : strlen(key);
    if (length >= sizeof(outer))
        return false;
    memcpy(outer, key, length);
    outer[length] = '\0';
    const struct ipm_key *row = ipm_key_find(ipm_spec_keys, outer);
    if (row == NULL || ipm_key_is_other(row))
        return false;
    return (dot != NULL) == (row->type == IPM_KEY_OBJECT);
}

static void unknown(const char *key, const char *axis_mend,
                    struct ipm_diagnostics *diagnostics)
{
    static const char *const keys[] = {"mechanisms", "workloads", "name", "repeat",
                                       "sensors",    "gate",      NULL};
    const char *nearest = ipm_nearest_word(key, keys);
    char mend[IPM_MEND];
    (void)snprintf(mend, sizeof(mend), "%s", axis_mend);
    if (strcmp(key, "sweeps") == 0)
        (void)strcpy(mend, "set mechanisms, workloads or an axis: of every sweep");
    else if (nearest != NULL && strcmp(nearest, key) == 0)
        (void)snprintf(mend, sizeof(mend), "set %s.KEY", key);
    else if (nearest != NULL && strstr(axis_mend, "did you mean") == NULL)
        (void)snprintf(mend, sizeof(mend), "did you mean '%s'?", nearest);
    ipm_diagnostics_error_set(diagnostics, key, mend, "unknown key '%s'", key);
}

static void set_one(json_t *root, const char *set, const json_t *describe,
                    struct ipm_diagnostics *diagnostics)
{
    const char *equals = strchr(set, '=');
    if (equals == NULL || equals == set) {
        ipm_diagnostics_error_set(diagnostics, set, NULL, "expected KEY=VALUE");
        return;
    }
    ipm_auto_json json_t *text = json_string(set);
    if (text == NULL) {
        ipm_diagnostics_error_set(diagnostics, set, NULL, "this is not UTF-8 text");
        return;
    }
    ipm_auto_free char *key = strndup(set, (size_t)(equals - set));
    if (key == NULL)
        return;
    struct ipm_axis axis;
    char mend[IPM_MEND] = "";
    bool is_axis = ipm_axis_find(describe, key, &axis, mend) == 0;
    ipm_auto_json json_t *value =
        parse_value(equals + 1, diagnostics, key, is_axis && axis.type == IPM_AXIS_MIX);
    if (value == NULL)
        return;
    if (strcmp(key, "mechanisms") == 0 || strcmp(key, "workloads") == 0)
        set_in_sweeps(root, key, value, false, diagnostics);
    else if (is_top(key))
        set_at_top(root, key, value, diagnostics);
    else if (is_axis)
        set_in_sweeps(root, key, value, true, diagnostics);
    else
        unknown(key, mend, diagnostics);
}

/* A mix of the command line brings its sizes: those of a sweep are dropped for it. */
static void drop_sizes(json_t *root, const struct ipm_diagnostics *diagnostics)
{
    struct ipm_pointer sweeps = {.key = "sweeps"};
    size_t index;
    json_t *sweep;
    json_array_foreach(json_object_get(root, "sweeps"), index, sweep)
    {
        struct ipm_pointer at = {.up = &sweeps, .index = index};
        struct ipm_pointer axes = {.up = &at, .key = "axes"};
        struct ipm_pointer mix = {.up = &axes, .key = "size_mix"};
        struct ipm_pointer size = {.up = &axes, .key = "size"};
        json_t *object = json_object_get(sweep, "axes");
        if (ipm_axis_gives_sizes(json_object_get(object, "size_mix")) &&
            ipm_diagnostics_set_at(diagnostics, &mix) != NULL &&
            ipm_diagnostics_set_at(diagnostics, &size) == NULL)
            (void)json_object_del(object, "size");
    }
}

void ipm_spec_set(json_t *root, const char *const *sets, size_t n_sets,
                  const json_t *describe, struct ipm_diagnostics *diagnostics)
{
    for (size_t i = 0; i < n_sets; i++)
        set_one(root, sets[i], describe, diagnostics);
    drop_sizes(root, diagnostics);
}
