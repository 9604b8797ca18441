/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_gbench: what Google Benchmark's JSON reporter prints.
 *
 * An invocation is a repetition, so that compare.py's U test is over independent processes.
 * Behind those of a point stand mean, median, stddev and cv, as the library appends them.
 * real_time is the invocation's median time of an operation, so that the median of them is the
 * summary's p50_ns; of an open loop, whose rate is given, the median response; else, without a
 * distribution, the time per message.  cpu_time is of the same.  All readers want a number for
 * both, and so an invocation without one is left out and counted.
 */
#include "analysis/character.h"
#include "analysis/export_parts.h"
#include "analysis/manifest.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is aggregated, in the order in which the library prints it. */
enum { REAL_TIME, CPU_TIME, ITEMS, BYTES, VALUES };

static const char *const keys[VALUES] = {"real_time", "cpu_time", "items_per_second",
                                         "bytes_per_second"};

struct repetition {
    double values[VALUES]; /* NaN: there is none */
    int64_t iterations;
};

/* One benchmark while it is written. */
struct benchmark {
    const char *name;
    size_t family;
    const char *label;
    struct repetition *repetitions;
    size_t n;
    bool first; /* of the file */
};

static double cpu_per_message(const struct ipm_row *row)
{
    const struct ipm_reading *reading = ipm_row_reading(row, "cpu_ns");
    return reading == NULL ? NAN : reading->per_message;
}

static struct repetition repetition_of(const struct ipm_row *row)
{
    bool timed = row->open_loop == NULL && !isnan(row->p50_ns);
    double time = timed                    ? row->p50_ns
                  : row->open_loop != NULL ? row->response_p50_ns
                                           : 1e9 / row->messages_per_s;
    double messages = timed && row->operations > 0
                          ? (double)row->messages / (double)row->operations
                          : 1;
    return (struct repetition){.values = {[REAL_TIME] = time,
                                          [CPU_TIME] = cpu_per_message(row) * messages,
                                          [ITEMS] = row->messages_per_s,
                                          [BYTES] = row->bytes_per_s},
                               .iterations = timed ? row->operations : row->messages};
}

/* What of an invocation real_time is the time of. */
static const char *label_of(const struct ipm_row *row)
{
    if (row->open_loop != NULL)
        return "median response, from the planned time";
    if (isnan(row->p50_ns))
        return "time per message";
    return strcmp(row->sample, "interval") == 0 ? "median time between messages"
                                                : "median time of an operation";
}

/* The invocations that the summary takes its medians of.  Return: 0; -ENOMEM. */
static int collect(const struct ipm_row *const *rows, size_t n,
                   struct benchmark *benchmark, struct ipm_export_losses *losses)
{
    benchmark->repetitions = calloc(n + 1, sizeof(*benchmark->repetitions));
    if (benchmark->repetitions == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct ipm_row *row = rows[i];
        if (row->status != IPM_ROW_OK || row->set_aside ||
            strcmp(row->pass, "timing") != 0 || ipm_export_repeats(rows, i))
            continue;
        struct repetition repetition = repetition_of(row);
        if (!isfinite(repetition.values[REAL_TIME]) ||
            !isfinite(repetition.values[CPU_TIME])) {
            losses->invocations++;
            continue;
        }
        benchmark->label = label_of(row);
        benchmark->repetitions[benchmark->n++] = repetition;
    }
    return 0;
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_integer(json_t *object, const char *key, size_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

/* What iterations and aggregates share, up to the number of threads. */
static json_t *begin(const struct benchmark *benchmark, const char *aggregate,
                     size_t index)
{
    json_t *json = json_object();
    set(json, "name",
        aggregate == NULL ? json_string(benchmark->name)
                          : json_sprintf("%s_%s", benchmark->name, aggregate));
    set_integer(json, "family_index", benchmark->family);
    set_integer(json, "per_family_instance_index", 0);
    set(json, "run_name", json_string(benchmark->name));
    set(json, "run_type", json_string(aggregate == NULL ? "iteration" : "aggregate"));
    set_integer(json, "repetitions", benchmark->n);
    if (aggregate == NULL)
        set_integer(json, "repetition_index", index);
    set_integer(json, "threads", 1);
    return json;
}

/* Writes it and gives it back.  Return: 0; -ENOMEM. */
static int put(FILE *out, struct benchmark *benchmark, json_t *json)
{
    set(json, "label", json_string(benchmark->label));
    ipm_auto_free char *text = json_dumps(json, JSON_REAL_PRECISION(17));
    json_decref(json);
    if (text == NULL)
        return -ENOMEM;
    (void)fprintf(out, "%s\n    %s", benchmark->first ? "" : ",", text);
    benchmark->first = false;
    return 0;
}

/* Times always, rates where there are any; a time is a real number as the library has it. */
static void set_values(json_t *json, const double values[VALUES])
{
    for (int value = 0; value < VALUES; value++) {
        if (isfinite(values[value]))
            set(json, keys[value], json_real(values[value]));
        if (value == CPU_TIME)
            set(json, "time_unit", json_string("ns"));
    }
}

static int put_iterations(FILE *out, struct benchmark *benchmark)
{
    int error = 0;
    for (size_t i = 0; i < benchmark->n && error == 0; i++) {
        json_t *json = begin(benchmark, NULL, i);
        set(json, "iterations", json_integer(benchmark->repetitions[i].iterations));
        set_values(json, benchmark->repetitions[i].values);
        error = put(out, benchmark, json);
    }
    return error;
}

enum { MEAN, MEDIAN, STDDEV, CV, AGGREGATES };

static const char *const aggregates[AGGREGATES] = {"mean", "median", "stddev", "cv"};

/* The four of one value; @room for all repetitions. */
static void aggregate(const struct benchmark *benchmark, int value, double *room,
                      double table[AGGREGATES][VALUES])
{
    struct ipm_estimate mean;
    for (size_t i = 0; i < benchmark->n; i++)
        room[i] = benchmark->repetitions[i].values[value];
    double error = ipm_estimate_mean(room, benchmark->n, IPM_SUMMARY_LEVEL, &mean);
    ipm_sort(room, benchmark->n);
    table[MEAN][value] = mean.value;
    table[MEDIAN][value] = ipm_quantile(room, benchmark->n, 0.5);
    table[STDDEV][value] = error * sqrt((double)benchmark->n);
    table[CV][value] = table[STDDEV][value] / mean.value; /* 0 / 0 is left out */
}

static bool all_have(const struct benchmark *benchmark, int value)
{
    for (size_t i = 0; i < benchmark->n; i++) {
        if (!isfinite(benchmark->repetitions[i].values[value]))
            return false;
    }
    return true;
}

/* The library has none of a single repetition. */
static int put_aggregates(FILE *out, struct benchmark *benchmark)
{
    double table[AGGREGATES][VALUES];
    ipm_auto_free double *room = calloc(benchmark->n + 1, sizeof(*room));
    if (room == NULL)
        return -ENOMEM;
    for (int value = 0; value < VALUES; value++) {
        for (int which = 0; which < AGGREGATES; which++)
            table[which][value] = NAN;
        if (all_have(benchmark, value))
            aggregate(benchmark, value, room, table);
    }
    for (int which = 0; which < AGGREGATES && benchmark->n > 1; which++) {
        if (isnan(table[which][REAL_TIME]) || isnan(table[which][CPU_TIME]))
            continue; /* cv of a CPU time of 0: its readers want both */
        json_t *json = begin(benchmark, aggregates[which], 0);
        set(json, "aggregate_name", json_string(aggregates[which]));
        set(json, "aggregate_unit", json_string(which == CV ? "percentage" : "time"));
        set_integer(json, "iterations", benchmark->n);
        set_values(json, table[which]);
        int error = put(out, benchmark, json);
        if (error != 0)
            return error;
    }
    return 0;
}

/* Foreign words as they may stand in a line. */
static json_t *shown(const char *text)
{
    ipm_auto_free char *clean = ipm_character_shown(text);
    return json_string(clean == NULL ? "" : clean);
}

/* Those of CPU 0; how many share one is not known. */
static json_t *caches_json(const json_t *manifest)
{
    json_t *json = json_array();
    size_t i;
    json_t *cache;
    json_array_foreach(json_object_get(json_object_get(manifest, "host"), "caches"), i,
                       cache)
    {
        json_t *level = json_object_get(cache, "level");
        json_t *size = json_object_get(cache, "bytes");
        json_t *type = json_object_get(cache, "type");
        if (json_is_integer(level) && json_is_integer(size) && json_is_string(type))
            (void)json_array_append_new(json, json_pack("{s:o, s:O, s:O}", "type",
                                                        shown(json_string_value(type)),
                                                        "level", level, "size", size));
    }
    return json;
}

/* What is not known of the machine is left out; results name no host. */
static char *context_text(const json_t *manifest)
{
    ipm_auto_json json_t *json = json_object();
    json_t *threads = json_object_get(json_object_get(manifest, "host"), "threads");
    set(json, "date", shown(ipm_manifest_text(manifest, "started", "")));
    set(json, "host_name", json_string(""));
    set(json, "executable", json_string("ipcmeter"));
    if (json_is_integer(threads))
        (void)json_object_set(json, "num_cpus", threads);
    set(json, "caches", caches_json(manifest));
    set(json, "load_avg", json_array());
    set(json, "run", shown(ipm_manifest_text(manifest, "name", "")));
    set(json, "worker_build", shown(ipm_manifest_text(manifest, "build", "")));
    if (ipm_manifest_is_emulated(manifest))
        set(json, "emulated", json_true());
    return json_dumps(json, 0);
}

int ipm_export_gbench(const struct ipm_report *report, FILE *out,
                      struct ipm_export_losses *losses)
{
    const struct ipm_summary *summary = &report->summary;
    ipm_auto_export_names struct ipm_export_names names = {0};
    ipm_auto_export_rows struct ipm_export_rows rows = {0};
    ipm_auto_free char *context = context_text(report->manifest);
    if (context == NULL || ipm_export_names_make(summary, &names) != 0 ||
        ipm_export_rows_make(&report->table, &rows) != 0)
        return -ENOMEM;
    losses->long_names = names.cut;
    struct benchmark benchmark = {.first = true};
    int error = 0;
    for (size_t i = 0; i < summary->n_points && error == 0; i++) {
        size_t n = 0;
        const struct ipm_row *const *of_point =
            ipm_export_rows_of(&rows, &summary->points[i], &n);
        benchmark.name = names.list[i];
        benchmark.n = 0;
        error = collect(of_point, n, &benchmark, losses);
        if (error == 0 && benchmark.n > 0) {
            if (benchmark.first)
                (void)fprintf(out, "{\n  \"context\": %s,\n  \"benchmarks\": [",
                              context);
            error = put_iterations(out, &benchmark);
            if (error == 0)
                error = put_aggregates(out, &benchmark);
            benchmark.family++;
        }
        free(benchmark.repetitions);
    }
    if (error == 0 && benchmark.first)
        return IPM_EXPORT_NOTHING;
    if (error == 0)
        (void)fputs("\n  ]\n}\n", out);
    return error;
}
