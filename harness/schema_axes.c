/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schema_axes.h"

#include "base/cleanup.h"
#include "base/mix.h"
#include "harness/spec.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"
#include "harness/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = 640 };

/* One size of a mix and its weight. */
#define MIX_ENTRY "[0-9]+(B|KiB|MiB|GiB)?:[0-9]+(\\.[0-9]{1,6})?"

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *pattern(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", text);
}

static json_t *enumeration(const char *const *words)
{
    json_t *list = json_array();
    for (; *words != NULL; words++)
        (void)json_array_append_new(list, json_string(*words));
    return json_pack("{s:o}", "enum", list);
}

static json_t *integer(const struct ipm_axis *axis)
{
    json_t *schema = json_pack("{s:s}", "type", "integer");
    if (axis->min != 0 || axis->max != 0) {
        set(schema, "minimum", json_integer(axis->min));
        set(schema, "maximum", json_integer(axis->max));
    }
    return schema;
}

static json_t *placement(void)
{
    json_t *cpus = json_pack("{s:s, s:{s:s, s:i, s:i}, s:i, s:i}", "type", "array",
                             "items", "type", "integer", "minimum", 0, "maximum",
                             IPM_CPUS_MAX - 1, "minItems", 1, "maxItems", 2);
    set(cpus, "description", json_string("numbers of one or two CPUs"));
    return json_pack("[o, o, {s:s, s:{s:o}, s:[s], s:b}]",
                     enumeration(ipm_placement_words), pattern("^cpus:[0-9]+,[0-9]+$"),
                     "type", "object", "properties", "cpus", cpus, "required", "cpus",
                     "additionalProperties", 0);
}

/* The forms that one value may have; a list of schemas. */
static json_t *value_forms(const struct ipm_axis *axis)
{
    json_t *forms = json_array();
    switch (axis->type) {
    case IPM_AXIS_INTEGER:
    case IPM_AXIS_SIZE:
        (void)json_array_append_new(forms, integer(axis));
        (void)json_array_append_new(
            forms,
            pattern(axis->type == IPM_AXIS_SIZE ? IPM_SCHEMA_SIZE : "^[-+]?[0-9]+$"));
        break;
    case IPM_AXIS_DURATION:
        (void)json_array_append_new(forms, pattern(IPM_SCHEMA_DURATION));
        break;
    case IPM_AXIS_FLAG:
        (void)json_array_append_new(
            forms, json_pack("{s:[b, b, s, s]}", "enum", 1, 0, "true", "false"));
        break;
    case IPM_AXIS_CHOICE:
        (void)json_array_append_new(forms, enumeration(axis->choices));
        break;
    case IPM_AXIS_RATE:
        (void)json_array_append_new(
            forms, json_pack("{s:s, s:i}", "type", "integer", "minimum", 1));
        (void)json_array_append_new(forms, pattern("^(max|\\+?[0-9]+%?)$"));
        break;
    case IPM_AXIS_PLACEMENT:
        json_decref(forms);
        forms = placement();
        break;
    case IPM_AXIS_MIX:
        (void)json_array_append_new(forms, enumeration(ipm_mix_words));
        (void)json_array_append_new(forms,
                                    pattern("^" MIX_ENTRY "(," MIX_ENTRY "){1,15}$"));
        break;
    case IPM_AXIS_NODE:
        (void)json_array_append_new(forms, enumeration(axis->choices));
        (void)json_array_append_new(forms, integer(axis));
        (void)json_array_append_new(forms, pattern("^\\+?[0-9]+$"));
        break;
    case IPM_AXIS_UNCHECKED:
        (void)json_array_append_new(forms, json_object());
        break;
    }
    if (axis->special != NULL)
        (void)json_array_append_new(forms, json_pack("{s:s}", "const", axis->special));
    return forms;
}

static json_t *range(json_t *value)
{
    json_t *properties = json_object();
    for (const struct ipm_key *key = ipm_range_keys; key->name != NULL; key++) {
        json_t *member =
            key->type == IPM_KEY_FACTOR
                ? json_pack("{s:s, s:i}", "type", "number", "exclusiveMinimum", 1)
                : json_object();
        if (key->type == IPM_KEY_BOUND)
            (void)json_object_update(member, value);
        set(member, "description", json_string(key->help));
        set(properties, key->name, member);
    }
    return json_pack("{s:s, s:o, s:[s, s], s:[{s:[s]}, {s:[s]}], s:b}", "type",
                     "object", "properties", properties, "required", "from", "to",
                     "oneOf", "required", "factor", "required", "step",
                     "additionalProperties", 0);
}

static void append(char words[WORDS], const char *text)
{
    size_t used = strlen(words);
    (void)snprintf(words + used, WORDS - used, "%s%s", used > 0 ? ", " : "", text);
}

static void append_list(char words[WORDS], const char *const *list)
{
    for (; *list != NULL; list++)
        append(words, *list);
}

static const char *allowed(const struct ipm_axis *axis, char words[WORDS])
{
    static const char *const kinds[] = {
        [IPM_AXIS_INTEGER] = "a whole number",
        [IPM_AXIS_SIZE] = "a size (64, \"4KiB\")",
        [IPM_AXIS_DURATION] = "a duration (\"20us\")",
        [IPM_AXIS_FLAG] = "true, false",
        [IPM_AXIS_RATE] = "\"max\", messages per second, \"50%\" of the capacity",
        [IPM_AXIS_UNCHECKED] = "what the mechanism takes",
    };
    words[0] = '\0';
    if (axis->type == IPM_AXIS_CHOICE || axis->type == IPM_AXIS_NODE)
        append_list(words, axis->choices);
    else if (axis->type == IPM_AXIS_PLACEMENT)
        append_list(words, ipm_placement_words);
    else if (axis->type == IPM_AXIS_MIX)
        append_list(words, ipm_mix_words);
    else
        append(words, kinds[axis->type]);
    if (axis->type == IPM_AXIS_PLACEMENT)
        append(words, "{\"cpus\": [2, 4]}");
    if (axis->type == IPM_AXIS_NODE)
        append(words, "a number");
    if (axis->type == IPM_AXIS_MIX)
        append(words, "\"64:9,4KiB:1\" (size and weight, 2 .. 16 of them)");
    bool bounded = axis->min != 0 || axis->max != 0;
    char bounds[96];
    (void)snprintf(bounds, sizeof(bounds), "%" PRId64 " .. %" PRId64 "%s", axis->min,
                   axis->max,
                   axis->type == IPM_AXIS_SIZE       ? " bytes"
                   : axis->type == IPM_AXIS_DURATION ? " ns"
                                                     : "");
    if (bounded)
        append(words, bounds);
    if (axis->special != NULL) {
        (void)snprintf(bounds, sizeof(bounds), "or \"%s\"", axis->special);
        append(words, bounds);
    }
    return words;
}

static json_t *axis_schema(const struct ipm_axis *axis, bool single)
{
    char words[WORDS];
    json_t *forms = value_forms(axis);
    ipm_auto_json json_t *value = json_pack("{s:O}", "anyOf", forms);
    json_t *schema = json_pack("{s:o}", "anyOf", forms);
    bool counted = axis->type == IPM_AXIS_INTEGER || axis->type == IPM_AXIS_SIZE;
    if (!single) {
        forms = json_array();
        (void)json_array_extend(forms, json_object_get(value, "anyOf"));
        (void)json_array_append_new(
            forms, json_pack("{s:s, s:O, s:i, s:i}", "type", "array", "items", value,
                             "minItems", 1, "maxItems", IPM_AXIS_LIMIT));
        if (counted)
            (void)json_array_append_new(forms, range(value));
        set(schema, "anyOf", forms);
    }
    if (axis->help != NULL)
        set(schema, "description", json_string(axis->help));
    if (axis->fallback != NULL)
        set(schema, "default", json_string(axis->fallback));
    set(schema, "x-allowed", json_string(allowed(axis, words)));
    return schema;
}

json_t *ipm_schema_axes(const json_t *describe, bool single)
{
    ipm_auto_json json_t *names = ipm_axis_names(describe);
    ipm_auto_json json_t *absent = ipm_axis_absent(describe);
    json_t *properties = json_object();
    json_t *patterns = json_object();
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name)
    {
        struct ipm_axis axis;
        char mend[IPM_MEND];
        if (ipm_axis_find(describe, json_string_value(name), &axis, mend) == 0)
            set(properties, json_string_value(name), axis_schema(&axis, single));
    }
    json_array_foreach(absent, index, name)
    {
        char text[64];
        (void)snprintf(text, sizeof(text), "^%.40s\\.", json_string_value(name));
        set(patterns, text, json_object());
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                     "patternProperties", patterns, "additionalProperties", 0);
}
