/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schema.h"

#include "harness/describe.h"
#include "harness/meter/meter.h"
#include "harness/schema_axes.h"
#include "harness/spec_keys.h"
#include "harness/spec_rows.h"
#include "harness/spec_sensors.h"

#include <math.h>
#include <string.h>

static const char dialect[] = "https://json-schema.org/draft/2020-12/schema";

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *words_json(const char *const *words)
{
    json_t *list = json_array();
    for (; *words != NULL; words++)
        (void)json_array_append_new(list, json_string(*words));
    return list;
}

static json_t *integer_schema(const struct ipm_key *key)
{
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                     (json_int_t)key->min, "maximum", (json_int_t)key->max);
}

/* "all", a name of the describe document, or a list of these. */
static json_t *names_schema(const json_t *describe, const char *kind,
                            const char *const *words)
{
    json_t *names = words_json(words);
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, kind), index, entry)(void)
        json_array_append_new(names, json_string(ipm_describe_text(entry, "name", "")));
    json_t *name = json_pack("{s:o}", "enum", names);
    return json_pack("{s:[O, {s:s, s:o, s:i}]}", "anyOf", name, "type", "array",
                     "items", name, "minItems", 1);
}

static json_t *factor_names(const json_t *describe, const char *kind, bool include)
{
    static const char *const none[] = {NULL};
    json_t *both = names_schema(describe, kind, none);
    json_t *one = json_incref(json_array_get(json_object_get(both, "anyOf"), 0));
    if (include) {
        json_decref(both);
        return one;
    }
    json_decref(one);
    return both;
}

/* An axis in a row of "exclude" takes what it takes in "axes". */
static json_t *refer_to_axes(json_t *axes)
{
    json_t *references = json_object();
    json_t *row = json_copy(axes);
    const char *name;
    json_t *axis;
    json_object_foreach(json_object_get(axes, "properties"), name, axis)
    {
        json_t *one =
            json_pack("{s:o}", "$ref",
                      json_sprintf("#/properties/sweeps/items/properties/axes/"
                                   "properties/%s",
                                   name));
        (void)json_object_set(one, "description", json_object_get(axis, "description"));
        set(references, name, one);
    }
    set(row, "properties", references);
    json_decref(axes);
    return row;
}

static json_t *rows_schema(const json_t *describe, bool include)
{
    static const struct {
        const char *factor, *kind, *help;
    } names[] = {{"workload", "workloads", "a workload"},
                 {"mechanism", "mechanisms", "a mechanism"}};
    json_t *row = ipm_schema_axes(describe, include);
    if (!include)
        row = refer_to_axes(row);
    for (size_t i = 0; i < 2; i++) {
        json_t *name = factor_names(describe, names[i].kind, include);
        set(name, "description", json_string(names[i].help));
        set(json_object_get(row, "properties"), names[i].factor, name);
    }
    if (include)
        set(row, "required", json_pack("[s, s]", "workload", "mechanism"));
    else
        set(row, "minProperties", json_integer(1));
    return json_pack("{s:s, s:o, s:i}", "type", "array", "items", row, "maxItems",
                     IPM_ROWS_LIMIT);
}

static json_t *events_schema(void)
{
    json_t *event = json_pack("{s:s, s:s, s:i}", "type", "string", "pattern",
                              "^[\\x21-\\x7e]+$", "maxLength", IPM_EVENT_LENGTH);
    json_t *list = json_pack("{s:s, s:o, s:i, s:b}", "type", "array", "items", event,
                             "maxItems", IPM_EVENTS_MAX, "uniqueItems", 1);
    json_t *schema = json_pack("{s:[{s:s}, o]}", "anyOf", "type", "string", list);
    set(schema, "x-allowed",
        json_string("a list of names, or a text parted by commas"));
    return schema;
}

static json_t *parameter_schema(const struct ipm_meter_parameter *parameter)
{
    json_t *schema =
        json_pack("{s:s, s:f, s:f, s:s}", "type",
                  parameter->whole ? "integer" : "number", "minimum", parameter->min,
                  "maximum", parameter->max, "description", parameter->help);
    set(schema, "x-allowed",
        json_sprintf("a %s, %.16g .. %.16g",
                     parameter->whole ? "whole number" : "number", parameter->min,
                     parameter->max));
    if (!parameter->asked)
        set(schema, "default",
            parameter->whole ? json_integer((json_int_t)parameter->fallback)
                             : json_real(parameter->fallback));
    return schema;
}

static json_t *closed_object(json_t *properties, json_t *required)
{
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                     "required", required, "additionalProperties", 0);
}

static json_t *energy_schema(const struct ipm_key *key)
{
    json_t *parameters = json_object();
    json_t *required = json_array();
    for (const struct ipm_meter_parameter *at = ipm_meter_parameters; at->name != NULL;
         at++) {
        set(parameters, at->name, parameter_schema(at));
        if (at->asked)
            (void)json_array_append_new(required, json_string(at->name));
    }
    json_t *watts = json_pack(
        "{s:s, s:s, s:{s:s, s:i, s:i}, s:i, s:i, s:s}", "type", "array", "description",
        "watts per busy core: lowest, typical, highest", "items", "type", "number",
        "minimum", 0, "maximum", 10000, "minItems", 3, "maxItems", 3, "x-allowed",
        "three numbers, each not below the one before");
    json_t *simulated = closed_object(parameters, required);
    json_t *estimated = closed_object(json_pack("{s:o}", "watts_per_core", watts),
                                      json_pack("[s]", "watts_per_core"));
    set(simulated, "description",
        json_string(
            "a simulated meter, for tests of the arithmetic: its joules are not "
            "of this machine"));
    set(estimated, "description",
        json_string("watts of a busy core as a datasheet or another meter has them"));
    json_t *object =
        json_pack("{s:s, s:{s:o, s:o}, s:b, s:i, s:i}", "type", "object", "properties",
                  "estimated", estimated, "simulated", simulated,
                  "additionalProperties", 0, "minProperties", 1, "maxProperties", 1);
    return json_pack("{s:[{s:o}, o]}", "anyOf", "enum", words_json(key->choices),
                     object);
}

static json_t *table_schema(const struct ipm_key *keys, const json_t *describe);

static json_t *sweeps_schema(const struct ipm_key *key, const json_t *describe)
{
    json_t *sweep = table_schema(key->members, describe);
    set(sweep, "required", json_pack("[s, s]", "workloads", "mechanisms"));
    /* What a sweep does not override is as the top has it. */
    const char *name;
    json_t *member;
    json_t *repeat = json_object_get(json_object_get(sweep, "properties"), "repeat");
    json_object_foreach(json_object_get(repeat, "properties"), name, member)(void)
        json_object_del(member, "default");
    return json_pack("{s:s, s:o, s:i}", "type", "array", "items", sweep, "minItems", 1);
}

/* What may stand at a key, without the words about it. */
static json_t *value_schema(const struct ipm_key *key, const json_t *describe)
{
    static const char *const mechanism_words[] = {"all", "floors", NULL};
    static const char *const workload_words[] = {"all", NULL};
    switch (key->type) {
    case IPM_KEY_TEXT:
        return json_pack("{s:s}", "type", "string");
    case IPM_KEY_NAME: /* its limit counts bytes, a schema's characters */
        return json_pack("{s:s, s:s, s:i, s:s}", "type", "string", "pattern",
                         "^[^./\\u0000-\\u001f\\u007f-\\u009f]"
                         "[^/\\u0000-\\u001f\\u007f-\\u009f]*$",
                         "maxLength", IPM_NAME - 1, "x-allowed",
                         "1 .. 64 bytes that make the name of a folder");
    case IPM_KEY_PATTERN:
        return json_pack("{s:s, s:i, s:i, s:s}", "type", "string", "minLength", 1,
                         "maxLength", IPM_PATTERN - 1, "x-allowed",
                         "an extended regular expression, 1 .. 256 bytes");
    case IPM_KEY_INTEGER:
        return integer_schema(key);
    case IPM_KEY_DURATION:
        return json_pack("{s:s, s:s}", "type", "string", "pattern",
                         IPM_SCHEMA_DURATION);
    case IPM_KEY_FRACTION:
        return json_pack("{s:s, s:i, s:i, s:s}", "type", "number", "exclusiveMinimum",
                         0, "exclusiveMaximum", 1, "x-allowed",
                         "a number between 0 and 1");
    case IPM_KEY_CHOICE:
        return json_pack("{s:o}", "enum", words_json(key->choices));
    case IPM_KEY_OBJECT:
        return table_schema(key->members, describe);
    case IPM_KEY_EVENTS:
        return events_schema();
    case IPM_KEY_ENERGY:
        return energy_schema(key);
    case IPM_KEY_WORKLOADS:
        return names_schema(describe, "workloads", workload_words);
    case IPM_KEY_MECHANISMS:
        return names_schema(describe, "mechanisms", mechanism_words);
    case IPM_KEY_AXES:
        return ipm_schema_axes(describe, false);
    case IPM_KEY_EXCLUDE:
        return rows_schema(describe, false);
    case IPM_KEY_INCLUDE:
        return rows_schema(describe, true);
    case IPM_KEY_SWEEPS:
        return sweeps_schema(key, describe);
    case IPM_KEY_BOUND: /* of a range, not of a table */
    case IPM_KEY_STEP:
    case IPM_KEY_FACTOR:
        break;
    }
    return json_object();
}

/* What is allowed in words, for a key that does not say so by itself. */
static void set_words(json_t *schema, const struct ipm_key *key)
{
    char range[IPM_MEND];
    if (key->type == IPM_KEY_INTEGER)
        set(schema, "x-allowed",
            json_sprintf("a whole number, %s", ipm_key_range(range, key)));
    else if (key->type == IPM_KEY_DURATION)
        set(schema, "x-allowed",
            json_sprintf("a duration with its unit (ns, us, ms, s, min, h), %s",
                         ipm_key_range(range, key)));
    if (key->help != NULL)
        set(schema, "description", json_string(key->help));
    if (key->fallback == NULL)
        return;
    json_t *fallback = key->type == IPM_KEY_INTEGER
                           ? json_loads(key->fallback, JSON_DECODE_ANY, NULL)
                           : json_string(key->fallback);
    set(schema, "default", fallback);
}

static json_t *table_schema(const struct ipm_key *keys, const json_t *describe)
{
    json_t *properties = json_object();
    for (; keys->name != NULL; keys++) {
        json_t *one = value_schema(keys, describe);
        set_words(one, keys);
        set(properties, keys->name, one);
    }
    return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                     "additionalProperties", 0);
}

json_t *ipm_schema_json(const json_t *describe)
{
    json_t *schema = json_pack("{s:s, s:s, s:b, s:b}", "$schema", dialect, "title",
                               "a config of ipcmeter " IPM_VERSION, "allowComments", 1,
                               "allowTrailingCommas", 1);
    json_t *table = table_schema(ipm_spec_keys, describe);
    set(table, "required", json_pack("[s]", "sweeps"));
    if (schema != NULL)
        (void)json_object_update(schema, table);
    json_decref(table);
    return schema;
}
