/* SPDX-License-Identifier: MIT */
/*
 * perf: counting events of the calling task by perf_event_open(2), for the sensors of this
 * folder.
 *
 *     open -> { start -> stop -> read } -> close
 *
 * Every event is a counter of its own: pinned, so that it counts the whole window or says
 * that it did not; inherited by the threads that are started later; disabled outside the
 * window.  Nothing is scaled: a counter that did not run all the time is missing
 * ("multiplexed"), and one that cannot be had takes none of the others with it.
 *
 * The kernel stops a task's counters before it switches away and starts them after it has
 * switched in: the middle of a context switch, the change of address space included, is in
 * nobody's count.
 */
#ifndef IPM_WORKER_PERF_H
#define IPM_WORKER_PERF_H

#include "harness/worker/sensors/sensor.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ipm_perf_event {
    const char
        *name; /* NULL ends a table; with @split also NAME_user and NAME_kernel */
    const char *unit;
    uint32_t type;   /* PERF_TYPE_ ... */
    uint64_t config; /* PERF_COUNT_ ... */
    bool split;      /* user and kernel are counted apart, and the total is their sum;
                        else one counter counts both */
    bool moves;      /* no window leaves it at 0: a 0 is a counter that does not work */
};

enum { IPM_PERF_EVENTS = 4 }; /* most events of one sensor */

/* As read(2) fills it for the read format used here. */
struct ipm_perf_sample {
    uint64_t value;
    uint64_t enabled_ns;
    uint64_t running_ns;
};

/*
 * What a point's member `sensors` may ask by `sides`: "user", "kernel" or "total", that is
 * one counter for both; else both, apart, by two counters.  Some PMUs count one event only
 * once at a time: the second counter of the two opens, runs and stays 0 (QEMU's for RISC-V
 * does).
 */
enum ipm_perf_sides { IPM_PERF_APART, IPM_PERF_USER, IPM_PERF_KERNEL, IPM_PERF_TOTAL };

struct ipm_perf_counter {
    int fd;    /* -1: not open */
    int error; /* negative errno of what went wrong first; 0: nothing */
    struct ipm_why why;
    bool unasked; /* the other side alone was asked for */
    bool
        unscheduled; /* the kernel gave the pinned counter up: a read returned nothing */
    struct ipm_perf_sample start, stop;
};

struct ipm_perf {
    const struct ipm_perf_event *events;
    enum ipm_perf_sides sides;                            /* of events that have two */
    struct ipm_perf_counter counters[IPM_PERF_EVENTS][2]; /* user, kernel; or both, - */
};

/* Is one of the events to be had?  0, or the first event's -errno and reason. */
int ipm_perf_probe(const struct ipm_perf_event *events,
                   const struct ipm_sensor_context *context, struct ipm_why *why);

/* Opens every event, at most IPM_PERF_EVENTS.  Fails when none opens, as
 * ipm_perf_probe(); @perf is then closed. */
int ipm_perf_open(struct ipm_perf *perf, const struct ipm_perf_event *events,
                  const struct ipm_sensor_context *context, struct ipm_why *why);
void ipm_perf_start(struct ipm_perf *perf);
void ipm_perf_stop(struct ipm_perf *perf);
/* One metric per event, three per split one: total, user, kernel. */
size_t ipm_perf_read(const struct ipm_perf *perf, struct ipm_metric *out_metrics,
                     size_t room);
void ipm_perf_close(struct ipm_perf *perf);

/* The system calls used.  Tests put a scripted kernel here; each returns -1 and errno. */
struct ipm_perf_system {
    int (*open)(struct perf_event_attr *attributes, pid_t pid, int cpu, int group,
                unsigned long flags);
    int (*control)(int fd, unsigned long request);
    ssize_t (*read)(int fd, void *bytes, size_t length);
};

extern const struct ipm_perf_system *ipm_perf_system;

#endif
