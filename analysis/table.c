/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/table.h"

#include "analysis/slow_core.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_row_status_names[] = {"ok", "failed", "invalid", "skipped", NULL};

/* One copy of each text; NULL when out of memory.  The values, not the keys, are handed
 * out: they stay where they are while the object grows. */
static const char *intern(struct ipm_table *table, const char *text)
{
    json_t *kept = json_object_get(table->pool, text);
    if (kept == NULL) {
        kept = json_string(text);
        if (kept == NULL || json_object_set_new(table->pool, text, kept) != 0)
            return NULL;
    }
    return json_string_value(kept);
}

/* A member as text: strings as they are, null and absent as "", the rest as JSON. */
static const char *intern_member(struct ipm_table *table, const json_t *object,
                                 const char *key)
{
    const json_t *member = json_object_get(object, key);
    if (member == NULL || json_is_null(member))
        return intern(table, "");
    if (json_is_string(member))
        return intern(table, json_string_value(member));
    ipm_auto_free char *text = ipm_json_canonical(member);
    return text == NULL ? NULL : intern(table, text);
}

static double number_member(const json_t *object, const char *key)
{
    double value = NAN;
    (void)ipm_json_get_number(object, key, &value, NULL);
    return value;
}

static int64_t integer_member(const json_t *object, const char *key, int64_t fallback)
{
    int64_t value = fallback;
    (void)ipm_json_get_integer(object, key, &value, NULL);
    return value;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Axes that few records move, as options: named where they are not at their default.
 * Return: a new reference. */
static json_t *all_options(const json_t *record)
{
    static const struct {
        const char *name;
        const char *word; /* the default; NULL: it is @number */
        int64_t number;
    } axes[] = {{"pairs", NULL, 1},         {"fan", NULL, 4},
                {"working_set", NULL, 0},   {"working_set_stride", NULL, 64},
                {"compute", NULL, 0},       {"arrivals", "constant", 0},
                {"size_mix", "fixed", 0},   {"background", "none", 0},
                {"memory_node", "local", 0}};
    json_t *options = json_object();
    (void)json_object_update(options, json_object_get(record, "options"));
    for (size_t i = 0; i < sizeof(axes) / sizeof(axes[0]); i++) {
        json_t *value = json_object_get(record, axes[i].name);
        const char *word = json_string_value(value);
        bool usual =
            value == NULL || json_is_null(value) ||
            (axes[i].word != NULL ? word != NULL && strcmp(word, axes[i].word) == 0
                                  : json_is_integer(value) &&
                                        json_integer_value(value) == axes[i].number);
        if (!usual)
            (void)json_object_set(options, axes[i].name, value);
    }
    return options;
}

/* {"b": 1, "a": "x"} as "a=x b=1". */
static const char *intern_options(struct ipm_table *table, const json_t *options)
{
    size_t n = json_object_size(options);
    if (n == 0)
        return intern(table, "");
    ipm_auto_free const char **names = calloc(n, sizeof(*names));
    if (names == NULL)
        return NULL;
    size_t used = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)options, name, value) names[used++] = name;
    qsort(names, n, sizeof(*names), compare_texts);

    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const char *shown = intern_member(table, options, names[i]);
        (void)fprintf(stream, "%s%s=%s", i == 0 ? "" : " ", names[i],
                      shown == NULL ? "" : shown);
    }
    return fclose(stream) == 0 ? intern(table, text) : NULL;
}

static bool fill_factors(struct ipm_table *table, const json_t *record,
                         struct ipm_factors *factors)
{
    const struct {
        const char *key;
        const char **place;
    } texts[] = {
        {"workload", &factors->workload},
        {"mechanism", &factors->mechanism},
        {"placement", &factors->placement},
        {"placement_class", &factors->placement_class},
        {"wait", &factors->wait},
        {"touch", &factors->touch},
        {"policy", &factors->policy},
        {"rate", &factors->rate},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i].place = intern_member(table, record, texts[i].key);
        if (*texts[i].place == NULL)
            return false;
    }
    ipm_auto_json json_t *options = all_options(record);
    factors->options = intern_options(table, options);
    factors->size = integer_member(record, "size", -1);
    factors->copies = integer_member(record, "copies", -1);
    factors->depth = integer_member(record, "depth", -1);
    factors->batch = integer_member(record, "batch", -1);
    factors->reply_size = integer_member(record, "reply_size", -1);
    return factors->options != NULL;
}

static bool fill_readings(struct ipm_table *table, const json_t *record,
                          struct ipm_row *row)
{
    const json_t *metrics = json_object_get(record, "metrics");
    const json_t *per_message = json_object_get(record, "per_message");
    size_t n = json_object_size(metrics);
    if (n == 0)
        return true;
    row->readings = calloc(n, sizeof(*row->readings));
    if (row->readings == NULL)
        return false;
    const char *name;
    json_t *metric;
    json_object_foreach((json_t *)metrics, name, metric)
    {
        struct ipm_reading *reading = &row->readings[row->n_readings++];
        reading->name = intern(table, name);
        reading->unit = intern_member(table, metric, "unit");
        reading->provenance = intern_member(table, metric, "provenance");
        reading->source = intern_member(table, metric, "source");
        const char *status = json_string_value(json_object_get(metric, "status"));
        bool ok = status != NULL && strcmp(status, "ok") == 0;
        reading->value = ok ? number_member(metric, "value") : NAN;
        reading->per_message = ok ? number_member(per_message, name) : NAN;
        reading->reason = intern_member(table, metric, "reason");
        if (reading->name == NULL || reading->unit == NULL ||
            reading->provenance == NULL || reading->source == NULL ||
            reading->reason == NULL)
            return false;
        /* Whose joules they are stands wherever they do, or they stand nowhere. */
        if (!isnan(reading->value) && reading->provenance[0] == '\0' &&
            strcmp(reading->unit, "uJ") == 0) {
            reading->value = reading->per_message = NAN;
            reading->reason = intern(table, "failed: the record gives no provenance");
        }
        if (reading->reason == NULL)
            return false;
        /* A null without a reason breaks the record's contract; say so. */
        if (isnan(reading->value) && reading->reason[0] == '\0')
            reading->reason = intern(table, "failed: the record gives no reason");
        if (reading->reason == NULL)
            return false;
    }
    return true;
}

/* The samples in their order: what they say of the window, and of themselves. */
static bool judge_blocks(const json_t *blocks, struct ipm_row *row)
{
    const json_t *list = json_object_get(blocks, "means_ns");
    double samples = number_member(blocks, "samples");
    double per = number_member(blocks, "per");
    size_t n = json_array_size(list);
    ipm_auto_free double *means = calloc(n + 1, sizeof(*means));
    if (means == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        means[i] = json_number_value(json_array_get(list, i)) / per;
        if (!(means[i] > 0))
            return true; /* no block of samples: nothing is known of them */
    }
    row->effective = (double)row->tally.count *
                     ipm_effective_share(means, n, samples, row->tally.variance);
    return ipm_steady_judge(means, n, &row->steady) == 0;
}

/* The part of a record that only messages at planned times have. */
static bool fill_open_loop(struct ipm_table *table, const json_t *record,
                           struct ipm_row *row)
{
    const json_t *counts = json_object_get(record, "open_loop");
    if (!json_is_object(counts))
        return true;
    const char *refused = intern_member(table, counts, "refused");
    row->open_loop = calloc(1, sizeof(*row->open_loop));
    return refused != NULL && row->open_loop != NULL &&
           ipm_open_loop_read(record, refused, row->open_loop) == 0;
}

static bool fill_times(struct ipm_table *table, const json_t *record,
                       struct ipm_row *row)
{
    const json_t *latency = json_object_get(record, "latency_ns");
    const json_t *interval = json_object_get(record, "interval_ns");
    const json_t *response = json_object_get(record, "response_ns");
    const json_t *throughput = json_object_get(record, "throughput");
    const json_t *distribution = json_is_object(latency) ? latency : interval;

    row->p50_ns = number_member(distribution, "p50");
    row->p99_ns = number_member(distribution, "p99");
    row->max_ns = number_member(distribution, "max");
    row->response_p50_ns = number_member(response, "p50");
    row->response_p99_ns = number_member(response, "p99");
    row->responses = (double)integer_member(response, "count", 0);
    row->clock_cost_ns = number_member(json_object_get(record, "clock"), "cost_ns");
    row->messages_per_s = number_member(throughput, "messages_per_s");
    row->bytes_per_s = number_member(throughput, "bytes_per_s");
    row->timing_batch = integer_member(record, "timing_batch", 0);
    row->messages = integer_member(record, "messages", 0);
    row->operations = integer_member(record, "operations", 0);
    row->elapsed_ns = integer_member(record, "elapsed_ns", 0);
    if (json_is_object(latency))
        row->sample = intern_member(table, record, "latency_kind");
    else
        row->sample = intern(table, json_is_object(interval) ? "interval" : "");
    row->steady.state = IPM_STEADY_UNKNOWN;
    row->effective = NAN;
    if (row->sample == NULL || row->status != IPM_ROW_OK ||
        strcmp(row->pass, "timing") != 0)
        return row->sample != NULL;
    return ipm_tally_read(distribution, &row->tally) == 0 &&
           fill_open_loop(table, record, row) &&
           judge_blocks(json_object_get(record, "blocks"), row);
}

static bool has_flag(const json_t *record, const char *wanted)
{
    size_t i;
    const json_t *flag;
    json_array_foreach(json_object_get(record, "flags"), i, flag)
    {
        if (json_is_string(flag) && strcmp(json_string_value(flag), wanted) == 0)
            return true;
    }
    return false;
}

/* An unknown status is a failure: whatever it means, it is not a measurement. */
static enum ipm_row_status status_of(const char *text)
{
    for (int status = 0; status < IPM_ROW_STATUSES; status++) {
        if (strcmp(text, ipm_row_status_names[status]) == 0)
            return (enum ipm_row_status)status;
    }
    return IPM_ROW_FAILED;
}

static bool fill_row(struct ipm_table *table, const json_t *record, struct ipm_row *row)
{
    const struct {
        const char *key;
        const char **place;
    } texts[] = {
        {"point", &row->point}, {"pass", &row->pass},     {"build", &row->build},
        {"phase", &row->phase}, {"reason", &row->reason},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i].place = intern_member(table, record, texts[i].key);
        if (*texts[i].place == NULL)
            return false;
    }
    const char *status = json_string_value(json_object_get(record, "status"));
    row->status = status_of(status);
    if (row->status != IPM_ROW_OK && row->reason[0] == '\0')
        row->reason =
            intern(table, strcmp(status, "failed") == 0 ? "the record gives no reason"
                                                        : status);
    row->invocation = integer_member(record, "invocation", 0);
    row->block = integer_member(record, "block", 0);
    row->regime_changed = has_flag(record, "regime_changed");
    row->rate_missed = has_flag(record, "rate_not_achieved");
    row->cpus = intern_member(table, record, "cpus");
    table->arms = table->arms || json_object_get(record, "arm") != NULL;
    return row->cpus != NULL && row->reason != NULL &&
           fill_factors(table, record, &row->factors) &&
           fill_readings(table, record, row) && fill_times(table, record, row);
}

static int visit_record(void *context, const json_t *record, size_t line)
{
    struct ipm_table *table = context;
    struct ipm_row *rows =
        ipm_array_grow(table->rows, table->n_rows, &table->rows_room, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    struct ipm_row *row = &rows[table->n_rows++];
    *row = (struct ipm_row){.line = line};
    return fill_row(table, record, row) ? 0 : -ENOMEM;
}

static int visit_bad(void *context, size_t line, const struct ipm_why *why)
{
    struct ipm_table *table = context;
    struct ipm_bad_line *lines =
        ipm_array_grow(table->bad, table->n_bad, &table->bad_room, sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    table->bad = lines;

    /* The reason quotes the line, which may hold anything, and may be cut in the middle of
     * a character. */
    char text[sizeof(why->text)];
    memcpy(text, why->text, sizeof(text));
    for (char *at = text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    struct ipm_bad_line *bad = &lines[table->n_bad++];
    *bad = (struct ipm_bad_line){.line = line, .reason = intern(table, text)};
    return bad->reason == NULL ? -ENOMEM : 0;
}

/* Half of a record's text, and no part of a row. */
static const char *const unread[] = {"roles",  "per_operation", "sandbox",
                                     "checks", "setup_ns",      NULL};

int ipm_table_read(const char *path, struct ipm_table *out_table, struct ipm_why *why)
{
    ipm_auto_table struct ipm_table table = {.pool = json_object()};
    if (table.pool == NULL)
        return ipm_why_set(why, -ENOMEM, "read %s: ", path);
    int error = ipm_records_scan(path, unread, visit_record, visit_bad, &table,
                                 &table.torn, why);
    if (error == 0)
        error = ipm_slow_core_mark(&table);
    if (error == -ENOMEM)
        return ipm_why_set(why, error, "read %s: ", path);
    if (error != 0)
        return error;
    *out_table = table;
    memset(&table, 0, sizeof(table));
    return 0;
}

void ipm_table_shrink(struct ipm_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        struct ipm_row *row = &table->rows[i];
        free(row->readings);
        row->readings = NULL;
        row->n_readings = 0;
        ipm_tally_fini(&row->tally);
        if (row->open_loop != NULL)
            ipm_open_loop_fini(row->open_loop);
        free(row->open_loop);
        row->open_loop = NULL;
    }
}

void ipm_table_fini(struct ipm_table *table)
{
    ipm_table_shrink(table);
    free(table->rows);
    free(table->bad);
    json_decref(table->pool);
    memset(table, 0, sizeof(*table));
}

const struct ipm_reading *ipm_row_reading(const struct ipm_row *row, const char *name)
{
    for (size_t i = 0; i < row->n_readings; i++) {
        if (strcmp(row->readings[i].name, name) == 0)
            return &row->readings[i];
    }
    return NULL;
}
