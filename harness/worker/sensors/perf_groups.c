/* SPDX-License-Identifier: MIT */
/*
 * perf_core, perf_tlb, perf_itlb, perf_walks, perf_cache: what the CPU counts for a role, a
 * sensor for each pass.
 *
 * No pass wants more than four counters, which nearly every PMU can run at once: two events,
 * user and kernel apart.  IPC is kernel work for the most part: neither side is left out.
 *
 * Cycles, instructions and misses of the data TLB are the kernel's generic events.  These
 * are misses of the last level, which walk, on x86, and refills of the first level on Arm:
 * compare them on one machine only.  What has no generic name, or one of many meanings,
 * comes from the table of cpu_events.h; for what a CPU outside of it counts, the kernel's
 * generic event is taken where there is one, and `describe` says which it was.
 *
 * One set of hooks serves all: context->pass says for whom.
 */
#include "harness/worker/sensors/cpu_events.h"
#include "harness/worker/sensors/event_name.h"
#include "harness/worker/sensors/exercise.h"
#include "harness/worker/sensors/perf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MISSES(cache, operation)                                                       \
    ((uint64_t)(cache) | (uint64_t)(operation) << 8 |                                  \
     (uint64_t)PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

enum { PER_GROUP = 2 };

struct source {
    const char *pass;
    struct ipm_perf_event event; /* of the kernel; without a type where it has none */
    enum ipm_cpu_metric metric;  /* of the table; IPM_CPU_METRICS: not from there */
    const char *generic;         /* the kernel's name of @event; NULL: it has none */
};

static const struct source sources[] = {
    {"counters:core",
     {.name = "cycles",
      .type = PERF_TYPE_HARDWARE,
      .config = PERF_COUNT_HW_CPU_CYCLES,
      .exercise = IPM_EXERCISE_SPIN},
     IPM_CPU_METRICS,
     "cycles"},
    {"counters:core",
     {.name = "instructions",
      .type = PERF_TYPE_HARDWARE,
      .config = PERF_COUNT_HW_INSTRUCTIONS,
      .exercise = IPM_EXERCISE_SPIN},
     IPM_CPU_METRICS,
     "instructions"},
    {"counters:tlb",
     {.name = "dtlb_load_misses",
      .type = PERF_TYPE_HW_CACHE,
      .config = MISSES(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_READ),
      .exercise = IPM_EXERCISE_LOADS},
     IPM_CPU_METRICS,
     "dTLB-load-misses"},
    {"counters:tlb",
     {.name = "dtlb_store_misses",
      .type = PERF_TYPE_HW_CACHE,
      .config = MISSES(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_WRITE),
      .exercise = IPM_EXERCISE_STORES},
     IPM_CPU_METRICS,
     "dTLB-store-misses"},
    {"counters:itlb",
     {.name = "itlb_misses",
      .type = PERF_TYPE_HW_CACHE,
      .config = MISSES(PERF_COUNT_HW_CACHE_ITLB, PERF_COUNT_HW_CACHE_OP_READ),
      .exercise = IPM_EXERCISE_CODE},
     IPM_CPU_ITLB_MISSES,
     "iTLB-load-misses"},
    {"counters:walks",
     {.name = "dtlb_walks", .exercise = IPM_EXERCISE_LOADS},
     IPM_CPU_DTLB_WALKS,
     NULL},
    {"counters:walks",
     {.name = "dtlb_walk_cycles", .exercise = IPM_EXERCISE_LOADS},
     IPM_CPU_DTLB_WALK_CYCLES,
     NULL},
    {"counters:cache",
     {.name = "llc_misses",
      .type = PERF_TYPE_HARDWARE,
      .config = PERF_COUNT_HW_CACHE_MISSES,
      .exercise = IPM_EXERCISE_MEMORY},
     IPM_CPU_LLC_MISSES,
     "cache-misses"},
};

enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

struct groups_state {
    struct ipm_perf perf;
    struct ipm_perf_event events[PER_GROUP + 1];
    struct ipm_why why[PER_GROUP];
};

/* The event of a source on this machine. */
static void resolve(const struct source *source, const char *sysroot,
                    struct ipm_perf_event *out_event, struct ipm_why *out_why)
{
    *out_event = source->event;
    out_event->unit = "";
    out_event->split = true;
    if (source->metric == IPM_CPU_METRICS)
        return;
    const struct ipm_cpu *cpu = ipm_cpu_find(sysroot, out_why);
    out_event->reason = out_why->text;
    if (cpu == NULL) {
        out_event->error = source->generic == NULL ? -ENOENT : 0;
        return;
    }
    const struct ipm_cpu_event *row = &cpu->events[source->metric];
    if (row->event == NULL) {
        out_event->error = ipm_why_set(out_why, -ENOENT, "%s", row->scope);
        return;
    }
    out_event->type = PERF_TYPE_RAW;
    out_event->config = row->config;
    if (cpu->pmu != NULL &&
        ipm_event_pmu_type(cpu->pmu, sysroot, &out_event->type) != 0)
        out_event->error = ipm_why_set(out_why, -ENOENT,
                                       "the kernel shows no PMU %s (hidden by a "
                                       "hypervisor?)",
                                       cpu->pmu);
}

static void gather(struct groups_state *self, const struct ipm_sensor_context *context)
{
    int n = 0;
    for (int i = 0; i < SOURCES && n < PER_GROUP; i++) {
        if (strcmp(sources[i].pass, context->pass) != 0)
            continue;
        resolve(&sources[i], context->sysroot, &self->events[n], &self->why[n]);
        n++;
    }
    self->events[n].name = NULL;
}

static int groups_open(void *state, const struct ipm_sensor_context *context,
                       struct ipm_why *why)
{
    struct groups_state *self = state;
    memset(self, 0, sizeof(*self));
    gather(self, context);
    return ipm_perf_open(&self->perf, self->events, context, why);
}

static int groups_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct groups_state self;
    int error = groups_open(&self, context, why);
    if (error == 0)
        ipm_perf_close(&self.perf);
    return error;
}

static void groups_start(void *state)
{
    ipm_perf_start(&((struct groups_state *)state)->perf);
}

static void groups_stop(void *state)
{
    ipm_perf_stop(&((struct groups_state *)state)->perf);
}

static size_t groups_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    return ipm_perf_read(&((struct groups_state *)state)->perf, out_metrics, room);
}

static void groups_close(void *state)
{
    ipm_perf_close(&((struct groups_state *)state)->perf);
}

static bool groups_counts(const struct ipm_sensor_context *context, const char *metric,
                          char *out_text, size_t room)
{
    for (int i = 0; i < SOURCES; i++) {
        const struct source *source = &sources[i];
        if (strcmp(source->event.name, metric) != 0)
            continue;
        struct ipm_why why = {.error = 0};
        const struct ipm_cpu *cpu = source->metric == IPM_CPU_METRICS
                                        ? NULL
                                        : ipm_cpu_find(context->sysroot, &why);
        if (cpu != NULL) {
            const struct ipm_cpu_event *row = &cpu->events[source->metric];
            (void)snprintf(out_text, room, "%s%s%s (%s)",
                           row->event == NULL ? "" : row->event,
                           row->event == NULL ? "" : ": ", row->scope, cpu->title);
            return true;
        }
        if (source->generic == NULL)
            return false;
        (void)snprintf(out_text, room, "the kernel's generic %s", source->generic);
        return true;
    }
    return false;
}

#define SPLIT(name)                                                                    \
    {name, ""}, {name "_user", ""},                                                    \
    {                                                                                  \
        name "_kernel", ""                                                             \
    }

static const struct ipm_sensor_row core_rows[] = {
    SPLIT("cycles"), SPLIT("instructions"), {NULL, NULL}};
static const struct ipm_sensor_row tlb_rows[] = {
    SPLIT("dtlb_load_misses"), SPLIT("dtlb_store_misses"), {NULL, NULL}};
static const struct ipm_sensor_row itlb_rows[] = {SPLIT("itlb_misses"), {NULL, NULL}};
static const struct ipm_sensor_row walks_rows[] = {
    SPLIT("dtlb_walks"), SPLIT("dtlb_walk_cycles"), {NULL, NULL}};
static const struct ipm_sensor_row cache_rows[] = {SPLIT("llc_misses"), {NULL, NULL}};

#define GROUP(stem, of_version, what)                                                  \
    const struct ipm_sensor ipm_sensor_perf_##stem = {                                 \
        .name = "perf_" #stem,                                                         \
        .version = of_version,                                                         \
        .family = "counters",                                                          \
        .summary = what,                                                               \
        .source = "perf",                                                              \
        .scope = IPM_SCOPE_TASK,                                                       \
        .pass = "counters:" #stem,                                                     \
        .back_end = "perf",                                                            \
        .metrics = stem##_rows,                                                        \
        .state_size = sizeof(struct groups_state),                                     \
        .probe = groups_probe,                                                         \
        .open = groups_open,                                                           \
        .start = groups_start,                                                         \
        .stop = groups_stop,                                                           \
        .read = groups_read,                                                           \
        .close = groups_close,                                                         \
        .counts = groups_counts,                                                       \
    }

GROUP(core, 2, "core cycles and instructions, user and kernel apart");
GROUP(tlb, 2, "data TLB misses, user and kernel apart");
GROUP(itlb, 1, "instruction TLB misses, user and kernel apart");
GROUP(walks, 1, "page walks for data and their cycles, user and kernel");
GROUP(cache, 1, "misses of the last level of cache, user and kernel");
