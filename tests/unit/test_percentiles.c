/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/percentiles.h"
#include "analysis/report.h"
#include "tests/support/records.h"

#include <math.h>

static void load(void **state, struct ipm_report *report)
{
    static const struct ipm_report_wishes wishes = {.no_models = true};
    struct ipm_why why = {0};
    if (ipm_report_load(*state, &wishes, report, &why) != 0)
        fail_msg("%s", why.text);
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Six invocations of a point. */
static void put_point(FILE *file, const char *id, const char *mechanism,
                      const char *wait, double p50_ns)
{
    for (int i = 0; i < 6; i++)
        ipm_test_put_row(file, (struct ipm_test_row){.point = id,
                                                     .mechanism = mechanism,
                                                     .wait = wait,
                                                     .invocation = i,
                                                     .p50_ns = p50_ns + i});
}

/* A hundred samples in 6,000 take twice as long: the step lies beyond 98.5 %. */
static void quantiles_are_those_of_all_samples(void **state)
{
    FILE *file = ipm_test_records(state);
    put_point(file, "a", "pipe", "block", 200);
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    ipm_auto_json json_t *json = ipm_percentiles_json(&report.table, &report.ladder);
    assert_int_equal(json_integer_value(json_object_get(json, "of")), 1);
    const json_t *curves = json_object_get(json, "curves");
    assert_int_equal(json_array_size(curves), 1);
    const json_t *curve = json_array_get(curves, 0);
    assert_string_equal(json_string_value(json_object_get(curve, "point")), "a");
    assert_true(number(curve, "samples") == 6000);
    double effective = number(curve, "effective");
    double limit = number(curve, "limit");
    assert_true((double)ipm_rank_interval_needs(limit, 0.95) <= effective);

    const json_t *quantiles = json_object_get(curve, "quantiles");
    size_t i;
    const json_t *quantile;
    double last_q = 0;
    double last_ns = 0;
    json_array_foreach(quantiles, i, quantile)
    {
        double q = number(quantile, "q");
        double ns = number(quantile, "ns");
        assert_true(q > last_q && q < 1 && ns >= last_ns);
        if (last_q < limit && q > limit)
            fail_msg("the limit %.10g is none of the quantiles", limit);
        if (q > limit)
            assert_true((double)ipm_rank_interval_needs(q, 0.95) > effective);
        assert_true(1 / (1 - q) <= 6000);
        if (q < 0.98)
            assert_true(ns >= 200 && ns <= 206);
        if (q > 0.986)
            assert_true(ns >= 398 && ns <= 412);
        last_q = q;
        last_ns = ns;
    }
    assert_true(last_q > limit); /* what was seen is not cut off */
}

/* Each mechanism once, then the fastest of the others; what has no room is counted. */
static void each_mechanism_comes_first(void **state)
{
    static const char *const names[] = {"m0", "m1", "m2", "m3", "m4", "m5"};
    FILE *file = ipm_test_records(state);
    put_point(file, "quick", "m0", "spin", 100);
    put_point(file, "second", "m0", "yield", 110);
    put_point(file, "third", "m0", "block", 120);
    for (size_t i = 1; i < IPM_TEST_ROWS(names); i++)
        put_point(file, names[i], names[i], "block", 200 + 10 * (double)i);
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    ipm_auto_json json_t *json = ipm_percentiles_json(&report.table, &report.ladder);
    static const char *const wanted[IPM_PERCENTILE_CURVES] = {
        "quick", "m1", "m2", "m3", "m4", "m5", "second"};
    const json_t *curves = json_object_get(json, "curves");
    assert_int_equal(json_integer_value(json_object_get(json, "of")), 8);
    assert_int_equal(json_array_size(curves), IPM_PERCENTILE_CURVES);
    for (size_t i = 0; i < IPM_PERCENTILE_CURVES; i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(curves, i), "point")),
            wanted[i]);
}

/* Means of several round trips have no percentiles of one. */
static void batches_have_no_curve(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 6; i++) {
        struct ipm_test_row row = {.invocation = i, .p50_ns = 100};
        json_t *record = ipm_test_record(&row);
        (void)json_object_set_new(record, "latency_kind", json_string("batch"));
        (void)json_object_set_new(record, "timing_batch", json_integer(16));
        ipm_test_put_record(file, record);
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    ipm_auto_json json_t *json = ipm_percentiles_json(&report.table, &report.ladder);
    assert_int_equal(json_integer_value(json_object_get(json, "of")), 0);
    assert_int_equal(json_array_size(json_object_get(json, "curves")), 0);
}

#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(quantiles_are_those_of_all_samples),
        IN_DIRECTORY(each_mechanism_comes_first),
        IN_DIRECTORY(batches_have_no_curve),
    };
    return cmocka_run_group_tests_name("percentiles", tests, NULL, NULL);
}
