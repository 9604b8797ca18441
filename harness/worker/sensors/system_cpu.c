/* SPDX-License-Identifier: MIT */
/*
 * system_cpu: what all CPUs together did, and what the hypervisor took.
 *
 * The kernel counts in ticks of USER_HZ (10 ms): over a window of 50 ms on two CPUs the
 * figure is good to about a tenth.  It is meant for telling a quiet machine from a busy one
 * and as the reference of energy windows, which last seconds.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIELDS };

struct ticks {
    int error;
    int n; /* fields the kernel offers; STEAL since 2.6.11 */
    int64_t fields[FIELDS];
};

struct system_cpu_state {
    int fd;
    struct ticks start, stop;
};

static const struct ipm_sensor_row system_cpu_metrics[] = {
    {"system_cpu_ns", "ns"},
    {"steal_ns", "ns"},
    {NULL, NULL},
};

/* One read at offset 0: the kernel makes the text anew, and all CPUs are its first line. */
static void take(int fd, struct ticks *ticks)
{
    char text[512];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got < 0) {
        ticks->error = -errno;
        return;
    }
    text[got] = '\0';
    int64_t *f = ticks->fields;
    ticks->n = sscanf(text,
                      "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
                      " %" SCNd64 " %" SCNd64 " %" SCNd64,
                      &f[USER], &f[NICE], &f[SYSTEM], &f[IDLE], &f[IOWAIT], &f[IRQ],
                      &f[SOFTIRQ], &f[STEAL]);
    ticks->error = ticks->n > SOFTIRQ ? 0 : -EPROTO;
}

static int open_stat(const struct ipm_sensor_context *context, int *out_fd,
                     struct ipm_why *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/stat", context->sysroot);
    ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "open proc/stat: ");
    struct ticks ticks;
    take(fd, &ticks);
    if (ticks.error != 0)
        return ipm_why_set(why, ticks.error, "read proc/stat: ");
    *out_fd = ipm_steal_fd(&fd);
    return 0;
}

static int system_cpu_probe(const struct ipm_sensor_context *context,
                            struct ipm_why *why)
{
    ipm_auto_fd int fd = -1;
    return open_stat(context, &fd, why);
}

static int system_cpu_open(void *state, const struct ipm_sensor_context *context,
                           struct ipm_why *why)
{
    return open_stat(context, &((struct system_cpu_state *)state)->fd, why);
}

static void system_cpu_start(void *state)
{
    struct system_cpu_state *self = state;
    take(self->fd, &self->start);
}

static void system_cpu_stop(void *state)
{
    struct system_cpu_state *self = state;
    take(self->fd, &self->stop);
}

/* Ticks of a window as a metric; guest time is inside user time already. */
static struct ipm_metric metric(const struct ipm_sensor_row *row, int64_t ticks)
{
    /* Idle and iowait may step back, these may not. */
    if (ticks < 0)
        return ipm_metric_missing(row->name, row->unit, "proc",
                                  "failed: the kernel's tick count went backwards");
    double tick_ns = (double)IPM_NS_PER_SECOND / (double)sysconf(_SC_CLK_TCK);
    return ipm_metric_value(row->name, row->unit, "proc", (double)ticks * tick_ns);
}

static size_t system_cpu_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    static const int busy[] = {USER, NICE, SYSTEM, IRQ, SOFTIRQ};
    const struct system_cpu_state *self = state;
    const struct ipm_sensor_row *row = system_cpu_metrics;
    if (room < 2)
        return 0;
    int error = self->start.error != 0 ? self->start.error : self->stop.error;
    if (error != 0) {
        struct ipm_why why;
        (void)ipm_why_set(&why, error, "read proc/stat: ");
        for (size_t i = 0; i < 2; i++)
            out_metrics[i] =
                ipm_metric_failed(row[i].name, row[i].unit, "proc", error, &why);
        return 2;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
        sum += self->stop.fields[busy[i]] - self->start.fields[busy[i]];
    out_metrics[0] = metric(&row[0], sum);
    if (self->start.n <= STEAL || self->stop.n <= STEAL)
        out_metrics[1] = ipm_metric_missing(row[1].name, row[1].unit, "proc",
                                            "absent: proc/stat has no steal column");
    else
        out_metrics[1] =
            metric(&row[1], self->stop.fields[STEAL] - self->start.fields[STEAL]);
    return 2;
}

static void system_cpu_close(void *state)
{
    (void)close(((struct system_cpu_state *)state)->fd);
}

const struct ipm_sensor ipm_sensor_system_cpu = {
    .name = "system_cpu",
    .version = 1,
    .family = "kernel accounting",
    .summary = "busy time of all CPUs, and time the hypervisor took",
    .source = "proc",
    .scope = IPM_SCOPE_SYSTEM,
    .metrics = system_cpu_metrics,
    .state_size = sizeof(struct system_cpu_state),
    .probe = system_cpu_probe,
    .open = system_cpu_open,
    .start = system_cpu_start,
    .stop = system_cpu_stop,
    .read = system_cpu_read,
    .close = system_cpu_close,
};
