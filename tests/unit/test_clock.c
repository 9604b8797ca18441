/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/support/test.h"

#include <limits.h>
#include <math.h>

static void past_deadlines_do_not_wait(void **state)
{
    (void)state;
    const int64_t past[] = {0, 1, -1, INT64_MIN, ipm_now_ns() - 1, ipm_now_ns()};
    for (size_t i = 0; i < IPM_TEST_ROWS(past); i++)
        assert_int_equal(ipm_poll_timeout_ms(past[i]), 0);
}

static void forever_is_minus_one_and_long_is_cut(void **state)
{
    (void)state;
    assert_int_equal(ipm_poll_timeout_ms(IPM_FOREVER), -1);
    assert_int_equal(ipm_poll_timeout_ms(IPM_FOREVER - 1), INT_MAX);
    assert_int_equal(ipm_poll_timeout_ms(INT64_MAX / 2), INT_MAX);
}

/* Rounded up: a poll of that length never ends before the deadline, and at most one
 * millisecond behind it. */
static void timeout_is_rounded_up(void **state)
{
    static const int64_t spans_ns[] = {100000000, 100000001, 100999999, 3600000000000};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(spans_ns); i++) {
        int64_t before_ns = ipm_now_ns();
        int64_t deadline_ns = before_ns + spans_ns[i];
        int64_t timeout_ns = (int64_t)ipm_poll_timeout_ms(deadline_ns) * 1000000;
        int64_t after_ns = ipm_now_ns();
        assert_true(timeout_ns >= deadline_ns - after_ns);
        assert_true(timeout_ns < deadline_ns - before_ns + 1000000);
    }
}

static void clock_never_runs_back(void **state)
{
    (void)state;
    struct timespec start;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
    int64_t previous = (int64_t)start.tv_sec * IPM_NS_PER_SECOND + start.tv_nsec;
    bool moved = false;
    for (int i = 0; i < 100000; i++) {
        int64_t now = ipm_now_ns();
        assert_true(now >= previous);
        moved = moved || now > previous;
        previous = now;
    }
    assert_true(moved);
}

static void timespec_keeps_the_value(void **state)
{
    static const int64_t rows[] = {
        0, 1, 999999999, 1000000000, 1000000001, INT64_C(4102444800123456789)};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct timespec time = ipm_timespec(rows[i]);
        assert_in_range(time.tv_nsec, 0, 999999999);
        assert_true((int64_t)time.tv_sec * IPM_NS_PER_SECOND + time.tv_nsec == rows[i]);
    }
}

static void cost_is_a_usable_divisor(void **state)
{
    (void)state;
    struct ipm_clock_cost cost = {
        .median_ns = NAN, .worst_ns = NAN, .resolution_ns = -1};
    ipm_clock_measure(&cost);
    assert_true(isfinite(cost.median_ns) && cost.median_ns > 0);
    assert_true(isfinite(cost.worst_ns) && cost.worst_ns >= 0);
    /* The median is raised to 1 where the clock is too coarse to see a read. */
    assert_true(cost.worst_ns >= cost.median_ns || cost.median_ns == 1);

    struct timespec resolution;
    assert_int_equal(clock_getres(CLOCK_MONOTONIC, &resolution), 0);
    assert_true(cost.resolution_ns == resolution.tv_nsec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_deadlines_do_not_wait),
        cmocka_unit_test(forever_is_minus_one_and_long_is_cut),
        cmocka_unit_test(timeout_is_rounded_up),
        cmocka_unit_test(clock_never_runs_back),
        cmocka_unit_test(timespec_keeps_the_value),
        cmocka_unit_test(cost_is_a_usable_divisor),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
