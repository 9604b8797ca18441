/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/energy.h"
#include "base/energy_counter.h"
#include "harness/meter/meter.h"
#include "tests/support/test.h"

#include <math.h>

#define SECOND INT64_C(1000000000)

/* A file of windows, as a run would leave it. */
struct run {
    FILE *file;
    char path[256];
    struct ipm_meter meter;
    const char *provenance, *source;
    int64_t elapsed_ns;
    bool dram;
};

/* What came of it. */
struct result {
    struct ipm_table table;
    struct ipm_summary summary;
    struct ipm_energy energy;
    json_t *manifest;
};

static void open_run(void **state, struct run *run, const char *parameters)
{
    struct ipm_meter_parameters read;
    json_t *json = json_loads(parameters, 0, NULL);
    assert_non_null(json);
    assert_int_equal(ipm_meter_parameters_read(json, &read, NULL), 0);
    json_decref(json);
    *run = (struct run){
        .provenance = "measured", .source = "power", .elapsed_ns = 2 * SECOND};
    ipm_meter_init(&run->meter, &read);
    (void)ipm_test_path(state, "records.jsonl", run->path);
    run->file = fopen(run->path, "we");
    assert_non_null(run->file);
}

static json_t *metric_of(const struct run *run, double energy_uj)
{
    return json_pack("{s:f,s:s,s:s,s:s,s:s,s:n}", "value", energy_uj, "unit", "uJ",
                     "status", "ok", "source", run->source, "provenance",
                     run->provenance, "reason");
}

static void put_window(struct run *run, const char *pass, int64_t block,
                       int64_t invocation, int64_t messages)
{
    struct ipm_meter_reading reading;
    struct ipm_meter_window window = {.gap_ns = 30000000,
                                      .elapsed_ns = run->elapsed_ns,
                                      .switches = (double)messages,
                                      .messages = (double)messages,
                                      .bytes = 64 * (double)messages};
    ipm_meter_measure(&run->meter, &window, &reading);
    const struct ipm_energy_counter counter = {"m", 1, (uint64_t)reading.range_uj, 1e4};
    const struct ipm_energy_window ends = {(uint64_t)reading.start_uj,
                                           (uint64_t)reading.stop_uj, run->elapsed_ns};
    double energy_uj = 0;
    assert_int_equal(ipm_energy_delta(&counter, &ends, &energy_uj, NULL), 0);
    json_t *record = json_pack(
        "{s:i,s:s,s:s,s:s,s:I,s:I,s:s,s:s,s:i,s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:s,s:{s:o}}",
        "schema", 1, "run", "r", "point", "p1", "pass", pass, "invocation",
        (json_int_t)invocation, "block", (json_int_t)block, "workload", "pingpong",
        "mechanism", "pipe", "size", 64, "wait", "block", "placement", "same_cpu",
        "build", "b", "copies", 2, "messages", (json_int_t)messages, "operations",
        (json_int_t)(messages / 2), "elapsed_ns", (json_int_t)run->elapsed_ns, "status",
        "ok", "metrics", "energy_package_uj", metric_of(run, energy_uj));
    assert_non_null(record);
    if (run->dram)
        (void)json_object_set_new(json_object_get(record, "metrics"), "energy_dram_uj",
                                  metric_of(run, energy_uj / 10));
    assert_int_equal(json_dumpf(record, run->file, JSON_COMPACT), 0);
    (void)fputc('\n', run->file);
    json_decref(record);
}

/* At rest, load, load, at rest. */
static void put_block(struct run *run, int64_t block, const int64_t messages[2])
{
    put_window(run, "idle", block, 2 * block, 0);
    put_window(run, "energy", block, 2 * block, messages[0]);
    put_window(run, "energy", block, 2 * block + 1, messages[1]);
    put_window(run, "idle", block, 2 * block + 1, 0);
}

static void work_out(struct run *run, struct result *result)
{
    struct ipm_why why = {0};
    assert_int_equal(fclose(run->file), 0);
    *result = (struct result){.manifest = json_object()};
    if (ipm_table_read(run->path, &result->table, &why) != 0 ||
        ipm_summary_make(&result->table, result->manifest, &result->summary, &why) !=
            0 ||
        ipm_energy_make(&result->table, &result->summary, &result->energy, &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(result->table.n_bad, 0);
}

static void clear(struct result *result)
{
    ipm_energy_fini(&result->energy);
    ipm_summary_fini(&result->summary);
    ipm_table_fini(&result->table);
    json_decref(result->manifest);
}

/* 1 switch, 1 message, 64 bytes */
#define TRUTH_UJ (12 + 3 + 64 * 0.5 / 1000)

/* Energy by nobody: a record that does not say whose joules it has, has none. */
static void without_a_word(void **state)
{
    struct run run;
    struct result result;
    open_run(state, &run, "{}");
    run.provenance = "";
    for (int block = 0; block < 3; block++)
        put_block(&run, block, (int64_t[]){200000, 200000});
    work_out(&run, &result);
    assert_int_equal(result.energy.n_rows, 0);
    const struct ipm_reading *reading =
        ipm_row_reading(&result.table.rows[0], "energy_package_uj");
    assert_true(isnan(reading->value));
    assert_string_equal(reading->reason, "failed: the record gives no provenance");
    clear(&result);
}

/* Three standard errors of few blocks are no certainty, half a block has its drift. */
static void few_blocks(void **state)
{
    struct run run;
    struct result result;
    open_run(state, &run, "{\"noise_uj\": 50000, \"seed\": 4}");
    for (int block = 0; block < 2; block++)
        put_block(&run, block, (int64_t[]){20000, 20000});
    work_out(&run, &result);
    /* Of this seed's two blocks it is some errors, where Student's interval has 12.7. */
    const struct ipm_energy_row *row = &result.energy.rows[0];
    assert_int_equal(row->status, IPM_ENERGY_BELOW_NOISE);
    assert_non_null(strstr(row->reason, "holds 0"));
    assert_true(isnan(row->message_uj.value) && isfinite(row->beyond_w.value));
    clear(&result);

    /* A rate that varies makes powers vary, and no noise. */
    open_run(state, &run, "{}");
    for (int block = 0; block < 3; block++)
        put_block(&run, block, (int64_t[]){20000 << 2 * block, 20000 << 2 * block});
    work_out(&run, &result);
    row = &result.energy.rows[0];
    assert_true(row->beyond_w.low < 0);
    assert_int_equal(row->status, IPM_ENERGY_COST);
    assert_true(fabs(row->message_uj.value / TRUTH_UJ - 1) < 0.02);
    clear(&result);

    open_run(state, &run, "{\"drift_w_per_s\": 0.5}");
    for (int block = 0; block < 3; block++)
        put_block(&run, block, (int64_t[]){200000, 200000});
    put_window(&run, "idle", 3, 6, 0);
    put_window(&run, "energy", 3, 6, 200000);
    work_out(&run, &result);
    row = &result.energy.rows[0];
    assert_int_equal(row->blocks, 3);
    assert_int_equal(row->left_out, 2);
    assert_true(fabs(row->message_uj.value / TRUTH_UJ - 1) < 0.02);
    clear(&result);
}

static bool inside(const struct ipm_estimate *estimate, double truth)
{
    return estimate->low <= truth && truth <= estimate->high;
}

/* Two hundred runs of noise, drift, units and an update grid: the intervals hold the truth
 * as often as they say. */
static void coverage(void **state)
{
    enum { SEEDS = 200, BLOCKS = 6 };
    int message = 0;
    int beyond = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        char parameters[128];
        struct run run;
        struct result result;
        (void)snprintf(parameters, sizeof(parameters),
                       "{\"noise_uj\": 100000, \"drift_w_per_s\": 0.01, \"seed\": %d}",
                       seed);
        open_run(state, &run, parameters);
        for (int block = 0; block < BLOCKS; block++)
            put_block(&run, block, (int64_t[]){200000, 210000});
        work_out(&run, &result);
        assert_int_equal(result.energy.n_rows, 1);
        const struct ipm_energy_row *row = &result.energy.rows[0];
        assert_int_equal(row->status, IPM_ENERGY_COST);
        assert_int_equal(row->blocks, BLOCKS);
        message += inside(&row->message_uj, TRUTH_UJ);
        beyond += inside(&row->beyond_w, TRUTH_UJ * 410000 / 4e6);
        assert_true(fabs(row->operation_uj.value / row->message_uj.value - 2) < 1e-9);
        clear(&result);
    }
    print_message("of %d intervals %d hold the cost, %d the power\n", SEEDS, message,
                  beyond);
    assert_in_range(message, SEEDS * 92 / 100, SEEDS * 98 / 100);
    assert_in_range(beyond, SEEDS * 92 / 100, SEEDS * 98 / 100);
}

/* A strong drift: at rest and load bear the same of it, and it does not show in a cost. */
static void drift(void **state)
{
    struct run run;
    struct result result;
    open_run(state, &run, "{\"drift_w_per_s\": 0.5}");
    for (int block = 0; block < 3; block++)
        put_block(&run, block, (int64_t[]){200000, 200000});
    work_out(&run, &result);
    const struct ipm_energy_row *row = &result.energy.rows[0];
    assert_string_equal(row->domain, "package");
    assert_string_equal(row->provenance, "measured");
    assert_string_equal(result.energy.provenance, "measured");
    assert_int_equal(row->windows, 12);
    assert_true(fabs(row->message_uj.value / TRUTH_UJ - 1) < 0.02);
    assert_true(row->rest_w.high - row->rest_w.low > 5);
    assert_true(row->beyond_w.high - row->beyond_w.low < 0.5);
    clear(&result);
}

/* What does not stand out is not a cost; what is not whole is left out. */
static void refusals(void **state)
{
    static const struct {
        const char *parameters, *provenance;
        int64_t messages, elapsed_ns;
        int blocks;
        enum ipm_energy_status status;
        const char *reason;
    } rows[] = {
        {"{\"noise_uj\": 50000}", "measured", 1000, 2 * SECOND, 5,
         IPM_ENERGY_BELOW_NOISE, "below_noise: "},
        {"{}", "measured", 200000, 2 * SECOND, 1, IPM_ENERGY_TOO_FEW, "too_few: 1 "},
        {"{}", "measured", 200000, SECOND / 2, 4, IPM_ENERGY_SHORT, "too_short: "},
        {"{}", "estimated", 200000, 2 * SECOND, 4, IPM_ENERGY_ESTIMATED, "estimated: "},
        {"{}", "attributed", 200000, 2 * SECOND, 4, IPM_ENERGY_COST, ""},
        {"{}", "simulated", 200000, 2 * SECOND, 4, IPM_ENERGY_COST, ""},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct run run;
        struct result result;
        open_run(state, &run, rows[i].parameters);
        run.provenance = rows[i].provenance;
        run.elapsed_ns = rows[i].elapsed_ns;
        for (int block = 0; block < rows[i].blocks; block++)
            put_block(&run, block, (int64_t[]){rows[i].messages, rows[i].messages});
        put_window(&run, "idle", 9, 18, 0); /* interrupted there */
        work_out(&run, &result);
        const struct ipm_energy_row *row = &result.energy.rows[0];
        bool cost = row->status == IPM_ENERGY_COST;
        if (row->status != rows[i].status ||
            strncmp(row->reason, rows[i].reason, strlen(rows[i].reason)) != 0 ||
            isfinite(row->message_uj.value) != cost ||
            isfinite(row->operation_uj.value) != cost)
            fail_msg("row %zu: %s: %s", i, ipm_energy_status_names[row->status],
                     row->reason);
        assert_int_equal(row->left_out, 1);
        assert_true(!isnan(row->beyond_w.value));
        assert_string_equal(result.energy.provenance, rows[i].provenance);

        /* The word stands in what is printed, and a refused cost is null. */
        json_t *json = ipm_energy_json(&result.energy);
        const json_t *point = json_array_get(json_object_get(json, "points"), 0);
        assert_string_equal(json_string_value(json_object_get(point, "provenance")),
                            rows[i].provenance);
        const json_t *value =
            json_object_get(json_object_get(point, "message_uj"), "value");
        assert_true(json_is_null(value) != cost);
        json_decref(json);
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        ipm_energy_text(&result.energy, out);
        assert_int_equal(fclose(out), 0);
        assert_non_null(strstr(text, rows[i].provenance));
        free(text);
        clear(&result);
    }
}

/* Different meters, different words, different domains: never one average. */
static void mixtures(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct run run;
        struct result result;
        open_run(state, &run, "{}");
        for (int block = 0; block < 6; block++) {
            run.provenance = kind == 0 && block >= 3 ? "attributed" : "measured";
            run.source = kind == 1 && block >= 3 ? "powercap" : "power";
            run.dram = kind == 2 && block >= 3;
            put_block(&run, block, (int64_t[]){200000, 200000});
        }
        work_out(&run, &result);
        const struct ipm_energy_row *row = &result.energy.rows[0];
        assert_int_equal(row->status, IPM_ENERGY_MIXED);
        assert_memory_equal(row->reason, "mixed: ", 7);
        assert_true(isnan(row->load_w.value) && isnan(row->message_uj.value));
        assert_string_equal(result.energy.provenance, "mixed");
        clear(&result);
    }
    /* Two domains are two rows, and no sum. */
    struct run run;
    struct result result;
    open_run(state, &run, "{}");
    run.dram = true;
    for (int block = 0; block < 3; block++)
        put_block(&run, block, (int64_t[]){200000, 200000});
    work_out(&run, &result);
    assert_int_equal(result.energy.n_rows, 2);
    assert_string_equal(result.energy.rows[1].domain, "dram");
    assert_true(fabs(result.energy.rows[1].message_uj.value /
                         result.energy.rows[0].message_uj.value -
                     0.1) < 1e-6);
    clear(&result);
}

/* Two meters in one report: the word stands in each row, and the heading names neither. */
static void words(void **state)
{
    struct run run;
    struct result result;
    open_run(state, &run, "{}");
    for (int block = 0; block < 6; block++) {
        run.provenance = block >= 3 ? "attributed" : "measured";
        put_block(&run, block, (int64_t[]){200000, 200000});
    }
    work_out(&run, &result);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ipm_energy_text(&result.energy, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "Energy, mixed (mixed): "));
    assert_non_null(strstr(text, "package  mixed "));
    free(text);
    struct ipm_energy_row *row = &result.energy.rows[0];
    row->provenance = "simulated";
    out = open_memstream(&text, &length);
    assert_non_null(out);
    ipm_energy_text(&result.energy, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "package  simulated "));
    free(text);
    clear(&result);
}

static void repeated(void **state)
{
    struct run run;
    struct result result;
    open_run(state, &run, "{}");
    for (int block = 0; block < 2; block++)
        put_block(&run, block, (int64_t[]){200000, 200000});
    put_window(&run, "energy", 1, 3, 5); /* once more: the first line counts */
    work_out(&run, &result);
    assert_int_equal(result.energy.rows[0].blocks, 2);
    assert_int_equal(result.energy.rows[0].left_out, 0);
    clear(&result);

    open_run(state, &run, "{}"); /* nothing at all */
    work_out(&run, &result);
    assert_int_equal(result.energy.n_rows, 0);
    assert_string_equal(result.energy.provenance, "");
    clear(&result);
}

int main(void)
{
#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {
        TEST(coverage), TEST(drift),      TEST(refusals),       TEST(mixtures),
        TEST(repeated), TEST(few_blocks), TEST(without_a_word), TEST(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
