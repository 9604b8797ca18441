/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/system_calls.h"

#include "base/process.h"
#include "harness/worker/sensors/perf.h"
#include "harness/worker/sensors/tracefs.h"
#include "harness/worker/twin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char tracepoint_source[] = "tracepoint";

extern const struct ipm_sensor ipm_sensor_system_calls;

enum mode { MODE_TRACEPOINT, MODE_TWIN };

struct system_calls_state {
    enum mode mode;
    struct ipm_twin twin;
    struct ipm_perf perf;
    struct ipm_perf_event events[2];
};

enum { CALLS, RETRIED, THROUGH, SPLICED };

static const struct ipm_sensor_row system_calls_metrics[] = {
    [CALLS] = {"syscalls", ""},
    [RETRIED] = {"syscalls_retried", ""},
    [THROUGH] = {"bytes_through_kernel", "bytes"},
    [SPLICED] = {"bytes_spliced", "bytes"},
    {NULL, NULL},
};

_Static_assert(sizeof(system_calls_metrics) / sizeof(system_calls_metrics[0]) - 1 ==
                   IPM_CALLS_ROWS,
               "what the header promises");

static void set_event(struct ipm_perf_event events[2], uint64_t number)
{
    events[0] = (struct ipm_perf_event){.name = system_calls_metrics[CALLS].name,
                                        .unit = "",
                                        .type = PERF_TYPE_TRACEPOINT,
                                        .config = number};
    events[1] = (struct ipm_perf_event){.name = NULL};
}

static int find_tracepoint(const struct ipm_sensor_context *context,
                           struct ipm_perf_event events[2], struct ipm_why *why)
{
    uint64_t number = 0;
    int error =
        ipm_tracefs_id(context->sysroot, "raw_syscalls", "sys_enter", &number, why);
    if (error == 0)
        set_event(events, number);
    return error;
}

static int open_tracepoint(struct system_calls_state *self,
                           const struct ipm_sensor_context *context,
                           struct ipm_why *why)
{
    int error = find_tracepoint(context, self->events, why);
    return error != 0 ? error : ipm_perf_open(&self->perf, self->events, context, why);
}

static int probe_tracepoint(const struct ipm_sensor_context *context,
                            struct ipm_why *why)
{
    struct ipm_perf_event events[2];
    int error = find_tracepoint(context, events, why);
    return error != 0 ? error : ipm_perf_probe(events, context, why);
}

/* Is one of the modes to be had, and which?  0; -errno. */
static int choose(const struct ipm_sensor_context *context, enum mode *out_mode,
                  struct ipm_why *why)
{
    const char *asked =
        json_string_value(json_object_get(context->sensing, "syscalls"));
    bool automatic = asked == NULL || strcmp(asked, "auto") == 0;
    if (!automatic && strcmp(asked, "tracepoint") != 0 && strcmp(asked, "twin") != 0)
        return ipm_why_set(why, -EINVAL,
                           "sensors.syscalls is auto, tracepoint or twin, not '%s'",
                           asked);
    struct ipm_why first = {.error = 0, .text = ""};
    int error = -ENOENT;
    *out_mode = MODE_TRACEPOINT;
    if (automatic || strcmp(asked, "tracepoint") == 0) {
        error = probe_tracepoint(context, &first);
        if (error == 0)
            return 0;
        if (!automatic) {
            if (why != NULL)
                *why = first;
            return error;
        }
    }
    *out_mode = MODE_TWIN;
    error = ipm_twin_probe(why);
    if (error != 0 && automatic && why != NULL) {
        struct ipm_why twin = *why;
        (void)ipm_why_set(why, error, "%.150s; %.90s", twin.text, first.text);
    }
    return error;
}

bool ipm_system_calls_twin(const struct ipm_sensor_context *context)
{
    enum mode mode;
    return strcmp(context->pass, IPM_SYSTEM_CALLS_PASS) == 0 &&
           ipm_sensor_not_chosen(&ipm_sensor_system_calls, context->sensing) == NULL &&
           choose(context, &mode, NULL) == 0 && mode == MODE_TWIN;
}

static int system_calls_probe(const struct ipm_sensor_context *context,
                              struct ipm_why *why)
{
    enum mode mode;
    return choose(context, &mode, why);
}

static int system_calls_open(void *state, const struct ipm_sensor_context *context,
                             struct ipm_why *why)
{
    struct system_calls_state *self = state;
    int error = choose(context, &self->mode, why);
    if (error != 0)
        return error;
    return self->mode == MODE_TWIN ? ipm_twin_open(&self->twin, getpid(), -1, why)
                                   : open_tracepoint(self, context, why);
}

static void system_calls_start(void *state)
{
    struct system_calls_state *self = state;
    if (self->mode == MODE_TWIN)
        ipm_twin_count(&self->twin, true);
    else
        ipm_perf_start(&self->perf);
}

static void system_calls_stop(void *state)
{
    struct system_calls_state *self = state;
    if (self->mode == MODE_TWIN)
        ipm_twin_count(&self->twin, false);
    else
        ipm_perf_stop(&self->perf);
}

size_t ipm_system_calls_metrics(const struct ipm_calls *calls,
                                struct ipm_metric *out_metrics, size_t room)
{
    const struct ipm_sensor_row *rows = system_calls_metrics;
    const double values[IPM_CALLS_ROWS] = {
        [CALLS] = (double)calls->calls,
        [RETRIED] = (double)calls->in_vain,
        [THROUGH] = (double)calls->copied,
        [SPLICED] = (double)calls->spliced,
    };
    size_t n = 0;
    for (int i = 0; i < IPM_CALLS_ROWS && n < room; i++) {
        bool hidden = (i == THROUGH || i == SPLICED) && calls->hidden > 0;
        out_metrics[n++] =
            hidden ? ipm_metric_missing(rows[i].name, rows[i].unit, IPM_SOURCE_TWIN,
                                        "masked: %llu calls move bytes that no tracer "
                                        "sees (io_uring, or many messages at once)",
                                        (unsigned long long)calls->hidden)
                   : ipm_metric_value(rows[i].name, rows[i].unit, IPM_SOURCE_TWIN,
                                      values[i]);
    }
    for (int rank = 0; rank < IPM_CALLS_NAMED && n < room; rank++) {
        char text[IPM_CALL_NAME];
        char name[sizeof(out_metrics->name)];
        long number = ipm_calls_rank(calls, rank);
        if (number < 0)
            break;
        (void)snprintf(name, sizeof(name), "syscalls_%s", ipm_call_name(number, text));
        out_metrics[n++] = ipm_metric_value(name, "", IPM_SOURCE_TWIN,
                                            (double)calls->by_number[number]);
    }
    return n;
}

size_t ipm_system_calls_missing(int error, const struct ipm_why *why,
                                struct ipm_metric *out_metrics, size_t room)
{
    size_t n = 0;
    for (const struct ipm_sensor_row *row = system_calls_metrics;
         row->name != NULL && n < room; row++)
        out_metrics[n++] =
            ipm_metric_failed(row->name, row->unit, IPM_SOURCE_TWIN, error, why);
    return n;
}

static size_t read_tracepoint(struct ipm_perf *perf, struct ipm_metric *out_metrics,
                              size_t room)
{
    size_t n = ipm_perf_read(perf, out_metrics, room);
    /* The call that stops the counter is the last that it counts. */
    if (n > 0 && out_metrics[0].status == IPM_METRIC_OK && out_metrics[0].value >= 1)
        out_metrics[0].value--;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(out_metrics[i].source, sizeof(out_metrics[i].source), "%s",
                       tracepoint_source);
    for (const struct ipm_sensor_row *row = &system_calls_metrics[RETRIED];
         row->name != NULL && n < room; row++)
        out_metrics[n++] = ipm_metric_missing(
            row->name, row->unit, tracepoint_source,
            "not_in_this_pass: only a traced twin sees it (sensors.syscalls: twin)");
    return n;
}

static size_t system_calls_read(void *state, struct ipm_metric *out_metrics,
                                size_t room)
{
    struct system_calls_state *self = state;
    if (self->mode == MODE_TRACEPOINT)
        return read_tracepoint(&self->perf, out_metrics, room);
    struct ipm_calls calls;
    struct ipm_why why = {.error = 0, .text = ""};
    int error = ipm_twin_read(&self->twin, &calls, &why);
    return error != 0 ? ipm_system_calls_missing(error, &why, out_metrics, room)
                      : ipm_system_calls_metrics(&calls, out_metrics, room);
}

static void system_calls_close(void *state)
{
    struct system_calls_state *self = state;
    if (self->mode == MODE_TWIN)
        ipm_twin_close(&self->twin);
    else
        ipm_perf_close(&self->perf);
}

const struct ipm_sensor ipm_sensor_system_calls = {
    .name = "system_calls",
    .version = 1,
    .family = "counters",
    .summary = "system calls and bytes: a tracepoint, or a traced twin",
    .source = "tracepoint or twin",
    .scope = IPM_SCOPE_TASK,
    .pass = IPM_SYSTEM_CALLS_PASS,
    .metrics = system_calls_metrics,
    .state_size = sizeof(struct system_calls_state),
    .probe = system_calls_probe,
    .open = system_calls_open,
    .start = system_calls_start,
    .stop = system_calls_stop,
    .read = system_calls_read,
    .close = system_calls_close,
};
