/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * records: hand-made records of docs/record.md, for tests of the analysis.
 */
#ifndef IPM_TESTS_RECORDS_H
#define IPM_TESTS_RECORDS_H

#include "base/json.h"
#include "base/record.h"
#include "tests/support/test.h"

#include <jansson.h>

/* What a test says about an invocation; what it leaves out is the default below. */
struct ipm_test_row {
    const char *point, *pass, *workload, *mechanism, *wait, *placement, *status, *rate;
    int invocation, size, copies; /* the block is that of the invocation */
    bool no_payload;              /* size 0, which left out would be the default */
    double p50_ns;
    double cpu_ns; /* per message; of 1000 messages */
};

static inline const char *ipm_test_or(const char *text, const char *usual)
{
    return text != NULL ? text : usual;
}

/* 1,000 samples: @p50_ns, but for 15 that take twice as long.  Whole nanoseconds below 512 stay
 * what they are. */
static inline json_t *ipm_test_distribution(double p50_ns)
{
    static struct ipm_histogram histogram;
    ipm_histogram_reset(&histogram);
    for (int i = 0; i < 1000; i++)
        ipm_histogram_add(&histogram, (uint64_t)(i < 985 ? p50_ns : 2 * p50_ns));
    json_t *json = ipm_distribution_json(&histogram, 1);
    (void)json_object_set_new(json, "p50", json_real(p50_ns));
    return json;
}

/* The record; the caller's. */
static inline json_t *ipm_test_record(const struct ipm_test_row *row)
{
    int size = row->size != 0 || row->no_payload ? row->size : 64;
    json_error_t problem;
    json_t *record = json_pack_ex(
        &problem, 0,
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s,"
        " s:o, s:s, s:i, s:{s:f, s:f},"
        " s:{s:{s:f, s:s, s:s}, s:{s:n, s:s, s:s, s:s}}, s:{s:f}}",
        "schema", 1, "point", ipm_test_or(row->point, "p"), "pass",
        ipm_test_or(row->pass, "timing"), "workload",
        ipm_test_or(row->workload, "pingpong"), "mechanism",
        ipm_test_or(row->mechanism, "pipe"), "wait", ipm_test_or(row->wait, "block"),
        "placement", ipm_test_or(row->placement, "same_cpu"), "status",
        ipm_test_or(row->status, "ok"), "invocation", row->invocation, "size", size,
        "copies", row->copies != 0 ? row->copies : 2, "touch", "none", "build", "b",
        "rate", ipm_test_or(row->rate, "max"), "latency_ns",
        ipm_test_distribution(row->p50_ns), "latency_kind", "round_trip",
        "timing_batch", 1, "throughput", "messages_per_s", 2e9 / row->p50_ns,
        "bytes_per_s", 2e9 / row->p50_ns * size, "metrics", "cpu_ns", "value",
        row->cpu_ns * 1000, "unit", "ns", "status", "ok", "cycles", "value", "unit", "",
        "status", "unavailable", "reason",
        "not_in_this_pass: measured in counters:core", "per_message", "cpu_ns",
        row->cpu_ns);
    if (record == NULL)
        print_error("record: %s\n", problem.text);
    assert_non_null(record);
    (void)json_object_set_new(record, "block", json_integer(row->invocation));
    return record;
}

/* Writes the record as one line.  Takes it over. */
static inline void ipm_test_put_record(FILE *file, json_t *record)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    assert_non_null(text);
    assert_true(fprintf(file, "%s\n", text) > 0);
    free(text);
    json_decref(record);
}

static inline void ipm_test_put_row(FILE *file, struct ipm_test_row row)
{
    ipm_test_put_record(file, ipm_test_record(&row));
}

/* records.jsonl inside the test's directory, open for writing. */
static inline FILE *ipm_test_records(void **state)
{
    char path[256];
    FILE *file = fopen(ipm_test_path(state, "records.jsonl", path), "we");
    assert_non_null(file);
    return file;
}

#endif
