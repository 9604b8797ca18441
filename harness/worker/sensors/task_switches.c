/* SPDX-License-Identifier: MIT */
/*
 * task_switches: what the kernel counts for each task of a role, over all its threads.
 *
 * From /proc/self/task/TID/status, which is another path to the same event as getrusage and
 * perf take: it counts living threads only.  One that ends inside the window takes its count
 * with it; then the value is missing.  One that is born inside brings all of its own.
 *
 * A role of one thread, which is the rule, costs one fstat() and one pread() at each end of
 * the window.
 */
#include "harness/worker/sensors/sensor.h"
#include "harness/worker/task_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 64, LINKS_OF_NONE = 2 };

struct thread {
    int tid; /* as this /proc counts, which may be another's PID namespace */
    int fd;  /* its status */
    int64_t start;
};

struct task_switches_state {
    int folder; /* /proc/self/task */
    int n;
    struct thread threads[THREADS]; /* [0] is the one that opened the sensor */
    int error;                      /* the first; 0: none */
    struct ipm_why why;
    int64_t switches;
};

static const struct ipm_sensor_row task_switches_metrics[] = {
    {"switches_task", ""},
    {NULL, NULL},
};

/* Both kinds together, >= 0; -errno: -ESRCH when the thread has ended. */
static int64_t switches_of(int status)
{
    char text[IPM_TASK_STATUS_ROOM];
    int64_t voluntary = 0;
    int64_t involuntary = 0;
    ssize_t got = pread(status, text, sizeof(text) - 1, 0);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    int error = ipm_task_status_switches(text, &voluntary, &involuntary);
    return error != 0 ? error : voluntary + involuntary;
}

static int fail(struct task_switches_state *self, int error, const char *what)
{
    if (self->error == 0)
        self->error = ipm_why_set(&self->why, error, "%s: ", what);
    return error;
}

/* Adds the threads that are not known yet.  Return: how many; -errno. */
static int add_threads(struct task_switches_state *self)
{
    int fd = openat(self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
    if (tasks == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return fail(self, -errno, "list the threads");
    }
    int added = 0;
    const struct dirent *entry;
    while (added >= 0 && (entry = readdir(tasks)) != NULL) {
        int tid = (int)strtol(entry->d_name, NULL, 10);
        bool known = tid <= 0;
        for (int i = 0; i < self->n; i++)
            known = known || self->threads[i].tid == tid;
        if (known)
            continue;
        char name[sizeof(entry->d_name) + sizeof("/status")];
        (void)snprintf(name, sizeof(name), "%s/status", entry->d_name);
        if (self->n == THREADS) {
            added = fail(self, -ENOMEM, "more threads than can be watched");
            continue;
        }
        int status = openat(self->folder, name, O_RDONLY | O_CLOEXEC);
        if (status < 0) {
            added = fail(self, -errno, "a thread's status");
            continue;
        }
        self->threads[self->n++] = (struct thread){.tid = tid, .fd = status};
        added++;
    }
    (void)closedir(tasks);
    return added;
}

static int threads_now(const struct task_switches_state *self)
{
    struct stat status;
    if (fstat(self->folder, &status) != 0)
        return -errno;
    return (int)status.st_nlink - LINKS_OF_NONE;
}

static void task_switches_close(void *state)
{
    struct task_switches_state *self = state;
    for (int i = 0; i < self->n; i++)
        (void)close(self->threads[i].fd);
    self->n = 0;
    if (self->folder >= 0)
        (void)close(self->folder);
    self->folder = -1;
}

static int task_switches_open(void *state, const struct ipm_sensor_context *context,
                              struct ipm_why *why)
{
    struct task_switches_state *self = state;
    char path[PATH_MAX];
    memset(self, 0, sizeof(*self));
    (void)snprintf(path, sizeof(path), "%s/proc/self/task", context->sysroot);
    self->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0)
        return ipm_why_set(why, -errno, "open proc/self/task: ");
    int error = add_threads(self);
    if (error == 0)
        error = fail(self, -ENOENT, "no thread's status");
    int64_t value = error < 0 ? error : switches_of(self->threads[0].fd);
    if (value < 0) {
        error = self->error != 0 ? self->error
                                 : fail(self, (int)value, "read a thread's status");
        if (why != NULL)
            *why = self->why;
        task_switches_close(self);
        return error;
    }
    return 0;
}

static int task_switches_probe(const struct ipm_sensor_context *context,
                               struct ipm_why *why)
{
    struct task_switches_state state;
    int error = task_switches_open(&state, context, why);
    if (error == 0)
        task_switches_close(&state);
    return error;
}

static void task_switches_start(void *state)
{
    struct task_switches_state *self = state;
    self->switches = 0;
    if (threads_now(self) != self->n)
        (void)add_threads(self);
    for (int i = 0; i < self->n; i++) {
        int64_t value = switches_of(self->threads[i].fd);
        self->threads[i].start = value;
        if (value < 0)
            (void)fail(self, (int)value, "read a thread's status");
    }
}

static void task_switches_stop(void *state)
{
    struct task_switches_state *self = state;
    int before = self->n;
    if (threads_now(self) != self->n)
        (void)add_threads(self);
    for (int i = 0; i < self->n; i++) {
        int64_t value = switches_of(self->threads[i].fd);
        if (value < 0)
            (void)fail(self, (int)value, "a thread that ended in the window");
        else
            self->switches += value - (i < before ? self->threads[i].start : 0);
    }
}

static size_t task_switches_read(void *state, struct ipm_metric *out_metrics,
                                 size_t room)
{
    const struct task_switches_state *self = state;
    const struct ipm_sensor_row *row = task_switches_metrics;
    if (room == 0)
        return 0;
    out_metrics[0] =
        self->error != 0
            ? ipm_metric_failed(row->name, row->unit, "proc", self->error, &self->why)
            : ipm_metric_value(row->name, row->unit, "proc", (double)self->switches);
    return 1;
}

const struct ipm_sensor ipm_sensor_task_switches = {
    .name = "task_switches",
    .version = 1,
    .family = "kernel accounting",
    .summary = "context switches of a role's threads, from their status",
    .source = "proc",
    .scope = IPM_SCOPE_TASK,
    .metrics = task_switches_metrics,
    .state_size = sizeof(struct task_switches_state),
    .probe = task_switches_probe,
    .open = task_switches_open,
    .start = task_switches_start,
    .stop = task_switches_stop,
    .read = task_switches_read,
    .close = task_switches_close,
};
