/* SPDX-License-Identifier: MIT */
#include "harness/worker/switches_check.h"
#include "tests/support/test.h"

#include <math.h>

enum { ABSENT = -1 };

/* One check over planted counts; a negative one is missing. */
static struct ipm_switches_verdict check(double rusage, double task, double perf,
                                         int processes)
{
    const struct {
        const char *name;
        double value;
    } rows[] = {{"cpu_ns", 1e9},
                {"context_switches", perf},
                {"switches_task", task},
                {"switches_rusage", rusage}};
    struct ipm_metric metrics[IPM_TEST_ROWS(rows)];
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        metrics[i] =
            rows[i].value < 0
                ? ipm_metric_missing(rows[i].name, "", "test", "denied: planted")
                : ipm_metric_value(rows[i].name, "", "test", rows[i].value);
    struct ipm_switches_verdict verdict;
    ipm_switches_check(metrics, IPM_TEST_ROWS(metrics), processes, &verdict);
    /* A verdict that is no agreement gives its reason. */
    assert_int_equal(verdict.agreement == IPM_AGREE, verdict.reason[0] == '\0');
    return verdict;
}

static void the_odd_one_out_is_named(void **state)
{
    (void)state;
    static const struct {
        double rusage, task, perf;
        const char *odd;
        double difference;
    } rows[] = {
        {1000, 1000, 0, "context_switches", -1000}, /* exclude_kernel: 0, no error */
        {1000, 1000, 500, "context_switches", -500},
        {1000, 1000, 1011, "context_switches", 11},
        {1000, 989, 1000, "switches_task", -11}, /* a thread has ended */
        {2000, 1000, 1000, "switches_rusage", 1000},
        {50, 50, 54, "context_switches", 4},
        {0, 0, 4, "context_switches", 4},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_switches_verdict verdict =
            check(rows[i].rusage, rows[i].task, rows[i].perf, 1);
        assert_int_equal(verdict.agreement, IPM_DISAGREE);
        assert_non_null(verdict.odd);
        assert_string_equal(verdict.odd, rows[i].odd);
        assert_true(verdict.difference == rows[i].difference);
    }
}

static void a_few_and_one_in_a_hundred_are_allowed(void **state)
{
    (void)state;
    static const double rows[][3] = {
        {1000, 1000, 1000}, {1000, 1010, 990},    {50, 53, 50},    {0, 0, 0},
        {0, 3, 0},          {1000, 1010, ABSENT}, {ABSENT, 7, 10}, {300, ABSENT, 303},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_switches_verdict verdict =
            check(rows[i][0], rows[i][1], rows[i][2], 1);
        assert_int_equal(verdict.agreement, IPM_AGREE);
        assert_null(verdict.odd);
    }
    /* A sum has the slack of each process. */
    assert_int_equal(check(100, 106, 100, 1).agreement, IPM_DISAGREE);
    assert_int_equal(check(100, 106, 100, 2).agreement, IPM_AGREE);
}

static void two_that_differ_do_not_say_which_lies(void **state)
{
    (void)state;
    struct ipm_switches_verdict verdict = check(1000, 800, ABSENT, 1);
    assert_int_equal(verdict.agreement, IPM_DISAGREE);
    assert_null(verdict.odd);
    assert_true(verdict.difference == -200);
    assert_non_null(strstr(verdict.reason, "switches_rusage 1000"));
    assert_non_null(strstr(verdict.reason, "switches_task 800"));

    verdict = check(1000, 2000, 3000, 1);
    assert_int_equal(verdict.agreement, IPM_DISAGREE);
    assert_null(verdict.odd);
}

static void one_source_or_none_tests_nothing(void **state)
{
    (void)state;
    assert_int_equal(check(5, ABSENT, ABSENT, 1).agreement, IPM_UNTESTED);
    assert_int_equal(check(ABSENT, ABSENT, ABSENT, 1).agreement, IPM_UNTESTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_odd_one_out_is_named),
        cmocka_unit_test(a_few_and_one_in_a_hundred_are_allowed),
        cmocka_unit_test(two_that_differ_do_not_say_which_lies),
        cmocka_unit_test(one_source_or_none_tests_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
