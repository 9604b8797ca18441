/* SPDX-License-Identifier: MIT */
#include "harness/worker/calls.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/syscall.h>

static void every_name_fits_and_stands_once(void **state)
{
    (void)state;
    int known = 0;
    for (long number = 0; number < IPM_CALL_NUMBERS; number++) {
        char text[IPM_CALL_NAME];
        const char *name = ipm_call_name(number, text);
        assert_true(name[0] != '\0' && strlen(name) < IPM_CALL_NAME);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(name));
        const struct ipm_call *call = ipm_call_find(number);
        if (call == NULL)
            continue;
        assert_int_equal(call->number, number);
        known++;
    }
    assert_true(known > 50);
    char text[IPM_CALL_NAME];
    assert_string_equal(ipm_call_name(SYS_read, text), "read");
    assert_string_equal(ipm_call_name(99999, text), "number_99999");
    assert_null(ipm_call_find(99999));
}

static void bytes_come_from_the_result_or_the_length(void **state)
{
    (void)state;
    static const struct {
        long number;
        uint64_t length;
        int64_t result;
        uint64_t copied, spliced, hidden, in_vain;
    } rows[] = {
        {SYS_read, 4096, 64, 64, 0, 0, 0},
        {SYS_read, 4096, 0, 0, 0, 0, 0},
        {SYS_read, 4096, -EAGAIN, 0, 0, 0, 1},
        {SYS_write, 64, -EPIPE, 0, 0, 0, 0},
        {SYS_sendmsg, 0, 10, 10, 0, 0, 0},
        {SYS_process_vm_readv, 1, 1024, 1024, 0, 0, 0},
        {SYS_mq_timedsend, 77, 0, 77, 0, 0, 0},
        {SYS_mq_timedsend, 77, -EAGAIN, 0, 0, 0, 1},
        {SYS_mq_timedreceive, 8192, 77, 77, 0, 0, 0},
        {SYS_msgsnd, 33, 0, 33, 0, 0, 0},
        {SYS_msgrcv, 100, -ENOMSG, 0, 0, 0, 1},
        {SYS_vmsplice, 1, 4096, 0, 4096, 0, 0},
        {SYS_tee, 0, 5, 0, 5, 0, 0},
        {SYS_recvmmsg, 4, 3, 0, 0, 1, 0},
        {SYS_futex, 1, 1, 0, 0, 0, 0},
        {SYS_futex, 1, -EAGAIN, 0, 0, 0, 1},
        {SYS_futex, 1, -512 /* ERESTARTSYS */, 0, 0, 0, 1},
        {SYS_sched_yield, 0, 0, 0, 0, 0, 1},
        {SYS_getpid, 0, 4711, 0, 0, 0, 0},
        {99999, 0, 4711, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_calls calls = {.calls = 0};
        ipm_calls_enter(&calls, rows[i].number);
        ipm_calls_leave(&calls, rows[i].number, rows[i].length, rows[i].result);
        if (calls.calls != 1 || calls.copied != rows[i].copied ||
            calls.spliced != rows[i].spliced || calls.hidden != rows[i].hidden ||
            calls.in_vain != rows[i].in_vain)
            fail_msg("row %zu", i);
    }
}

static void frequent_calls_rank_first(void **state)
{
    (void)state;
    struct ipm_calls calls = {.calls = 0};
    assert_int_equal(ipm_calls_rank(&calls, 0), -1);
    for (int i = 0; i < 3; i++)
        ipm_calls_enter(&calls, 9);
    for (int i = 0; i < 5; i++)
        ipm_calls_enter(&calls, 300);
    for (int i = 0; i < 3; i++)
        ipm_calls_enter(&calls, 7);
    ipm_calls_enter(&calls, 99999);
    assert_int_equal(calls.calls, 12);
    static const long expected[] = {300, 7, 9, -1};
    for (int i = 0; i < (int)IPM_TEST_ROWS(expected); i++)
        assert_int_equal(ipm_calls_rank(&calls, i), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_fits_and_stands_once),
        cmocka_unit_test(bytes_come_from_the_result_or_the_length),
        cmocka_unit_test(frequent_calls_rank_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
