/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest.h"
#include "analysis/summary.h"
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

static size_t numbers(const json_t *list, double *values)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++)
        values[i] = json_number_value(json_array_get(list, i));
    return n;
}

/* More than 200 cases with ties, 1 .. 20 values a side, computed in exact fractions. */
static void shifts_match_the_vectors(void **state)
{
    (void)state;
    json_t *vectors =
        json_load_file(IPM_SOURCE "/tests/golden/shift_vectors.json", 0, NULL);
    assert_non_null(vectors);
    double level = json_number_value(json_object_get(vectors, "level"));
    json_t *cases = json_object_get(vectors, "cases");
    assert_true(json_array_size(cases) > 200);
    size_t i;
    json_t *row;
    json_array_foreach(cases, i, row)
    {
        double a[32];
        double b[32];
        size_t n_a = numbers(json_object_get(row, "a"), a);
        size_t n_b = numbers(json_object_get(row, "b"), b);
        struct ipm_estimate estimate;
        assert_int_equal(ipm_estimate_shift(a, n_a, b, n_b, level, &estimate), 0);
        if (!close_to(estimate.value, json_object_get(row, "value")) ||
            !close_to(estimate.low, json_object_get(row, "low")) ||
            !close_to(estimate.high, json_object_get(row, "high")) ||
            (json_object_get(row, "low") != NULL &&
             !close_to(estimate.level, json_object_get(row, "level"))))
            fail_msg("case %zu, %zu and %zu: %.12g [%.12g, %.12g] at %.12g", i, n_a,
                     n_b, estimate.value, estimate.low, estimate.high, estimate.level);
        assert_int_equal(estimate.reason[0] == '\0', !isnan(estimate.low));
    }
    json_decref(vectors);
}

/* Where the ranks are approximate: 21 and 20 evenly spaced values, ranks by hand. */
static void many_values_use_the_normal_ranks(void **state)
{
    double a[21];
    double b[20];
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(a); i++)
        a[i] = (double)i;
    for (size_t i = 0; i < IPM_TEST_ROWS(b); i++)
        b[i] = 100 + (double)i;
    struct ipm_estimate estimate;
    assert_int_equal(ipm_estimate_shift(a, 21, b, 20, 0.95, &estimate), 0);
    assert_true(fabs(estimate.value - 99.5) < 1e-12);
#if IPM_HAVE_GSL
    /* 210 - 1.96 sqrt(420 * 42 / 12) = 134.9: the 134th difference from below. */
    size_t below = 0;
    for (size_t i = 0; i < IPM_TEST_ROWS(a); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(b); k++)
            below += b[k] - a[i] < estimate.low;
    }
    assert_true(below < 134);
    size_t held = 0;
    for (size_t i = 0; i < IPM_TEST_ROWS(a); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(b); k++)
            held += b[k] - a[i] <= estimate.low;
    }
    assert_true(held >= 134);
    assert_true(fabs(estimate.low + estimate.high - 2 * 99.5) < 1e-9);
#endif
    assert_int_equal(ipm_estimate_shift(a, 0, b, 20, 0.95, &estimate), 0);
    assert_true(isnan(estimate.value) && isnan(estimate.low));
}

enum { VALUES = 6 };

static struct ipm_entrant entrant(const struct ipm_point *point, double *costs,
                                  double median)
{
    struct ipm_entrant made = {.point = point, .costs = costs, .n_costs = VALUES};
    for (size_t i = 0; i < VALUES; i++)
        costs[i] = log(median) + 0.001 * ((double)i - 2.5);
    made.figure = (struct ipm_estimate){.value = median, .n = VALUES};
    return made;
}

/* Medians of entrants against what is to come out. */
static void verdicts(void **state)
{
    static const struct {
        double medians[3];
        size_t n;
        bool more_is_better;
        enum ipm_verdict verdict;
        size_t n_tied;
        double best;
    } cases[] = {
        {{0}, 0, false, IPM_VERDICT_NONE, 0, 0},
        {{7}, 1, false, IPM_VERDICT_ALONE, 1, 7},
        {{200, 100, 300}, 3, false, IPM_VERDICT_WINNER, 1, 100},
        {{200, 100, 300}, 3, true, IPM_VERDICT_WINNER, 1, 300},
        {{103, 100, 300}, 3, false, IPM_VERDICT_TIE, 2, 100}, /* below the margin */
        {{103, 100, 102}, 3, false, IPM_VERDICT_TIE, 3, 100},
        {{100, 100, 106}, 3, false, IPM_VERDICT_TIE, 2, 100},
        {{106, 100}, 2, false, IPM_VERDICT_WINNER, 1, 100},
    };
    static const struct ipm_point point = {.id = "p",
                                           .factors = {.workload = "",
                                                       .mechanism = "",
                                                       .wait = "",
                                                       .placement = "",
                                                       .touch = "",
                                                       .policy = "",
                                                       .rate = "",
                                                       .options = ""}};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        double costs[3][VALUES];
        struct ipm_contest contest = {
            .n = cases[i].n, .entrants = calloc(3, sizeof(struct ipm_entrant))};
        assert_non_null(contest.entrants);
        for (size_t k = 0; k < cases[i].n; k++) {
            contest.entrants[k] = entrant(&point, costs[k], cases[i].medians[k]);
            for (size_t v = 0; v < VALUES && cases[i].more_is_better; v++)
                costs[k][v] = -costs[k][v];
        }
        assert_int_equal(ipm_contest_judge(&contest, cases[i].more_is_better), 0);
        assert_int_equal(contest.verdict, cases[i].verdict);
        assert_int_equal(contest.n_tied, cases[i].n_tied);
        if (contest.n > 0)
            assert_true(contest.entrants[0].figure.value == cases[i].best);
        if (contest.n > 1)
            assert_true(ipm_contest_runner_up(&contest)->behind.value >= 1);
        ipm_contest_fini(&contest);
    }
}

/* An interval that holds 1 is a tie however far the medians are apart; so is none at all. */
static void what_cannot_be_told_is_a_tie(void **state)
{
    static const struct ipm_point point = {.id = "p",
                                           .factors = {.workload = "",
                                                       .mechanism = "",
                                                       .wait = "",
                                                       .placement = "",
                                                       .touch = "",
                                                       .policy = "",
                                                       .rate = "",
                                                       .options = ""}};
    double costs[2][VALUES];
    (void)state;
    for (size_t n = 3; n <= VALUES; n += 3) {
        struct ipm_contest contest = {
            .n = 2, .entrants = calloc(2, sizeof(struct ipm_entrant))};
        assert_non_null(contest.entrants);
        contest.entrants[0] = entrant(&point, costs[0], 100);
        contest.entrants[1] = entrant(&point, costs[1], 150);
        for (size_t i = 0; i < VALUES && n == VALUES; i++)
            costs[1][i] += i % 2 == 0 ? 1 : -1;
        contest.entrants[0].n_costs = contest.entrants[1].n_costs = n;
        assert_int_equal(ipm_contest_judge(&contest, false), 0);
        assert_int_equal(contest.verdict, IPM_VERDICT_TIE);
        assert_int_equal(isnan(contest.entrants[1].behind.low), n == 3);
        ipm_contest_fini(&contest);
    }
}

/* One value, far off or the least, neither wins nor keeps others from winning; where nobody has
 * enough, all tie. */
static void too_few_are_not_compared(void **state)
{
    static const struct ipm_point point = {.id = "p",
                                           .factors = {.workload = "",
                                                       .mechanism = "",
                                                       .wait = "",
                                                       .placement = "",
                                                       .touch = "",
                                                       .policy = "",
                                                       .rate = "",
                                                       .options = ""}};
    static const struct {
        double medians[3];
        size_t values[3], n, n_judged;
        enum ipm_verdict verdict;
        double best;
    } cases[] = {
        {{100, 200, 9000}, {VALUES, VALUES, 1}, 3, 2, IPM_VERDICT_WINNER, 100},
        {{100, 200, 10}, {VALUES, VALUES, 1}, 3, 2, IPM_VERDICT_WINNER, 100},
        {{100, 200, 10}, {VALUES, 3, 1}, 3, 1, IPM_VERDICT_ALONE, 100},
        {{100, 200, 10}, {2, 3, 1}, 3, 3, IPM_VERDICT_TIE, 10},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        double costs[3][VALUES];
        struct ipm_contest contest = {
            .n = cases[i].n, .entrants = calloc(3, sizeof(struct ipm_entrant))};
        assert_non_null(contest.entrants);
        for (size_t k = 0; k < cases[i].n; k++) {
            contest.entrants[k] = entrant(&point, costs[k], cases[i].medians[k]);
            contest.entrants[k].n_costs = cases[i].values[k];
        }
        assert_int_equal(ipm_contest_judge(&contest, false), 0);
        assert_int_equal(contest.verdict, cases[i].verdict);
        assert_int_equal(contest.n_judged, cases[i].n_judged);
        assert_true(contest.entrants[0].figure.value == cases[i].best);
        for (size_t k = contest.n_judged; k < contest.n; k++)
            assert_false(contest.entrants[k].tied);
        assert_int_equal(ipm_contest_runner_up(&contest) != NULL,
                         cases[i].n_judged > 1);
        ipm_contest_fini(&contest);
    }
}

/* Means with standard errors of 1 % and 2 %, n = 6: the delta method by hand. */
static void means_are_compared_by_their_errors(void **state)
{
    static const struct ipm_point point = {.id = "p",
                                           .factors = {.workload = "",
                                                       .mechanism = "",
                                                       .wait = "",
                                                       .placement = "",
                                                       .touch = "",
                                                       .policy = "",
                                                       .rate = "",
                                                       .options = ""}};
    (void)state;
    struct ipm_contest contest = {.n = 2,
                                  .entrants = calloc(2, sizeof(struct ipm_entrant))};
    assert_non_null(contest.entrants);
    const double t = 2.570581835636314; /* t(5, 0.975) */
    contest.entrants[0] = (struct ipm_entrant){
        .point = &point,
        .figure = {.value = 3, .low = 3 - t * 0.06, .high = 3 + t * 0.06, .n = 6}};
    contest.entrants[1] = (struct ipm_entrant){
        .point = &point,
        .figure = {.value = 2, .low = 2 - t * 0.02, .high = 2 + t * 0.02, .n = 6}};
    assert_int_equal(ipm_contest_judge(&contest, false), 0);
    assert_true(contest.entrants[0].figure.value == 2);
    const struct ipm_estimate *behind = &contest.entrants[1].behind;
    assert_true(fabs(behind->value - 1.5) < 1e-12);
#if IPM_HAVE_GSL
    double reach = t * sqrt(0.01 * 0.01 + 0.02 * 0.02);
    assert_int_equal(contest.verdict, IPM_VERDICT_WINNER);
    assert_true(fabs(behind->low - 1.5 * exp(-reach)) < 1e-9);
    assert_true(fabs(behind->high - 1.5 * exp(reach)) < 1e-9);
#else
    assert_int_equal(contest.verdict, IPM_VERDICT_TIE);
#endif
    ipm_contest_fini(&contest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifts_match_the_vectors),
        cmocka_unit_test(many_values_use_the_normal_ranks),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(what_cannot_be_told_is_a_tie),
        cmocka_unit_test(too_few_are_not_compared),
        cmocka_unit_test(means_are_compared_by_their_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
