/* SPDX-License-Identifier: MIT */
#include "harness/worker/task_status.h"
#include "tests/support/test.h"

#include <errno.h>

static void both_kinds_of_switches_are_found(void **state)
{
    (void)state;
    int64_t voluntary = -7;
    int64_t involuntary = -7;
    assert_int_equal(ipm_task_status_switches("Name:\tx\n"
                                              "voluntary_ctxt_switches:\t12\n"
                                              "nonvoluntary_ctxt_switches:\t5000000000",
                                              &voluntary, &involuntary),
                     0);
    assert_int_equal(voluntary, 12);
    assert_true(involuntary == INT64_C(5000000000));
    static const char *const others[] = {
        "",
        "Name:\tx\n",
        "Name:\tx\nvoluntary_ctxt_switches:\t12\n", /* cut off */
        "Name:\tvoluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t2\n",
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(others); i++)
        assert_int_equal(ipm_task_status_switches(others[i], &voluntary, &involuntary),
                         -EPROTO);
    assert_int_equal(voluntary, 12);
}

static void the_innermost_number_counts(void **state)
{
    (void)state;
    assert_int_equal(ipm_task_status_number("Pid:\t77\nNSpid:\t77\nNSpgid:\t9\n"), 77);
    assert_int_equal(ipm_task_status_number("Pid:\t77\nNSpid:\t77\t12\t3\nx:\t9\n"), 3);
    assert_int_equal(ipm_task_status_number("Pid:\t77\n"), 0);
    assert_int_equal(ipm_task_status_number("Pid:\t77\nNSpid:\t\nNSpgid:\t9\n"), 0);
}

/* The machine's own text fits, and is understood. */
static void this_process_is_understood(void **state)
{
    (void)state;
    static char text[2 * IPM_TASK_STATUS_ROOM];
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    assert_in_range(length, 1, IPM_TASK_STATUS_ROOM - 1);
    int64_t voluntary = -1;
    int64_t involuntary = -1;
    assert_int_equal(ipm_task_status_switches(text, &voluntary, &involuntary), 0);
    assert_true(voluntary >= 0 && involuntary >= 0);
    assert_int_equal(ipm_task_status_number(text), getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_switches_are_found),
        cmocka_unit_test(the_innermost_number_counts),
        cmocka_unit_test(this_process_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
