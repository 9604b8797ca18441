/* SPDX-License-Identifier: MIT */
/*
 * perf_tlb: TLB misses of a role.
 *
 * The kernel's generic names do not mean the same on every CPU: on x86 they are misses of
 * the last level, which walk the page table; Arm cores count refills of the first.
 * Compare them on one machine only.  A PMU with four counters cannot run these six: those
 * that found none free are missing, and say so.
 */
#include "harness/worker/sensors/perf.h"

#define MISSES(cache, operation)                                                       \
    ((uint64_t)(cache) | (uint64_t)(operation) << 8 |                                  \
     (uint64_t)PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static const struct ipm_perf_event events[] = {
    {.name = "dtlb_load_misses",
     .unit = "",
     .type = PERF_TYPE_HW_CACHE,
     .config = MISSES(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_READ),
     .split = true},
    {.name = "dtlb_store_misses",
     .unit = "",
     .type = PERF_TYPE_HW_CACHE,
     .config = MISSES(PERF_COUNT_HW_CACHE_DTLB, PERF_COUNT_HW_CACHE_OP_WRITE),
     .split = true},
    {.name = "itlb_misses",
     .unit = "",
     .type = PERF_TYPE_HW_CACHE,
     .config = MISSES(PERF_COUNT_HW_CACHE_ITLB, PERF_COUNT_HW_CACHE_OP_READ),
     .split = true},
    {.name = NULL},
};

static const struct ipm_sensor_row perf_tlb_metrics[] = {
    {"dtlb_load_misses", ""},
    {"dtlb_load_misses_user", ""},
    {"dtlb_load_misses_kernel", ""},
    {"dtlb_store_misses", ""},
    {"dtlb_store_misses_user", ""},
    {"dtlb_store_misses_kernel", ""},
    {"itlb_misses", ""},
    {"itlb_misses_user", ""},
    {"itlb_misses_kernel", ""},
    {NULL, NULL},
};

static int perf_tlb_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    return ipm_perf_probe(events, context, why);
}

static int perf_tlb_open(void *state, const struct ipm_sensor_context *context,
                         struct ipm_why *why)
{
    return ipm_perf_open(state, events, context, why);
}

static void perf_tlb_start(void *state)
{
    ipm_perf_start(state);
}

static void perf_tlb_stop(void *state)
{
    ipm_perf_stop(state);
}

static size_t perf_tlb_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    return ipm_perf_read(state, out_metrics, room);
}

static void perf_tlb_close(void *state)
{
    ipm_perf_close(state);
}

const struct ipm_sensor ipm_sensor_perf_tlb = {
    .name = "perf_tlb",
    .version = 1,
    .family = "counters",
    .summary = "TLB misses, user and kernel apart",
    .source = "perf",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:tlb",
    .back_end = "perf",
    .metrics = perf_tlb_metrics,
    .state_size = sizeof(struct ipm_perf),
    .probe = perf_tlb_probe,
    .open = perf_tlb_open,
    .start = perf_tlb_start,
    .stop = perf_tlb_stop,
    .read = perf_tlb_read,
    .close = perf_tlb_close,
};
