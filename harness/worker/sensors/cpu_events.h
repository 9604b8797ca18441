/* SPDX-License-Identifier: MIT */
/*
 * cpu_events: what this CPU's own events are that the kernel's generic names do not give,
 * or not with one meaning: page walks and their cycles, walks for instructions, misses of
 * the last level of cache.
 *
 * A table of our own, by CPU.  Every row has the event's code and, as the witness of the
 * code, its libpfm4 name; a test holds the two against each other for every PMU that the
 * libpfm4 at hand knows.  So a worker without libpfm4, or with one older than the CPU,
 * counts the same.
 */
#ifndef IPM_WORKER_CPU_EVENTS_H
#define IPM_WORKER_CPU_EVENTS_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_cpu_metric {
    IPM_CPU_DTLB_WALKS,
    IPM_CPU_DTLB_WALK_CYCLES,
    IPM_CPU_ITLB_MISSES,
    IPM_CPU_LLC_MISSES,
    IPM_CPU_METRICS,
};

struct ipm_cpu_event {
    uint64_t config;   /* PERF_TYPE_RAW, or of the PMU that the row names; 0: none */
    const char *event; /* libpfm4's name, without the PMU; NULL: none */
    const char *scope; /* what it counts; where there is none, why */
};

struct ipm_cpu {
    const char *title;      /* "Intel Skylake to Cascade Lake" */
    const char *vendor;     /* x86: vendor_id; Arm: "CPU implementer" */
    int family;             /* x86; Arm: -1 */
    const uint16_t *models; /* x86: pairs of the first and the last model, Arm: of the
                               CPU part; {1, 0} ends */
    const char *pfm; /* libpfm4's name of the PMU, or of one with the same events */
    const char *pmu; /* hybrid parts: the PMU that has these events; else NULL */
    struct ipm_cpu_event events[IPM_CPU_METRICS];
};

/* The table; a row without title ends it. */
extern const struct ipm_cpu ipm_cpus[];

/**
 * ipm_cpu_find() - which row is this machine's?
 *
 * Judges by SYSROOT/proc/cpuinfo: vendor, family and model, or implementer and part of the
 * first CPU.  Return: the row; NULL: not in the table, and @why says what the CPU is.
 */
const struct ipm_cpu *ipm_cpu_find(const char *sysroot, struct ipm_why *why);

#endif
