/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kept table of counts: making it, and reading it without believing it. */
#include "analysis/counts.h"
#include "analysis/member.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double spare = 0.5;         /* calls and sleeps of a message */
static const double calls_of_a_wait = 2; /* one to sleep, one to wake */
static const double bytes_spare = 16, bytes_share = 0.01;

/* Eighths: a new table differs where something does, and prints as few digits. */
static json_t *band(double low, double high)
{
    return json_pack("{s:o,s:o}", "low", ipm_json_number(fmax(0, floor(low * 8) / 8)),
                     "high", ipm_json_number(ceil(high * 8) / 8));
}

/* Whether some calls are made only when somebody has to wait. */
static bool waits(const struct ipm_counts_point *point)
{
    static const char *const names[] = {
        "futex", "poll", "ppoll", "epoll_wait", "epoll_pwait", "select", "pselect6"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_object_get(point->calls, names[i]) != NULL)
            return true;
    }
    return !point->asks;
}

static bool is_exact(const struct ipm_counts_point *point,
                     const struct ipm_count_sum *sum)
{
    return !point->elsewhere && sum->n >= IPM_COUNTS_EXACT && !isnan(sum->whole);
}

static json_t *calls_band(const struct ipm_counts_point *point,
                          const struct ipm_count_sum *sum)
{
    bool spins = strcmp(point->wait, "spin") == 0;
    double asked = point->asks ? floor(sum->least) : 0;
    if (!waits(point))
        return band(sum->least - spare, sum->most + spare);
    return band(0, fmax(sum->most, asked + (spins ? 0 : calls_of_a_wait)) + spare);
}

/* NULL: not to be gated. */
static json_t *count_json(const struct ipm_counts_point *point, enum ipm_count which)
{
    const struct ipm_count_sum *sum = &point->sums[which];
    double each = sum->total / sum->messages;
    switch (which) {
    case IPM_COUNT_CALLS:
        return is_exact(point, sum) && !waits(point) ? ipm_json_number(sum->whole)
                                                     : calls_band(point, sum);
    case IPM_COUNT_RETRIED:
        /* Whoever polls retries as often as there is time for. */
        return strcmp(point->wait, "block") == 0 && !waits(point)
                   ? band(0, sum->most + spare)
                   : NULL;
    case IPM_COUNT_BYTES:
        return is_exact(point, sum) ? ipm_json_number(sum->whole)
                                    : band(sum->least * (1 - bytes_share) - bytes_spare,
                                           sum->most * (1 + bytes_share) + bytes_spare);
    case IPM_COUNT_SWITCHES:
        /* Pooled: of a window of few messages its ends are most. */
        return band(
            0, spare + (strcmp(point->wait, "spin") == 0 ? each : fmax(1, ceil(each))));
    case IPM_COUNTS:
        break;
    }
    return NULL;
}

static json_t *calls_json(const struct ipm_counts_point *point)
{
    double messages = point->sums[IPM_COUNT_CALLS].messages;
    json_t *json = json_object();
    const char *name;
    json_t *total;
    json_object_foreach(point->calls, name, total)
    {
        double each = json_number_value(total) / messages;
        (void)json_object_set_new(json, name, ipm_json_number(round(each * 8) / 8));
    }
    return json;
}

/* Takes the reference; NULL: no memory. */
static json_t *sorted_json(json_t *json)
{
    ipm_auto_free char *text = ipm_json_canonical(json);
    json_decref(json);
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

static json_t *point_json(const struct ipm_counts_point *point)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "mechanism_version",
                              json_integer(point->mechanism_version));
    (void)json_object_set_new(json, "workload_version",
                              json_integer(point->workload_version));
    for (enum ipm_count i = 0; i < IPM_COUNTS; i++) {
        json_t *count = point->sums[i].n == 0 ? NULL : count_json(point, i);
        if (count != NULL)
            (void)json_object_set_new(json, ipm_count_names[i], count);
    }
    if (!waits(point))
        (void)json_object_set_new(json, "calls", sorted_json(calls_json(point)));
    return json;
}

static int by_name(const void *a, const void *b)
{
    const struct ipm_counts_point *const *left = a;
    const struct ipm_counts_point *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* -ENODATA: a table without this point would be passed by what broke it. */
static int check_point(const struct ipm_counts_point *point, struct ipm_why *why)
{
    const struct ipm_count_sum *calls = &point->sums[IPM_COUNT_CALLS];
    if (point->failed > 0)
        return ipm_why_set(why, -ENODATA, "%.120s: an invocation failed: %.100s",
                           point->name, point->failure);
    if (calls->n == 0)
        return ipm_why_set(why, -ENODATA, "%.120s: system calls: %.100s", point->name,
                           calls->reason == NULL ? "the run has no pass for them"
                                                 : calls->reason);
    if (point->mechanism_version < 0 || point->workload_version < 0)
        return ipm_why_set(why, -ENODATA, "%.160s: the records name no versions",
                           point->name);
    return 0;
}

int ipm_counts_table(const struct ipm_counts *counts, json_t **out_table,
                     struct ipm_why *why)
{
    if (counts->n == 0)
        return ipm_why_set(why, -ENODATA, "the run has no points");
    ipm_auto_free const struct ipm_counts_point **sorted =
        reallocarray(NULL, counts->n, sizeof(struct ipm_counts_point *));
    ipm_auto_json json_t *points = json_object();
    if (sorted == NULL || points == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    for (size_t i = 0; i < counts->n; i++) {
        sorted[i] = &counts->points[i];
        int error = check_point(sorted[i], why);
        if (error != 0)
            return error;
    }
    qsort(sorted, counts->n, sizeof(struct ipm_counts_point *), by_name);
    for (size_t i = 0; i < counts->n; i++)
        (void)json_object_set_new(points, sorted[i]->name, point_json(sorted[i]));
    json_t *table =
        json_pack("{s:i,s:s,s:s?,s:O}", "schema", IPM_COUNTS_SCHEMA, "kind", "counts",
                  "architecture", counts->architecture, "points", points);
    if (table == NULL || json_object_size(points) != counts->n) {
        json_decref(table);
        return ipm_why_set(why, -ENOMEM, "no memory");
    }
    *out_table = table;
    return 0;
}

static bool is_count(const json_t *count)
{
    double low = ipm_member_number(count, "low");
    double high = ipm_member_number(count, "high");
    if (json_is_number(count))
        return json_number_value(count) >= 0;
    return json_is_object(count) && json_object_size(count) == 2 && low >= 0 &&
           low <= high;
}

static bool is_kind(const char *key, const json_t *value)
{
    if (strcmp(key, "mechanism_version") == 0 || strcmp(key, "workload_version") == 0)
        return json_is_integer(value);
    if (strcmp(key, "calls") == 0)
        return json_is_object(value);
    for (int i = 0; i < IPM_COUNTS; i++) {
        if (strcmp(key, ipm_count_names[i]) == 0)
            return is_count(value);
    }
    return false;
}

/* A word that is not known might be a count misspelt, which would gate nothing. */
static int check_table(const json_t *table, struct ipm_why *why)
{
    const json_t *points = json_object_get(table, "points");
    const char *name;
    json_t *point;
    if (strcmp(ipm_member_text(table, "kind"), "counts") != 0 ||
        json_integer_value(json_object_get(table, "schema")) != IPM_COUNTS_SCHEMA)
        return ipm_why_set(why, -EINVAL, "it is no table of counts of schema %d",
                           IPM_COUNTS_SCHEMA);
    if (json_object_size(points) == 0)
        return ipm_why_set(why, -EINVAL, "the table has no points");
    json_object_foreach((json_t *)(uintptr_t)points, name, point)
    {
        const char *key;
        json_t *value;
        json_object_foreach(point, key, value)
        {
            if (!is_kind(key, value))
                return ipm_why_set(why, -EINVAL,
                                   "%.120s: '%.40s' is no count, or not a number >= 0 "
                                   "or {low, high}",
                                   name, key);
        }
        if (!json_is_integer(json_object_get(point, "mechanism_version")) ||
            !json_is_integer(json_object_get(point, "workload_version")))
            return ipm_why_set(why, -EINVAL, "%.160s: versions are missing", name);
        if (json_object_get(point, ipm_count_names[IPM_COUNT_CALLS]) == NULL)
            return ipm_why_set(why, -EINVAL, "%.160s: '%s' is missing", name,
                               ipm_count_names[IPM_COUNT_CALLS]);
    }
    return 0;
}

int ipm_counts_table_read(const char *path, json_t **out_table, struct ipm_why *why)
{
    json_error_t problem;
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return ipm_why_set(why, -errno, "open %s: ", path);
    ipm_auto_json json_t *table = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    if (table == NULL)
        return ipm_why_set(why, -EINVAL, "%s:%d: %s", path, problem.line, problem.text);
    int error = check_table(table, why);
    if (error != 0) {
        ipm_why_prefix(why, "%s: ", path);
        return error;
    }
    *out_table = json_incref(table);
    return 0;
}
