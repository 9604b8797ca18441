/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/exercise.h"
#include "harness/worker/sensors/perf_inside.h"

#include <stdio.h>

/* Of any hardware event: eight a cycle at 12 GHz. */
enum { MOST_PER_NS = 100 };

unsigned (*ipm_perf_exercise)(unsigned wanted) = ipm_exercise;

/* What a counter's group suffered is the counter's too. */
static void inherit_fate(const struct ipm_perf *perf, struct ipm_perf_counter *counter)
{
    if (!counter->follows || perf->leader == NULL || counter->error != 0)
        return;
    counter->unscheduled = counter->unscheduled || perf->leader->unscheduled;
    if (perf->leader->error != 0) {
        counter->error = perf->leader->error;
        counter->why = perf->leader->why;
    }
}

/* A 0 of the whole window that nothing vouches for yet. */
static bool doubtful(const struct ipm_perf_event *event,
                     const struct ipm_perf_counter *counter)
{
    return event->exercise != 0 && counter->fd >= 0 && counter->error == 0 &&
           !counter->unscheduled && counter->trial != IPM_PERF_MOVED &&
           counter->stop.value == counter->start.value &&
           counter->stop.enabled_ns > counter->start.enabled_ns &&
           counter->stop.running_ns - counter->start.running_ns ==
               counter->stop.enabled_ns - counter->start.enabled_ns;
}

static void judge(const struct ipm_perf_event *event, struct ipm_perf_counter *counter,
                  bool in_kernel, unsigned ran)
{
    struct ipm_perf_counter after = *counter;
    ipm_perf_sample(&after, &after.start);
    if (after.error != 0 || after.unscheduled)
        counter->trial = IPM_PERF_DOUBTED;
    else if (after.start.value != counter->stop.value)
        counter->trial = IPM_PERF_MOVED;
    else if (event->rare || (event->exercise & ~ran) != 0 ||
             (in_kernel && event->exercise == IPM_EXERCISE_CODE))
        counter->trial = IPM_PERF_DOUBTED;
    else
        counter->trial = IPM_PERF_STUCK;
}

static void exercise(struct ipm_perf *perf)
{
    unsigned wanted = 0;
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++) {
            inherit_fate(perf, &perf->counters[i][side]);
            if (doubtful(&perf->events[i], &perf->counters[i][side]))
                wanted |= perf->events[i].exercise;
        }
    }
    if (wanted == 0)
        return;
    ipm_perf_control(perf, PERF_EVENT_IOC_ENABLE);
    unsigned ran = ipm_perf_exercise(wanted);
    ipm_perf_control(perf, PERF_EVENT_IOC_DISABLE);
    for (int i = 0; perf->events[i].name != NULL; i++) {
        for (int side = 0; side < ipm_perf_counters_of(perf, i); side++) {
            if (doubtful(&perf->events[i], &perf->counters[i][side]))
                judge(&perf->events[i], &perf->counters[i][side],
                      side == IPM_PERF_SECOND, ran);
        }
    }
}

struct ipm_metric ipm_perf_between(const char *name, const char *unit,
                                   const char *source,
                                   const struct ipm_perf_sample *start,
                                   const struct ipm_perf_sample *stop)
{
    uint64_t enabled_ns = stop->enabled_ns - start->enabled_ns;
    uint64_t running_ns = stop->running_ns - start->running_ns;
    if (running_ns != enabled_ns)
        return ipm_metric_missing(
            name, unit, source, "multiplexed: it counted %llu of %llu ns",
            (unsigned long long)running_ns, (unsigned long long)enabled_ns);
    if (enabled_ns == 0)
        return ipm_metric_missing(name, unit, source, "failed: it was never enabled");
    return ipm_metric_value(name, unit, source, (double)(stop->value - start->value));
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
        return ipm_metric_missing(
            name, unit, "perf",
            "not_chosen: this side was not asked for alone (sides "
            "of the point's sensors)");
    if (counter->error != 0)
        return ipm_metric_failed(name, unit, "perf", counter->error, &counter->why);
    if (counter->unscheduled)
        return ipm_metric_missing(
            name, unit, "perf",
            "multiplexed: no counter was free for it (too few, or "
            "another user such as the NMI watchdog)");
    uint64_t value = counter->stop.value - counter->start.value;
    uint64_t running_ns = counter->stop.running_ns - counter->start.running_ns;
    struct ipm_metric counted =
        ipm_perf_between(name, unit, "perf", &counter->start, &counter->stop);
    if (counted.status != IPM_METRIC_OK)
        return counted;
    if (event->exercise != 0 && value / MOST_PER_NS > running_ns)
        return ipm_metric_missing(name, unit, "perf",
                                  "failed: %llu in %llu ns is more than a CPU can do: "
                                  "the PMU, or its emulation, is broken",
                                  (unsigned long long)value,
                                  (unsigned long long)running_ns);
    if (value == 0 && counter->trial == IPM_PERF_STUCK)
        return ipm_metric_missing(name, unit, "perf",
                                  "stuck: the counter opens and runs, and stays 0 on "
                                  "loops that are known to move it");
    if (value == 0 && counter->trial == IPM_PERF_DOUBTED)
        return ipm_metric_missing(name, unit, "perf",
                                  "zero: it read 0, and no loop could show that this "
                                  "counter works");
    if (value == 0 && event->moves)
        return ipm_metric_missing(name, unit, "perf",
                                  "zero: the counter opens but does not count");
    return counted;
}

size_t ipm_perf_read(struct ipm_perf *perf, struct ipm_metric *out_metrics, size_t room)
{
    size_t n = 0;
    exercise(perf);
    for (int i = 0; perf->events[i].name != NULL; i++) {
        const struct ipm_perf_event *event = &perf->events[i];
        const struct ipm_perf_counter *counters = perf->counters[i];
        if (room - n < (event->split ? 3U : 1U))
            break;
        struct ipm_metric total = metric(event, &counters[IPM_PERF_FIRST], "");
        if (!event->split) {
            out_metrics[n++] = total;
            continue;
        }
        struct ipm_metric other = metric(event, &counters[IPM_PERF_SECOND], "_kernel");
        struct ipm_metric user = metric(
            event, &counters[perf->unsplit[i] ? IPM_PERF_SECOND : IPM_PERF_FIRST],
            "_user");
        if (!perf->unsplit[i])
            ipm_metric_add(&total, &other);
        out_metrics[n++] = total;
        out_metrics[n++] = user;
        out_metrics[n++] = other;
    }
    return n;
}
