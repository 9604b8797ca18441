/* SPDX-License-Identifier: MIT */
/*
 * perf_events: the events that the user names (--events): anything that event_name.h takes.
 *
 * Two events to a pass, so that with user and kernel apart no pass wants more than four
 * counters.  The metric is called like the event, in small letters; what does not fit into a
 * name becomes '_'.  Software events and tracepoints are counted as they are, both sides in
 * one: the kernel counts none of its own for a user-only event.
 *
 * A hardware event that reads 0 is put through every loop there is (exercise.h).  What moves
 * then has counted, and its 0 is one.  What stays 0 may be broken, or an event that none of
 * the loops causes: which, nobody knows here.
 */
#include "harness/worker/sensors/event_name.h"
#include "harness/worker/sensors/exercise.h"
#include "harness/worker/sensors/perf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PER_PASS = 2,
    NAME_ROOM = 40 - 8, /* of ipm_metric.name; behind it stands "_kernel" */
};

struct events_state {
    struct ipm_perf perf;
    struct ipm_perf_event events[PER_PASS + 1];
    char names[PER_PASS][NAME_ROOM];
    struct ipm_why why[PER_PASS];
};

static const json_t *asked(const struct ipm_sensor_context *context)
{
    return json_object_get(context->sensing, "events");
}

static size_t count(const struct ipm_sensor_context *context)
{
    return json_array_size(asked(context)); /* ipm_sensing_check() saw to the most */
}

static const char *event_text(const struct ipm_sensor_context *context, size_t i)
{
    const char *text = json_string_value(json_array_get(asked(context), i));
    return text == NULL ? "" : text;
}

/* Whether another sensor has this metric. */
static bool taken(const char *name)
{
    for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
        for (const struct ipm_sensor_row *row = (*at)->metrics;
             row != NULL && row->name != NULL; row++) {
            if (strcmp(row->name, name) == 0)
                return true;
        }
    }
    return false;
}

/* Letters, digits and single '_'; "event_" before a name that is another sensor's. */
static void plain_name(const char *text, char name[NAME_ROOM])
{
    char word[NAME_ROOM];
    size_t n = 0;
    for (bool gap = false; *text != '\0' && n + 2 < sizeof(word); text++) {
        if (!isalnum((unsigned char)*text)) {
            gap = n > 0;
            continue;
        }
        if (gap)
            word[n++] = '_';
        gap = false;
        word[n++] = (char)tolower((unsigned char)*text);
    }
    word[n] = '\0';
    bool prefixed = n == 0 || taken(word);
    (void)snprintf(name, NAME_ROOM, "%s%.*s", prefixed ? "event_" : "",
                   NAME_ROOM - (prefixed ? 7 : 1), word);
}

/* The name of event @i: one that is taken already has its number behind it. */
static void metric_name(const struct ipm_sensor_context *context, size_t i,
                        char name[NAME_ROOM])
{
    plain_name(event_text(context, i), name);
    for (size_t k = 0; k < i; k++) {
        char other[NAME_ROOM];
        plain_name(event_text(context, k), other);
        if (strcmp(name, other) != 0)
            continue;
        char plain[NAME_ROOM];
        (void)strcpy(plain, name);
        (void)snprintf(name, NAME_ROOM, "%.*s_n%zu", NAME_ROOM - 6, plain, i + 1);
        return;
    }
}

static int perf_events_passes(const struct ipm_sensor_context *context)
{
    return (int)((count(context) + PER_PASS - 1) / PER_PASS);
}

/* The first event of the context's pass. */
static size_t first_of(const struct ipm_sensor_context *context)
{
    const char *number = strrchr(context->pass, ':');
    long part = number == NULL ? 1 : strtol(number + 1, NULL, 10);
    return part < 1 ? 0 : (size_t)(part - 1) * PER_PASS;
}

static void resolve(const struct ipm_sensor_context *context, size_t i,
                    struct ipm_perf_event *out_event, char name[NAME_ROOM],
                    struct ipm_why *out_why)
{
    struct ipm_event_code code = {.type = 0};
    metric_name(context, i, name);
    int error =
        ipm_event_name(event_text(context, i), context->sysroot, &code, out_why);
    bool soft = code.type == PERF_TYPE_SOFTWARE || code.type == PERF_TYPE_TRACEPOINT;
    *out_event = (struct ipm_perf_event){.name = name,
                                         .unit = "",
                                         .type = code.type,
                                         .config = code.config,
                                         .config1 = code.config1,
                                         .config2 = code.config2,
                                         .split = error != 0 || !soft,
                                         .exercise = soft ? 0 : IPM_EXERCISE_ALL,
                                         .rare = true,
                                         .error = error,
                                         .reason = out_why->text};
}

static bool same(const struct ipm_perf_event *a, const struct ipm_perf_event *b)
{
    return a->type == b->type && a->config == b->config && a->config1 == b->config1 &&
           a->config2 == b->config2;
}

/* Returns how many events the pass has. */
static int gather(struct events_state *self, const struct ipm_sensor_context *context)
{
    int n = 0;
    size_t first = first_of(context);
    memset(self, 0, sizeof(*self));
    for (size_t i = first; i < first + PER_PASS && i < count(context); i++, n++)
        resolve(context, i, &self->events[n], self->names[n], &self->why[n]);
    struct ipm_perf_event *twin = &self->events[1];
    if (n == 2 && self->events[0].error == 0 && twin->error == 0 &&
        same(&self->events[0], twin))
        twin->error = ipm_why_set(&self->why[1], -EEXIST,
                                  "the same event as %s: a task must not have it open "
                                  "twice at once",
                                  self->names[0]);
    return n;
}

/* The totals: nothing is looked up, so that no other pass loads libpfm4. */
static size_t perf_events_rows(const struct ipm_sensor_context *context,
                               struct ipm_metric *out_metrics, size_t room)
{
    size_t first = first_of(context);
    size_t n = 0;
    for (size_t i = first; i < first + PER_PASS && i < count(context) && n < room;
         i++) {
        char name[NAME_ROOM];
        metric_name(context, i, name);
        out_metrics[n++] = ipm_metric_missing(name, "", "perf", "absent: not read");
    }
    return n;
}

static bool perf_events_counts(const struct ipm_sensor_context *context,
                               const char *metric, char *out_text, size_t room)
{
    for (size_t i = 0; i < count(context); i++) {
        char name[NAME_ROOM];
        metric_name(context, i, name);
        if (strcmp(name, metric) != 0)
            continue;
        (void)snprintf(out_text, room, "%s", event_text(context, i));
        return true;
    }
    return false;
}

static int perf_events_open(void *state, const struct ipm_sensor_context *context,
                            struct ipm_why *why)
{
    struct events_state *self = state;
    if (count(context) == 0)
        return ipm_why_set(why, -ENOENT, "no events were asked for (--events)");
    (void)gather(self, context);
    return ipm_perf_open(&self->perf, self->events, context, why);
}

static int perf_events_probe(const struct ipm_sensor_context *context,
                             struct ipm_why *why)
{
    struct events_state self;
    int error = perf_events_open(&self, context, why);
    if (error == 0)
        ipm_perf_close(&self.perf);
    return error;
}

static void perf_events_start(void *state)
{
    ipm_perf_start(&((struct events_state *)state)->perf);
}

static void perf_events_stop(void *state)
{
    ipm_perf_stop(&((struct events_state *)state)->perf);
}

static size_t perf_events_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    return ipm_perf_read(&((struct events_state *)state)->perf, out_metrics, room);
}

static void perf_events_close(void *state)
{
    ipm_perf_close(&((struct events_state *)state)->perf);
}

const struct ipm_sensor ipm_sensor_perf_events = {
    .name = "perf_events",
    .version = 1,
    .family = "counters",
    .summary = "events asked for by name (--events)",
    .source = "perf",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:events",
    .state_size = sizeof(struct events_state),
    .probe = perf_events_probe,
    .open = perf_events_open,
    .start = perf_events_start,
    .stop = perf_events_stop,
    .read = perf_events_read,
    .close = perf_events_close,
    .passes = perf_events_passes,
    .rows = perf_events_rows,
    .counts = perf_events_counts,
};
