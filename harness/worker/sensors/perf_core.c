/* SPDX-License-Identifier: MIT */
/*
 * perf_core: cycles and instructions of a role.
 *
 * Four counters, which every PMU of note can run at once.  IPC is kernel work for the most
 * part: the two sides are told apart, never left out.
 */
#include "harness/worker/sensors/perf.h"

static const struct ipm_perf_event events[] = {
    {.name = "cycles",
     .unit = "",
     .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_CPU_CYCLES,
     .split = true,
     .moves = true},
    {.name = "instructions",
     .unit = "",
     .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_INSTRUCTIONS,
     .split = true,
     .moves = true},
    {.name = NULL},
};

static const struct ipm_sensor_row perf_core_metrics[] = {
    {"cycles", ""},       {"cycles_user", ""},       {"cycles_kernel", ""},
    {"instructions", ""}, {"instructions_user", ""}, {"instructions_kernel", ""},
    {NULL, NULL},
};

static int perf_core_probe(const struct ipm_sensor_context *context,
                           struct ipm_why *why)
{
    return ipm_perf_probe(events, context, why);
}

static int perf_core_open(void *state, const struct ipm_sensor_context *context,
                          struct ipm_why *why)
{
    return ipm_perf_open(state, events, context, why);
}

static void perf_core_start(void *state)
{
    ipm_perf_start(state);
}

static void perf_core_stop(void *state)
{
    ipm_perf_stop(state);
}

static size_t perf_core_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    return ipm_perf_read(state, out_metrics, room);
}

static void perf_core_close(void *state)
{
    ipm_perf_close(state);
}

const struct ipm_sensor ipm_sensor_perf_core = {
    .name = "perf_core",
    .version = 1,
    .family = "counters",
    .summary = "core cycles and instructions, user and kernel apart",
    .source = "perf",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:core",
    .back_end = "perf",
    .metrics = perf_core_metrics,
    .state_size = sizeof(struct ipm_perf),
    .probe = perf_core_probe,
    .open = perf_core_open,
    .start = perf_core_start,
    .stop = perf_core_stop,
    .read = perf_core_read,
    .close = perf_core_close,
};
