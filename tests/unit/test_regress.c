/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regressions against tests/golden/regress_vectors.json, made in exact rational arithmetic. */
#include "analysis/models/regress.h"
#include "analysis/models/segments.h"
#include "analysis/models/time_draw.h"
#include "analysis/stats.h"
#include "tests/support/test.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

enum { MOST = 256 };

static json_t *vectors;

static int load(void **state)
{
    (void)state;
    vectors = json_load_file(IPM_SOURCE "/tests/golden/regress_vectors.json", 0, NULL);
    return vectors == NULL ? -1 : 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static void needs_gsl(void)
{
#if !IPM_HAVE_GSL
    print_message("skipped: built without GSL\n");
    skip();
#endif
}

static size_t numbers(const json_t *object, const char *key, double *values)
{
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(object, key), i, value)
    {
        assert_true(i < 4 * MOST);
        values[i] = json_is_null(value) ? NAN : json_number_value(value);
    }
    return json_array_size(json_object_get(object, key));
}

static double number(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static void assert_close(double got, double wanted)
{
    if (!(fabs(got - wanted) <= 1e-9 * fmax(1, fabs(wanted))))
        fail_msg("%.17g instead of %.17g", got, wanted);
}

static void lines_match_the_vectors(void **state)
{
    (void)state;
    needs_gsl();
    size_t i;
    json_t *line;
    size_t n_lines = json_array_size(json_object_get(vectors, "lines"));
    assert_true(n_lines >= 100);
    json_array_foreach(json_object_get(vectors, "lines"), i, line)
    {
        double design[4 * MOST];
        double values[4 * MOST];
        double errors[4 * MOST];
        double times[4 * MOST];
        double wanted[4 * MOST];
        struct ipm_regress_fit fit;
        struct ipm_regress_rows rows = {.n = numbers(line, "values", values),
                                        .p = (size_t)number(line, "p"),
                                        .design = design,
                                        .values = values,
                                        .errors = errors};
        (void)numbers(line, "design", design);
        (void)numbers(line, "errors", errors);
        if (numbers(line, "times", times) > 0)
            rows.times = times;
        assert_int_equal(ipm_regress_least_squares(&rows, &fit), 0);
        double again[IPM_REGRESS_MOST] = {0};
        const struct ipm_regress_groups groups = {.n = rows.n,
                                                  .p = rows.p,
                                                  .design = design,
                                                  .values = values,
                                                  .errors = errors,
                                                  .times = rows.times};
        assert_int_equal(ipm_regress_again(&groups, INFINITY, again), 0);
        (void)numbers(line, "c", wanted);
        for (size_t k = 0; k < rows.p; k++) {
            assert_close(fit.c[k], wanted[k]);
            assert_true(fabs(again[k] - wanted[k]) <= 1e-6 * fmax(1, fabs(wanted[k])));
        }
        (void)numbers(line, "se", wanted);
        for (size_t k = 0; k < rows.p; k++)
            assert_close(fit.se[k], wanted[k]);
        (void)numbers(line, "vif", wanted);
        assert_true(isnan(fit.vif[0]));
        for (size_t k = 1; k < rows.p; k++)
            assert_close(fit.vif[k], wanted[k]);
        assert_close(fit.chi_square, number(line, "chi_square"));
        assert_close(fit.dof, number(line, "dof"));
        assert_close(fit.sigma, number(line, "sigma"));
    }
    print_message("%zu lines\n", n_lines);
}

static void scores_match_the_vectors(void **state)
{
    (void)state;
    needs_gsl();
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(vectors, "scores"), i, one)
    {
        double sizes[4 * MOST];
        double errors[4 * MOST];
        double values[4 * MOST];
        struct ipm_segments_search search;
        struct ipm_segments_choice choice;
        size_t n = numbers(one, "sizes", sizes);
        (void)numbers(one, "errors", errors);
        (void)numbers(one, "values", values);
        assert_int_equal(ipm_segments_open(sizes, errors, n, NULL, 0, &search), 0);
        assert_int_equal(ipm_segments_choose(&search, values, 3, &choice), 0);
        assert_close(choice.straight.aicc, number(one, "aicc"));
        assert_close(choice.straight.left_out, number(one, "left_out"));
        ipm_segments_close(&search);
    }
}

/* All places for so many breaks, counted by hand; of many sizes fewer breaks, so that they stay
 * a number that a bootstrap can fit. */
static void shapes_are_all_or_bounded(void **state)
{
    static const struct {
        size_t n, n_shapes, most_breaks;
    } rows[] = {{8, 1 + 2, 1},          {24, 1 + 34 + 364 + 1320, 3},
                {33, 1 + 52 + 1012, 2}, {60, 1 + 106 + 4900, 2},
                {81, 1 + 148, 1},       {200, 1 + 386, 1}};
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        double sizes[200];
        double errors[200];
        struct ipm_segments_search search;
        for (size_t k = 0; k < rows[i].n; k++) {
            sizes[k] = (double)(k + 1);
            errors[k] = 1;
        }
        assert_int_equal(ipm_segments_open(sizes, errors, rows[i].n, NULL, 0, &search),
                         0);
        size_t most = 0;
        for (size_t k = 0; k < search.n_shapes; k++)
            most = search.shapes[k].n_breaks > most ? search.shapes[k].n_breaks : most;
        assert_int_equal(search.n_shapes, rows[i].n_shapes);
        assert_int_equal(most, rows[i].most_breaks);
        ipm_segments_close(&search);
    }
}

/* Each shape's sum of squares, taken from that of the shape before it, is that of a fit. */
static void sums_of_squares_are_those_of_fits(void **state)
{
    enum { SIZES = 20 };
    double sizes[SIZES];
    double errors[SIZES];
    double values[SIZES];
    double design[SIZES * IPM_REGRESS_MOST];
    struct ipm_segments_search search;
    struct ipm_segments_choice choice;
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < SIZES; i++) {
        sizes[i] = (double)(64u << i);
        double time = 2500 + 0.1 * sizes[i] + (i > 9 ? 0.2 * (sizes[i] - 40000) : 0);
        errors[i] = 0.01 * time * (1 + 0.3 * (double)(i % 3));
        values[i] = time + errors[i] * sin((double)(7 * i * i + 1));
    }
    assert_int_equal(ipm_segments_open(sizes, errors, SIZES, NULL, 0, &search), 0);
    assert_int_equal(ipm_segments_choose(&search, values, IPM_SEGMENTS_BREAKS, &choice),
                     0);
    assert_true(search.n_shapes > 300);
    for (size_t i = 0; i < search.n_shapes; i++) {
        struct ipm_regress_fit fit;
        const struct ipm_regress_rows rows = {
            .n = SIZES,
            .p = ipm_segments_columns(&search.shapes[i]),
            .design = design,
            .values = values,
            .errors = errors};
        for (size_t k = 0; k < SIZES; k++)
            ipm_segments_row(&search.shapes[i], sizes[k], &design[k * rows.p]);
        assert_int_equal(ipm_regress_least_squares(&rows, &fit), 0);
        assert_true(fabs(search.squares[i] - fit.chi_square) <=
                    1e-9 * (1 + fit.chi_square));
    }
    size_t again;
    assert_int_equal(ipm_segments_again(&search, values, IPM_SEGMENTS_BREAKS, &again),
                     0);
    assert_int_equal(again, choice.chosen);
    assert_int_equal(ipm_segments_again(&search, values, 0, &again), 0);
    assert_int_equal(again, 0);
    ipm_segments_close(&search);
}

/* Rows of one size side by side are what they are one by one. */
static void groups_are_their_rows(void **state)
{
    static const size_t counts[] = {3, 1, 4, 2};
    static const double x[] = {1, 5, 1, 7, 1, 12, 1, 20};
    static const double size_errors[] = {0.5, 0.7, 1, 2};
    double design[20];
    double values[10];
    double errors[10];
    double times[10];
    double together[IPM_REGRESS_MOST] = {3, 2};
    double apart[IPM_REGRESS_MOST] = {3, 2};
    size_t row = 0;
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < counts[i]; k++, row++) {
            memcpy(&design[2 * row], &x[2 * i], 2 * sizeof(*x));
            errors[row] = size_errors[i];
            times[row] = (double)(row % 3);
            values[row] = 3 + 2 * x[2 * i + 1] + size_errors[i] * sin((double)row);
        }
    }
    struct ipm_regress_groups groups = {4, 2, x, size_errors, counts, values, times};
    assert_int_equal(ipm_regress_again(&groups, 0.8, together), 0);
    groups = (struct ipm_regress_groups){row, 2, design, errors, NULL, values, times};
    assert_int_equal(ipm_regress_again(&groups, 0.8, apart), 0);
    for (size_t k = 0; k < 2; k++)
        assert_true(fabs(together[k] - apart[k]) <= 1e-9);
}

static void student_matches_the_vectors(void **state)
{
    (void)state;
    needs_gsl();
    size_t i;
    json_t *one;
    assert_true(json_array_size(json_object_get(vectors, "student")) >= 100);
    json_array_foreach(json_object_get(vectors, "student"), i, one) assert_close(
        ipm_student(number(one, "n") - 1, number(one, "level")), number(one, "t"));
}

static void lack_of_fit_matches_the_vectors(void **state)
{
    (void)state;
    needs_gsl();
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(vectors, "lack"), i, one)
    {
        double design[4 * MOST];
        double values[4 * MOST];
        double errors[4 * MOST];
        double weights[4 * MOST];
        double sizes[4 * MOST];
        size_t counts[MOST];
        struct ipm_time_lack lack;
        struct ipm_regress_rows rows = {.n = numbers(one, "values", values),
                                        .p = 2,
                                        .design = design,
                                        .values = values,
                                        .errors = errors};
        size_t n = numbers(one, "counts", sizes);
        for (size_t k = 0; k < n; k++)
            counts[k] = (size_t)sizes[k];
        (void)numbers(one, "design", design);
        (void)numbers(one, "errors", errors);
        (void)numbers(one, "weights", weights);
        assert_int_equal(ipm_time_lack_of_fit(&rows, weights, counts, n, 2, &lack), 0);
        assert_close(lack.f, number(one, "f"));
        assert_close(lack.dof_fit, number(one, "dof_fit"));
        assert_close(lack.dof_pure, number(one, "dof_pure"));
        assert_close(lack.p, number(one, "p"));
        assert_true(lack.p < IPM_TIME_ALPHA ? lack.widening > 1 : !(lack.widening > 1));
    }
}

/* One value in ten is far off: the line through the others comes out, and those weigh
 * nothing. */
static void gross_outliers_weigh_nothing(void **state)
{
    double design[2 * 40];
    double values[40];
    double errors[40];
    double weights[40];
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < 40; i++) {
        design[2 * i] = 1;
        design[2 * i + 1] = (double)i;
        values[i] = 100 + 5 * (double)i + (i % 2 == 0 ? 0.1 : -0.1);
        values[i] *= i % 10 == 3 ? 3 : 1;
        errors[i] = 0.01 * (100 + 5 * (double)i);
    }
    struct ipm_regress_rows rows = {
        .n = 40, .p = 2, .design = design, .values = values, .errors = errors};
    struct ipm_regress_fit robust;
    struct ipm_regress_fit plain;
    assert_int_equal(ipm_regress_robust(&rows, &robust, weights), 0);
    assert_int_equal(ipm_regress_least_squares(&rows, &plain), 0);
    assert_true(robust.converged);
    assert_int_equal(robust.rejected, 4);
    assert_true(fabs(robust.c[1] / 5 - 1) < 0.01);
    assert_true(fabs(plain.c[1] / 5 - 1) > 0.05);
    for (size_t i = 0; i < 40; i++)
        assert_true((weights[i] > 0) == (i % 10 != 3));
}

static void what_cannot_be_fitted_is_said(void **state)
{
    static const double design[] = {1, 2, 1, 2, 1, 2, 1, 2};
    static const double values[] = {1, 2, 3, 4};
    static const double errors[] = {1, 1, 1, 1};
    struct ipm_regress_rows rows = {
        .n = 4, .p = 2, .design = design, .values = values, .errors = errors};
    struct ipm_regress_fit fit;
    (void)state;
    needs_gsl();
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), IPM_REGRESS_SINGULAR);
    rows.n = 2;
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), IPM_REGRESS_SINGULAR);
    rows.p = IPM_REGRESS_MOST + 1;
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), -EINVAL);
}

/* The robust fit says the same of columns that depend, and rows that count for nothing are no
 * rows. */
static void what_only_looks_like_enough_is_said(void **state)
{
    double design[20 * 3];
    double values[20];
    double errors[20];
    double times[20] = {1, 1, 1};
    double weights[20];
    struct ipm_regress_fit fit;
    struct ipm_regress_rows rows = {
        .n = 20, .p = 3, .design = design, .values = values, .errors = errors};
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < 20; i++) {
        design[3 * i] = 1;
        design[3 * i + 1] = (double)i;
        design[3 * i + 2] = 3 + 2 * (double)i;
        values[i] = (double)(i + i % 3);
        errors[i] = 1;
    }
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), IPM_REGRESS_SINGULAR);
    assert_int_equal(ipm_regress_robust(&rows, &fit, weights), IPM_REGRESS_SINGULAR);

    for (size_t i = 0; i < 20; i++)
        design[3 * i + 2] = (double)(i * i);
    assert_int_equal(ipm_regress_robust(&rows, &fit, weights), 0);
    rows.times = times; /* three rows for three columns */
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), IPM_REGRESS_SINGULAR);
    times[3] = 1;
    assert_int_equal(ipm_regress_least_squares(&rows, &fit), 0);
    assert_true(fit.dof == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_match_the_vectors),
        cmocka_unit_test(scores_match_the_vectors),
        cmocka_unit_test(shapes_are_all_or_bounded),
        cmocka_unit_test(sums_of_squares_are_those_of_fits),
        cmocka_unit_test(groups_are_their_rows),
        cmocka_unit_test(student_matches_the_vectors),
        cmocka_unit_test(lack_of_fit_matches_the_vectors),
        cmocka_unit_test(gross_outliers_weigh_nothing),
        cmocka_unit_test(what_cannot_be_fitted_is_said),
        cmocka_unit_test(what_only_looks_like_enough_is_said),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
