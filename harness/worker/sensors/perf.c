/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/perf.h"

#include "base/process.h"
#include "harness/worker/sensors/perf_inside.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int system_open(struct perf_event_attr *attributes, pid_t pid, int cpu,
                       int group, unsigned long flags)
{
    return (int)syscall(SYS_perf_event_open, attributes, pid, cpu, group, flags);
}

static int system_control(int fd, unsigned long request, void *argument)
{
    return ioctl(fd, request, argument);
}

static const struct ipm_perf_system kernel = {
    .open = system_open,
    .control = system_control,
    .read = read,
};

const struct ipm_perf_system *ipm_perf_system = &kernel;

/* The name of the CPU's PMU, as the kernel shows it; false: it shows none. */
static bool core_pmu(const char *sysroot, char name[64])
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices", sysroot);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, "cpu", 3) != 0 &&
            strncmp(entry->d_name, "armv", 4) != 0)
            continue;
        (void)snprintf(name, 64, "%.63s", entry->d_name);
        found = true;
        break;
    }
    if (folder != NULL)
        (void)closedir(folder);
    return found;
}

const char *ipm_perf_paranoid(const char *sysroot, char level[IPM_PERF_PARANOID])
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/sys/kernel/perf_event_paranoid",
                   sysroot);
    if (ipm_read_file(path, level, IPM_PERF_PARANOID) != 0)
        (void)snprintf(level, IPM_PERF_PARANOID, "unreadable");
    return level;
}

int ipm_perf_refused(int error, const char *sysroot, struct ipm_why *why)
{
    char pmu[64];
    char level[IPM_PERF_PARANOID];
    switch (-error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EOPNOTSUPP:
        if (core_pmu(sysroot, pmu))
            return ipm_why_set(why, error, "no such event: the PMU (%s) lacks it", pmu);
        return ipm_why_set(why, error,
                           "no such event: the machine shows no hardware PMU, as most "
                           "virtual machines");
    case ENOSYS:
        return ipm_why_set(why, error, "this kernel has no perf events");
    case EACCES:
    case EPERM:
        return ipm_why_set(why, error,
                           "perf_event_paranoid is %s and CAP_PERFMON is missing, or a "
                           "seccomp filter refuses",
                           ipm_perf_paranoid(sysroot, level));
    case EBUSY:
        return ipm_why_set(why, error, "another user holds the PMU for himself");
    default:
        return ipm_why_set(why, error, "perf_event_open: ");
    }
}

enum { SIDES = 2 };
enum side { USER = IPM_PERF_FIRST, KERNEL = IPM_PERF_SECOND, BOTH };

/* Whether only the last call's way of asking was wrong: the PMU may take less. */
static bool asked_too_much(int error)
{
    return error == -EINVAL || error == -EOPNOTSUPP;
}

/* Opens one counter, in the group of @group or, -1, pinned by itself.  Return: descriptor;
 * -errno as it came. */
static int open_counter(const struct ipm_perf_event *event, enum side side, int group)
{
    struct perf_event_attr attributes = {
        .type = event->type,
        .size = sizeof(attributes),
        .config = event->config,
        .config1 = event->config1,
        .config2 = event->config2,
        .disabled = group < 0,
        .inherit = 1,
        .pinned = group < 0, /* of a group only its leader may say so */
        .exclude_kernel = side == USER,
        .exclude_user = side == KERNEL,
        .exclude_hv = side != BOTH,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    int fd = ipm_perf_system->open(&attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* Software events always find room: each by itself, so that one that is refused leaves
 * the others as they are. */
static bool may_group(const struct ipm_perf_event *event)
{
    return event->type != PERF_TYPE_SOFTWARE && event->type != PERF_TYPE_TRACEPOINT;
}

/* Opens a counter of @event into its place; < 0 when it cannot be had. */
static int open_into(struct ipm_perf *perf, int i, enum side side, bool grouped)
{
    const struct ipm_perf_event *event = &perf->events[i];
    struct ipm_perf_counter *counter = &perf->counters[i][side == KERNEL];
    grouped = grouped && may_group(event);
    bool follows = grouped && perf->leader != NULL;
    int fd = open_counter(event, side, follows ? perf->leader->fd : -1);
    if (fd < 0 && follows && asked_too_much(fd)) {
        follows = false; /* no room in this group */
        fd = open_counter(event, side, -1);
    }
    *counter = (struct ipm_perf_counter){
        .fd = fd < 0 ? -1 : fd, .error = fd < 0 ? fd : 0, .follows = follows};
    if (fd >= 0 && grouped && perf->leader == NULL)
        perf->leader = counter;
    return fd;
}

/* One counter for both sides, where the PMU leaves neither out.  Returns how many opened. */
static int open_unsplit(struct ipm_perf *perf, int i, bool grouped)
{
    struct ipm_perf_counter *counters = perf->counters[i];
    if (open_into(perf, i, BOTH, grouped) < 0)
        return 0;
    perf->unsplit[i] = true;
    counters[KERNEL].unasked = false;
    counters[KERNEL].error =
        ipm_why_set(&counters[KERNEL].why, -EOPNOTSUPP,
                    "no user/kernel split: this PMU refuses to leave one side out "
                    "(exclude_user, exclude_kernel)");
    return 1;
}

/* Opens the counter or the two of one event, and finds the words for what failed.  Return:
 * how many opened. */
static int open_event(struct ipm_perf *perf, int i, bool grouped, const char *sysroot)
{
    const struct ipm_perf_event *event = &perf->events[i];
    struct ipm_perf_counter *counters = perf->counters[i];
    perf->unsplit[i] = event->split && perf->sides == IPM_PERF_TOTAL;
    if (event->error != 0) {
        for (int side = 0; side < SIDES; side++)
            counters[side].error =
                ipm_why_set(&counters[side].why, event->error, "%s", event->reason);
        return 0;
    }
    bool apart = event->split && !perf->unsplit[i];
    counters[USER].unasked = apart && perf->sides == IPM_PERF_KERNEL;
    counters[KERNEL].unasked = event->split && !(apart && perf->sides != IPM_PERF_USER);
    int opened = 0;
    bool too_much = apart;
    for (int side = 0; side < (apart ? SIDES : 1); side++) {
        if (counters[side].unasked)
            continue;
        int fd = open_into(perf, i, apart ? (enum side)side : BOTH, grouped);
        opened += fd >= 0;
        too_much = too_much && asked_too_much(fd);
    }
    if (too_much)
        opened = open_unsplit(perf, i, grouped);
    for (int side = 0; side < SIDES; side++) {
        if (counters[side].fd < 0 && counters[side].error != 0 &&
            counters[side].why.error == 0)
            (void)ipm_perf_refused(counters[side].error, sysroot, &counters[side].why);
    }
    return opened;
}

int ipm_perf_counters_of(const struct ipm_perf *perf, int i)
{
    return perf->events[i].split && !perf->unsplit[i] ? SIDES : 1;
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

static int open_all(struct ipm_perf *perf, const struct ipm_perf_event *events,
                    bool grouped, const struct ipm_sensor_context *context)
{
    int opened = 0;
    memset(perf, 0, sizeof(*perf));
    perf->events = events;
    perf->sides = sides_asked(context);
    for (int i = 0; i < IPM_PERF_EVENTS; i++)
        perf->counters[i][0].fd = perf->counters[i][1].fd = -1;
    for (int i = 0; events[i].name != NULL; i++)
        opened += open_event(perf, i, grouped, context->sysroot);
    return opened;
}

static void control(struct ipm_perf_counter *counter, unsigned long request)
{
    if (counter->fd >= 0 && counter->error == 0 && !counter->follows &&
        ipm_perf_system->control(counter->fd, request, NULL) != 0)
        counter->error =
            ipm_why_set(&counter->why, -errno, "switch the counter on or off: ");
}

void ipm_perf_control(struct ipm_perf *perf, unsigned long request)
{
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++)
            control(&perf->counters[i][side], request);
    }
}

void ipm_perf_sample(struct ipm_perf_counter *counter,
                     struct ipm_perf_sample *out_sample)
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
 * Whether the PMU can hold the whole group.  Not every driver says so when a member is
 * opened; a pinned group that finds no room is in error once it was switched on, and reads
 * nothing.
 */
static bool group_fits(struct ipm_perf *perf)
{
    int members = 0;
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++)
            members += perf->counters[i][side].follows;
    }
    if (perf->leader == NULL || members == 0)
        return true;
    struct ipm_perf_counter probe = *perf->leader;
    control(&probe, PERF_EVENT_IOC_ENABLE);
    control(&probe, PERF_EVENT_IOC_DISABLE);
    ipm_perf_sample(&probe, &probe.start);
    return !probe.unscheduled;
}

int ipm_perf_open(struct ipm_perf *perf, const struct ipm_perf_event *events,
                  const struct ipm_sensor_context *context, struct ipm_why *why)
{
    int opened = open_all(perf, events, true, context);
    if (opened > 0 && !group_fits(perf)) {
        ipm_perf_close(perf);
        opened = open_all(perf, events, false, context);
    }
    const struct ipm_perf_counter *first = &perf->counters[0][0];
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

/*
 * A sample before the start instead of a reset: a reset leaves the two times as they are,
 * and they, too, must be the window's.
 */
void ipm_perf_start(struct ipm_perf *perf)
{
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++)
            ipm_perf_sample(&perf->counters[i][side], &perf->counters[i][side].start);
    }
    ipm_perf_control(perf, PERF_EVENT_IOC_ENABLE);
}

void ipm_perf_stop(struct ipm_perf *perf)
{
    ipm_perf_control(perf, PERF_EVENT_IOC_DISABLE);
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++)
            ipm_perf_sample(&perf->counters[i][side], &perf->counters[i][side].stop);
    }
}

void ipm_perf_close(struct ipm_perf *perf)
{
    /* Members first: a leader that goes leaves them to themselves. */
    for (int i = IPM_PERF_EVENTS - 1; i >= 0; i--) {
        for (int side = SIDES - 1; side >= 0; side--) {
            if (perf->counters[i][side].fd >= 0)
                (void)close(perf->counters[i][side].fd);
            perf->counters[i][side].fd = -1;
        }
    }
    perf->leader = NULL;
}
