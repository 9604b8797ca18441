/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/figures.h"

#include "analysis/overhead.h"
#include "analysis/tails.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char timing[] = "timing";

static double per_message(const struct ipm_row *row, const char *metric)
{
    const struct ipm_reading *reading = ipm_row_reading(row, metric);
    return reading == NULL ? NAN : reading->per_message;
}

static double whole_window(const struct ipm_row *row, const char *metric)
{
    const struct ipm_reading *reading = ipm_row_reading(row, metric);
    return reading == NULL ? NAN : reading->value;
}

static double p50(const struct ipm_row *row, const char *metric)
{
    (void)metric;
    return row->p50_ns;
}

static double p50_corrected(const struct ipm_row *row, const char *metric)
{
    (void)metric;
    return ipm_overhead_unclocked(row);
}

/* How long the part of the window lasted that the rest does not resemble. */
static double settling(const struct ipm_row *row, const char *metric)
{
    const struct ipm_steady *steady = &row->steady;
    (void)metric;
    if (steady->state == IPM_STEADY_UNKNOWN || steady->state == IPM_STEADY_NONE)
        return NAN;
    return steady->state == IPM_STEADY_FLAT
               ? 0
               : (double)row->elapsed_ns * (double)steady->cut / (double)steady->n;
}

static double messages_per_s(const struct ipm_row *row, const char *metric)
{
    (void)metric;
    return row->messages_per_s;
}

static double bytes_per_s(const struct ipm_row *row, const char *metric)
{
    (void)metric;
    return row->bytes_per_s;
}

/* The bracket around the window has two ends; their mean stands for the invocation. */
static double cacheline_rtt(const struct ipm_row *row, const char *metric)
{
    return (whole_window(row, metric) + whole_window(row, "cacheline_rtt_after_ns")) /
           2;
}

static double core_step(const struct ipm_row *row, const char *metric)
{
    return (whole_window(row, metric) + whole_window(row, "core_step_after_ns")) / 2;
}

typedef double take_value(const struct ipm_row *row, const char *metric);

/* What every point has, in this order.  With a metric the reason of a missing value is the
 * metric's. */
static const struct fixed_figure {
    const char *name, *unit;
    take_value *value;
    const char *metric;
} fixed_figures[] = {
    {"p50_ns", "ns", p50, NULL},
    {"p50_corrected_ns", "ns", p50_corrected, NULL},
    {"settling_ns", "ns", settling, NULL},
    {"messages_per_s", "1/s", messages_per_s, NULL},
    {"bytes_per_s", "B/s", bytes_per_s, NULL},
    {"cpu_ns_per_message", "ns", per_message, "cpu_ns"},
    {"voluntary_switches_per_message", "", per_message, "voluntary_switches"},
    {"involuntary_switches_per_message", "", per_message, "involuntary_switches"},
    {"cacheline_rtt_ns", "ns", cacheline_rtt, "cacheline_rtt_before_ns"},
    {"core_step_ns", "ns", core_step, "core_step_before_ns"},
};

enum { FIXED = sizeof(fixed_figures) / sizeof(fixed_figures[0]) };

static bool in_fixed_figure(const char *metric)
{
    if (strcmp(metric, "cacheline_rtt_after_ns") == 0 ||
        strcmp(metric, "core_step_after_ns") == 0)
        return true;
    for (size_t i = 0; i < FIXED; i++) {
        if (fixed_figures[i].metric != NULL &&
            strcmp(metric, fixed_figures[i].metric) == 0)
            return true;
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ipm_metric_names(const struct ipm_row *const *rows, size_t n,
                     const char ***out_names, size_t *out_n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += rows[i]->n_readings;
    const char **names = calloc(total + 1, sizeof(*names));
    if (names == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i]->n_readings; k++)
            names[used++] = rows[i]->readings[k].name;
    }
    qsort(names, used, sizeof(*names), compare_names);
    size_t kept = 0;
    for (size_t i = 0; i < used; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    }
    *out_names = names;
    *out_n = kept;
    return 0;
}

const char *ipm_metric_absence(const struct ipm_row *const *rows, size_t n,
                               const char *name)
{
    static const char other_pass[] = "not_in_this_pass";
    const char *reason = "";
    for (size_t i = 0; i < n; i++) {
        const struct ipm_reading *reading = ipm_row_reading(rows[i], name);
        if (reading == NULL)
            continue;
        if (!isnan(reading->value))
            return "";
        if (reason[0] == '\0' || strncmp(reason, other_pass, strlen(other_pass)) == 0)
            reason = reading->reason;
    }
    return reason;
}

/* The median of what @value takes from each row. */
static int estimate(const struct ipm_row *const *rows, size_t n, take_value *value,
                    const char *metric, struct ipm_figure *figure)
{
    ipm_auto_free double *values = calloc(n + 1, sizeof(*values));
    if (values == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        double taken = value(rows[i], metric);
        if (isfinite(taken))
            values[used++] = taken;
    }
    ipm_estimate_median(values, used, IPM_SUMMARY_LEVEL, &figure->estimate);
    return 0;
}

static int make_fixed(const struct ipm_row *const *rows, size_t n,
                      const struct fixed_figure *fixed, struct ipm_figure *figure)
{
    *figure = (struct ipm_figure){.unit = fixed->unit, .pass = timing, .reason = ""};
    figure->provenance = "";
    (void)snprintf(figure->name, sizeof(figure->name), "%s", fixed->name);
    int error = estimate(rows, n, fixed->value, fixed->metric, figure);
    if (error != 0 || figure->estimate.n > 0)
        return error;
    figure->pass = "";
    if (n == 0)
        figure->reason = "no invocation of the timing pass succeeded";
    else if (fixed->metric == NULL)
        figure->reason = "absent: the records do not have it";
    else
        figure->reason = ipm_metric_absence(rows, n, fixed->metric);
    if (figure->reason[0] == '\0')
        figure->reason = "absent: the records do not have it";
    return 0;
}

/* First and one past the last row of a pass. */
struct slice {
    size_t from, to;
};

static struct slice pass_from(const struct ipm_row *const *rows, size_t n, size_t from)
{
    size_t to = from;
    while (to < n && strcmp(rows[to]->pass, rows[from]->pass) == 0)
        to++;
    return (struct slice){from, to};
}

static struct slice pass_named(const struct ipm_row *const *rows, size_t n,
                               const char *pass)
{
    struct slice slice = {0, 0};
    while (slice.to < n) {
        slice = pass_from(rows, n, slice.to);
        if (strcmp(rows[slice.from]->pass, pass) == 0)
            return slice;
    }
    return (struct slice){n, n};
}

static bool has_value(const struct ipm_row *const *rows, struct slice slice,
                      const char *metric)
{
    for (size_t i = slice.from; i < slice.to; i++) {
        if (!isnan(whole_window(rows[i], metric)))
            return true;
    }
    return false;
}

/* The pass a metric is taken from; empty when none has it. */
static struct slice pass_with(const struct ipm_row *const *rows, size_t n,
                              const char *metric)
{
    struct slice slice = pass_named(rows, n, timing);
    if (has_value(rows, slice, metric))
        return slice;
    for (slice.to = 0; slice.to < n;) {
        slice = pass_from(rows, n, slice.to);
        if (has_value(rows, slice, metric))
            return slice;
    }
    return (struct slice){n, n};
}

/* Do all values of a slice come from the same kind of meter? */
static bool same_meter(const struct ipm_row *const *rows, struct slice slice,
                       const char *metric)
{
    const struct ipm_reading *first = NULL;
    for (size_t i = slice.from; i < slice.to; i++) {
        const struct ipm_reading *reading = ipm_row_reading(rows[i], metric);
        if (reading == NULL || isnan(reading->value))
            continue;
        first = first == NULL ? reading : first;
        if (strcmp(first->provenance, reading->provenance) != 0)
            return false;
    }
    return true;
}

static int make_metric(const struct ipm_row *const *rows, size_t n, const char *metric,
                       struct ipm_figure *figure)
{
    struct slice slice = pass_with(rows, n, metric);
    size_t count = slice.to - slice.from;
    bool divided = false;
    const struct ipm_reading *example = NULL;
    for (size_t i = slice.from; i < slice.to; i++)
        divided = divided || !isnan(per_message(rows[i], metric));
    for (size_t i = 0; i < n && example == NULL; i++)
        example = ipm_row_reading(rows[count > 0 ? slice.from + i % count : i], metric);

    *figure = (struct ipm_figure){.unit = example->unit,
                                  .provenance = example->provenance,
                                  .pass = count > 0 ? rows[slice.from]->pass : "",
                                  .reason = ipm_metric_absence(rows, n, metric)};
    (void)snprintf(figure->name, sizeof(figure->name), "%.40s%s", metric,
                   divided ? "_per_message" : "");
    if (!same_meter(rows, slice, metric)) {
        figure->pass = "";
        figure->provenance = "mixed";
        figure->reason = "mixed: its invocations have different provenance";
        return estimate(rows, 0, whole_window, metric, figure);
    }
    return estimate(rows + (count > 0 ? slice.from : 0), count,
                    divided ? per_message : whole_window, metric, figure);
}

int ipm_figures_make(const struct ipm_row *const *rows, size_t n,
                     struct ipm_figure **out_figures, size_t *out_n)
{
    ipm_auto_free const char **names = NULL;
    size_t n_names = 0;
    int error = ipm_metric_names(rows, n, &names, &n_names);
    if (error != 0)
        return error;
    ipm_auto_free struct ipm_figure *figures =
        calloc(FIXED + IPM_TAILS + IPM_OPEN_LOOP_FIGURES + n_names, sizeof(*figures));
    if (figures == NULL)
        return -ENOMEM;

    struct slice slice = pass_named(rows, n, timing);
    size_t used = 0;
    for (size_t i = 0; i < FIXED && error == 0; i++)
        error = make_fixed(n == 0 ? rows : rows + slice.from, slice.to - slice.from,
                           &fixed_figures[i], &figures[used++]);
    if (error == 0)
        error = ipm_tails_make(n == 0 ? rows : rows + slice.from, slice.to - slice.from,
                               figures + used);
    used += IPM_TAILS;
    size_t n_open = 0;
    if (error == 0)
        error = ipm_open_loop_figures(n == 0 ? rows : rows + slice.from,
                                      slice.to - slice.from, figures + used, &n_open);
    used += n_open;
    for (size_t i = 0; i < n_names && error == 0; i++) {
        if (!in_fixed_figure(names[i]))
            error = make_metric(rows, n, names[i], &figures[used++]);
    }
    if (error != 0)
        return error;
    *out_n = used;
    *out_figures = ipm_steal(&figures);
    return 0;
}
