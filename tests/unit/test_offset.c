/* SPDX-License-Identifier: MIT */
#include "harness/worker/offset.h"
#include "tests/support/test.h"

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static void pin(size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        print_message("CPU %zu cannot be had: the interval holds all the same\n", cpu);
}

static void *answer(void *line)
{
    pin(1);
    ipm_offset_answer(line);
    ipm_offset_answer(line);
    return NULL;
}

/* The clock of one kernel: the true offset is 0, whatever the CPUs do to each other. */
static void the_interval_holds_the_true_offset(void **state)
{
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        print_message("skipped: one CPU\n");
        skip();
    }
    static struct ipm_offset_line line;
    pthread_t thread;
    pin(0);
    assert_int_equal(pthread_create(&thread, NULL, answer, &line), 0);
    for (int i = 0; i < 2; i++) {
        struct ipm_offset offset = ipm_offset_ask(&line);
        print_message("offset in [%.0f, %.0f] ns\n", offset.low_ns, offset.high_ns);
        assert_true(offset.low_ns <= 0 && offset.high_ns >= 0);
        double bound = ipm_offset_bound(&offset);
        assert_true(bound >= (offset.high_ns - offset.low_ns) / 2);
        assert_true(bound >= 0 && isfinite(bound));
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_one_way_latency_needs_a_tenth(void **state)
{
    (void)state;
    assert_true(ipm_one_way_ok(100, 1000));
    assert_false(ipm_one_way_ok(101, 1000));
    assert_true(ipm_one_way_ok(0, 50));
    assert_false(ipm_one_way_ok(NAN, 1000));
    assert_false(ipm_one_way_ok(100, NAN));
    struct ipm_offset offset = {-80, 20};
    assert_true(ipm_offset_bound(&offset) == 80);
    offset.high_ns = NAN;
    assert_true(isnan(ipm_offset_bound(&offset)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_holds_the_true_offset),
        cmocka_unit_test(a_one_way_latency_needs_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
