/* SPDX-License-Identifier: MIT */
/*
 * perf_flushes: TLB flushes by reason, from the kernel's tracepoint tlb:tlb_flush (x86).
 *
 * Counted on the CPUs of the roles, whoever runs there, and not for the tasks: a task's own
 * events are off in the middle of a context switch, where the address space changes, so
 * that they never see the flush of a switch.  That takes the right to count for a whole CPU.
 *
 * The numbers of the reasons are the kernel's own affair: they are read from the
 * tracepoint's format, by their texts.
 */
#include "harness/worker/sensors/perf.h"
#include "harness/worker/sensors/tracefs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REASONS = 6, CPUS = 64 /* of the most roles */, FORMAT_ROOM = 4096 };

static const struct {
    const char *name;
    const char *text; /* in the format; its letters' case has changed over time */
    const char
        *symbol; /* where the kernel left the enumerator in place of its number */
} reasons[REASONS] = {
    {"tlb_flushes_task_switch", "\"flush on task switch\"", "TLB_FLUSH_ON_TASK_SWITCH"},
    {"tlb_flushes_remote_shootdown", "\"remote shootdown\"", "TLB_REMOTE_SHOOTDOWN"},
    {"tlb_flushes_local_shootdown", "\"local shootdown\"", "TLB_LOCAL_SHOOTDOWN"},
    {"tlb_flushes_local_mm_shootdown", "\"local mm shootdown\"",
     "TLB_LOCAL_MM_SHOOTDOWN"},
    {"tlb_flushes_remote_ipi_sent", "\"remote ipi send\"", "TLB_REMOTE_SEND_IPI"},
    {"tlb_flushes_remote_wrong_cpu", "\"remote wrong cpu\"", "TLB_REMOTE_WRONG_CPU"},
};

static const struct ipm_sensor_row perf_flushes_metrics[] = {
    {"tlb_flushes_task_switch", ""},
    {"tlb_flushes_remote_shootdown", ""},
    {"tlb_flushes_local_shootdown", ""},
    {"tlb_flushes_local_mm_shootdown", ""},
    {"tlb_flushes_remote_ipi_sent", ""},
    {"tlb_flushes_remote_wrong_cpu", ""},
    {NULL, NULL},
};

struct counter {
    int fd; /* -1: not open */
    struct ipm_perf_sample start, stop;
};

struct flushes_state {
    struct {
        int error; /* negative errno; 0: every CPU is counted */
        struct ipm_why why;
        struct counter counters[CPUS];
    } rows[REASONS];
    int n_cpus;
};

/* The number of reason @which by the print format, "{ 0, "flush on task switch" }".
 * Return: it; -ENOENT this kernel does not tell this reason. */
static int reason_number(const char *format, int which)
{
    const char *at = strcasestr(format, reasons[which].text);
    if (at == NULL)
        return -ENOENT;
    const char *brace = at;
    while (brace > format && *brace != '{')
        brace--;
    brace += 1 + strspn(brace + 1, " ");
    char *end = NULL;
    long number = strtol(brace, &end, 0);
    if (end != brace && number >= 0 && number < 64)
        return (int)number;
    size_t length = strlen(reasons[which].symbol);
    return strncmp(brace, reasons[which].symbol, length) == 0 ? which : -ENOENT;
}

static int open_counter(uint64_t id, int cpu, int number)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof(attributes),
        .config = id,
        .disabled = 1,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    char filter[32];
    int fd = ipm_perf_system->open(&attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)snprintf(filter, sizeof(filter), "reason==%d", number);
    if (ipm_perf_system->control(fd, PERF_EVENT_IOC_SET_FILTER, filter) == 0)
        return fd;
    int error = -errno;
    (void)close(fd);
    return error;
}

static void close_all(struct flushes_state *self)
{
    for (int i = 0; i < REASONS; i++) {
        for (int k = 0; k < CPUS; k++) {
            if (self->rows[i].counters[k].fd >= 0)
                (void)close(self->rows[i].counters[k].fd);
            self->rows[i].counters[k].fd = -1;
        }
    }
}

/* One counter per reason and CPU, roles on one CPU being one. */
static int open_reasons(struct flushes_state *self, uint64_t id, const char *format,
                        const struct ipm_sensor_context *context, struct ipm_why *why)
{
    int cpus[CPUS] = {0};
    int opened = 0;
    self->n_cpus = 0;
    for (int k = 0; k < CPUS && k < context->n_cpus; k++) {
        int known = 0;
        while (known < self->n_cpus && cpus[known] != context->cpus[k])
            known++;
        if (known == self->n_cpus)
            cpus[self->n_cpus++] = context->cpus[k];
    }
    self->n_cpus = self->n_cpus == 0 ? 1 : self->n_cpus;
    for (int i = 0; i < REASONS; i++) {
        int number = reason_number(format, i);
        if (number < 0)
            self->rows[i].error = ipm_why_set(
                &self->rows[i].why, number,
                "this kernel's tlb:tlb_flush has no reason %s", reasons[i].text);
        for (int k = 0; k < self->n_cpus && self->rows[i].error == 0; k++) {
            int fd = open_counter(id, cpus[k], number);
            self->rows[i].counters[k].fd = fd < 0 ? -1 : fd;
            if (fd < 0)
                self->rows[i].error =
                    ipm_perf_refused(fd, context->sysroot, &self->rows[i].why);
        }
        opened += self->rows[i].error == 0;
    }
    if (opened > 0)
        return 0;
    close_all(self);
    if (why != NULL)
        *why = self->rows[0].why;
    return self->rows[0].error;
}

static int perf_flushes_open(void *state, const struct ipm_sensor_context *context,
                             struct ipm_why *why)
{
    struct flushes_state *self = state;
    char format[FORMAT_ROOM];
    uint64_t id = 0;
#if !defined(__x86_64__) && !defined(__i386__)
    /* Others have the tracepoint too, and hardly ever come by it: its 0 is none. */
    return ipm_why_set(why, -ENOSYS, "only x86 kernels tell TLB flushes by reason");
#endif
    memset(self, 0, sizeof(*self));
    for (int i = 0; i < REASONS; i++) {
        for (int k = 0; k < CPUS; k++)
            self->rows[i].counters[k].fd = -1;
    }
    int error = ipm_tracefs_id(context->sysroot, "tlb", "tlb_flush", &id, why);
    if (error == 0)
        error = ipm_tracefs_read(context->sysroot, "tlb", "tlb_flush", "format", format,
                                 sizeof(format), why);
    return error != 0 ? error : open_reasons(self, id, format, context, why);
}

static int perf_flushes_probe(const struct ipm_sensor_context *context,
                              struct ipm_why *why)
{
    struct flushes_state self;
    int error = perf_flushes_open(&self, context, why);
    if (error == 0)
        close_all(&self);
    return error;
}

/* One request to every counter that is open, or, 0, a read of each. */
static void each(struct flushes_state *self, unsigned long request, bool stopped)
{
    for (int i = 0; i < REASONS; i++) {
        for (int k = 0; k < self->n_cpus && self->rows[i].error == 0; k++) {
            struct counter *counter = &self->rows[i].counters[k];
            struct ipm_perf_sample *into = stopped ? &counter->stop : &counter->start;
            bool done = request != 0
                            ? ipm_perf_system->control(counter->fd, request, NULL) == 0
                            : ipm_perf_system->read(counter->fd, into, sizeof(*into)) ==
                                  (ssize_t)sizeof(*into);
            if (!done)
                self->rows[i].error =
                    ipm_why_set(&self->rows[i].why, errno == 0 ? -EIO : -errno,
                                request != 0 ? "switch the counter on or off: "
                                             : "read the counter: ");
        }
    }
}

static void perf_flushes_start(void *state)
{
    each(state, 0, false);
    each(state, PERF_EVENT_IOC_ENABLE, false);
}

static void perf_flushes_stop(void *state)
{
    each(state, PERF_EVENT_IOC_DISABLE, true);
    each(state, 0, true);
}

static size_t perf_flushes_read(void *state, struct ipm_metric *out_metrics,
                                size_t room)
{
    const struct flushes_state *self = state;
    size_t n = 0;
    for (int i = 0; i < REASONS && n < room; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < self->n_cpus; k++)
            sum += self->rows[i].counters[k].stop.value -
                   self->rows[i].counters[k].start.value;
        out_metrics[n++] =
            self->rows[i].error == 0
                ? ipm_metric_value(reasons[i].name, "", "tracepoint", (double)sum)
                : ipm_metric_failed(reasons[i].name, "", "tracepoint",
                                    self->rows[i].error, &self->rows[i].why);
    }
    return n;
}

static void perf_flushes_close(void *state)
{
    close_all(state);
}

const struct ipm_sensor ipm_sensor_perf_flushes = {
    .name = "perf_flushes",
    .version = 1,
    .family = "counters",
    .summary = "TLB flushes on the roles' CPUs, by reason (x86)",
    .source = "tracepoint",
    .scope = IPM_SCOPE_SYSTEM,
    .pass = "counters:flushes",
    .metrics = perf_flushes_metrics,
    .state_size = sizeof(struct flushes_state),
    .probe = perf_flushes_probe,
    .open = perf_flushes_open,
    .start = perf_flushes_start,
    .stop = perf_flushes_stop,
    .read = perf_flushes_read,
    .close = perf_flushes_close,
};
