/* SPDX-License-Identifier: MIT */
/*
 * event_name: from the name of an event to what perf_event_open(2) takes.
 *
 *     cycles, dtlb-load-misses ...         the kernel's generic names, as perf(1) has them
 *     r1a2b                                raw, hexadecimal, of the CPU's PMU
 *     cpu/event=0x08,umask=0x0e/           sysfs: terms of a PMU's format/ folder,
 *     cpu/topdown-slots/                   or an event of its events/ folder
 *     sched:sched_switch                   a tracepoint
 *     DTLB_LOAD_MISSES:WALK_ACTIVE, perf::CYCLES, skl::...     a libpfm4 string
 */
#ifndef IPM_WORKER_EVENT_NAME_H
#define IPM_WORKER_EVENT_NAME_H

#include "base/why.h"

#include <stdint.h>

struct ipm_event_code {
    uint32_t type; /* PERF_TYPE_ ..., or a PMU's number from sysfs */
    uint64_t config, config1, config2;
};

/**
 * ipm_event_name() - look an event up
 * @text:    as above; nobody need trust it
 * @sysroot: prefix of /sys; "": the machine itself.  libpfm4 always asks the machine
 *
 * A side (":u", "cpu/.../k") is refused: both are counted, apart.  So are PMUs that count
 * for a whole package and not for a task.
 *
 * Return: 0; -ENOENT nobody knows it; -EACCES tracefs is not for us; -EINVAL, -ERANGE
 *         malformed, or not possible per task; another -errno.
 */
int ipm_event_name(const char *text, const char *sysroot,
                   struct ipm_event_code *out_code, struct ipm_why *why);

/* The part of it that reads sysfs: "PMU/TERMS/". */
int ipm_event_sysfs(const char *text, const char *sysroot,
                    struct ipm_event_code *out_code, struct ipm_why *why);

/* The number that PMU @name goes by.  0; -ENOENT there is none; -errno. */
int ipm_event_pmu_type(const char *name, const char *sysroot, uint32_t *out_type);

#endif
