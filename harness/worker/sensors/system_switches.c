/* SPDX-License-Identifier: MIT */
/*
 * system_switches: how often all CPUs together switched, whoever it was.
 *
 * This counts another thing than a task's own switches: going to the idle task and coming
 * back are two, so that a message to a sleeper on another CPU is 2 here and 1 there, and
 * everybody else's switches are in it.
 */
#include "base/cleanup.h"
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The line stands behind one of all interrupts, which on a large machine has some 100 KiB. */
enum { TEXT_BYTES = 1 << 20 };

struct system_switches_state {
    int fd;
    char *text;
    int64_t start, stop; /* < 0: -errno */
};

static const struct ipm_sensor_row system_switches_metrics[] = {
    {"switches_system", ""},
    {NULL, NULL},
};

/* >= 0; -errno. */
static int64_t take(const struct system_switches_state *self)
{
    ssize_t length = 0;
    ssize_t got = 0;
    /* One read gives a page or more, not all. */
    while (length < TEXT_BYTES - 1 &&
           (got = pread(self->fd, self->text + length, TEXT_BYTES - 1 - (size_t)length,
                        length)) > 0)
        length += got;
    if (got < 0)
        return -errno;
    self->text[length] = '\0';
    const char *line = strstr(self->text, "\nctxt ");
    int64_t value = 0;
    return line != NULL && sscanf(line, "\nctxt %" SCNd64, &value) == 1 ? value
                                                                        : -EPROTO;
}

static void system_switches_close(void *state)
{
    struct system_switches_state *self = state;
    (void)close(self->fd);
    free(self->text);
}

static int system_switches_open(void *state, const struct ipm_sensor_context *context,
                                struct ipm_why *why)
{
    struct system_switches_state *self = state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/stat", context->sysroot);
    ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "open proc/stat: ");
    self->text = malloc(TEXT_BYTES);
    if (self->text == NULL)
        return ipm_why_set(why, -ENOMEM, "memory for proc/stat: ");
    self->fd = fd;
    int64_t value = take(self);
    if (value < 0) {
        free(self->text);
        return value == -EPROTO
                   ? ipm_why_set(why, -ENODATA, "proc/stat has no line ctxt")
                   : ipm_why_set(why, (int)value, "read proc/stat: ");
    }
    (void)ipm_steal_fd(&fd);
    return 0;
}

static int system_switches_probe(const struct ipm_sensor_context *context,
                                 struct ipm_why *why)
{
    struct system_switches_state state;
    int error = system_switches_open(&state, context, why);
    if (error == 0)
        system_switches_close(&state);
    return error;
}

static void system_switches_start(void *state)
{
    struct system_switches_state *self = state;
    self->start = take(self);
}

static void system_switches_stop(void *state)
{
    struct system_switches_state *self = state;
    self->stop = take(self);
}

static size_t system_switches_read(void *state, struct ipm_metric *out_metrics,
                                   size_t room)
{
    const struct system_switches_state *self = state;
    const struct ipm_sensor_row *row = system_switches_metrics;
    int64_t error = self->start < 0 ? self->start : self->stop < 0 ? self->stop : 0;
    if (room == 0)
        return 0;
    struct ipm_why why = {.error = 0, .text = ""};
    if (error != 0)
        (void)ipm_why_set(&why, (int)error, "read proc/stat: ");
    out_metrics[0] =
        error != 0 ? ipm_metric_failed(row->name, row->unit, "proc", (int)error, &why)
                   : ipm_metric_value(row->name, row->unit, "proc",
                                      (double)(self->stop - self->start));
    return 1;
}

const struct ipm_sensor ipm_sensor_system_switches = {
    .name = "system_switches",
    .version = 1,
    .family = "kernel accounting",
    .summary = "context switches of all CPUs, to the idle task too",
    .source = "proc",
    .scope = IPM_SCOPE_SYSTEM,
    .metrics = system_switches_metrics,
    .state_size = sizeof(struct system_switches_state),
    .probe = system_switches_probe,
    .open = system_switches_open,
    .start = system_switches_start,
    .stop = system_switches_stop,
    .read = system_switches_read,
    .close = system_switches_close,
};
