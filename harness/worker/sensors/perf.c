/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/perf.h"

#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USER, KERNEL, SIDES };

static int system_open(struct perf_event_attr *attributes, pid_t pid, int cpu,
                       int group, unsigned long flags)
{
    return (int)syscall(SYS_perf_event_open, attributes, pid, cpu, group, flags);
}

static int system_control(int fd, unsigned long request)
{
    return ioctl(fd, request, 0);
}

static const struct ipm_perf_system kernel = {
    .open = system_open,
    .control = system_control,
    .read = read,
};

const struct ipm_perf_system *ipm_perf_system = &kernel;

/* The reason of a refused perf_event_open(), in words that say what to do. */
static int refused(int error, const struct ipm_sensor_context *context,
                   struct ipm_why *why)
{
    switch (-error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EOPNOTSUPP:
        return ipm_why_set(why, error,
                           "no such event: the machine shows no hardware PMU, as most "
                           "virtual machines, or its PMU lacks this event");
    case ENOSYS:
        return ipm_why_set(why, error, "this kernel has no perf events");
    case EACCES:
    case EPERM: {
        char path[PATH_MAX];
        char level[16];
        (void)snprintf(path, sizeof(path), "%s/proc/sys/kernel/perf_event_paranoid",
                       context->sysroot);
        if (ipm_read_file(path, level, sizeof(level)) != 0)
            (void)snprintf(level, sizeof(level), "unreadable");
        return ipm_why_set(why, error,
                           "perf_event_paranoid is %s and CAP_PERFMON is missing, or a "
                           "seccomp filter refuses",
                           level);
    }
    case EBUSY:
        return ipm_why_set(why, error, "another user holds the PMU for himself");
    default:
        return ipm_why_set(why, error, "perf_event_open: ");
    }
}

/* Opens one counter.  Return: descriptor; -errno. */
static int open_counter(const struct ipm_perf_event *event, int side, bool apart,
                        const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct perf_event_attr attributes = {
        .type = event->type,
        .size = sizeof(attributes),
        .config = event->config,
        .disabled = 1,
        .inherit = 1,
        .pinned = 1,
        .exclude_kernel = apart && side == USER,
        .exclude_user = apart && side == KERNEL,
        .exclude_hv = apart,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    int fd = ipm_perf_system->open(&attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd >= 0 ? fd : refused(-errno, context, why);
}

/* What the point asks of events with two sides. */
static enum ipm_perf_sides sides_asked(const struct ipm_sensor_context *context)
{
    const char *word = json_string_value(json_object_get(context->sensing, "sides"));
    if (word == NULL)
        return IPM_PERF_APART;
    return strcmp(word, "user") == 0     ? IPM_PERF_USER
           : strcmp(word, "kernel") == 0 ? IPM_PERF_KERNEL
           : strcmp(word, "total") == 0  ? IPM_PERF_TOTAL
                                         : IPM_PERF_APART;
}

static bool is_asked(enum ipm_perf_sides asked, int side)
{
    return asked == IPM_PERF_APART ||
           side == (asked == IPM_PERF_KERNEL ? KERNEL : USER);
}

static int sides(const struct ipm_perf_event *event)
{
    return event->split ? SIDES : 1;
}

int ipm_perf_open(struct ipm_perf *perf, const struct ipm_perf_event *events,
                  const struct ipm_sensor_context *context, struct ipm_why *why)
{
    int opened = 0;
    memset(perf, 0, sizeof(*perf));
    perf->events = events;
    perf->sides = sides_asked(context);
    for (int i = 0; events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&events[i]); side++) {
            struct ipm_perf_counter *counter = &perf->counters[i][side];
            bool apart = events[i].split && perf->sides != IPM_PERF_TOTAL;
            counter->fd = -1;
            counter->unasked = events[i].split && !is_asked(perf->sides, side);
            if (counter->unasked)
                continue;
            counter->fd = open_counter(&events[i], side, apart, context, &counter->why);
            if (counter->fd >= 0) {
                opened++;
                continue;
            }
            counter->error = counter->fd;
            counter->fd = -1;
        }
    }
    const struct ipm_perf_counter *first = perf->counters[0];
    if (first->unasked)
        first++;
    if (opened == 0 && why != NULL)
        *why = first->why;
    return opened > 0 ? 0 : first->error;
}

int ipm_perf_probe(const struct ipm_perf_event *events,
                   const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct ipm_perf perf;
    int error = ipm_perf_open(&perf, events, context, why);
    if (error == 0)
        ipm_perf_close(&perf);
    return error;
}

static void control(struct ipm_perf_counter *counter, unsigned long request)
{
    if (counter->fd >= 0 && counter->error == 0 &&
        ipm_perf_system->control(counter->fd, request) != 0)
        counter->error =
            ipm_why_set(&counter->why, -errno, "switch the counter on or off: ");
}

static void sample(struct ipm_perf_counter *counter, struct ipm_perf_sample *out_sample)
{
    if (counter->fd < 0 || counter->error != 0)
        return;
    ssize_t got = ipm_perf_system->read(counter->fd, out_sample, sizeof(*out_sample));
    if (got == 0)
        counter->unscheduled = true;
    else if (got != (ssize_t)sizeof(*out_sample))
        counter->error = ipm_why_set(&counter->why, got < 0 ? -errno : -EPROTO,
                                     "read the counter: ");
}

/*
 * A sample before the start instead of a reset: a reset leaves the two times as they are,
 * and they, too, must be the window's.
 */
void ipm_perf_start(struct ipm_perf *perf)
{
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&perf->events[i]); side++)
            sample(&perf->counters[i][side], &perf->counters[i][side].start);
    }
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&perf->events[i]); side++)
            control(&perf->counters[i][side], PERF_EVENT_IOC_ENABLE);
    }
}

void ipm_perf_stop(struct ipm_perf *perf)
{
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&perf->events[i]); side++)
            control(&perf->counters[i][side], PERF_EVENT_IOC_DISABLE);
    }
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&perf->events[i]); side++)
            sample(&perf->counters[i][side], &perf->counters[i][side].stop);
    }
}

/* What one counter says of the window. */
static struct ipm_metric metric(const struct ipm_perf_event *event,
                                const struct ipm_perf_counter *counter,
                                const char *tail)
{
    char name[sizeof(((struct ipm_metric *)NULL)->name)];
    (void)snprintf(name, sizeof(name), "%s%s", event->name, tail);
    const char *unit = event->unit;
    if (counter->unasked)
        return ipm_metric_missing(name, unit, "perf",
                                  "not_chosen: the other side alone is counted");
    if (counter->error != 0)
        return ipm_metric_failed(name, unit, "perf", counter->error, &counter->why);
    if (counter->unscheduled)
        return ipm_metric_missing(
            name, unit, "perf",
            "multiplexed: no counter was free for it (too few, or "
            "another user such as the NMI watchdog)");
    uint64_t enabled_ns = counter->stop.enabled_ns - counter->start.enabled_ns;
    uint64_t running_ns = counter->stop.running_ns - counter->start.running_ns;
    uint64_t value = counter->stop.value - counter->start.value;
    if (running_ns != enabled_ns)
        return ipm_metric_missing(
            name, unit, "perf", "multiplexed: it counted %llu of %llu ns",
            (unsigned long long)running_ns, (unsigned long long)enabled_ns);
    if (enabled_ns == 0)
        return ipm_metric_missing(name, unit, "perf", "failed: it was never enabled");
    if (value == 0 && event->moves)
        return ipm_metric_missing(name, unit, "perf",
                                  "zero: the counter opens but does not count");
    return ipm_metric_value(name, unit, "perf", (double)value);
}

/* One side of an event whose sides one counter counted together. */
static struct ipm_metric together(const struct ipm_perf_event *event, const char *tail)
{
    char name[sizeof(((struct ipm_metric *)NULL)->name)];
    (void)snprintf(name, sizeof(name), "%s%s", event->name, tail);
    return ipm_metric_missing(
        name, event->unit, "perf",
        "not_chosen: one counter counts user and kernel together");
}

size_t ipm_perf_read(const struct ipm_perf *perf, struct ipm_metric *out_metrics,
                     size_t room)
{
    size_t n = 0;
    for (int i = 0; perf->events[i].name != NULL; i++) {
        const struct ipm_perf_event *event = &perf->events[i];
        const struct ipm_perf_counter *counters = perf->counters[i];
        if (room - n < (event->split ? 3U : 1U))
            break;
        struct ipm_metric total = metric(event, &counters[USER], "");
        if (!event->split) {
            out_metrics[n++] = total;
            continue;
        }
        if (perf->sides == IPM_PERF_TOTAL) {
            out_metrics[n++] = total;
            out_metrics[n++] = together(event, "_user");
            out_metrics[n++] = together(event, "_kernel");
            continue;
        }
        struct ipm_metric other = metric(event, &counters[KERNEL], "_kernel");
        ipm_metric_add(&total, &other);
        out_metrics[n++] = total;
        out_metrics[n++] = metric(event, &counters[USER], "_user");
        out_metrics[n++] = other;
    }
    return n;
}

void ipm_perf_close(struct ipm_perf *perf)
{
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < sides(&perf->events[i]); side++) {
            if (perf->counters[i][side].fd >= 0)
                (void)close(perf->counters[i][side].fd);
            perf->counters[i][side].fd = -1;
        }
    }
}
