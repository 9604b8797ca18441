/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/counts.h"

#include "analysis/export_parts.h"
#include "analysis/manifest.h"
#include "analysis/member.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char twin[] = "traced twin";
static const char pass_of_calls[] = "counters:syscalls";

const char *const ipm_count_names[] = {
    [IPM_COUNT_CALLS] = "system_calls",
    [IPM_COUNT_RETRIED] = "system_calls_retried",
    [IPM_COUNT_BYTES] = "bytes_through_kernel",
    [IPM_COUNT_SWITCHES] = "voluntary_switches",
    [IPM_COUNTS] = NULL,
};

static void fini_point(struct ipm_counts_point *point)
{
    free(point->name);
    free(point->wait);
    free(point->failure);
    for (int i = 0; i < IPM_COUNTS; i++)
        free(point->sums[i].reason);
    json_decref(point->calls);
}

void ipm_counts_fini(struct ipm_counts *counts)
{
    for (size_t i = 0; i < counts->n; i++)
        fini_point(&counts->points[i]);
    free(counts->points);
    free(counts->architecture);
    json_decref(counts->places);
    *counts = (struct ipm_counts){0};
}

/* The point of that name, made when there is none yet; NULL: no memory. */
static struct ipm_counts_point *point_of(struct ipm_counts *counts, const char *name)
{
    const json_t *place = json_object_get(counts->places, name);
    if (place != NULL)
        return &counts->points[json_integer_value(place)];
    void *points = ipm_array_grow(counts->points, counts->n, &counts->room,
                                  sizeof(*counts->points));
    if (points == NULL)
        return NULL;
    counts->points = points;
    struct ipm_counts_point *point = &counts->points[counts->n];
    *point = (struct ipm_counts_point){.name = strdup(name),
                                       .calls = json_object(),
                                       .mechanism_version = -1,
                                       .workload_version = -1};
    counts->n++;
    if (point->name == NULL || point->calls == NULL ||
        json_object_set_new(counts->places, name,
                            json_integer((json_int_t)counts->n - 1)) != 0)
        return NULL;
    return point;
}

static void keep(char **text, const char *words)
{
    if (*text == NULL)
        *text = strdup(words);
}

double ipm_counts_ends(enum ipm_count which, double each, size_t n)
{
    return 2 * (double)n * (which == IPM_COUNT_BYTES ? each : 1);
}

static void add(struct ipm_counts_point *point, enum ipm_count which, double value,
                double messages)
{
    struct ipm_count_sum *sum = &point->sums[which];
    double each = value / messages;
    double whole = round(each);
    if (fabs(value - whole * messages) > ipm_counts_ends(which, whole, 1))
        whole = NAN;
    if (sum->n == 0)
        *sum = (struct ipm_count_sum){
            .least = each, .most = each, .whole = whole, .reason = sum->reason};
    sum->total += value;
    sum->messages += messages;
    sum->least = fmin(sum->least, each);
    sum->most = fmax(sum->most, each);
    sum->whole = sum->whole == whole ? whole : NAN;
    sum->n++;
}

/* Its value; NaN and @sum says why. */
static double value_of(const struct ipm_row *row, const char *name,
                       struct ipm_count_sum *sum)
{
    const struct ipm_reading *reading = ipm_row_reading(row, name);
    if (reading == NULL)
        keep(&sum->reason, "absent: the worker does not count it");
    else if (isnan(reading->value))
        keep(&sum->reason, reading->reason);
    else if (row->messages <= 0)
        keep(&sum->reason, "too_short: no message in the window");
    return reading == NULL || row->messages <= 0 ? NAN : reading->value;
}

static void add_calls(struct ipm_counts_point *point, const struct ipm_row *row)
{
    static const char prefix[] = "syscalls_";
    for (size_t i = 0; i < row->n_readings; i++) {
        const struct ipm_reading *reading = &row->readings[i];
        if (strncmp(reading->name, prefix, strlen(prefix)) != 0 ||
            strcmp(reading->name, "syscalls_retried") == 0 || isnan(reading->value))
            continue;
        const char *name = reading->name + strlen(prefix);
        double sum = json_number_value(json_object_get(point->calls, name));
        (void)json_object_set_new(point->calls, name,
                                  ipm_json_number(sum + reading->value));
    }
}

/* The tracepoint counts the calls of the measurement, too, and knows no bytes. */
static void add_twin(struct ipm_counts_point *point, const struct ipm_row *row)
{
    struct ipm_count_sum *sums = point->sums;
    double messages = (double)row->messages;
    double calls = value_of(row, "syscalls", &sums[IPM_COUNT_CALLS]);
    const struct ipm_reading *reading = ipm_row_reading(row, "syscalls");
    if (!isnan(calls) && strcmp(reading->source, twin) != 0) {
        for (int i = IPM_COUNT_CALLS; i <= IPM_COUNT_BYTES; i++)
            keep(&sums[i].reason,
                 "not_chosen: a tracepoint counted, a table wants the traced twin");
        return;
    }
    double retried = value_of(row, "syscalls_retried", &sums[IPM_COUNT_RETRIED]);
    double bytes = value_of(row, "bytes_through_kernel", &sums[IPM_COUNT_BYTES]);
    if (!isnan(calls) && !isnan(retried)) {
        add(point, IPM_COUNT_CALLS, calls - retried, messages);
        add(point, IPM_COUNT_RETRIED, retried, messages);
        add_calls(point, row);
    }
    if (!isnan(bytes))
        add(point, IPM_COUNT_BYTES, bytes, messages);
}

static void add_row(struct ipm_counts_point *point, const struct ipm_row *row)
{
    struct ipm_count_sum *switches = &point->sums[IPM_COUNT_SWITCHES];
    bool counted = strcmp(row->pass, pass_of_calls) == 0;
    bool timed = strcmp(row->pass, "timing") == 0;
    if (row->status == IPM_ROW_FAILED && (counted || timed)) {
        point->failed++;
        keep(&point->failure, row->reason);
    }
    if (row->status != IPM_ROW_OK)
        return;
    if (counted)
        add_twin(point, row);
    else if (timed) {
        double value = value_of(row, "voluntary_switches", switches);
        if (!isnan(value))
            add(point, IPM_COUNT_SWITCHES, value, (double)row->messages);
    }
}

/* Versions by hash of point, which the rows of a table leave out. */
static int visit_versions(void *context, const json_t *record, size_t line)
{
    json_t *versions = context;
    (void)line;
    /* Copies: nothing of the record may be kept. */
    json_t *both = json_pack(
        "{s:o?,s:o?}", "mechanism",
        json_deep_copy(json_object_get(record, "mechanism_version")), "workload",
        json_deep_copy(json_object_get(record, "workload_version")));
    return json_object_set_new(versions, ipm_member_text(record, "point"), both) == 0
               ? 0
               : -ENOMEM;
}

/* The table has told them. */
static int visit_bad(void *context, size_t line, const struct ipm_why *why)
{
    (void)context;
    (void)line;
    (void)why;
    return 0;
}

static int read_versions(const char *records, json_t *versions, struct ipm_why *why)
{
    static const char *const unread[] = {
        "roles",   "metrics",     "per_message", "per_operation", "latency_ns",
        "sandbox", "interval_ns", "response_ns", "service_ns",    "send_lag_ns",
        "blocks",  "batch_means", "throughput",  "sensors",       NULL};
    bool torn = false;
    return ipm_records_scan(records, unread, visit_versions, visit_bad, versions, &torn,
                            why);
}

static int64_t version_of(const json_t *versions, const char *id, const char *of)
{
    int64_t version = -1;
    (void)ipm_json_get_integer(json_object_get(versions, id), of, &version, NULL);
    return version;
}

/* Sums over two versions would be nobody's. */
static void set_versions(struct ipm_counts_point *point, const json_t *versions,
                         const char *id)
{
    int64_t mechanism = version_of(versions, id, "mechanism");
    int64_t workload = version_of(versions, id, "workload");
    bool first = point->mechanism_version < 0 && point->workload_version < 0;
    if (!first && (point->mechanism_version != mechanism ||
                   point->workload_version != workload)) {
        point->failed++;
        keep(&point->failure, "the runs are of different versions of it");
    }
    if (first) {
        point->mechanism_version = mechanism;
        point->workload_version = workload;
    }
}

static int add_points(struct ipm_counts *counts, const struct ipm_summary *summary,
                      const struct ipm_table *table, const json_t *manifest,
                      const json_t *versions)
{
    ipm_auto_export_names struct ipm_export_names names = {0};
    ipm_auto_export_rows struct ipm_export_rows rows = {0};
    if (ipm_export_names_make(summary, &names) != 0 ||
        ipm_export_rows_make(table, &rows) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *from = &summary->points[i];
        const char *mechanism = from->factors.mechanism;
        struct ipm_counts_point *point = point_of(counts, names.list[i]);
        if (point == NULL)
            return -ENOMEM;
        keep(&point->wait, from->factors.wait);
        if (point->wait == NULL)
            return -ENOMEM;
        point->asks =
            ipm_manifest_in_kernel(manifest, mechanism, from->factors.copies) == 1;
        point->elsewhere =
            ipm_manifest_has_capability(manifest, mechanism, "threads") ||
            ipm_manifest_has_capability(manifest, mechanism, "broker");
        set_versions(point, versions, from->id);
        size_t n = 0;
        const struct ipm_row *const *of_point = ipm_export_rows_of(&rows, from, &n);
        for (size_t k = 0; k < n; k++) {
            if (!ipm_export_repeats(of_point, k))
                add_row(point, of_point[k]);
        }
    }
    return 0;
}

int ipm_counts_read(struct ipm_counts *counts, const char *directory,
                    struct ipm_why *why)
{
    ipm_auto_json json_t *manifest = NULL;
    ipm_auto_json json_t *versions = json_object();
    ipm_auto_free char *records = NULL;
    struct ipm_why ignored = {0};
    if (counts->places == NULL)
        counts->places = json_object();
    if (counts->places == NULL || versions == NULL ||
        asprintf(&records, "%s/records.jsonl", directory) < 0)
        return ipm_why_set(why, -ENOMEM, "no memory");
    int error = ipm_manifest_read(directory, &manifest, &ignored);
    if (error < 0)
        return ipm_why_set(why, error, "%s", ignored.text);
    ipm_auto_table struct ipm_table table = {0};
    ipm_auto_summary struct ipm_summary summary = {0};
    error = ipm_table_read(records, &table, why);
    if (error == 0)
        error = ipm_summary_make(&table, manifest, &summary, why);
    if (error == 0)
        error = read_versions(records, versions, why);
    if (error != 0)
        return error;
    counts->n_bad += table.n_bad;
    counts->torn = counts->torn || table.torn;
    const char *architecture = ipm_manifest_text(manifest, "host.architecture", "");
    if (architecture[0] != '\0') {
        free(counts->architecture);
        counts->architecture = strdup(architecture);
    }
    error = add_points(counts, &summary, &table, manifest, versions);
    return error == 0 ? 0 : ipm_why_set(why, error, "no memory");
}
