/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/modules.h"
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPM_SENSOR(name) extern const struct ipm_sensor ipm_sensor_##name;
#include "harness/worker/sensors/list.def"
#undef IPM_SENSOR

const struct ipm_sensor *const ipm_sensors[] = {
#define IPM_SENSOR(name) &ipm_sensor_##name,
#include "harness/worker/sensors/list.def"
#undef IPM_SENSOR
    NULL,
};

_Static_assert(sizeof(ipm_sensors) / sizeof(ipm_sensors[0]) - 1 + IPM_SENSOR_MODULES <=
                   IPM_SENSORS_MAX,
               "a sensor set must hold every sensor");

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return text != NULL && text[0] != '\0' && strspn(text, letters) == strlen(text);
}

static const char *fault(const struct ipm_sensor *s)
{
    const struct ipm_metric empty = {.value = 0};
    if (s->family == NULL || s->source == NULL || s->summary == NULL ||
        strlen(s->summary) > 60 || strlen(s->source) >= sizeof(empty.source))
        return "family, source and a summary of at most 60 characters are needed";
    if (s->scope != IPM_SCOPE_TASK && s->scope != IPM_SCOPE_SYSTEM)
        return "no such scope";
    if (s->min_window_ns < 0)
        return "the shortest window is negative";
    if (s->probe == NULL || s->open == NULL || s->start == NULL || s->stop == NULL ||
        s->read == NULL || s->close == NULL)
        return "a mandatory hook is missing";
    if (s->metrics == NULL || s->metrics[0].name == NULL)
        return "it names no metric";
    for (const struct ipm_sensor_row *row = s->metrics; row->name != NULL; row++) {
        if (!is_name(row->name) || strlen(row->name) >= sizeof(empty.name))
            return "a metric's name must match [a-z0-9_]+ and fit";
        if (row->unit == NULL || strlen(row->unit) >= sizeof(empty.unit))
            return "a metric's unit is missing or too long";
    }
    return NULL;
}

int ipm_sensor_check(const struct ipm_sensor *sensor, struct ipm_why *why)
{
    if (!is_name(sensor->name))
        return ipm_why_set(why, -EINVAL, "a sensor's name must match [a-z0-9_]+");
    const char *text = fault(sensor);
    if (text != NULL)
        return ipm_why_set(why, -EINVAL, "sensor '%s': %s", sensor->name, text);
    return 0;
}

/* The table is part of the code: a row that contradicts itself is a bug. */
static void insist(const struct ipm_sensor *sensor)
{
    struct ipm_why why;
    if (ipm_sensor_check(sensor, &why) == 0)
        return;
    (void)fprintf(stderr, "%s\n", why.text);
    abort();
}

/* Opens one sensor, or finds out why not. */
static int open_sensor(const struct ipm_sensor *sensor,
                       const struct ipm_sensor_context *context, void **out_state,
                       struct ipm_why *why)
{
    /* What is not there at all says so first: a longer window would not help. */
    int error = sensor->probe(context, why);
    if (error != 0)
        return error;
    if (context->window_ns < sensor->min_window_ns)
        return ipm_why_set(why, -ETIME, "a window of %lld ms, %lld ms are needed",
                           (long long)(context->window_ns / 1000000),
                           (long long)(sensor->min_window_ns / 1000000));
    void *state = calloc(1, sensor->state_size > 0 ? sensor->state_size : 1);
    if (state == NULL)
        return ipm_why_set(why, -ENOMEM, "%zu bytes of state: ", sensor->state_size);
    error = sensor->open(state, context, why);
    if (error != 0) {
        free(state);
        return error;
    }
    *out_state = state;
    return 0;
}

static const char *const back_ends[] = {"perf", "papi"};

enum { BACK_ENDS = sizeof(back_ends) / sizeof(back_ends[0]) };

static int check_member(const char *key, const json_t *value, struct ipm_why *why)
{
    /* The energy sensor reads these two itself. */
    if (strcmp(key, "energy") == 0 || strcmp(key, "energy_provenance") == 0)
        return 0;
    if (strcmp(key, "syscalls") == 0) {
        const char *word = json_string_value(value);
        bool known = word != NULL &&
                     (strcmp(word, "auto") == 0 || strcmp(word, "tracepoint") == 0 ||
                      strcmp(word, "twin") == 0);
        return known ? 0
                     : ipm_why_set(why, -EINVAL,
                                   "sensors: 'syscalls' must be auto, tracepoint or "
                                   "twin");
    }
    if (strcmp(key, "off") == 0)
        return json_is_boolean(value)
                   ? 0
                   : ipm_why_set(why, -EINVAL, "sensors: 'off' must be true or false");
    if (strcmp(key, "counters") == 0) {
        const char *word = json_string_value(value);
        for (int i = 0; word != NULL && i < BACK_ENDS; i++) {
            if (strcmp(word, back_ends[i]) == 0)
                return 0;
        }
        return ipm_why_set(why, -EINVAL, "sensors: 'counters' must be perf or papi");
    }
    if (strcmp(key, "events") != 0)
        return ipm_why_set(why, -EINVAL, "sensors: unknown member '%s'", key);
    bool texts = json_is_array(value);
    for (size_t i = 0; texts && i < json_array_size(value); i++)
        texts = json_is_string(json_array_get(value, i));
    return texts
               ? 0
               : ipm_why_set(why, -EINVAL, "sensors: 'events' must be a list of texts");
}

int ipm_sensing_check(const json_t *sensing, struct ipm_why *why)
{
    if (sensing != NULL && !json_is_object(sensing))
        return ipm_why_set(why, -EINVAL, "'sensors' must be an object");
    const char *key;
    json_t *value;
    /* jansson's macro wants a pointer it may write through; it does not. */
    json_object_foreach((json_t *)(uintptr_t)sensing, key, value)
    {
        int error = check_member(key, value, why);
        if (error != 0)
            return error;
    }
    return 0;
}

const char *ipm_sensor_not_chosen(const struct ipm_sensor *sensor,
                                  const json_t *sensing)
{
    const char *asked = json_string_value(json_object_get(sensing, "counters"));
    if (json_is_true(json_object_get(sensing, "off")))
        return "off: no sensor was asked for";
    if (asked == NULL)
        asked = back_ends[0];
    if (sensor->back_end == NULL || strcmp(sensor->back_end, asked) == 0)
        return NULL;
    /* Points outlive their JSON in a set: a text of our own, not one made of theirs. */
    return strcmp(asked, "papi") == 0 ? "not_chosen: --counters papi"
                                      : "not_chosen: --counters perf";
}

static const char *other_pass(const struct ipm_sensor *sensor,
                              const struct ipm_sensor_context *context)
{
    const char *reason =
        json_string_value(json_object_get(context->unavailable, sensor->pass));
    return reason != NULL ? reason : "";
}

static bool in_pass(const struct ipm_sensor *sensor, const char *pass)
{
    return sensor->pass == NULL || strcmp(sensor->pass, pass) == 0 ||
           (strcmp(sensor->pass, "energy") == 0 && strcmp(pass, "idle") == 0);
}

static void add_sensor(struct ipm_sensor_set *set, const struct ipm_sensor *sensor,
                       const struct ipm_sensor_context *context)
{
    struct ipm_why why = {.error = 0};
    void *state = NULL;
    const char *elsewhere = ipm_sensor_not_chosen(sensor, context->sensing);
    int error = 0;
    insist(sensor);
    if (elsewhere == NULL && in_pass(sensor, context->pass))
        error = open_sensor(sensor, context, &state, &why);
    else if (elsewhere == NULL)
        elsewhere = other_pass(sensor, context);
    set->entries[set->n].sensor = sensor;
    set->entries[set->n].state = state;
    set->entries[set->n].error = error;
    set->entries[set->n].why = why;
    set->entries[set->n].elsewhere = elsewhere;
    set->n++;
}

void ipm_sensor_set_open(struct ipm_sensor_set *set, enum ipm_scope scope,
                         const struct ipm_sensor_context *context)
{
    set->n = 0;
    for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
        if ((*at)->scope == scope)
            add_sensor(set, *at, context);
    }
    const struct ipm_sensor *module;
    for (size_t i = 0; (module = ipm_sensor_module(i, false)) != NULL; i++) {
        if (module->scope != scope ||
            ipm_sensor_not_chosen(module, context->sensing) != NULL)
            continue;
        /* A library is not mapped into a process that does not use it. */
        if (in_pass(module, context->pass))
            module = ipm_sensor_module(i, true);
        add_sensor(set, module, context);
    }
}

void ipm_sensor_set_start(struct ipm_sensor_set *set)
{
    for (int i = 0; i < set->n; i++) {
        if (set->entries[i].state != NULL)
            set->entries[i].sensor->start(set->entries[i].state);
    }
}

void ipm_sensor_set_stop(struct ipm_sensor_set *set)
{
    for (int i = set->n - 1; i >= 0; i--) {
        if (set->entries[i].state != NULL)
            set->entries[i].sensor->stop(set->entries[i].state);
    }
}

/* One row of a sensor that is not open. */
static struct ipm_metric missing(const struct ipm_sensor *sensor,
                                 const struct ipm_sensor_row *row,
                                 const char *elsewhere, int error,
                                 const struct ipm_why *why)
{
    struct ipm_metric metric =
        elsewhere == NULL
            ? ipm_metric_failed(row->name, row->unit, sensor->source, error, why)
        : elsewhere[0] != '\0'
            ? ipm_metric_missing(row->name, row->unit, sensor->source, "%s", elsewhere)
            : ipm_metric_missing(row->name, row->unit, sensor->source,
                                 "not_in_this_pass: belongs to %s", sensor->pass);
    if (strcmp(sensor->family, "energy") == 0)
        strcpy(metric.provenance, "unavailable");
    return metric;
}

size_t ipm_sensor_set_read(struct ipm_sensor_set *set, struct ipm_metric *out_metrics,
                           size_t room)
{
    size_t n = 0;
    for (int i = 0; i < set->n; i++) {
        const struct ipm_sensor *sensor = set->entries[i].sensor;
        if (set->entries[i].state != NULL) {
            n += sensor->read(set->entries[i].state, out_metrics + n, room - n);
            continue;
        }
        for (const struct ipm_sensor_row *row = sensor->metrics;
             row->name != NULL && n < room; row++)
            out_metrics[n++] = missing(sensor, row, set->entries[i].elsewhere,
                                       set->entries[i].error, &set->entries[i].why);
    }
    return n;
}

void ipm_sensor_set_close(struct ipm_sensor_set *set)
{
    for (int i = 0; i < set->n; i++) {
        if (set->entries[i].state == NULL)
            continue;
        set->entries[i].sensor->close(set->entries[i].state);
        free(set->entries[i].state);
    }
    set->n = 0;
}
