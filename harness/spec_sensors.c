/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec_sensors.h"

#include "harness/meter/meter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Meters that measure: what is less is never chosen by a word. */
const char *const ipm_energy_words[] = {"auto",     "off",   "power",
                                        "powercap", "hwmon", NULL};
const char *const ipm_syscall_words[] = {"auto", "tracepoint", "twin", NULL};
static const char *const energy_kinds[] = {"estimated", "simulated", NULL};

struct reading {
    struct ipm_diagnostics *diagnostics;
    const struct ipm_pointer *at;
};

static void append_trimmed(json_t *list, const char *text, size_t length)
{
    while (length > 0 && isblank((unsigned char)text[0])) {
        text++;
        length--;
    }
    while (length > 0 && isblank((unsigned char)text[length - 1]))
        length--;
    (void)json_array_append_new(list, json_stringn(text, length));
}

json_t *ipm_events_split(const char *list)
{
    json_t *events = json_array();
    bool inside = false; /* of pmu/.../ */
    const char *begin = list;
    const char *at = list;
    for (; *at != '\0'; at++) {
        inside = inside != (*at == '/');
        if (*at != ',' || inside)
            continue;
        append_trimmed(events, begin, (size_t)(at - begin));
        begin = at + 1;
    }
    append_trimmed(events, begin, (size_t)(at - begin));
    return events;
}

/* What is wrong with an event's text, whoever resolves it; NULL: nothing. */
static const char *wrong_event(const char *text)
{
    size_t slashes = 0;
    if (text == NULL || text[0] == '\0')
        return "an event must be a text that is not empty";
    if (strlen(text) > IPM_EVENT_LENGTH)
        return "an event is longer than 120 bytes";
    for (const char *at = text; *at != '\0'; at++) {
        if (!isgraph((unsigned char)*at))
            return "an event has blanks, control or other than ASCII characters";
        slashes += *at == '/';
    }
    return slashes % 2 != 0 ? "an event has a '/' that is not closed" : NULL;
}

static json_t *read_events(const struct reading *reading, const json_t *value)
{
    struct ipm_diagnostics *diagnostics = reading->diagnostics;
    bool text = json_is_string(value);
    ipm_auto_json json_t *split =
        text ? ipm_events_split(json_string_value(value)) : NULL;
    const json_t *given = text ? split : value;
    if (!json_is_array(given) || json_array_size(given) > IPM_EVENTS_MAX) {
        ipm_diagnostics_error(diagnostics, reading->at, false,
                              "allowed: \"name,name\" or [\"name\", ...]",
                              "'events' must be a list of at most %d texts",
                              IPM_EVENTS_MAX);
        return NULL;
    }
    ipm_auto_json json_t *events = json_array();
    for (size_t i = 0; i < json_array_size(given); i++) {
        struct ipm_pointer element = {.up = reading->at, .index = i};
        const char *event = json_string_value(json_array_get(given, i));
        const char *wrong = wrong_event(event);
        for (size_t k = 0; wrong == NULL && k < i; k++) {
            if (json_equal(json_array_get(given, k), json_array_get(given, i)))
                wrong = "an event stands there twice";
        }
        if (wrong != NULL) {
            ipm_diagnostics_error(diagnostics, text ? reading->at : &element, false,
                                  NULL, "%s", wrong);
            return NULL;
        }
        (void)json_array_append_new(events, json_string(event));
    }
    return json_incref(events);
}

static json_t *number(const struct ipm_meter_parameter *parameter, double value)
{
    return parameter->whole ? json_integer((json_int_t)value) : json_real(value);
}

static void unknown_key(const struct reading *reading, const char *key,
                        const char *const *allowed)
{
    struct ipm_pointer at = {.up = reading->at, .key = key};
    char mend[IPM_MEND];
    ipm_diagnostics_error(reading->diagnostics, &at, true,
                          ipm_mend_word(mend, key, allowed), "unknown key '%s'", key);
}

static void read_parameter(const struct reading *reading,
                           const struct ipm_meter_parameter *parameter,
                           const json_t *value, json_t *into)
{
    struct ipm_pointer at = {.up = reading->at, .key = parameter->name};
    double given = json_number_value(value);
    bool good = parameter->whole ? json_is_integer(value) : json_is_number(value);
    if (good && given >= parameter->min && given <= parameter->max) {
        (void)json_object_set_new(into, parameter->name, number(parameter, given));
        return;
    }
    char mend[IPM_MEND];
    (void)snprintf(mend, sizeof(mend), "allowed: %.16g .. %.16g", parameter->min,
                   parameter->max);
    ipm_diagnostics_error(reading->diagnostics, &at, false, mend,
                          "'%s' must be a %s in range", parameter->name,
                          parameter->whole ? "whole number" : "number");
}

static json_t *read_simulated(const struct reading *reading, const json_t *value)
{
    const char *names[IPM_METER_PARAMETERS + 1] = {NULL};
    json_t *into = json_object();
    const char *key;
    json_t *member;
    for (size_t i = 0; i < IPM_METER_PARAMETERS; i++)
        names[i] = ipm_meter_parameters[i].name;
    /* jansson's macro wants a pointer it may write through; it does not. */
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const struct ipm_meter_parameter *parameter = ipm_meter_parameter_find(key);
        if (parameter != NULL)
            read_parameter(reading, parameter, member, into);
        else
            unknown_key(reading, key, names);
    }
    for (const struct ipm_meter_parameter *at = ipm_meter_parameters; at->name != NULL;
         at++) {
        if (json_object_get(value, at->name) != NULL)
            continue;
        if (at->asked)
            ipm_diagnostics_error(reading->diagnostics, reading->at, false, NULL,
                                  "a simulated meter needs '%s'", at->name);
        else
            (void)json_object_set_new(into, at->name, number(at, at->fallback));
    }
    return into;
}

static json_t *read_estimated(const struct reading *reading, const json_t *value)
{
    static const char member_name[] = "watts_per_core";
    static const char *const names[] = {member_name, NULL};
    struct ipm_pointer at = {.up = reading->at, .key = member_name};
    const json_t *watts = json_object_get(value, member_name);
    double numbers[3] = {0, 0, 0};
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (strcmp(key, member_name) != 0)
            unknown_key(reading, key, names);
    }
    bool good = json_is_array(watts) && json_array_size(watts) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        good = json_is_number(json_array_get(watts, i));
        numbers[i] = json_number_value(json_array_get(watts, i));
    }
    if (!good || !(numbers[0] >= 0 && numbers[1] > 0 && numbers[0] <= numbers[1] &&
                   numbers[1] <= numbers[2] && numbers[2] <= 1000))
        ipm_diagnostics_error(reading->diagnostics, watts != NULL ? &at : reading->at,
                              false, "for example \"watts_per_core\": [3, 5, 9]",
                              "an estimate needs watts per busy core: lowest, typical "
                              "and highest, each not below the one before, at most "
                              "1000");
    return json_pack("{s:[f,f,f]}", member_name, numbers[0], numbers[1], numbers[2]);
}

/* {"estimated": {...}} or {"simulated": {...}}, all members written out. */
static json_t *read_energy_kind(const struct reading *reading, const json_t *value)
{
    const char *key =
        json_object_iter_key(json_object_iter((json_t *)(uintptr_t)value));
    const json_t *member = key != NULL ? json_object_get(value, key) : NULL;
    if (json_object_size(value) != 1 || !json_is_object(member)) {
        ipm_diagnostics_error(
            reading->diagnostics, reading->at, false,
            "allowed: { \"estimated\": { ... } } or { \"simulated\": { ... } }",
            "'energy' as an object has one member, which is an object");
        return NULL;
    }
    struct ipm_pointer at = {.up = reading->at, .key = key};
    struct reading below = {.diagnostics = reading->diagnostics, .at = &at};
    json_t *read = NULL;
    if (strcmp(key, energy_kinds[0]) == 0)
        read = read_estimated(&below, member);
    else if (strcmp(key, energy_kinds[1]) == 0)
        read = read_simulated(&below, member);
    else
        unknown_key(reading, key, energy_kinds);
    return read != NULL ? json_pack("{s:o}", key, read) : NULL;
}

/* What a worker is told of it; NULL: nothing, or it is wrong. */
static json_t *read_energy(const struct reading *reading, const json_t *value,
                           struct ipm_spec *spec)
{
    const char *word = json_string_value(value);
    char mend[IPM_MEND];
    if (json_is_object(value))
        return read_energy_kind(reading, value);
    for (int i = 0; word != NULL && ipm_energy_words[i] != NULL; i++) {
        if (strcmp(ipm_energy_words[i], word) != 0)
            continue;
        spec->energy = i == IPM_SENSING_OFF ? IPM_SENSING_OFF : IPM_SENSING_AUTO;
        return i > IPM_SENSING_OFF ? json_string(word) : NULL;
    }
    bool kind = word != NULL && (strcmp(word, energy_kinds[0]) == 0 ||
                                 strcmp(word, energy_kinds[1]) == 0);
    if (kind)
        ipm_diagnostics_error(reading->diagnostics, reading->at, false, NULL,
                              "'%s' wants its parameters: { \"%s\": { ... } }", word,
                              word);
    else if (word != NULL)
        ipm_diagnostics_error(reading->diagnostics, reading->at, false,
                              ipm_mend_word(mend, word, ipm_energy_words),
                              "'energy' cannot be '%s'", word);
    else
        ipm_diagnostics_error(reading->diagnostics, reading->at, false, NULL,
                              "'energy' must be a word or an object");
    return NULL;
}

void ipm_spec_sensors_read(const json_t *sensors, struct ipm_spec *spec,
                           struct ipm_diagnostics *diagnostics)
{
    struct ipm_pointer top = {.key = "sensors"};
    struct ipm_pointer events_at = {.up = &top, .key = "events"};
    struct ipm_pointer energy_at = {.up = &top, .key = "energy"};
    struct reading of_events = {.diagnostics = diagnostics, .at = &events_at};
    struct reading of_energy = {.diagnostics = diagnostics, .at = &energy_at};
    const json_t *events = json_object_get(sensors, "events");
    const json_t *energy = json_object_get(sensors, "energy");
    ipm_auto_json json_t *list =
        events != NULL ? read_events(&of_events, events) : NULL;
    ipm_auto_json json_t *meter =
        energy != NULL ? read_energy(&of_energy, energy, spec) : NULL;
    if (json_array_size(list) > 0 && spec->counters == IPM_SENSING_OFF)
        ipm_diagnostics_error(diagnostics, &events_at, false, NULL,
                              "events are counted in counter passes, which are off");
    /* Both words mean the same: a run under the one is resumed under the other. */
    if (spec->counters == IPM_SENSING_PERF)
        spec->counters = IPM_SENSING_AUTO;
    spec->sensing = json_object();
    if (spec->counters == IPM_SENSING_PAPI)
        (void)json_object_set_new(spec->sensing, "counters", json_string("papi"));
    if (json_array_size(list) > 0)
        (void)json_object_set(spec->sensing, "events", list);
    if (meter != NULL)
        (void)json_object_set(spec->sensing, "energy", meter);
    if (spec->syscalls != 0)
        (void)json_object_set_new(spec->sensing, "syscalls",
                                  json_string(ipm_syscall_words[spec->syscalls]));
}

void ipm_spec_sensors_print(const struct ipm_spec *spec, json_t *sensors)
{
    json_t *events = json_object_get(spec->sensing, "events");
    json_t *energy = json_object_get(spec->sensing, "energy");
    (void)json_object_set_new(sensors, "events",
                              events != NULL ? json_incref(events) : json_array());
    (void)json_object_set_new(sensors, "energy",
                              energy != NULL
                                  ? json_incref(energy)
                                  : json_string(ipm_energy_words[spec->energy]));
}

static char *join(const char *key, const char *value)
{
    char *text = NULL;
    return asprintf(&text, "sensors.%s=%s", key, value) < 0 ? NULL : text;
}

int ipm_sensor_words_set(const struct ipm_sensor_words *words,
                         char *out_sets[IPM_SENSOR_WORDS], struct ipm_why *why)
{
    static const char *const counters[] = {"perf", "papi", "none", NULL};
    const char *counter = words->counters;
    const char *energy = words->energy;
    const char *const *at = counters;
    size_t n = 0;
    out_sets[0] = out_sets[1] = out_sets[2] = NULL;
    while (counter != NULL && *at != NULL && strcmp(*at, counter) != 0)
        at++;
    if (*at == NULL)
        return ipm_why_set(why, -EINVAL, "--counters: perf, papi or none, not %.80s",
                           counter);
    for (at = ipm_energy_words;
         energy != NULL && *at != NULL && strcmp(*at, energy) != 0;)
        at++;
    if (*at == NULL)
        return ipm_why_set(why, -EINVAL,
                           "--energy: auto, off, power, powercap or hwmon, not %.80s",
                           energy);
    if (counter != NULL)
        out_sets[n++] =
            join("counters", strcmp(counter, "none") == 0 ? "off" : counter);
    if (words->events != NULL)
        out_sets[n++] = join("events", words->events);
    if (energy != NULL)
        out_sets[n++] = join("energy", energy);
    for (size_t i = 0; i < n; i++) {
        if (out_sets[i] == NULL)
            return ipm_why_set(why, -ENOMEM, "no memory");
    }
    return 0;
}
