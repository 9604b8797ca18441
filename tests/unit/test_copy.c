/* SPDX-License-Identifier: MIT */
#include "base/payload.h"
#include "mechanisms/copy.h"
#include "tests/support/test.h"

#include <errno.h>
#include <time.h>

enum { ROOM = 70000, GUARD = 64 };

/* Copies and looks at every byte, and at those around. */
static void check(void (*copy)(void *, const void *, size_t), size_t length,
                  size_t from_offset, size_t to_offset)
{
    static unsigned char from[ROOM + 2 * GUARD], to[ROOM + 2 * GUARD];
    ipm_payload_fill(from + from_offset, length, length + 1);
    memset(to, 0xa5, to_offset + length + GUARD);
    copy(to + to_offset, from + from_offset, length);
    assert_memory_equal(to + to_offset, from + from_offset, length);
    for (size_t i = 0; i < to_offset; i++)
        assert_int_equal(to[i], 0xa5);
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(to[to_offset + length + i], 0xa5);
}

static void test_small(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 64; length++) {
        for (size_t offset = 0; offset < 9; offset++)
            check(ipm_copy_small, length, offset, 8 - offset);
    }
}

static void test_kernels(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,   1,   15,  16,   63,   64,   65,
                                     127, 128, 129, 4095, 4096, 4097, 65537};
    for (int kernel = 0; kernel < IPM_COPY_KERNELS; kernel++) {
        struct ipm_why why = {0};
        int error = ipm_copy_check(kernel, &why);
        if (error != 0) {
            assert_int_equal(error, -EOPNOTSUPP);
            assert_true(kernel > 0 && why.text[0] != '\0');
            print_message("%s is not tested: %s\n", ipm_copies[kernel].name, why.text);
            continue;
        }
        for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
            for (size_t offset = 0; offset < 34; offset += 11)
                check(ipm_copies[kernel].copy, lengths[i], offset, 33 - offset);
        }
    }
}

static bool possible(int kernel)
{
    return ipm_copy_check(kernel, NULL) == 0;
}

/* However the figures come out, a choice ends, on a kernel that this machine has. */
static void test_choice_ends(void **state)
{
    (void)state;
    struct ipm_copy_choice choice;
    ipm_copy_choice_init(&choice);
    int steps = 0;
    bool seen[IPM_COPY_KERNELS] = {false};
    while (choice.open) {
        ipm_copy_choice_step(&choice, 4096);
        seen[choice.kernel] = true;
        assert_true(possible(choice.kernel));
        assert_true(++steps < 100000);
    }
    for (int kernel = 0; kernel < IPM_COPY_KERNELS; kernel++)
        assert_int_equal(seen[kernel], possible(kernel));
}

/* One kernel takes a hundred times longer than the others: it is never the one. */
static void test_choice_is_by_time(void **state)
{
    (void)state;
    for (int slow = 0; slow < IPM_COPY_KERNELS; slow++) {
        struct ipm_copy_choice choice;
        if (!possible(slow))
            continue;
        ipm_copy_choice_init(&choice);
        if (!choice.open)
            return; /* there is only one */
        while (choice.open) {
            ipm_copy_choice_step(&choice, 1 << 20);
            struct timespec work = {.tv_nsec = choice.kernel == slow ? 2000000 : 20000};
            (void)nanosleep(&work, NULL);
        }
        assert_int_not_equal(choice.kernel, slow);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_choice_ends),
        cmocka_unit_test(test_choice_is_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
