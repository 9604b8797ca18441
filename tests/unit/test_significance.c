/* SPDX-License-Identifier: GPL-3.0-or-later */
/* significance against tests/golden/significance_vectors.json, made in fractions. */
#include "analysis/significance.h"
#include "tests/support/test.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

static json_t *vectors;

static int load_vectors(void **state)
{
    (void)state;
    vectors =
        json_load_file(IPM_SOURCE "/tests/golden/significance_vectors.json", 0, NULL);
    return vectors == NULL ? -1 : 0;
}

static int drop_vectors(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static void skip_without_gsl(void)
{
    if (isnan(ipm_sign_test(1, 1))) {
        print_message("skipped: built without GSL, so there are no exact tails\n");
        skip();
    }
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static size_t numbers(const json_t *list, double *out_values)
{
    size_t n = json_array_size(list);
    assert_in_range(n, 1, IPM_MANN_WHITNEY_MOST);
    for (size_t i = 0; i < n; i++)
        out_values[i] = json_number_value(json_array_get(list, i));
    return n;
}

static void assert_close(double value, double exact, const char *what, size_t index)
{
    if (!(fabs(value - exact) <= 1e-12 * fmax(1e-6, fabs(exact))))
        fail_msg("%s %zu: %.17g, not %.17g", what, index, value, exact);
}

static void sign_tests_match(void **state)
{
    (void)state;
    skip_without_gsl();
    size_t i;
    const json_t *row;
    const json_t *rows = json_object_get(vectors, "sign");
    assert_true(json_array_size(rows) > 50);
    json_array_foreach(rows, i, row)
    {
        double exact = number(row, "p");
        double p =
            ipm_sign_test((size_t)number(row, "above"), (size_t)number(row, "n"));
        if (!(fabs(p - exact) <= 1e-9 * exact))
            fail_msg("sign %zu: %.17g, not %.17g", i, p, exact);
    }
}

static void rank_tests_match(void **state)
{
    (void)state;
    size_t i;
    const json_t *row;
    const json_t *rows = json_object_get(vectors, "mann_whitney");
    assert_true(json_array_size(rows) > 60);
    json_array_foreach(rows, i, row)
    {
        double a[IPM_MANN_WHITNEY_MOST];
        double b[IPM_MANN_WHITNEY_MOST];
        size_t n_a = numbers(json_object_get(row, "a"), a);
        size_t n_b = numbers(json_object_get(row, "b"), b);
        double p = NAN;
        assert_int_equal(ipm_mann_whitney(a, n_a, b, n_b, &p), 0);
        assert_close(p, number(row, "p"), "mann_whitney", i);
        assert_int_equal(ipm_mann_whitney(b, n_b, a, n_a, &p), 0);
        assert_close(p, number(row, "p"), "the other way round", i);
    }
}

/* As statistics texts have it: 4 and 4 can reach 2/70, 10 and 10 apart 2/184756. */
static void rank_tests_reach_their_least(void **state)
{
    (void)state;
    static double low[IPM_MANN_WHITNEY_MOST];
    static double high[IPM_MANN_WHITNEY_MOST];
    for (size_t i = 0; i < IPM_MANN_WHITNEY_MOST; i++) {
        low[i] = (double)i;
        high[i] = 1000 + (double)i;
    }
    double p = NAN;
    assert_int_equal(ipm_mann_whitney(low, 4, high, 4, &p), 0);
    assert_true(fabs(p - 2.0 / 70) < 1e-15);
    assert_int_equal(ipm_mann_whitney(low, 10, high, 10, &p), 0);
    assert_true(fabs(p - 2.0 / 184756) < 1e-17);
    assert_int_equal(
        ipm_mann_whitney(low, IPM_MANN_WHITNEY_MOST, high, IPM_MANN_WHITNEY_MOST, &p),
        0);
    assert_true(p > 0 && p < 1e-30);
    assert_int_equal(ipm_mann_whitney(low, 0, high, 4, &p), -EINVAL);
    assert_int_equal(ipm_mann_whitney(low, 4, high, IPM_MANN_WHITNEY_MOST + 1, &p),
                     -EINVAL);
}

static void adjustments_match(void **state)
{
    (void)state;
    size_t i;
    const json_t *row;
    const json_t *rows = json_object_get(vectors, "adjust");
    assert_true(json_array_size(rows) > 60);
    json_array_foreach(rows, i, row)
    {
        double p[IPM_MANN_WHITNEY_MOST];
        double adjusted[IPM_MANN_WHITNEY_MOST];
        double holm[IPM_MANN_WHITNEY_MOST];
        double bh[IPM_MANN_WHITNEY_MOST];
        size_t n = numbers(json_object_get(row, "p"), p);
        assert_int_equal(numbers(json_object_get(row, "holm"), holm), n);
        assert_int_equal(numbers(json_object_get(row, "bh"), bh), n);
        assert_int_equal(ipm_holm(p, n, adjusted), 0);
        for (size_t k = 0; k < n; k++)
            assert_close(adjusted[k], holm[k], "holm", i);
        assert_int_equal(ipm_benjamini_hochberg(p, n, adjusted), 0);
        for (size_t k = 0; k < n; k++)
            assert_close(adjusted[k], bh[k], "bh", i);
        assert_int_equal(ipm_holm(p, n, p), 0); /* in place */
        for (size_t k = 0; k < n; k++)
            assert_close(p[k], holm[k], "holm in place", i);
    }
    assert_int_equal(ipm_holm(NULL, 0, NULL), 0);
    assert_int_equal(ipm_benjamini_hochberg(NULL, 0, NULL), 0);
}

static void shares_match(void **state)
{
    (void)state;
    skip_without_gsl();
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(vectors, "share"), i, row)
    {
        size_t hits = (size_t)number(row, "hits");
        size_t n = (size_t)number(row, "n");
        double low = ipm_share_lower(hits, n, number(row, "tail"));
        double high = ipm_share_upper(hits, n, number(row, "tail"));
        if (fabs(low - number(row, "low")) > 1e-9 ||
            fabs(high - number(row, "high")) > 1e-9)
            fail_msg("share %zu: [%.12g, %.12g]", i, low, high);
    }
    /* GSL's own inverse gives up at 16 of 500, among others. */
    for (size_t hits = 1; hits < 500; hits++) {
        double share = (double)hits / 500;
        assert_true(ipm_share_lower(hits, 500, 0.025) < share);
        assert_true(ipm_share_upper(hits, 500, 0.025) > share);
    }
    assert_true(isnan(ipm_share_lower(0, 0, 0.025)));
    assert_true(isnan(ipm_share_upper(0, 0, 0.025)));
}

static void needs_and_constants(void **state)
{
    (void)state;
    assert_int_equal(ipm_sign_test_needs(0.5), 1);
    assert_int_equal(ipm_sign_test_needs(0.49), 2);
    assert_int_equal(ipm_sign_test_needs(0.05), 5);
    assert_int_equal(ipm_sign_test_needs(0.01 / 16), 11);
    skip_without_gsl();
    assert_true(fabs(ipm_normal_reach(0.95) - 1.959963984540054) < 1e-12);
    /* The median of |N(0, 1)|. */
    assert_true(fabs(ipm_root_mean_square_median(1) - 0.674489750196082) < 1e-9);
    assert_true(fabs(ipm_root_mean_square_median(100000) - 1) < 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_tests_match),
        cmocka_unit_test(rank_tests_match),
        cmocka_unit_test(rank_tests_reach_their_least),
        cmocka_unit_test(adjustments_match),
        cmocka_unit_test(shares_match),
        cmocka_unit_test(needs_and_constants),
    };
    return cmocka_run_group_tests(tests, load_vectors, drop_vectors);
}
