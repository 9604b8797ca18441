/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_bmf: Bencher Metric Format, name -> measure -> {value, lower_value, upper_value}.
 *
 * `latency` in ns and `throughput` per second are the measures that every project has; Bencher
 * makes the others when it meets them, with names of 64 characters at most.  What a stream
 * has is the time between messages: `interval`.  A measure of joules has their provenance in its
 * name.
 */
#include "analysis/export_parts.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURE_NAME = 65 };

static const struct {
    const char *figure, *measure;
    const char *of_stream; /* what it is called of one; NULL: the same */
} measures[] = {
    {"p50_ns", "latency", "interval"},
    {"p99_ns", "latency-p99", "interval-p99"},
    {"messages_per_s", "throughput", NULL},
    {"response_p50_ns", "response", NULL},
    {"response_p99_ns", "response-p99", NULL},
    {"cpu_ns_per_message", "cpu-time", NULL},
    {"context_switches_per_message", "context-switches", NULL},
    {"cycles_per_message", "cycles", NULL},
};

static void set(json_t *object, const char *key, double value)
{
    if (!isnan(value))
        (void)json_object_set_new(object, key, ipm_json_number(value));
}

static void add(json_t *object, const char *measure,
                const struct ipm_estimate *estimate)
{
    if (!isfinite(estimate->value))
        return;
    json_t *json = json_object();
    set(json, "value", estimate->value);
    set(json, "lower_value", estimate->low);
    set(json, "upper_value", estimate->high);
    (void)json_object_set_new(object, measure, json);
}

/* energy-DOMAIN-PROVENANCE: letters, digits and hyphens, as the slug of it has. */
static void name_energy(char name[MEASURE_NAME], const struct ipm_energy_row *row)
{
    (void)snprintf(name, MEASURE_NAME, "energy-%.24s-%.24s", row->domain,
                   row->provenance);
    for (char *at = name; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? *at : '-';
}

/* The measures of a point; the caller's. */
static json_t *measures_json(const struct ipm_point *point,
                             const struct ipm_energy *energy, size_t *at)
{
    json_t *json = json_object();
    bool stream = strcmp(point->sample, "interval") == 0;
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        const struct ipm_figure *figure = ipm_point_figure(point, measures[i].figure);
        if (figure != NULL)
            add(json,
                stream && measures[i].of_stream != NULL ? measures[i].of_stream
                                                        : measures[i].measure,
                &figure->estimate);
    }
    for (; *at < energy->n_rows && energy->rows[*at].point == point; (*at)++) {
        const struct ipm_energy_row *row = &energy->rows[*at];
        char name[MEASURE_NAME];
        name_energy(name, row);
        add(json, name, &row->message_uj);
    }
    return json;
}

int ipm_export_bmf(const struct ipm_report *report, FILE *out,
                   struct ipm_export_losses *losses)
{
    const struct ipm_summary *summary = &report->summary;
    ipm_auto_export_names struct ipm_export_names names = {0};
    if (ipm_export_names_make(summary, &names) != 0)
        return -ENOMEM;
    losses->long_names = names.cut;
    bool any = false;
    size_t energy = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        ipm_auto_json json_t *of_point =
            measures_json(&summary->points[i], &report->energy, &energy);
        if (of_point == NULL)
            return -ENOMEM;
        if (json_object_size(of_point) == 0)
            continue;
        ipm_auto_json json_t *name = json_string(names.list[i]);
        ipm_auto_free char *key = json_dumps(name, JSON_ENCODE_ANY);
        ipm_auto_free char *value = json_dumps(of_point, JSON_REAL_PRECISION(17));
        if (key == NULL || value == NULL)
            return -ENOMEM;
        (void)fprintf(out, "%s%s: %s", any ? ",\n  " : "{\n  ", key, value);
        any = true;
    }
    if (!any)
        return IPM_EXPORT_NOTHING;
    (void)fputs("\n}\n", out);
    return 0;
}
