/* SPDX-License-Identifier: MIT */
/*
 * rusage: what the kernel bills this process for, threads of libraries included.
 *
 * Needs no right at all, and its switch counts are the ones to trust: the perf event reads
 * 0 where the kernel is excluded.  cpu_ns is the process clock's, exact to the nanosecond;
 * user_ns and system_ns are getrusage's, which most kernels split by sampling at the timer
 * tick: over a short window their proportion is coarse, and their sum is cpu_ns only to the
 * microsecond.  switches_rusage is the
 * sum of both kinds: one of the three independent counts of context switches.
 */
#include "base/clock.h"
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

struct reading {
    int error;
    int64_t cpu_ns;
    struct rusage usage;
};

struct rusage_state {
    struct reading start, stop;
};

enum { CPU, USER, SYSTEM, VOLUNTARY, INVOLUNTARY, SWITCHES, MINOR, MAJOR };

static const struct ipm_sensor_row rusage_metrics[] = {
    [CPU] = {"cpu_ns", "ns"},
    [USER] = {"user_ns", "ns"},
    [SYSTEM] = {"system_ns", "ns"},
    [VOLUNTARY] = {"voluntary_switches", ""},
    [INVOLUNTARY] = {"involuntary_switches", ""},
    [SWITCHES] = {"switches_rusage", ""},
    [MINOR] = {"page_faults_minor", ""},
    [MAJOR] = {"page_faults_major", ""},
    {NULL, NULL},
};

static void take(struct reading *reading)
{
    struct timespec cpu;
    reading->error = 0;
    if (getrusage(RUSAGE_SELF, &reading->usage) != 0 ||
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) != 0)
        reading->error = -errno;
    else
        reading->cpu_ns = (int64_t)cpu.tv_sec * IPM_NS_PER_SECOND + cpu.tv_nsec;
}

static int rusage_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    (void)context;
    struct reading reading;
    take(&reading);
    if (reading.error != 0)
        return ipm_why_set(why, reading.error, "getrusage: ");
    return 0;
}

static int rusage_open(void *state, const struct ipm_sensor_context *context,
                       struct ipm_why *why)
{
    (void)state;
    return rusage_probe(context, why);
}

static void rusage_start(void *state)
{
    take(&((struct rusage_state *)state)->start);
}

static void rusage_stop(void *state)
{
    take(&((struct rusage_state *)state)->stop);
}

static int64_t timeval_ns(struct timeval time)
{
    return (int64_t)time.tv_sec * IPM_NS_PER_SECOND + (int64_t)time.tv_usec * 1000;
}

static int64_t member(const struct reading *reading, int which)
{
    const struct rusage *usage = &reading->usage;
    switch (which) {
    case CPU:
        return reading->cpu_ns;
    case USER:
        return timeval_ns(usage->ru_utime);
    case SYSTEM:
        return timeval_ns(usage->ru_stime);
    case VOLUNTARY:
        return usage->ru_nvcsw;
    case INVOLUNTARY:
        return usage->ru_nivcsw;
    case SWITCHES:
        return usage->ru_nvcsw + usage->ru_nivcsw;
    case MINOR:
        return usage->ru_minflt;
    default:
        return usage->ru_majflt;
    }
}

static size_t rusage_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    const struct rusage_state *self = state;
    int error = self->start.error != 0 ? self->start.error : self->stop.error;
    struct ipm_why why;
    if (error != 0)
        (void)ipm_why_set(&why, error, "getrusage: ");
    size_t n = 0;
    for (int i = 0; rusage_metrics[i].name != NULL && n < room; i++) {
        const struct ipm_sensor_row *row = &rusage_metrics[i];
        const char *source = i == CPU ? "process clock" : "getrusage";
        int64_t value = member(&self->stop, i) - member(&self->start, i);
        out_metrics[n++] =
            error != 0 ? ipm_metric_failed(row->name, row->unit, source, error, &why)
                       : ipm_metric_value(row->name, row->unit, source, (double)value);
    }
    return n;
}

static void rusage_close(void *state)
{
    (void)state;
}

const struct ipm_sensor ipm_sensor_rusage = {
    .name = "rusage",
    .version = 1,
    .family = "kernel accounting",
    .summary = "CPU time, context switches and page faults of a role",
    .source = "getrusage",
    .scope = IPM_SCOPE_TASK,
    .metrics = rusage_metrics,
    .state_size = sizeof(struct rusage_state),
    .probe = rusage_probe,
    .open = rusage_open,
    .start = rusage_start,
    .stop = rusage_stop,
    .read = rusage_read,
    .close = rusage_close,
};
