/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <math.h>

static bool close_to(double value, const json_t *expected)
{
    if (expected == NULL)
        return isnan(value);
    double exact = json_number_value(expected);
    return fabs(value - exact) <= 1e-9 * fmax(1, fabs(exact));
}

/* More than 200 cases with ties, n = 1 .. 40, computed in exact fractions. */
static void estimates_match_the_vectors(void **state)
{
    (void)state;
    json_t *vectors =
        json_load_file(IPM_SOURCE "/tests/golden/pseudomedian_vectors.json", 0, NULL);
    assert_non_null(vectors);
    double level = json_number_value(json_object_get(vectors, "level"));
    json_t *cases = json_object_get(vectors, "cases");
    assert_true(json_array_size(cases) > 200);
    size_t i;
    json_t *row;
    json_array_foreach(cases, i, row)
    {
        double values[64];
        json_t *list = json_object_get(row, "values");
        size_t n = json_array_size(list);
        for (size_t k = 0; k < n; k++)
            values[k] = json_number_value(json_array_get(list, k));
        struct ipm_estimate estimate;
        assert_int_equal(ipm_estimate_pseudomedian(values, n, level, &estimate), 0);
        if (!close_to(estimate.value, json_object_get(row, "value")) ||
            !close_to(estimate.low, json_object_get(row, "low")) ||
            !close_to(estimate.high, json_object_get(row, "high")) ||
            !close_to(estimate.level, json_object_get(row, "level")))
            fail_msg("case %zu, n = %zu: %.12g [%.12g, %.12g] at %.12g", i, n,
                     estimate.value, estimate.low, estimate.high, estimate.level);
        assert_int_equal(estimate.reason[0] == '\0', !isnan(estimate.low));
    }
    json_decref(vectors);
}

static void nothing_and_too_much(void **state)
{
    static double many[IPM_PSEUDOMEDIAN_MOST + 5];
    (void)state;
    struct ipm_estimate estimate;
    assert_int_equal(ipm_estimate_pseudomedian(NULL, 0, 0.95, &estimate), 0);
    assert_true(isnan(estimate.value) && isnan(estimate.low));
    for (size_t i = 0; i < IPM_TEST_ROWS(many); i++)
        many[i] = (double)i;
    assert_int_equal(
        ipm_estimate_pseudomedian(many, IPM_TEST_ROWS(many), 0.95, &estimate), 0);
    assert_int_equal(estimate.n, IPM_PSEUDOMEDIAN_MOST);
    assert_true(fabs(estimate.value - (IPM_PSEUDOMEDIAN_MOST - 1) / 2.0) < 1e-9);
    assert_true(estimate.level >= 0.95 && estimate.level < 0.96);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_match_the_vectors),
        cmocka_unit_test(nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
