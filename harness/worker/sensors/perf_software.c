/* SPDX-License-Identifier: MIT */
/*
 * perf_software: what the kernel itself counts for a task.
 *
 * All four are kernel work, so the kernel is included: with exclude_kernel the kernel
 * counts no context switch and reports 0 without an error.  Where the inclusive event is
 * refused, the metric is denied, and rusage still has the switches.
 *
 * task_clock_ns runs from the end of a switch in to the start of a switch out: it lacks the
 * switches themselves, which cpu_ns of rusage has.
 */
#include "harness/worker/sensors/perf.h"

static const struct ipm_perf_event events[] = {
    {.name = "context_switches",
     .unit = "",
     .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_CONTEXT_SWITCHES},
    {.name = "cpu_migrations",
     .unit = "",
     .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_CPU_MIGRATIONS},
    {.name = "page_faults",
     .unit = "",
     .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_PAGE_FAULTS},
    {.name = "task_clock_ns",
     .unit = "ns",
     .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_TASK_CLOCK,
     .moves = true},
    {.name = NULL},
};

static const struct ipm_sensor_row perf_software_metrics[] = {
    {"context_switches", ""}, {"cpu_migrations", ""}, {"page_faults", ""},
    {"task_clock_ns", "ns"},  {NULL, NULL},
};

static int perf_software_probe(const struct ipm_sensor_context *context,
                               struct ipm_why *why)
{
    return ipm_perf_probe(events, context, why);
}

static int perf_software_open(void *state, const struct ipm_sensor_context *context,
                              struct ipm_why *why)
{
    return ipm_perf_open(state, events, context, why);
}

static void perf_software_start(void *state)
{
    ipm_perf_start(state);
}

static void perf_software_stop(void *state)
{
    ipm_perf_stop(state);
}

static size_t perf_software_read(void *state, struct ipm_metric *out_metrics,
                                 size_t room)
{
    return ipm_perf_read(state, out_metrics, room);
}

static void perf_software_close(void *state)
{
    ipm_perf_close(state);
}

const struct ipm_sensor ipm_sensor_perf_software = {
    .name = "perf_software",
    .version = 1,
    .family = "counters",
    .summary = "switches, migrations, faults and CPU time, counted by perf",
    .source = "perf",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:software",
    .metrics = perf_software_metrics,
    .state_size = sizeof(struct ipm_perf),
    .probe = perf_software_probe,
    .open = perf_software_open,
    .start = perf_software_start,
    .stop = perf_software_stop,
    .read = perf_software_read,
    .close = perf_software_close,
};
