/* SPDX-License-Identifier: MIT */
/*
 * perf: counting events of the calling task by perf_event_open(2), for the sensors of this
 * folder.
 *
 *     open -> { start -> stop -> read } -> close
 *
 * The hardware events of a sensor are one pinned group: switched on and off together, they
 * count the same instants, and the whole window or, as they then say, not at all.  A group
 * that the PMU cannot hold is taken apart into pinned counters of their own, of which as
 * many count as fit.  They are inherited by the threads that are started later, and
 * disabled outside the window.  Nothing is scaled: a counter that did not run all the time
 * is missing ("multiplexed"), and one that cannot be had takes none of the others with it.
 *
 * User and kernel are two counters of one event, and the total is their sum.  A PMU that
 * refuses to leave one side out counts both by one counter; the sides are then missing.
 *
 * A hardware counter that read 0 is exercised afterwards, outside of the window: where it
 * stays 0 on a loop that is known to move it, it is missing ("stuck"), else its 0 is one.
 *
 * Counters are read one by one: they stand still before the window and after it, and so a
 * read of the whole group, which some kernels refuse to inherited counters, says no more.
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
    const char *name; /* NULL ends a table; where @split also NAME_user, NAME_kernel */
    const char *unit;
    uint32_t type; /* PERF_TYPE_ ..., or of sysfs */
    uint64_t config, config1, config2;
    /* User and kernel are counted apart, and the total is their sum; else one counter
     * counts both. */
    bool split;
    bool moves; /* no window leaves it at 0: a 0 is a counter that does not work */
    unsigned exercise; /* IPM_EXERCISE_ ...: loops that move it; 0: a 0 is believed */
    bool rare; /* no loop need move it: what stays 0 on them is in doubt, not stuck */
    /* Not 0: a negative errno.  It is not to be had, and @reason says why; nothing is
     * opened. */
    int error;
    const char *reason;
};

enum { IPM_PERF_EVENTS = 4 }; /* most events of one sensor */

/* As read(2) fills it for the read format used here. */
struct ipm_perf_sample {
    uint64_t value;
    uint64_t enabled_ns;
    uint64_t running_ns;
};

/* What a counter counted between two samples; missing where it did not run all the time. */
struct ipm_metric ipm_perf_between(const char *name, const char *unit,
                                   const char *source,
                                   const struct ipm_perf_sample *start,
                                   const struct ipm_perf_sample *stop);

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
    bool unasked;     /* the other side alone, or both in one, was asked for */
    bool follows;     /* in the group of perf->leader, by which it is switched */
    bool unscheduled; /* the kernel gave it up, pinned as it is: a read got nothing */
    enum { IPM_PERF_UNTRIED, IPM_PERF_MOVED, IPM_PERF_STUCK, IPM_PERF_DOUBTED } trial;
    struct ipm_perf_sample start, stop;
};

struct ipm_perf {
    const struct ipm_perf_event *events;
    enum ipm_perf_sides sides;                            /* of events that have two */
    struct ipm_perf_counter counters[IPM_PERF_EVENTS][2]; /* user, kernel; or both, - */
    bool unsplit[IPM_PERF_EVENTS];   /* one counter counts both after all */
    struct ipm_perf_counter *leader; /* of the group; NULL: every counter is its own */
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
/* One metric per event, three per split one: total, user, kernel.  May exercise what read
 * 0, in the calling task; a counter that moved is not tried again. */
size_t ipm_perf_read(struct ipm_perf *perf, struct ipm_metric *out_metrics,
                     size_t room);
void ipm_perf_close(struct ipm_perf *perf);

/* The reason of a refused perf_event_open(), in words that say what to do.  @error: its
 * negative errno, returned. */
int ipm_perf_refused(int error, const char *sysroot, struct ipm_why *why);

/* The text of perf_event_paranoid, or "unreadable"; returns @level. */
enum { IPM_PERF_PARANOID = 16 };
const char *ipm_perf_paranoid(const char *sysroot, char level[IPM_PERF_PARANOID]);

/* The system calls used.  Tests put a scripted kernel here; each returns -1 and errno. */
struct ipm_perf_system {
    int (*open)(struct perf_event_attr *attributes, pid_t pid, int cpu, int group,
                unsigned long flags);
    int (*control)(int fd, unsigned long request, void *argument);
    ssize_t (*read)(int fd, void *bytes, size_t length);
    /* It knows the PMUs of a fake tree; the kernel knows its own only. */
    bool any_sysroot;
};

extern const struct ipm_perf_system *ipm_perf_system;

/* What runs the loops: ipm_exercise(); tests put a quiet one here. */
extern unsigned (*ipm_perf_exercise)(unsigned wanted);

#endif
