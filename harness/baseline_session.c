/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/baseline_session.h"

#include "analysis/core_map.h"
#include "analysis/export_parts.h"
#include "analysis/manifest.h"
#include "analysis/member.h"
#include "analysis/rivals.h"
#include "analysis/stats.h"
#include "analysis/summary.h"
#include "base/cleanup.h"
#include "harness/gate_value.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, REASON = 248 };

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static int path_in(char path[PATH], const char *directory, const char *name,
                   struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s", directory, name);
    return needed < 0 || needed >= PATH
               ? ipm_why_set(why, -ENAMETOOLONG, "%.80s...: path is too long",
                             directory)
               : 0;
}

static bool has(const char *directory, const char *name)
{
    char path[PATH];
    struct stat status;
    return path_in(path, directory, name, NULL) == 0 && stat(path, &status) == 0;
}

static bool is_result(const char *directory)
{
    return has(directory, "manifest.json") || has(directory, "records.jsonl");
}

/* The figure of a row that harness/gate_value.h takes from its record. */
static double value_of(const struct ipm_row *row, enum ipm_gate_metric metric)
{
    double value = NAN;
    if (metric == IPM_GATE_RESPONSE)
        value = row->response_p50_ns;
    else if (metric == IPM_GATE_OPERATION)
        value = row->p50_ns;
    else if (row->messages > 0)
        value = (double)row->elapsed_ns / (double)row->messages;
    return value > 0 && isfinite(value) ? value : NAN;
}

/* Medians over a point's invocations.  @room: for as many values.  NULL: no memory. */
static json_t *values_json(const struct ipm_row *const *rows, size_t n, double *room)
{
    json_t *values = json_object();
    for (int metric = 0; metric < IPM_GATE_METRICS; metric++) {
        size_t known = 0;
        for (size_t i = 0; i < n; i++) {
            double value = value_of(rows[i], (enum ipm_gate_metric)metric);
            if (!isnan(value))
                room[known++] = value;
        }
        if (known < n || n == 0)
            continue;
        ipm_sort(room, n);
        set(values, ipm_gate_metric_names[metric],
            json_real(ipm_quantile(room, n, 0.5)));
    }
    return values;
}

/* Of the timing pass: the first reason of each point that failed or was skipped. */
static json_t *reasons_json(const struct ipm_table *table)
{
    json_t *reasons = json_object();
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        bool failed = row->status == IPM_ROW_FAILED;
        if (strcmp(row->pass, "timing") != 0 ||
            (!failed && row->status != IPM_ROW_SKIPPED))
            continue;
        const json_t *known = json_object_get(reasons, row->point);
        if (known != NULL &&
            (!failed || json_is_true(json_object_get(known, "failed"))))
            continue;
        set(reasons, row->point,
            json_pack("{s:b, s:o}", "failed", failed, "text",
                      ipm_json_text(row->reason)));
    }
    return reasons;
}

/* Why the session does not speak for the point; null: it does. */
static json_t *failure_json(const json_t *reasons, const char *point,
                            const struct ipm_row *const *rows, size_t n,
                            const json_t *values)
{
    char text[REASON];
    const json_t *reason = json_object_get(reasons, point);
    const char *words = ipm_member_text(reason, "text");
    size_t missed = 0;
    for (size_t i = 0; i < n; i++)
        missed += rows[i]->rate_missed;
    if (json_is_true(json_object_get(reason, "failed")))
        (void)snprintf(text, sizeof(text), "an invocation failed: %.200s", words);
    else if (reason != NULL && n == 0)
        (void)snprintf(text, sizeof(text), "skipped: %.200s", words);
    else if (json_object_size(values) == 0)
        (void)snprintf(text, sizeof(text), "nothing was measured");
    else if (2 * missed > n)
        (void)snprintf(text, sizeof(text),
                       "rate_not_achieved: it did not keep up with its rate");
    else
        return json_null();
    return ipm_json_text(text);
}

static json_t *version_of(const json_t *manifest, const char *kind, const char *name)
{
    const json_t *list = json_object_get(json_object_get(manifest, "describe"), kind);
    size_t i;
    const json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (strcmp(ipm_member_text(entry, "name"), name) == 0) {
            json_t *version = json_object_get(entry, "version");
            return version != NULL ? json_incref(version) : json_null();
        }
    }
    return json_null();
}

/* Adds the points.  @out_measured: those that have a value; @out_mapped: those left out. */
static int add_points(const struct ipm_summary *summary, const struct ipm_table *table,
                      const json_t *manifest, json_t *points, size_t *out_measured,
                      size_t *out_mapped)
{
    struct ipm_invocations invocations = {0};
    ipm_auto_json json_t *reasons = reasons_json(table);
    ipm_auto_free double *room = malloc((table->n_rows + 1) * sizeof(*room));
    if (room == NULL || reasons == NULL ||
        ipm_invocations_make(table, &invocations) != 0)
        return -ENOMEM;
    int error = 0;
    for (size_t i = 0; error == 0 && i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        const struct ipm_factors *factors = &point->factors;
        ipm_auto_free char *name = ipm_export_name(factors, NULL);
        size_t n = 0;
        const struct ipm_row *const *rows =
            ipm_invocations_of(&invocations, point->id, &n);
        *out_mapped += point->mapped;
        if (point->mapped || (name != NULL && json_object_get(points, name) != NULL))
            continue;
        json_t *values = values_json(rows, n, room);
        json_t *json = json_pack(
            "{s:o, s:o, s:o, s:o, s:b, s:[o, o], s:o, s:o}", "id",
            ipm_json_text(point->id), "mechanism", ipm_json_text(factors->mechanism),
            "workload", ipm_json_text(factors->workload), "class",
            ipm_json_text(factors->placement_class), "control", point->floor,
            "versions", version_of(manifest, "mechanisms", factors->mechanism),
            version_of(manifest, "workloads", factors->workload), "failure",
            failure_json(reasons, point->id, rows, n, values), "values", values);
        *out_measured += json_object_size(values) > 0;
        if (name == NULL || json_object_set_new(points, name, json) != 0)
            error = -ENOMEM;
    }
    ipm_invocations_fini(&invocations);
    return error;
}

static int read_points(const char *directory, json_t *manifest, json_t *session,
                       struct ipm_why *why)
{
    ipm_auto_table struct ipm_table table = {0};
    ipm_auto_summary struct ipm_summary summary = {0};
    char path[PATH];
    char text[REASON];
    size_t measured = 0;
    size_t mapped = 0;
    int error = path_in(path, directory, "records.jsonl", why);
    if (error == 0)
        error = ipm_table_read(path, &table, why);
    if (error == -ENOENT)
        return ipm_why_set(why, -EINVAL, "it has no records.jsonl");
    if (error == 0 && table.n_bad > 0)
        return ipm_why_set(why, -EINVAL, "line %zu of its records is none: %.120s",
                           table.bad[0].line, table.bad[0].reason);
    if (error == 0)
        error = ipm_summary_make(&table, manifest, &summary, why);
    if (error != 0)
        return error;
    ipm_auto_json json_t *maps = ipm_core_map_json(&summary, manifest);
    json_t *points = json_object();
    json_t *notes = json_array();
    set(session, "points", points);
    set(session, "notes", notes);
    if (maps == NULL ||
        add_points(&summary, &table, manifest, points, &measured, &mapped) != 0)
        return ipm_why_set(why, -ENOMEM, "no memory");
    if (table.torn)
        (void)json_array_append_new(
            notes, json_string("the last line of its records is torn and was dropped"));
    if (json_is_true(json_object_get(manifest, "interrupted")))
        (void)json_array_append_new(notes, json_string("it was interrupted"));
    (void)snprintf(text, sizeof(text), "%zu pairs of a core-to-core map are not gated",
                   mapped);
    if (mapped > 0)
        (void)json_array_append_new(notes, json_string(text));
    return measured > 0 ? 0
                        : ipm_why_set(why, -ENODATA,
                                      "no invocation of its timing pass was measured");
}

int ipm_baseline_session(const char *directory, json_t **out_session,
                         struct ipm_why *why)
{
    struct stat status;
    struct ipm_why found = {0};
    ipm_auto_json json_t *manifest = NULL;
    if (stat(directory, &status) != 0)
        return ipm_why_set(why, -errno, "%s: ", directory);
    if (!is_result(directory))
        return ipm_why_set(why, -ENODATA, "%s: there is no result in it", directory);
    int error = ipm_manifest_read(directory, &manifest, &found);
    if (error == IPM_MANIFEST_UNREAD) {
        char reason[REASON];
        (void)snprintf(reason, sizeof(reason), "%s", found.text);
        error = ipm_why_set(&found, -EINVAL,
                            "no manifest.json to go by (%s): which machine it was is "
                            "not known",
                            reason);
    }
    if (error == 0 && json_is_object(json_object_get(manifest, "gate")))
        error = ipm_why_set(&found, -EINVAL,
                            "it is a gate's folder, with records of two arms: a "
                            "baseline is made of runs");
    ipm_auto_json json_t *session = json_object();
    static const char *const texts[] = {"run", "started", "build"};
    set(session, "directory", ipm_json_text(directory));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        set(session, texts[i], json_string(ipm_manifest_text(manifest, texts[i], "")));
    set(session, "boot",
        json_string(ipm_manifest_text(manifest, "describe.machine.boot", "")));
    (void)json_object_set(session, "manifest", manifest);
    if (error == 0)
        error = read_points(directory, manifest, session, &found);
    if (error != 0)
        return ipm_why_set(why, error, "%.100s: %s", directory, found.text);
    *out_session = ipm_steal(&session);
    return 0;
}

int ipm_baseline_folders(const char *directory, json_t **out_list, struct ipm_why *why)
{
    struct dirent **entries = NULL;
    ipm_auto_json json_t *list = json_array();
    if (is_result(directory)) {
        (void)json_array_append_new(list, ipm_json_text(directory));
        *out_list = ipm_steal(&list);
        return 0;
    }
    int n = scandir(directory, &entries, NULL, alphasort);
    if (n < 0)
        return ipm_why_set(why, -errno, "%s: ", directory);
    for (int i = 0; i < n; i++) {
        char path[PATH];
        if (entries[i]->d_name[0] != '.' &&
            path_in(path, directory, entries[i]->d_name, NULL) == 0 &&
            is_result(path) && !has(path, "gate.json"))
            (void)json_array_append_new(list, json_string(path));
        free(entries[i]);
    }
    free(entries);
    if (json_array_size(list) == 0)
        return ipm_why_set(why, -ENODATA, "%s: there is no result folder in it",
                           directory);
    *out_list = ipm_steal(&list);
    return 0;
}
