/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/precision.h"

#include "analysis/slow_core.h"
#include "analysis/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double level = 0.95;

const char *const ipm_stop_names[] = {"interrupted", "precise", "budget",
                                      "most",        "failed",  NULL};

double ipm_precision_half_width(double *values, size_t n)
{
    double place = ipm_median_place(n, level);
    if (isnan(place))
        return INFINITY;
    double low;
    double high;
    ipm_sort(values, n);
    ipm_median_interval(values, n, place, &low, &high);
    double median = ipm_quantile(values, n, 0.5);
    return median > 0 ? (high - low) / 2 / median : INFINITY;
}

size_t ipm_precision_planned(size_t n, double half_width, double wanted)
{
    double ratio = half_width / wanted;
    double planned = ceil((double)n * ratio * ratio);
    if (!(planned < 2 * (double)n))
        return 2 * n;
    return planned > (double)n ? (size_t)planned : n + 1;
}

/* Of a metric with a value. */
static double metric(const json_t *record, const char *name)
{
    const json_t *value = json_object_get(
        json_object_get(json_object_get(record, "metrics"), name), "value");
    return json_is_number(value) ? json_number_value(value) : NAN;
}

struct ipm_precision_sample ipm_precision_sample(const json_t *record)
{
    const json_t *latency = json_object_get(record, "latency_ns");
    const json_t *median = json_object_get(latency, "p50");
    const json_t *elapsed = json_object_get(record, "elapsed_ns");
    double messages = json_number_value(json_object_get(record, "messages"));
    double before_ns = metric(record, "core_step_before_ns");
    double after_ns = metric(record, "core_step_after_ns");
    struct ipm_precision_sample sample = {.value = NAN, .step_ns = NAN};
    if (json_is_number(median))
        sample.value = json_number_value(median);
    else if (json_is_number(elapsed) && messages > 0)
        sample.value = json_number_value(elapsed) / messages;
    if (isfinite(before_ns) && isfinite(after_ns))
        sample.step_ns = fmax(before_ns, after_ns);
    return sample;
}

void ipm_precise_init(struct ipm_precise *precise, double wanted, int64_t invocations,
                      int64_t cost_ns)
{
    size_t pilot = invocations > IPM_PRECISION_PILOT ? (size_t)invocations
                                                     : (size_t)IPM_PRECISION_PILOT;
    *precise = (struct ipm_precise){.wanted = wanted,
                                    .cost_ns = cost_ns,
                                    .pilot = pilot,
                                    .most = pilot * IPM_PRECISION_FACTOR,
                                    .planned = pilot,
                                    .half_width = INFINITY};
}

void ipm_precise_fini(struct ipm_precise *precise)
{
    free(precise->samples);
    free(precise->values);
    *precise = (struct ipm_precise){0};
}

static int add(struct ipm_precise *precise, struct ipm_precision_sample sample)
{
    if (!(sample.value > 0)) {
        precise->failed++;
        return 0;
    }
    if (precise->n == precise->room) {
        size_t room = precise->room == 0 ? 16 : 2 * precise->room;
        struct ipm_precision_sample *samples =
            reallocarray(precise->samples, room, sizeof(*samples));
        if (samples == NULL)
            return -ENOMEM;
        precise->samples = samples;
        double *values = reallocarray(precise->values, room, sizeof(*values));
        if (values == NULL)
            return -ENOMEM;
        precise->values = values;
        precise->room = room;
    }
    precise->samples[precise->n++] = sample;
    return 0;
}

/* Of the invocations that the report will use. */
static double half_width(const struct ipm_precise *precise)
{
    double fastest_ns = INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < precise->n; i++)
        fastest_ns = fmin(fastest_ns, precise->samples[i].step_ns);
    for (size_t i = 0; i < precise->n; i++) {
        const struct ipm_precision_sample *sample = &precise->samples[i];
        if (!(sample->step_ns > IPM_SLOW_CORE * fastest_ns))
            precise->values[n++] = sample->value;
    }
    if (n < IPM_SLOW_CORE_LEFT) {
        for (n = 0; n < precise->n; n++)
            precise->values[n] = precise->samples[n].value;
    }
    /* A handful of many can be alike by chance. */
    if (n < precise->pilot / IPM_PRECISION_SHARE)
        return INFINITY;
    return ipm_precision_half_width(precise->values, n);
}

int ipm_precise_take(struct ipm_precise *precise, struct ipm_precision_sample sample)
{
    precise->given -= precise->given > 0;
    return add(precise, sample);
}

int ipm_precise_recall(struct ipm_precise *precise, struct ipm_precision_sample sample)
{
    return add(precise, sample);
}

size_t ipm_precise_left(const struct ipm_precise *precise)
{
    size_t had = precise->n + precise->given;
    return precise->stop == IPM_STOP_NONE && precise->planned > had
               ? precise->planned - had
               : 0;
}

/* Looks at the width when the planned count is there. */
static void look(struct ipm_precise *precise)
{
    size_t tried = precise->n + precise->failed;
    if (precise->n >= precise->planned) {
        precise->half_width = half_width(precise);
        if (precise->half_width <= precise->wanted)
            precise->stop = IPM_STOP_PRECISE;
        else
            precise->planned =
                ipm_precision_planned(precise->n, precise->half_width, precise->wanted);
        if (precise->planned > precise->most)
            precise->planned = precise->most;
    }
    if (precise->stop != IPM_STOP_NONE)
        return;
    if (precise->failed >= precise->pilot && precise->failed > precise->n)
        precise->stop = IPM_STOP_FAILED;
    else if (tried >= precise->most)
        precise->stop = IPM_STOP_MOST;
}

/* The width is kept as of the last look; who stops has a last one. */
static void look_last(struct ipm_precise *precise)
{
    precise->half_width = half_width(precise);
    if (precise->half_width <= precise->wanted)
        precise->stop = IPM_STOP_PRECISE;
}

/* In units of what is wanted: two sweeps may want different widths. */
static double width_of(const struct ipm_precise *precise)
{
    return precise->half_width / precise->wanted;
}

static int wider_first(const void *a, const void *b, void *context)
{
    const struct ipm_precise *points = context;
    size_t left = *(const size_t *)a;
    size_t right = *(const size_t *)b;
    double difference = width_of(&points[right]) - width_of(&points[left]);
    if (difference > 0 || difference < 0) /* not between two infinities */
        return difference > 0 ? 1 : -1;
    return (left > right) - (left < right);
}

/* The open points, widest first, and what they all still need. */
static size_t open_points(struct ipm_precise *points, size_t n_points, double pace,
                          size_t *open, double *out_needed_ns)
{
    size_t n = 0;
    *out_needed_ns = 0;
    for (size_t i = 0; i < n_points; i++) {
        struct ipm_precise *precise = &points[i];
        if (!(precise->wanted > 0) || precise->stop != IPM_STOP_NONE)
            continue;
        look(precise);
        if (precise->stop != IPM_STOP_NONE) {
            look_last(precise);
            continue;
        }
        open[n++] = i;
        *out_needed_ns +=
            (double)ipm_precise_left(precise) * (double)precise->cost_ns * pace;
    }
    qsort_r(open, n, sizeof(*open), wider_first, points);
    return n;
}

size_t ipm_precise_block(struct ipm_precise *points, size_t n_points, double left_ns,
                         double pace, size_t *out_chosen)
{
    double needed_ns = 0;
    size_t n = open_points(points, n_points, pace, out_chosen, &needed_ns);
    size_t wanted = needed_ns <= left_ns ? n : (n + 1) / 2;
    size_t n_chosen = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipm_precise *precise = &points[out_chosen[i]];
        double cost_ns = (double)precise->cost_ns * pace;
        if (cost_ns > left_ns) {
            precise->stop = IPM_STOP_BUDGET; /* what is left only becomes less */
            look_last(precise);
            continue;
        }
        if (n_chosen == wanted)
            continue;
        left_ns -= cost_ns;
        out_chosen[n_chosen++] = out_chosen[i];
    }
    return n_chosen;
}

json_t *ipm_precise_json(const struct ipm_precise *precise)
{
    return json_pack("{s:s,s:I,s:o,s:f}", "reason", ipm_stop_names[precise->stop],
                     "invocations", (json_int_t)precise->n, "half_width",
                     ipm_json_number(precise->half_width), "wanted", precise->wanted);
}
