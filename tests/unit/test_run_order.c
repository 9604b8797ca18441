/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/run_order.h"
#include "tests/support/records.h"

#include <math.h>

/* run_order of the records in the test's directory; the caller's. */
static json_t *order_of(void **state)
{
    char path[256];
    struct ipm_why why = {0};
    ipm_auto_table struct ipm_table table = {0};
    if (ipm_table_read(ipm_test_path(state, "records.jsonl", path), &table, &why) != 0)
        fail_msg("%s", why.text);
    json_t *json = ipm_run_order_json(&table);
    assert_non_null(json);
    return json;
}

static double at(const json_t *order, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(order, key), i);
    assert_non_null(value);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int64_t count(const json_t *order, const char *key)
{
    return json_integer_value(json_object_get(order, key));
}

static void put(FILE *file, const char *point, const char *status, int i, double p50_ns)
{
    struct ipm_test_row row = {
        .point = point, .status = status, .invocation = i, .p50_ns = p50_ns};
    json_t *record = ipm_test_record(&row);
    json_t *metrics = json_object_get(record, "metrics");
    (void)json_object_set_new(metrics, "cacheline_rtt_before_ns",
                              json_pack("{s:f, s:s}", "value", 100.0, "status", "ok"));
    (void)json_object_set_new(
        metrics, "cacheline_rtt_after_ns",
        json_pack("{s:f, s:s}", "value", 100.0 + 20 * i, "status", "ok"));
    if (strcmp(status, "invalid") == 0)
        (void)json_object_set_new(record, "flags", json_pack("[s]", "regime_changed"));
    ipm_test_put_record(file, record);
}

/* Points of different speed lie on one line; a change stands where it was. */
static void values_are_parts_of_their_points_median(void **state)
{
    static const double factors[] = {1, 1, 1, 1.5, 0.5};
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 5; i++) {
        put(file, "slow", "ok", i, 8000 * factors[i]);
        put(file, "quick", "ok", i, 100 * factors[i]);
    }
    put(file, "quick", "invalid", 5, 300);
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *order = order_of(state);
    assert_int_equal(count(order, "invocations"), 11);
    assert_int_equal(count(order, "per"), 1);
    for (size_t i = 0; i < 10; i++) {
        assert_true(fabs(at(order, "time", i) - factors[i / 2]) < 1e-9);
        assert_true(at(order, "line", i) == (double)i + 1);
        assert_true(at(order, "regime_changed", i) == 0);
        /* (100 + 100 + 20 i) / 2 over that of i = 2 */
        double wanted = (200 + 20 * (double)(i / 2)) / 240;
        assert_true(fabs(at(order, "cacheline_rtt", i) - wanted) < 1e-6);
        assert_true(isnan(at(order, "core_step", i)));
    }
    assert_true(fabs(at(order, "time", 10) - 3) < 1e-9);
    assert_true(at(order, "regime_changed", 10) == 1);
}

/* Two values have no middle that one could depart from. */
static void two_invocations_tell_nothing(void **state)
{
    FILE *file = ipm_test_records(state);
    put(file, "p", "ok", 0, 100);
    put(file, "p", "ok", 1, 900);
    put(file, "p", "failed", 2, 100);
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *order = order_of(state);
    assert_int_equal(count(order, "invocations"), 2);
    assert_true(isnan(at(order, "time", 0)) && isnan(at(order, "time", 1)));
}

static void a_long_run_has_no_more_entries(void **state)
{
    enum { N = 2 * IPM_RUN_ORDER_ENTRIES + 1 };
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < N; i++)
        put(file, "p", "ok", i, i == 4 ? 300 : 100);
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *order = order_of(state);
    assert_int_equal(count(order, "invocations"), N);
    assert_int_equal(count(order, "per"), 3);
    assert_int_equal(json_array_size(json_object_get(order, "line")),
                     N / 3 + (N % 3 > 0));
    assert_true(fabs(at(order, "time", 1) - 1) < 1e-9); /* 3, 4, 5 */
    assert_true(fabs(at(order, "time_most", 1) - 3) < 1e-9);
    assert_true(fabs(at(order, "time_least", 1) - 1) < 1e-9);
    assert_true(at(order, "line", 1) == 4);
}

static void no_records_make_no_entries(void **state)
{
    assert_int_equal(fclose(ipm_test_records(state)), 0);
    ipm_auto_json json_t *order = order_of(state);
    assert_int_equal(count(order, "invocations"), 0);
    assert_int_equal(count(order, "per"), 1);
    assert_int_equal(json_array_size(json_object_get(order, "time")), 0);
}

#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(values_are_parts_of_their_points_median),
        IN_DIRECTORY(two_invocations_tell_nothing),
        IN_DIRECTORY(a_long_run_has_no_more_entries),
        IN_DIRECTORY(no_records_make_no_entries),
    };
    return cmocka_run_group_tests_name("run_order", tests, NULL, NULL);
}
