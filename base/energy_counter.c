/* SPDX-License-Identifier: MIT */
#include "base/energy_counter.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void say(char *reason, const char *format,
                                                      ...)
{
    if (reason == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, IPM_ENERGY_REASON, format, arguments);
    va_end(arguments);
}

enum ipm_energy_verdict ipm_energy_delta(const struct ipm_energy_counter *counter,
                                         const struct ipm_energy_window *window,
                                         double *out_uj, char reason[IPM_ENERGY_REASON])
{
    uint64_t start = window->start;
    uint64_t stop = window->stop;
    int64_t elapsed_ms = window->elapsed_ns / 1000000;
    /* 1 W is 1e-3 uJ per ns. */
    double most = (double)window->elapsed_ns * counter->most_watts / 1000 /
                  counter->unit_uj; /* counts */
    if (window->elapsed_ns < IPM_ENERGY_MIN_WINDOW_NS) {
        say(reason, "too_short: a window of %" PRId64 " ms, %d ms are needed",
            elapsed_ms, (int)(IPM_ENERGY_MIN_WINDOW_NS / 1000000));
        return IPM_ENERGY_TOO_SHORT;
    }
    if (start == 0 && stop == 0) {
        say(reason, "zero: %s reads 0, as behind hypervisors", counter->name);
        return IPM_ENERGY_ZERO;
    }
    if (start == stop) {
        say(reason, "stuck: %s did not move in %" PRId64 " ms", counter->name,
            elapsed_ms);
        return IPM_ENERGY_STUCK;
    }
    if (counter->range > 0 && most > (double)counter->range) {
        say(reason,
            "wrapped: %s may pass its range of %.0f uJ more than once in %" PRId64
            " ms",
            counter->name, (double)counter->range * counter->unit_uj, elapsed_ms);
        return IPM_ENERGY_WRAPPED;
    }
    bool beyond =
        counter->range > 0 && (start > counter->range || stop > counter->range);
    bool back = stop < start && counter->range == 0;
    uint64_t delta = stop - start; /* modulo 2^64, which the next line undoes */
    if (stop < start && !back)
        delta += counter->range;
    if (beyond || back || (double)delta > most) {
        say(reason, "failed: %s went from %" PRIu64 " to %" PRIu64 ": it was reset",
            counter->name, start, stop);
        return IPM_ENERGY_RESET;
    }
    *out_uj = (double)delta * counter->unit_uj;
    return IPM_ENERGY_OK;
}

struct ipm_metric ipm_energy_metric(const char *name, const char *source,
                                    const char *provenance,
                                    const struct ipm_energy_counter *counter,
                                    const struct ipm_energy_window *window)
{
    double energy_uj = 0;
    char reason[IPM_ENERGY_REASON];
    bool ok = ipm_energy_delta(counter, window, &energy_uj, reason) == IPM_ENERGY_OK;
    struct ipm_metric metric =
        ok ? ipm_metric_value(name, "uJ", source, energy_uj)
           : ipm_metric_missing(name, "uJ", source, "%s", reason);
    (void)snprintf(metric.provenance, sizeof(metric.provenance), "%s",
                   metric.status == IPM_METRIC_OK ? provenance : "unavailable");
    return metric;
}
