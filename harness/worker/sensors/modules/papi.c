/* SPDX-License-Identifier: MIT */
/*
 * papi: presets of PAPI, for those who know their names - the second back end, by
 * --counters papi.
 *
 * A preset means what PAPI's tables make of it on this CPU: PAPI_TLB_DM is walks on Intel
 * up to Cascade Lake, undefined after it, misses of the first level on AMD.  The metrics
 * bear PAPI's names, so that nobody takes them for those of perf.  Energy is never taken
 * from PAPI: docs/method.md.
 */
#include "harness/worker/sensors/modules/papi_events.h"

#include <papi.h>
#include <stddef.h>

static const struct ipm_papi_event core_events[] = {
    {"papi_tot_cyc", "PAPI_TOT_CYC", PAPI_TOT_CYC, IPM_PAPI_CYCLES, true},
    {"papi_tot_ins", "PAPI_TOT_INS", PAPI_TOT_INS, IPM_PAPI_INSTRUCTIONS, true},
    {.name = NULL},
};

static const struct ipm_papi_event tlb_events[] = {
    {"papi_tlb_dm", "PAPI_TLB_DM", PAPI_TLB_DM, IPM_PAPI_PAGES, false},
    {"papi_tlb_im", "PAPI_TLB_IM", PAPI_TLB_IM, IPM_PAPI_PAGES, false},
    {.name = NULL},
};

static const struct ipm_sensor_row core_metrics[] = {
    {"papi_tot_cyc", ""},
    {"papi_tot_ins", ""},
    {NULL, NULL},
};

static const struct ipm_sensor_row tlb_metrics[] = {
    {"papi_tlb_dm", ""},
    {"papi_tlb_im", ""},
    {NULL, NULL},
};

static int probe(const struct ipm_papi_event *events,
                 const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct ipm_papi papi;
    int error = ipm_papi_open(&papi, events, context, why);
    if (error == 0)
        ipm_papi_close(&papi);
    return error;
}

static int papi_core_probe(const struct ipm_sensor_context *context,
                           struct ipm_why *why)
{
    return probe(core_events, context, why);
}

static int papi_tlb_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    return probe(tlb_events, context, why);
}

static int papi_core_open(void *state, const struct ipm_sensor_context *context,
                          struct ipm_why *why)
{
    return ipm_papi_open(state, core_events, context, why);
}

static int papi_tlb_open(void *state, const struct ipm_sensor_context *context,
                         struct ipm_why *why)
{
    return ipm_papi_open(state, tlb_events, context, why);
}

static void papi_start(void *state)
{
    ipm_papi_start(state);
}

static void papi_stop(void *state)
{
    ipm_papi_stop(state);
}

static size_t papi_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    return ipm_papi_read(state, out_metrics, room);
}

static void papi_close(void *state)
{
    ipm_papi_close(state);
}

static const struct ipm_sensor papi_core = {
    .name = "papi_core",
    .version = 1,
    .family = "counters",
    .summary = "cycles and instructions by PAPI presets",
    .source = "papi",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:papi:core",
    .back_end = "papi",
    .metrics = core_metrics,
    .state_size = sizeof(struct ipm_papi),
    .probe = papi_core_probe,
    .open = papi_core_open,
    .start = papi_start,
    .stop = papi_stop,
    .read = papi_read,
    .close = papi_close,
};

static const struct ipm_sensor papi_tlb = {
    .name = "papi_tlb",
    .version = 1,
    .family = "counters",
    .summary = "TLB misses by PAPI presets",
    .source = "papi",
    .scope = IPM_SCOPE_TASK,
    .pass = "counters:papi:tlb",
    .back_end = "papi",
    .metrics = tlb_metrics,
    .state_size = sizeof(struct ipm_papi),
    .probe = papi_tlb_probe,
    .open = papi_tlb_open,
    .start = papi_start,
    .stop = papi_stop,
    .read = papi_read,
    .close = papi_close,
};

extern const struct ipm_sensor *const ipm_module_sensors[];
const struct ipm_sensor *const ipm_module_sensors[] = {&papi_core, &papi_tlb, NULL};
