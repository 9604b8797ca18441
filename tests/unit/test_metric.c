/* SPDX-License-Identifier: MIT */
#include "base/metric.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

static void check_text(const json_t *json, const char *key, const char *expected)
{
    const json_t *value = json_object_get(json, key);
    if (expected == NULL)
        assert_true(json_is_null(value));
    else
        assert_string_equal(json_string_value(value), expected);
}

static void missing_is_null_with_a_reason(void **state)
{
    (void)state;
    struct ipm_metric metric =
        ipm_metric_missing("cycles", "ticks", "perf", "denied: paranoid is %d", 4);
    metric.value = 3; /* whatever stands there, it is not printed */
    ipm_auto_json json_t *json = ipm_metric_json(&metric);
    assert_true(json_is_null(json_object_get(json, "value")));
    check_text(json, "unit", "ticks");
    check_text(json, "status", "unavailable");
    check_text(json, "source", "perf");
    check_text(json, "reason", "denied: paranoid is 4");
    assert_int_equal(json_object_size(json), 5);
}

static void values_that_are_no_numbers_are_missing(void **state)
{
    static const double rows[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_metric metric = ipm_metric_value("a", "ns", "s", rows[i]);
        assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
        assert_string_equal(metric.name, "a");
        assert_string_equal(metric.unit, "ns");
        assert_string_equal(metric.source, "s");
        ipm_auto_json json_t *json = ipm_metric_json(&metric);
        assert_true(json_is_null(json_object_get(json, "value")));
        check_text(json, "reason", "failed: not a finite number");
    }
}

static void failures_carry_their_class(void **state)
{
    static const struct {
        int error;
        const char *reason;
    } rows[] = {
        {-ENOENT, "absent: open x: No such file or directory"},
        {-EACCES, "denied: open x: Permission denied"},
        {-EMFILE, "exhausted: open x: Too many open files"},
        {-EIO, "failed: open x: Input/output error"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        int error = ipm_why_set(&why, rows[i].error, "open %s: ", "x");
        struct ipm_metric metric = ipm_metric_failed("a", "ns", "s", error, &why);
        assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
        assert_string_equal(metric.reason, rows[i].reason);
    }
}

/* Every text is cut to its room and stays terminated; what is printed is still JSON, also
 * when the cut falls into the middle of a character. */
static void long_texts_are_cut(void **state)
{
    char text[400];
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        text[shift] = '\0';
        while (strlen(text) + 3 < sizeof(text))
            (void)strcat(text, "\xe2\x82\xac");
        struct ipm_metric metric = ipm_metric_missing(text, text, text, "%s", text);
        assert_int_equal(strnlen(metric.name, sizeof(metric.name)),
                         sizeof(metric.name) - 1);
        assert_int_equal(strnlen(metric.reason, sizeof(metric.reason)),
                         sizeof(metric.reason) - 1);
        ipm_auto_json json_t *json = ipm_metric_json(&metric);
        static const char *const keys[] = {"unit", "source", "reason"};
        for (size_t i = 0; i < IPM_TEST_ROWS(keys); i++)
            assert_true(json_string_length(json_object_get(json, keys[i])) > 0);
        char *printed = ipm_json_canonical(json);
        assert_non_null(printed);
        free(printed);
    }
}

static void values_are_printed_exactly(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},     {3, "3"}, {-1, "-1"}, {9007199254740991.0, "9007199254740991"},
        {0.5, "0.5"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_metric metric = ipm_metric_value("cpu_ns", "ns", "s", rows[i].value);
        assert_int_equal(metric.status, IPM_METRIC_OK);
        ipm_auto_json json_t *json = ipm_metric_json(&metric);
        char *value = ipm_json_canonical(json_object_get(json, "value"));
        assert_string_equal(value, rows[i].text);
        free(value);
        check_text(json, "status", "ok");
        check_text(json, "reason", NULL);
        assert_int_equal(json_object_size(json), 5);
    }
}

static void provenance_stands_only_where_there_is_one(void **state)
{
    (void)state;
    struct ipm_metric metric =
        ipm_metric_value("energy_package_uj", "uJ", "powercap", 9);
    (void)snprintf(metric.provenance, sizeof(metric.provenance), "attributed");
    ipm_auto_json json_t *json = ipm_metric_json(&metric);
    check_text(json, "provenance", "attributed");
    assert_int_equal(json_object_size(json), 6);
}

static void sums_are_missing_when_a_part_is(void **state)
{
    enum { LOST = -1 };
    static const struct {
        int parts[4];
        int sum;
        const char *reason;
    } rows[] = {
        {{1, 2, 3, 4}, 10, ""},
        {{0, 0, 0, 0}, 0, ""},
        {{LOST, 2, 3, 4}, LOST, "absent: part 0"},
        {{1, LOST, 3, 4}, LOST, "absent: part 1"},
        {{1, 2, 3, LOST}, LOST, "absent: part 3"},
        {{1, LOST, 3, LOST}, LOST, "absent: part 1"}, /* the first reason is kept */
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_metric sum = {0};
        for (int k = 0; k < 4; k++) {
            int part = rows[i].parts[k];
            struct ipm_metric metric =
                part == LOST ? ipm_metric_missing("a", "", "s", "absent: part %d", k)
                             : ipm_metric_value("a", "", "s", part);
            if (k == 0)
                sum = metric;
            else
                ipm_metric_add(&sum, &metric);
        }
        assert_string_equal(sum.reason, rows[i].reason);
        assert_int_equal(sum.status,
                         rows[i].sum == LOST ? IPM_METRIC_UNAVAILABLE : IPM_METRIC_OK);
        assert_true(rows[i].sum == LOST || sum.value == rows[i].sum);
        ipm_auto_json json_t *json = ipm_metric_json(&sum);
        assert_true(json_is_null(json_object_get(json, "value")) ==
                    (rows[i].sum == LOST));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_is_null_with_a_reason),
        cmocka_unit_test(values_that_are_no_numbers_are_missing),
        cmocka_unit_test(failures_carry_their_class),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(values_are_printed_exactly),
        cmocka_unit_test(provenance_stands_only_where_there_is_one),
        cmocka_unit_test(sums_are_missing_when_a_part_is),
    };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
