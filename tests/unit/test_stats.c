/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats against tests/golden/stats_vectors.json, made in exact rational arithmetic. */
#include "analysis/stats.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <cmocka.h>
#include <errno.h>
#include <math.h>

static json_t *vectors;

static int load_vectors(void **state)
{
    (void)state;
    json_error_t problem;
    vectors =
        json_load_file(IPM_SOURCE "/tests/golden/stats_vectors.json", 0, &problem);
    if (vectors == NULL)
        print_error("%s:%d: %s\n", problem.source, problem.line, problem.text);
    return vectors == NULL ? -1 : 0;
}

static int drop_vectors(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static double number(const json_t *object, const char *key)
{
    double value = NAN;
    assert_int_equal(ipm_json_get_number(object, key, &value, NULL), 0);
    return value;
}

static void skip_without_gsl(void)
{
    struct ipm_rank_interval interval;
    if (ipm_rank_interval(6, 0.5, 0.95, &interval) == IPM_STATS_NO_GSL) {
        print_message("skipped: built without GSL, so there are no intervals\n");
        skip();
    }
}

static void rejects_shares_outside_0_1(void **state)
{
    (void)state;
    const double outside[] = {-1, 0, 1, 1.5, NAN};
    struct ipm_rank_interval interval;
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_int_equal(ipm_rank_interval(10, outside[i], 0.95, &interval), -EINVAL);
        assert_int_equal(ipm_rank_interval(10, 0.5, outside[i], &interval), -EINVAL);
    }
}

static void intervals_match_the_vectors(void **state)
{
    (void)state;
    skip_without_gsl();
    size_t i;
    const json_t *expected;
    const json_t *cases = json_object_get(vectors, "intervals");
    assert_true(json_array_size(cases) >= 200);
    json_array_foreach(cases, i, expected)
    {
        size_t n = (size_t)number(expected, "n");
        double q = number(expected, "q");
        double level = number(expected, "level");
        const json_t *ranks = json_object_get(expected, "ranks");
        struct ipm_rank_interval found = {0};
        int result = ipm_rank_interval(n, q, level, &found);
        if (json_is_null(ranks)) {
            assert_int_equal(result, IPM_STATS_TOO_FEW);
            continue;
        }
        assert_int_equal(result, 0);
        if (found.low != (size_t)number(ranks, "low") ||
            found.high != (size_t)number(ranks, "high") ||
            fabs(found.level - number(ranks, "level")) > 1e-12)
            fail_msg("n %zu, q %g, level %g: got %zu, %zu, %.17g", n, q, level,
                     found.low, found.high, found.level);
        assert_true(found.level >= level);
    }
}

/* The least n must be the border between TOO_FEW and 0. */
static void least_n_is_the_border(void **state)
{
    (void)state;
    assert_int_equal(ipm_rank_interval_needs(0.5, 0.95), 6);
    assert_int_equal(ipm_rank_interval_needs(0.5, 0.99), 8);
    assert_int_equal(ipm_rank_interval_needs(0.99, 0.95), 368);
    skip_without_gsl();
    const double quantiles[] = {0.05, 0.25, 0.5, 0.9, 0.99};
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        struct ipm_rank_interval interval;
        size_t least = ipm_rank_interval_needs(quantiles[i], 0.95);
        assert_int_equal(ipm_rank_interval(least - 1, quantiles[i], 0.95, &interval),
                         IPM_STATS_TOO_FEW);
        assert_int_equal(ipm_rank_interval(least, quantiles[i], 0.95, &interval), 0);
    }
}

static size_t take_values(const json_t *array, double *values)
{
    size_t i;
    const json_t *value;
    json_array_foreach(array, i, value) values[i] = json_number_value(value);
    return json_array_size(array);
}

static void quantiles_match_the_vectors(void **state)
{
    (void)state;
    size_t i;
    const json_t *sample;
    json_array_foreach(json_object_get(vectors, "samples"), i, sample)
    {
        double values[64];
        size_t n = take_values(json_object_get(sample, "values"), values);
        ipm_sort(values, n);
        size_t k;
        const json_t *expected;
        json_array_foreach(json_object_get(sample, "quantiles"), k, expected)
        {
            double found = ipm_quantile(values, n, number(expected, "q"));
            assert_true(found == number(expected, "value"));
        }
    }
    assert_true(isnan(ipm_quantile(NULL, 0, 0.5)));
}

static void estimates_match_the_vectors(void **state)
{
    (void)state;
    size_t i;
    const json_t *sample;
    json_array_foreach(json_object_get(vectors, "samples"), i, sample)
    {
        double values[64];
        size_t n = take_values(json_object_get(sample, "values"), values);
        const json_t *interval = json_object_get(sample, "interval");
        struct ipm_estimate estimate;
        ipm_estimate_median(values, n, 0.95, &estimate);
        assert_int_equal(estimate.n, n);
        assert_true(estimate.value == number(sample, "median"));
        if (json_is_null(interval)) {
            assert_true(isnan(estimate.low) && isnan(estimate.high) &&
                        isnan(estimate.level));
            assert_string_not_equal(estimate.reason, "");
            continue;
        }
        assert_string_equal(estimate.reason, "");
        double low = json_number_value(json_array_get(interval, 0));
        double high = json_number_value(json_array_get(interval, 1));
        assert_true(fabs(estimate.low - low) <= 1e-9 * fmax(fabs(low), 1));
        assert_true(fabs(estimate.high - high) <= 1e-9 * fmax(fabs(high), 1));
        assert_true(estimate.level == 0.95);
        assert_true(estimate.low <= estimate.value && estimate.value <= estimate.high);
    }
}

/* 2.5758 and 1.9600 are the normal quantiles of 99 and 95 %. */
static void what_differs_between_runs_is_added_in_quadrature(void **state)
{
    (void)state;
    skip_without_gsl();
    struct ipm_estimate estimate = {
        .value = 200, .low = 197, .high = 204, .level = 0.95, .n = 9};
    ipm_estimate_widen(&estimate, 0);
    assert_true(estimate.low == 197 && estimate.high == 204);
    ipm_estimate_widen(&estimate, 0.01);
    assert_true(fabs(estimate.low - (200 - sqrt(9 + 15.36583528))) < 1e-6);
    assert_true(fabs(estimate.high - (200 + sqrt(16 + 15.36583528))) < 1e-6);
    assert_true(estimate.value == 200);
    estimate = (struct ipm_estimate){
        .value = -50, .low = -50, .high = -50, .level = 0.99, .n = 9};
    ipm_estimate_widen(&estimate, 0.02);
    assert_true(fabs(estimate.low - (-50 - 2.575829304)) < 1e-6);
    assert_true(fabs(estimate.high - (-50 + 2.575829304)) < 1e-6);
    estimate = (struct ipm_estimate){.value = 5, .low = NAN, .high = NAN, .level = NAN};
    ipm_estimate_widen(&estimate, 0.5);
    assert_true(isnan(estimate.low) && isnan(estimate.high));
}

static void nothing_is_estimated_from_nothing(void **state)
{
    (void)state;
    struct ipm_estimate estimate;
    ipm_estimate_median(NULL, 0, 0.95, &estimate);
    assert_true(isnan(estimate.value) && isnan(estimate.low) && isnan(estimate.high));
    assert_int_equal(estimate.n, 0);
    assert_string_not_equal(estimate.reason, "");
}

/* The place lies in the step that the ranks of a quantile leave, and grows with n. */
static void places_lie_between_ranks(void **state)
{
    (void)state;
    skip_without_gsl();
    for (size_t n = 1; n <= 600; n++) {
        struct ipm_rank_interval ranks;
        double place = ipm_median_place(n, 0.95);
        int error = ipm_rank_interval(n, 0.5, 0.95, &ranks);
        assert_true(isnan(place) == (error == IPM_STATS_TOO_FEW));
        if (error == 0)
            assert_true(place >= (double)ranks.low && place < (double)ranks.low + 1);
    }
    assert_true(isnan(ipm_median_place(0, 0.95)) && isnan(ipm_median_place(5, 0.95)));
}

static void too_few_says_how_many_it_takes(void **state)
{
    (void)state;
    double values[] = {3, 1, 2, 5, 4};
    struct ipm_estimate estimate;
    ipm_estimate_median(values, 5, 0.95, &estimate);
    assert_true(estimate.value == 3);
    assert_string_equal(estimate.reason,
                        "too few: 5 of the 6 values that a 95 % interval needs");
}

/* Whose interval is looked for in one half alone stands on it. */
static void selecting_parts_the_values(void **state)
{
    enum { MOST = 130 };
    uint64_t noise = 3;
    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        double values[MOST];
        double sorted[MOST];
        size_t n = 1 + ipm_test_random(&noise) % MOST;
        size_t k = ipm_test_random(&noise) % n;
        for (size_t i = 0; i < n; i++) /* with many ties, and with few */
            values[i] = sorted[i] =
                (double)(ipm_test_random(&noise) % (round % 2 ? 10 : 1000000));
        ipm_sort(sorted, n);
        assert_true(ipm_select(values, n, k) == sorted[k]);
        assert_true(values[k] == sorted[k]);
        for (size_t i = 0; i < n; i++)
            assert_true(i < k ? values[i] <= sorted[k] : values[i] >= sorted[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejects_shares_outside_0_1),
        cmocka_unit_test(intervals_match_the_vectors),
        cmocka_unit_test(least_n_is_the_border),
        cmocka_unit_test(quantiles_match_the_vectors),
        cmocka_unit_test(selecting_parts_the_values),
        cmocka_unit_test(estimates_match_the_vectors),
        cmocka_unit_test(places_lie_between_ranks),
        cmocka_unit_test(what_differs_between_runs_is_added_in_quadrature),
        cmocka_unit_test(nothing_is_estimated_from_nothing),
        cmocka_unit_test(too_few_says_how_many_it_takes),
    };
    return cmocka_run_group_tests(tests, load_vectors, drop_vectors);
}
