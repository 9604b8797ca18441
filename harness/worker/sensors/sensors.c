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

/* At the most, events are a pass each. */
_Static_assert(sizeof(ipm_sensors) / sizeof(ipm_sensors[0]) - 1 + IPM_SENSOR_MODULES +
                       IPM_ASKED_EVENTS_MAX <=
                   IPM_SENSORS_MAX,
               "a sensor set must hold every sensor, once for each of its passes");

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
    if ((s->passes == NULL) != (s->rows == NULL) ||
        (s->rows != NULL && s->pass == NULL))
        return "passes and rows belong together, and to a pass";
    if (s->rows != NULL)
        return NULL;
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

const char *ipm_sensor_pass(const struct ipm_sensor *sensor, int part,
                            char text[IPM_PASS_TEXT])
{
    if (part == 0 || sensor->pass == NULL)
        return sensor->pass;
    (void)snprintf(text, IPM_PASS_TEXT, "%s:%d", sensor->pass, part);
    return text;
}

static const char *other_pass(const char *own, const struct ipm_sensor_context *context)
{
    const char *reason = json_string_value(json_object_get(context->unavailable, own));
    return reason != NULL ? reason : "";
}

static bool in_pass(const char *own, const char *pass)
{
    return own == NULL || strcmp(own, pass) == 0 ||
           (strcmp(own, "energy") == 0 && strcmp(pass, "idle") == 0);
}

/* Adds a sensor, or one of its passes, to the set: open where it is of this pass. */
static void add(struct ipm_sensor_set *set, const struct ipm_sensor *sensor, int part,
                const struct ipm_sensor_context *context)
{
    char text[IPM_PASS_TEXT];
    const char *own = ipm_sensor_pass(sensor, part, text);
    struct ipm_why why = {.error = 0};
    void *state = NULL;
    const char *elsewhere = ipm_sensor_not_chosen(sensor, context->sensing);
    int error = 0;
    if (set->n == IPM_SENSORS_MAX)
        return;
    if (elsewhere == NULL && in_pass(own, context->pass))
        error = open_sensor(sensor, context, &state, &why);
    else if (elsewhere == NULL)
        elsewhere = other_pass(own, context);
    set->entries[set->n].sensor = sensor;
    set->entries[set->n].part = part;
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
    set->context = *context;
    for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
        const struct ipm_sensor *sensor = *at;
        insist(sensor);
        if (sensor->scope != scope)
            continue;
        if (sensor->passes == NULL)
            add(set, sensor, 0, context);
        int parts = sensor->passes == NULL ? 0 : sensor->passes(context);
        for (int part = 1; part <= parts; part++)
            add(set, sensor, part, context);
    }
    const struct ipm_sensor *module;
    for (size_t i = 0; (module = ipm_sensor_module(i, false)) != NULL; i++) {
        if (module->scope != scope ||
            ipm_sensor_not_chosen(module, context->sensing) != NULL)
            continue;
        /* A library is not mapped into a process that does not use it. */
        if (in_pass(module->pass, context->pass))
            module = ipm_sensor_module(i, true);
        add(set, module, 0, context);
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
static struct ipm_metric missing(const struct ipm_sensor_set *set, int i,
                                 const char *name, const char *unit)
{
    const struct ipm_sensor *sensor = set->entries[i].sensor;
    const char *elsewhere = set->entries[i].elsewhere;
    char text[IPM_PASS_TEXT];
    struct ipm_metric metric =
        elsewhere == NULL
            ? ipm_metric_failed(name, unit, sensor->source, set->entries[i].error,
                                &set->entries[i].why)
        : elsewhere[0] != '\0'
            ? ipm_metric_missing(name, unit, sensor->source, "%s", elsewhere)
            : ipm_metric_missing(name, unit, sensor->source,
                                 "not_in_this_pass: belongs to %s",
                                 ipm_sensor_pass(sensor, set->entries[i].part, text));
    if (strcmp(sensor->family, "energy") == 0)
        strcpy(metric.provenance, "unavailable");
    return metric;
}

/* All rows of a sensor that is not open. */
static size_t read_missing(const struct ipm_sensor_set *set, int i,
                           struct ipm_metric *out_metrics, size_t room)
{
    const struct ipm_sensor *sensor = set->entries[i].sensor;
    size_t n = 0;
    if (sensor->rows != NULL) {
        char text[IPM_PASS_TEXT];
        struct ipm_sensor_context context = set->context;
        context.pass = ipm_sensor_pass(sensor, set->entries[i].part, text);
        n = sensor->rows(&context, out_metrics, room);
        for (size_t k = 0; k < n; k++) {
            const struct ipm_metric row = out_metrics[k];
            out_metrics[k] = missing(set, i, row.name, row.unit);
        }
        return n;
    }
    for (const struct ipm_sensor_row *row = sensor->metrics;
         row->name != NULL && n < room; row++)
        out_metrics[n++] = missing(set, i, row->name, row->unit);
    return n;
}

size_t ipm_sensor_set_read(struct ipm_sensor_set *set, struct ipm_metric *out_metrics,
                           size_t room)
{
    size_t n = 0;
    for (int i = 0; i < set->n; i++) {
        if (set->entries[i].state != NULL)
            n += set->entries[i].sensor->read(set->entries[i].state, out_metrics + n,
                                              room - n);
        else
            n += read_missing(set, i, out_metrics + n, room - n);
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
