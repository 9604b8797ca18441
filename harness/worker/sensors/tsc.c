/* SPDX-License-Identifier: MIT */
/*
 * tsc: ticks of the CPU's time-stamp counter over the window.
 *
 * They run at a constant rate whatever the core's frequency is, also while it sleeps: time
 * in another unit, never core cycles.
 */
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <stdbool.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#define HAVE_TICKS true
static uint64_t read_ticks(void)
{
    /* The fences keep the read from moving into the window, or out of it. */
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}
#elif defined(__aarch64__)
#define HAVE_TICKS true
static uint64_t read_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
    return ticks;
}
#else
#define HAVE_TICKS false
static uint64_t read_ticks(void)
{
    return 0; /* open() has refused */
}
#endif

struct tsc_state {
    uint64_t start, stop;
};

static const struct ipm_sensor_row tsc_metrics[] = {
    {"tsc_ticks", "ticks"},
    {NULL, NULL},
};

static int tsc_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    (void)context;
    if (!HAVE_TICKS)
        return ipm_why_set(why, -ENOSYS, "no time-stamp counter known for this CPU");
    return 0;
}

static int tsc_open(void *state, const struct ipm_sensor_context *context,
                    struct ipm_why *why)
{
    (void)state;
    return tsc_probe(context, why);
}

static void tsc_start(void *state)
{
    ((struct tsc_state *)state)->start = read_ticks();
}

static void tsc_stop(void *state)
{
    ((struct tsc_state *)state)->stop = read_ticks();
}

static size_t tsc_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    const struct tsc_state *self = state;
    if (room == 0)
        return 0;
    /* A task that is pinned sees one CPU's counter; one that moved may see two that
     * disagree. */
    if (self->stop < self->start)
        out_metrics[0] =
            ipm_metric_missing(tsc_metrics[0].name, tsc_metrics[0].unit, "tsc",
                               "failed: the counter went backwards");
    else
        out_metrics[0] = ipm_metric_value(tsc_metrics[0].name, tsc_metrics[0].unit,
                                          "tsc", (double)(self->stop - self->start));
    return 1;
}

static void tsc_close(void *state)
{
    (void)state;
}

const struct ipm_sensor ipm_sensor_tsc = {
    .name = "tsc",
    .version = 1,
    .family = "clock",
    .summary = "ticks of the time-stamp counter; not core cycles",
    .source = "tsc",
    .scope = IPM_SCOPE_SYSTEM,
    .metrics = tsc_metrics,
    .state_size = sizeof(struct tsc_state),
    .probe = tsc_probe,
    .open = tsc_open,
    .start = tsc_start,
    .stop = tsc_stop,
    .read = tsc_read,
    .close = tsc_close,
};
