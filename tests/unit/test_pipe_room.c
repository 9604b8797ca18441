/* SPDX-License-Identifier: MIT */
#include "mechanisms/pipe_room.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static unsigned char message[1 << 18];

struct pipe_ends {
    int fds[2];
    struct ipm_pipe_options options;
    struct ipm_channel channel;
};

static void ends_open(struct pipe_ends *ends, size_t max_message, size_t depth,
                      int64_t capacity_bytes)
{
    *ends = (struct pipe_ends){.options = {.capacity_bytes = capacity_bytes}};
    ends->channel.config.max_message = max_message;
    ends->channel.config.depth = depth;
    ends->channel.config.options = &ends->options;
    assert_int_equal(pipe2(ends->fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void ends_close(struct pipe_ends *ends)
{
    (void)close(ends->fds[0]);
    (void)close(ends->fds[1]);
}

static int64_t whole_messages(const struct pipe_ends *ends)
{
    int64_t n = 0;
    size_t length = ends->channel.config.max_message;
    while (write(ends->fds[1], message, length) == (ssize_t)length)
        n++;
    return n;
}

/* What the capacity promises goes in, and it is what the depth asked for where the kernel
 * grants that much. */
static void test_promise_holds(void **state)
{
    (void)state;
    static const size_t lengths[] = {1,    64,   100,  2048,  2049, 3000,
                                     4095, 4096, 4097, 10000, 65536};
    static const size_t depths[] = {1, 2, 5, 16};
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(depths); k++) {
            struct pipe_ends ends;
            struct ipm_why why = {0};
            ends_open(&ends, lengths[i], depths[k], 0);
            if (ipm_pipe_set_room(&ends.channel, ends.fds[1], &why) != 0)
                fail_msg("%s", why.text);
            const struct ipm_capacity *capacity = &ends.channel.capacity;
            int64_t whole = whole_messages(&ends);
            if (whole < capacity->messages)
                fail_msg("%zu bytes: %lld went in, %lld promised", lengths[i],
                         (long long)whole, (long long)capacity->messages);
            /* An ordinary user may be over its limit and get less. */
            if (capacity->bytes >= (int64_t)(depths[k] * (lengths[i] + 4095)))
                assert_true(capacity->messages >= (int64_t)depths[k]);
            ends_close(&ends);
        }
    }
}

static void test_named_capacity(void **state)
{
    (void)state;
    struct pipe_ends ends;
    struct ipm_why why = {0};
    ends_open(&ends, 64, 1000, 8192);
    assert_int_equal(ipm_pipe_set_room(&ends.channel, ends.fds[1], &why), 0);
    assert_int_equal(ends.channel.capacity.bytes, 8192);
    assert_int_equal(ends.channel.capacity.messages, 128);
    ends_close(&ends);

    /* Nothing is asked for: as the kernel made it. */
    ends_open(&ends, 64, 0, 0);
    int64_t before = fcntl(ends.fds[1], F_GETPIPE_SZ);
    assert_int_equal(ipm_pipe_set_room(&ends.channel, ends.fds[1], &why), 0);
    assert_int_equal(ends.channel.capacity.bytes, before);
    ends_close(&ends);
}

static void test_not_a_pipe(void **state)
{
    (void)state;
    struct pipe_ends ends;
    struct ipm_why why = {0};
    ends_open(&ends, 64, 4, 0);
    assert_int_equal(ipm_pipe_set_room(&ends.channel, -1, &why), -EBADF);
    assert_true(why.text[0] != '\0');
    ends_close(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promise_holds),
        cmocka_unit_test(test_named_capacity),
        cmocka_unit_test(test_not_a_pipe),
    };
    return cmocka_run_group_tests_name("pipe_room", tests, NULL, NULL);
}
