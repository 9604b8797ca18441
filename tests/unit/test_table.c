/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/table.h"
#include "base/cleanup.h"
#include "tests/support/records.h"

#include <errno.h>
#include <math.h>

static void read_table(void **state, struct ipm_table *table)
{
    char path[256];
    struct ipm_why why = {0};
    int error =
        ipm_table_read(ipm_test_path(state, "records.jsonl", path), table, &why);
    if (error != 0)
        fail_msg("%s", why.text);
}

static void a_missing_file_is_an_error(void **state)
{
    char path[256];
    struct ipm_table table;
    struct ipm_why why = {0};
    assert_int_equal(ipm_table_read(ipm_test_path(state, "none", path), &table, &why),
                     -ENOENT);
    assert_non_null(strstr(why.text, "none"));
}

static void an_empty_file_is_an_empty_table(void **state)
{
    assert_int_equal(fclose(ipm_test_records(state)), 0);
    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_int_equal(table.n_rows, 0);
    assert_int_equal(table.n_bad, 0);
    assert_false(table.torn);
}

static void bad_lines_are_counted_and_passed_over(void **state)
{
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 1});
    (void)fputs("no json \xff\x1b[31m\n", file);
    (void)fputs("{\"schema\":2,\"point\":\"p\"}\n", file);
    (void)fputs("{\"schema\":1}\n\n", file);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 2});
    (void)fputs("{\"schema\":1,\"poi", file);
    assert_int_equal(fclose(file), 0);

    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_int_equal(table.n_rows, 2);
    assert_int_equal(table.rows[0].line, 1);
    assert_int_equal(table.rows[1].line, 6);
    assert_true(table.torn);
    assert_int_equal(table.n_bad, 4);
    for (size_t i = 0; i < table.n_bad; i++) {
        const char *reason = table.bad[i].reason;
        assert_int_equal(table.bad[i].line, i + 2);
        assert_true(strlen(reason) > 0);
        for (const char *at = reason; *at != '\0'; at++)
            assert_true(*at >= ' ' && *at <= '~');
    }
    assert_non_null(strstr(table.bad[1].reason, "schema"));
}

static void another_schema_is_refused_with_its_version(void **state)
{
    static const struct {
        const char *member, *says;
    } rows[] = {{"\"schema\":2,", "record schema 2, this build reads 1"},
                {"\"schema\":0,", "record schema 0, this build reads 1"},
                {"\"schema\":\"1\",", "no schema number"},
                {"", "no schema number"}};
    FILE *file = ipm_test_records(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        (void)fprintf(file,
                      "{%s\"point\":\"p\",\"pass\":\"timing\",\"workload\":\"w\","
                      "\"mechanism\":\"m\",\"status\":\"ok\",\"build\":\"b\","
                      "\"invocation\":7}\n",
                      rows[i].member);
    assert_int_equal(fclose(file), 0);
    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_int_equal(table.n_rows, 0);
    assert_int_equal(table.n_bad, IPM_TEST_ROWS(rows));
    for (size_t i = 0; i < table.n_bad; i++)
        assert_non_null(strstr(table.bad[i].reason, rows[i].says));
}

/* A machine may die at any byte: what was whole before is there, and nothing else. */
static void a_file_cut_anywhere_has_its_whole_lines(void **state)
{
    char path[256];
    size_t length = 0;
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 3; i++)
        ipm_test_put_row(file, (struct ipm_test_row){.invocation = i, .p50_ns = 1});
    assert_int_equal(fclose(file), 0);
    (void)ipm_test_path(state, "records.jsonl", path);
    ipm_auto_free char *text = ipm_test_read(path, &length);
    size_t whole = 0;
    for (size_t cut = 0; cut <= length; cut++) {
        whole += cut > 0 && text[cut - 1] == '\n';
        ipm_test_write(path, text, cut);
        ipm_auto_table struct ipm_table table = {0};
        read_table(state, &table);
        assert_int_equal(table.n_rows, whole);
        assert_int_equal(table.n_bad, 0);
        assert_int_equal(table.torn, cut > 0 && text[cut - 1] != '\n');
    }
}

static void every_member_may_be_missing(void **state)
{
    FILE *file = ipm_test_records(state);
    (void)fputs("{\"schema\":1,\"point\":\"p\",\"pass\":\"timing\",\"workload\":\"w\","
                "\"mechanism\":\"m\",\"status\":\"ok\",\"build\":\"b\","
                "\"invocation\":7}\n",
                file);
    assert_int_equal(fclose(file), 0);
    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_int_equal(table.n_rows, 1);
    const struct ipm_row *row = &table.rows[0];
    assert_int_equal(row->status, IPM_ROW_OK);
    assert_int_equal(row->invocation, 7);
    assert_true(isnan(row->p50_ns) && isnan(row->max_ns));
    assert_true(isnan(row->messages_per_s) && isnan(row->bytes_per_s));
    assert_string_equal(row->sample, "");
    assert_string_equal(row->factors.wait, "");
    assert_string_equal(row->factors.options, "");
    assert_int_equal(row->factors.size, -1);
    assert_int_equal(row->n_readings, 0);
    assert_null(ipm_row_reading(row, "cpu_ns"));
}

static void statuses_keep_their_reasons(void **state)
{
    static const struct {
        const char *status, *reason;
        enum ipm_row_status expected;
        const char *expected_reason;
    } cases[] = {
        {"ok", NULL, IPM_ROW_OK, ""},
        {"failed", "it broke", IPM_ROW_FAILED, "it broke"},
        {"failed", NULL, IPM_ROW_FAILED, "the record gives no reason"},
        {"invalid", "replaced", IPM_ROW_INVALID, "replaced"},
        {"skipped", "not here", IPM_ROW_SKIPPED, "not here"},
        {"exploded", NULL, IPM_ROW_FAILED, "exploded"},
    };
    FILE *file = ipm_test_records(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        struct ipm_test_row row = {.p50_ns = 1};
        row.status = cases[i].status;
        json_t *record = ipm_test_record(&row);
        if (cases[i].reason != NULL)
            (void)json_object_set_new(record, "reason", json_string(cases[i].reason));
        ipm_test_put_record(file, record);
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_int_equal(table.n_rows, IPM_TEST_ROWS(cases));
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        assert_int_equal(table.rows[i].status, cases[i].expected);
        assert_string_equal(table.rows[i].reason, cases[i].expected_reason);
    }
}

static void factors_come_as_plain_text_and_numbers(void **state)
{
    struct ipm_test_row row = {.p50_ns = 1};
    json_t *record = ipm_test_record(&row);
    (void)json_object_set_new(
        record, "options",
        json_pack("{s:i, s:s, s:b}", "pipe.z", 5, "pipe.a", "memfd", "m", 1));
    (void)json_object_set_new(record, "placement",
                              json_pack("{s:[i, i]}", "cpus", 2, 4));
    (void)json_object_set_new(record, "rate", json_integer(1000));
    (void)json_object_set_new(record, "flags",
                              json_pack("[s, s]", "no_sandbox", "regime_changed"));
    FILE *file = ipm_test_records(state);
    ipm_test_put_record(file, record);
    assert_int_equal(fclose(file), 0);

    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    const struct ipm_factors *factors = &table.rows[0].factors;
    assert_string_equal(factors->options, "m=true pipe.a=memfd pipe.z=5");
    assert_string_equal(factors->placement, "{\"cpus\":[2,4]}");
    assert_string_equal(factors->rate, "1000");
    assert_int_equal(factors->size, 64);
    assert_int_equal(factors->copies, 2);
    assert_true(table.rows[0].regime_changed);
}

static void a_missing_metric_is_never_a_number(void **state)
{
    struct ipm_test_row row = {.p50_ns = 1, .cpu_ns = 3};
    json_t *record = ipm_test_record(&row);
    json_t *metrics = json_object_get(record, "metrics");
    /* Two that break the contract: a number beside "unavailable", a null without why. */
    (void)json_object_set_new(metrics, "liar",
                              json_pack("{s:i, s:s, s:s, s:s}", "value", 0, "unit", "",
                                        "status", "unavailable", "reason", "zero: x"));
    (void)json_object_set_new(
        metrics, "mute", json_pack("{s:n, s:s}", "value", "status", "unavailable"));
    FILE *file = ipm_test_records(state);
    ipm_test_put_record(file, record);
    assert_int_equal(fclose(file), 0);

    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    const struct ipm_row *read = &table.rows[0];
    const struct ipm_reading *cpu = ipm_row_reading(read, "cpu_ns");
    assert_true(cpu->value == 3000 && cpu->per_message == 3);
    assert_string_equal(cpu->unit, "ns");
    assert_string_equal(cpu->reason, "");
    const struct ipm_reading *cycles = ipm_row_reading(read, "cycles");
    assert_true(isnan(cycles->value) && isnan(cycles->per_message));
    assert_non_null(strstr(cycles->reason, "not_in_this_pass"));
    assert_true(isnan(ipm_row_reading(read, "liar")->value));
    assert_true(isnan(ipm_row_reading(read, "mute")->value));
    assert_string_not_equal(ipm_row_reading(read, "mute")->reason, "");
}

static void a_stream_has_intervals_for_latencies(void **state)
{
    struct ipm_test_row row = {.p50_ns = 10};
    json_t *record = ipm_test_record(&row);
    (void)json_object_set(record, "interval_ns", json_object_get(record, "latency_ns"));
    (void)json_object_set_new(record, "latency_ns", json_null());
    FILE *file = ipm_test_records(state);
    ipm_test_put_record(file, record);
    assert_int_equal(fclose(file), 0);
    ipm_auto_table struct ipm_table table = {0};
    read_table(state, &table);
    assert_string_equal(table.rows[0].sample, "interval");
    assert_true(table.rows[0].p50_ns == 10 && table.rows[0].max_ns == 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_an_error),
        cmocka_unit_test(an_empty_file_is_an_empty_table),
        cmocka_unit_test(bad_lines_are_counted_and_passed_over),
        cmocka_unit_test(another_schema_is_refused_with_its_version),
        cmocka_unit_test(a_file_cut_anywhere_has_its_whole_lines),
        cmocka_unit_test(every_member_may_be_missing),
        cmocka_unit_test(statuses_keep_their_reasons),
        cmocka_unit_test(factors_come_as_plain_text_and_numbers),
        cmocka_unit_test(a_missing_metric_is_never_a_number),
        cmocka_unit_test(a_stream_has_intervals_for_latencies),
    };
    return cmocka_run_group_tests(tests, ipm_test_directory, ipm_test_directory_remove);
}
