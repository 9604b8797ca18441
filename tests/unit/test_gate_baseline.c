/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_baseline: against tests/golden/baseline_vectors.json, what it says when, and how often it
 * is wrong. */
#include "analysis/gate_baseline.h"
#include "analysis/significance.h"
#include "base/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

enum { SESSIONS = 24, POINTS = 14, CONTROLS = 2, SUITES = 2000 };

static void skip_without_gsl(void)
{
    if (isnan(ipm_student_tail(1, 1))) {
        print_message("skipped: built without GSL\n");
        skip();
    }
}

/* A suite that a test fills. */
struct suite {
    struct ipm_gate_params params;
    struct ipm_gate_point points[POINTS];
    struct ipm_baseline_series series[POINTS];
    double baseline[POINTS][SESSIONS], candidate[POINTS][SESSIONS];
    size_t n_points, n, m;
};

static const char *const mechanisms[] = {"pipe", "unix_stream", "posix_mq", "shm_ring"};

/* The last @controls of the points are floors. */
static void lay_out(struct suite *suite, size_t n_points, size_t controls, size_t n,
                    size_t m)
{
    *suite = (struct suite){
        .params = ipm_gate_defaults, .n_points = n_points, .n = n, .m = m};
    for (size_t i = 0; i < n_points; i++) {
        bool control = i + controls >= n_points;
        suite->points[i] = (struct ipm_gate_point){.id = "0",
                                                   .label = control ? "floor" : "point",
                                                   .metric = "operation_p50_ns",
                                                   .unit = "ns",
                                                   .control = control,
                                                   .noise = NAN,
                                                   .smallest_effect = NAN};
        suite->series[i] = (struct ipm_baseline_series){
            .mechanism = control ? "floor" : mechanisms[i % 4],
            .baseline = suite->baseline[i],
            .candidate = suite->candidate[i]};
    }
}

static void judge(const struct suite *suite, struct ipm_baseline_result *result)
{
    assert_int_equal(ipm_baseline_judge(&suite->params, suite->points, suite->series,
                                        suite->n_points, suite->n, suite->m, result,
                                        NULL),
                     0);
}

static void assert_near(double value, double exact, const char *what, size_t index)
{
    if (!(fabs(value - exact) <= 1e-9 * fmax(1e-3, fabs(exact))))
        fail_msg("%s %zu: %.17g, not %.17g", what, index, value, exact);
}

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static void vectors_match(void **state)
{
    (void)state;
    skip_without_gsl();
    json_t *vectors =
        json_load_file(IPM_SOURCE "/tests/golden/baseline_vectors.json", 0, NULL);
    size_t i;
    size_t k;
    const json_t *row;
    const json_t *value;
    assert_true(json_array_size(json_object_get(vectors, "student_tail")) >= 30);
    json_array_foreach(json_object_get(vectors, "student_tail"), i, row)
        assert_near(ipm_student_tail(number(row, "t"), number(row, "freedom")),
                    number(row, "p"), "tail", i);
    assert_true(json_array_size(json_object_get(vectors, "suites")) >= 6);
    json_array_foreach(json_object_get(vectors, "suites"), i, row)
    {
        static struct suite suite;
        struct ipm_baseline_result result;
        const json_t *points = json_object_get(row, "points");
        const json_t *first = json_array_get(points, 0);
        lay_out(&suite, json_array_size(points), 0,
                json_array_size(json_object_get(first, "baseline")),
                json_array_size(json_object_get(first, "candidate")));
        suite.params.margin = number(row, "margin");
        const json_t *point;
        json_array_foreach(points, k, point)
        {
            size_t at;
            suite.series[k].mechanism = "pipe";
            json_array_foreach(json_object_get(point, "baseline"), at, value)
                suite.baseline[k][at] = json_number_value(value);
            json_array_foreach(json_object_get(point, "candidate"), at, value)
                suite.candidate[k][at] = json_number_value(value);
        }
        judge(&suite, &result);
        json_array_foreach(points, k, point)
        {
            assert_near(result.gate.findings[k].effect.value, number(point, "effect"),
                        "effect", i);
            assert_near(result.findings[k].scatter, number(point, "scatter"), "scatter",
                        i);
            assert_near(result.findings[k].error, number(point, "error"), "error", i);
            assert_near(result.gate.findings[k].p, number(point, "p"), "p", i);
        }
        ipm_baseline_result_fini(&result);
    }
    json_decref(vectors);
}

/* Two standard normal values (Box and Muller). */
static double normal(uint64_t *random)
{
    double u = ((double)(ipm_random_next(random) >> 11) + 0.5) / 0x1p53;
    double v = (double)(ipm_random_next(random) >> 11) / 0x1p53;
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

/* How sessions of a machine scatter. */
struct scatter {
    const char *name;
    double point;  /* sd of each point by itself */
    double uneven; /* sd of its logarithm over the points: some are far noisier */
    double common; /* sd of what a session does to all points */
    bool heavy;    /* each by Student's t of 3 degrees */
};

static double draw(const struct scatter *scatter, uint64_t *random)
{
    double value = normal(random);
    if (scatter->heavy) {
        double square = 0;
        for (int i = 0; i < 3; i++) {
            double other = normal(random);
            square += other * other;
        }
        value /= sqrt(square / 3);
    }
    return value;
}

/* @slower: of the point 0, a logarithm. */
static void fill(struct suite *suite, const struct scatter *scatter, double slower,
                 uint64_t *random)
{
    double sd[POINTS];
    for (size_t i = 0; i < suite->n_points; i++)
        sd[i] = scatter->point * exp(scatter->uneven * normal(random));
    for (size_t s = 0; s < suite->n + suite->m; s++) {
        double common = scatter->common * draw(scatter, random);
        for (size_t i = 0; i < suite->n_points; i++) {
            double cost = common + sd[i] * draw(scatter, random);
            if (s < suite->n)
                suite->baseline[i][s] = 1000 * exp(cost);
            else
                suite->candidate[i][s - suite->n] =
                    1000 * exp(cost + (i == 0 ? slower : 0));
        }
    }
}

static const struct scatter scatters[] = {
    {.name = "quiet, 1 %", .point = 0.01},
    {.name = "5 %", .point = 0.05},
    {.name = "uneven, 3 % to e", .point = 0.03, .uneven = 1},
    {.name = "sessions as a whole, 5 %", .point = 0.01, .common = 0.05},
    {.name = "heavy tails, 5 %", .point = 0.05, .heavy = true},
};

/* Suites of 12 points and 2 control points, in which there is nothing to find.  Where sessions
 * have tails that no test of one new session can tell from a change, twice as many. */
static void false_alarms(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    static const size_t sizes[][2] = {{5, 1}, {20, 1}, {5, 3}, {20, 2}};
    for (size_t k = 0; k < IPM_TEST_ROWS(scatters); k++) {
        for (size_t size = 0; size < IPM_TEST_ROWS(sizes); size++) {
            uint64_t random = 900 + k;
            size_t verdicts[IPM_GATE_VERDICTS] = {0};
            size_t called = 0;
            size_t most = scatters[k].heavy ? 2 : 1; /* percent */
            for (size_t i = 0; i < SUITES; i++) {
                struct ipm_baseline_result result;
                lay_out(&suite, POINTS, CONTROLS, sizes[size][0], sizes[size][1]);
                fill(&suite, &scatters[k], 0, &random);
                judge(&suite, &result);
                verdicts[result.gate.verdict]++;
                called += result.gate.n_verdicts[IPM_GATE_REGRESSION] > 0;
                ipm_baseline_result_fini(&result);
            }
            print_message("A/A %-26s n %2zu m %zu: regression %5.2f %%, environment "
                          "%.2f %%, pass %.1f %%\n",
                          scatters[k].name, sizes[size][0], sizes[size][1],
                          100.0 * (double)called / SUITES,
                          100.0 * (double)verdicts[IPM_GATE_ENVIRONMENT] / SUITES,
                          100.0 * (double)verdicts[IPM_GATE_PASS] / SUITES);
            assert_true(called * 100 <= most * SUITES);
            assert_true(verdicts[IPM_GATE_ENVIRONMENT] * 100 <= 2 * most * SUITES);
            assert_int_equal(verdicts[IPM_GATE_ERROR], 0);
        }
    }
}

/* What is planted in one point is called there, more often the more sessions there are; a
 * point that is slower by the smallest effect passes in at most 1 of 40 sessions. */
static void power(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    enum { DRAWS = 1000 };
    static const struct {
        double slower;
        size_t n, m;
        double least, most; /* share of suites in which it is called; with much room */
    } rows[] = {
        {0.05, 5, 1, 0, 0.2},  {0.10, 5, 1, 0.2, 0.6},  {0.15, 5, 1, 0.8, 1},
        {0.30, 5, 1, 0.99, 1}, {0.10, 20, 1, 0.3, 0.9}, {0.15, 20, 1, 0.98, 1},
        {0.10, 5, 2, 0.6, 1},  {0.05, 20, 2, 0.2, 0.9}, {0.10, 20, 2, 0.99, 1},
        {0.05, 20, 3, 0.4, 1}, {0.10, 20, 3, 0.99, 1},
    };
    for (size_t k = 0; k < IPM_TEST_ROWS(rows); k++) {
        uint64_t random = 77;
        size_t called = 0;
        size_t passed = 0;
        size_t wrong = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            struct ipm_baseline_result result;
            lay_out(&suite, POINTS, CONTROLS, rows[k].n, rows[k].m);
            fill(&suite, &scatters[0], log1p(rows[k].slower), &random);
            judge(&suite, &result);
            called += result.gate.findings[0].verdict == IPM_GATE_REGRESSION;
            passed += result.gate.findings[0].verdict == IPM_GATE_PASS;
            for (size_t p = 1; p < POINTS; p++)
                wrong += result.gate.findings[p].verdict == IPM_GATE_REGRESSION;
            ipm_baseline_result_fini(&result);
        }
        double share = (double)called / DRAWS;
        print_message(
            "scatter 1 %%, +%.0f %%, n %zu m %zu: called %.1f %%, passed %.2f "
            "%%, wrong points %zu\n",
            100 * rows[k].slower, rows[k].n, rows[k].m, 100 * share,
            100.0 * (double)passed / DRAWS, wrong);
        assert_true(share >= rows[k].least && share <= rows[k].most);
        assert_true(passed * 20 <= DRAWS);
        assert_true(wrong * 100 <= DRAWS);
    }
}

/* Five sessions of 1, 2, 3, 4, 5 tenths of a percent, in all points; the candidate as told. */
static void plain(struct suite *suite, size_t n, double candidate)
{
    lay_out(suite, 4, 1, n, 1);
    for (size_t i = 0; i < suite->n_points; i++) {
        for (size_t s = 0; s < n; s++)
            suite->baseline[i][s] = 1000 + (double)((s * 2) % 5);
        suite->candidate[i][0] = 1002;
    }
    suite->candidate[1][0] = candidate;
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, text);
}

static void verdicts(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    struct ipm_baseline_result result;
    plain(&suite, 5, 1300);
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_REGRESSION);
    assert_int_equal(result.gate.findings[1].verdict, IPM_GATE_REGRESSION);
    assert_int_equal(result.gate.n_verdicts[IPM_GATE_PASS], 2);
    assert_int_equal(result.gate.findings[1].change, IPM_GATE_WORSE);
    assert_says(result.gate.sentence, "1 of 3 points cost more: point: +30 %");
    ipm_baseline_result_fini(&result);
    ipm_baseline_result_fini(&result);

    plain(&suite, 5, 700);
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_PASS);
    assert_int_equal(result.gate.findings[1].change, IPM_GATE_BETTER);
    ipm_baseline_result_fini(&result);

    plain(&suite, 5, 1300);
    suite.candidate[3][0] = 1500;
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_ENVIRONMENT);
    suite.candidate[3][0] = 500; /* faster is as bad */
    ipm_baseline_result_fini(&result);
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_ENVIRONMENT);
    ipm_baseline_result_fini(&result);

    /* Beyond its interval and not after the correction. */
    plain(&suite, 5, 1027.9);
    suite.params.smallest_effect = 0.028;
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_INCONCLUSIVE);
    assert_says(result.gate.findings[1].reason, "probably above the margin");
    ipm_baseline_result_fini(&result);

    /* An error is no regression, whatever else there is. */
    plain(&suite, 5, 1300);
    suite.candidate[3][0] = 500;
    suite.series[0].failure = "it is gone";
    suite.candidate[0][0] = NAN;
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_ERROR);
    assert_says(result.gate.sentence, "not measured: point: it is gone");
    assert_true(isnan(result.gate.findings[0].p) &&
                isnan(result.gate.findings[0].effect.value));
    ipm_baseline_result_fini(&result);
}

static void too_few_sessions(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    struct ipm_baseline_result result;
    for (size_t n = 1; n < IPM_BASELINE_SESSIONS; n++) {
        plain(&suite, n, 3000);
        judge(&suite, &result);
        assert_true(result.advisory);
        assert_int_equal(result.gate.verdict, IPM_GATE_INCONCLUSIVE);
        assert_int_equal(result.gate.findings[1].verdict, IPM_GATE_INCONCLUSIVE);
        assert_int_equal(result.findings[1].would_be,
                         n == 1 ? IPM_GATE_INCONCLUSIVE : IPM_GATE_REGRESSION);
        assert_says(result.gate.sentence, "advisory: ");
        assert_says(result.gate.findings[0].reason, "advisory, ");
        ipm_baseline_result_fini(&result);
    }
    /* One point that is newer than the others. */
    plain(&suite, 6, 3000);
    suite.baseline[1][0] = suite.baseline[1][1] = NAN;
    judge(&suite, &result);
    assert_false(result.advisory);
    assert_int_equal(result.gate.verdict, IPM_GATE_INCONCLUSIVE);
    assert_int_equal(result.findings[1].n, 4);
    assert_int_equal(result.gate.findings[1].verdict, IPM_GATE_INCONCLUSIVE);
    assert_int_equal(result.findings[1].would_be, IPM_GATE_REGRESSION);
    ipm_baseline_result_fini(&result);

    assert_int_equal(ipm_baseline_judge(&suite.params, suite.points, suite.series, 4, 0,
                                        1, &result, NULL),
                     -EINVAL);
    assert_int_equal(ipm_baseline_judge(&suite.params, suite.points + 3,
                                        suite.series + 3, 1, 5, 1, &result, NULL),
                     -EINVAL);
}

static void margins(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    struct ipm_baseline_result result;
    plain(&suite, 5, 1100);
    suite.points[1].noise = 0.05; /* three times that is more than what is there */
    judge(&suite, &result);
    assert_true(fabs(result.gate.findings[1].margin - 0.15) < 1e-12);
    assert_int_equal(result.gate.findings[1].verdict, IPM_GATE_INCONCLUSIVE);
    /* No pass by an interval that knows nothing of builds: 1.96 times 5 %. */
    suite.candidate[1][0] = 1000;
    ipm_baseline_result_fini(&result);
    judge(&suite, &result);
    assert_true(result.gate.findings[1].effect.high < log1p(0.05));
    assert_int_equal(result.gate.findings[1].verdict, IPM_GATE_INCONCLUSIVE);
    ipm_baseline_result_fini(&result);
    plain(&suite, 5, 1100);
    suite.params.margin = 0.2;
    suite.params.smallest_effect = 0.25;
    judge(&suite, &result);
    assert_int_equal(result.gate.verdict, IPM_GATE_PASS);
    ipm_baseline_result_fini(&result);
}

static void drift_is_said(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    struct ipm_baseline_result result;
    lay_out(&suite, 4, 1, 10, 1);
    for (size_t i = 0; i < 4; i++) {
        for (size_t s = 0; s < 10; s++)
            suite.baseline[i][s] = 1000 * exp(0.01 * (double)s) + (double)(s % 3);
        suite.candidate[i][0] = 1050;
    }
    judge(&suite, &result);
    assert_true(fabs(result.drift - 0.09) < 0.005 && result.p_drift < 1e-6);
    bool said = false;
    for (size_t i = 0; i < result.gate.n_warnings; i++)
        said = said || strstr(result.gate.warnings[i], "the baseline drifts") != NULL;
    assert_true(said);
    ipm_baseline_result_fini(&result);
    /* The same sessions in another order drift nowhere. */
    for (size_t i = 0; i < 4; i++) {
        for (size_t s = 0; s < 10; s++)
            suite.baseline[i][s] = 1000 * exp(0.01 * (double)(s * 3 % 10));
    }
    judge(&suite, &result);
    for (size_t i = 0; i < result.gate.n_warnings; i++)
        assert_null(strstr(result.gate.warnings[i], "drift"));
    ipm_baseline_result_fini(&result);
}

/* With as many sessions as it asks for, a planted smallest effect is called 4 times of 5. */
static void needs_are_enough(void **state)
{
    (void)state;
    skip_without_gsl();
    static struct suite suite;
    struct ipm_baseline_result result;
    uint64_t random = 5;
    static const struct scatter scatter = {.point = 0.004};
    enum { DRAWS = 400 };
    size_t called = 0;
    size_t n = 5;
    size_t m = 1;
    lay_out(&suite, 4, 0, n, m);
    for (size_t i = 0; i < 4; i++) {
        /* A scatter of 0.4 % exactly, in all points. */
        static const double steps[] = {-1.2649110640673518, -0.6324555320336759, 0,
                                       0.6324555320336759, 1.2649110640673518};
        for (size_t s = 0; s < n; s++)
            suite.baseline[i][s] = 1000 * exp(scatter.point * steps[s]);
        suite.candidate[i][0] = 1000;
    }
    judge(&suite, &result);
    n = result.findings[0].needs_n;
    m = result.findings[0].needs_m;
    print_message("scatter 0.4 %%: %zu sessions and %zu new ones to see 5 %%; %.1f %% "
                  "with 5 and 1\n",
                  n, m, 100 * expm1(result.findings[0].least_effect));
    ipm_baseline_result_fini(&result);
    assert_in_range(n, 5, SESSIONS);
    assert_in_range(m, 1, SESSIONS);
    for (size_t i = 0; i < DRAWS; i++) {
        lay_out(&suite, 4, 0, n, m);
        fill(&suite, &scatter, log1p(0.05), &random);
        judge(&suite, &result);
        called += result.gate.findings[0].verdict == IPM_GATE_REGRESSION;
        ipm_baseline_result_fini(&result);
    }
    print_message("called in %.1f %%\n", 100.0 * (double)called / DRAWS);
    assert_true((double)called / DRAWS > 0.65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_match),    cmocka_unit_test(verdicts),
        cmocka_unit_test(too_few_sessions), cmocka_unit_test(margins),
        cmocka_unit_test(drift_is_said),    cmocka_unit_test(needs_are_enough),
        cmocka_unit_test(false_alarms),     cmocka_unit_test(power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
