/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/overhead.h"

#include <math.h>
#include <string.h>

double ipm_overhead_unclocked(const struct ipm_row *row)
{
    double batch = row->timing_batch > 1 ? (double)row->timing_batch : 1;
    return row->p50_ns - row->clock_cost_ns / batch;
}

static struct ipm_figure *figure_of(struct ipm_point *point, const char *name)
{
    for (size_t i = 0; i < point->n_figures; i++) {
        if (strcmp(point->figures[i].name, name) == 0)
            return &point->figures[i];
    }
    return NULL;
}

static double null_message_ns(const struct ipm_point *points, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ipm_factors *factors = &points[i].factors;
        double value = ipm_point_value(&points[i], "p50_corrected_ns");
        if (strcmp(factors->mechanism, "floor_null") == 0 &&
            strcmp(factors->workload, "self_loop") == 0 && !isnan(value))
            return value;
    }
    return NAN;
}

void ipm_overhead_apply(struct ipm_point *points, size_t n)
{
    double message_ns = null_message_ns(points, n);
    for (size_t i = 0; i < n; i++) {
        struct ipm_point *point = &points[i];
        struct ipm_overhead *overhead = &point->overhead;
        struct ipm_figure *corrected = figure_of(point, "p50_corrected_ns");
        double raw = ipm_point_value(point, "p50_ns");
        *overhead = (struct ipm_overhead){NAN, NAN, false};
        if (corrected == NULL || isnan(corrected->estimate.value))
            continue;
        overhead->clock_ns = raw - corrected->estimate.value;
        /* Between messages of a stream the other side's loop runs at the same time. */
        bool latency = strcmp(point->sample, "interval") != 0;
        if (latency && !isnan(message_ns)) {
            overhead->loop_ns = message_ns * point->messages_per_operation;
            corrected->estimate.value -= overhead->loop_ns;
            corrected->estimate.low -= overhead->loop_ns;
            corrected->estimate.high -= overhead->loop_ns;
        }
        double all = raw - corrected->estimate.value;
        overhead->bound = all > IPM_OVERHEAD_SHARE * raw;
    }
}
