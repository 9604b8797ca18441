/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/payload.h"
#include "mechanisms/fdio.h"
#include "tests/conformance/syscalls.h"
#include "tests/support/test.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { MESSAGE = 64, LARGE = 1 << 20 };

struct pair {
    struct ipm_channel channel;
    struct ipm_fdio writer, reader;
};

/* A pipe or a socket pair with an fdio at either end. */
static void pair_open(struct pair *pair, bool socket, enum ipm_wait wait)
{
    int fds[2];
    *pair = (struct pair){0};
    pair->channel.config.wait = wait;
    pair->channel.config.max_message = LARGE;
    if (socket)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    else
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    for (int i = 0; i < 2; i++)
        ipm_channel_own(&pair->channel, fds[i], IPM_OWNER_BOTH);
    ipm_fdio_init(&pair->reader, fds[0], socket, &pair->channel.config);
    ipm_fdio_init(&pair->writer, fds[1], socket, &pair->channel.config);
}

static void pair_close(struct pair *pair)
{
    ipm_fdio_fini(&pair->writer, &pair->channel);
    ipm_fdio_fini(&pair->writer, &pair->channel); /* idempotent */
    ipm_fdio_fini(&pair->reader, &pair->channel);
    assert_int_equal(pair->channel.n_fds, 0);
}

/* Runs a check for pipes and sockets and every wait strategy. */
static void for_each_kind(void (*check)(bool socket, enum ipm_wait wait))
{
    static const enum ipm_wait waits[] = {IPM_WAIT_NONE, IPM_WAIT_SPIN, IPM_WAIT_YIELD,
                                          IPM_WAIT_BLOCK};
    for (int socket = 0; socket < 2; socket++) {
        for (size_t i = 0; i < IPM_TEST_ROWS(waits); i++)
            check(socket != 0, waits[i]);
    }
}

static void check_lengths(bool socket, enum ipm_wait wait)
{
    struct pair pair;
    unsigned char byte = 0;
    size_t n = 7;
    pair_open(&pair, socket, wait);
    struct ipm_span span = {&byte, 0};
    assert_int_equal(ipm_fdio_send_n(&pair.writer, &span, 1, 0, &n), -EMSGSIZE);
    assert_int_equal(n, 0);
    assert_int_equal(ipm_fdio_recv_n(&pair.reader, &span, 1, 0, &n), -EMSGSIZE);
    span.length = LARGE + 1;
    assert_int_equal(ipm_fdio_send_n(&pair.writer, &span, 1, 0, &n), -EMSGSIZE);
    span.length = 1;
    assert_int_equal(ipm_fdio_recv_n(&pair.reader, &span, 1, 0, &n), IPM_AGAIN);
    pair_close(&pair);
}

static void test_lengths(void **state)
{
    (void)state;
    for_each_kind(check_lengths);
}

static void check_deadline(bool socket, enum ipm_wait wait)
{
    struct pair pair;
    unsigned char byte = 0;
    pair_open(&pair, socket, wait);
    int64_t deadline_ns = ipm_now_ns() + 10 * 1000000;
    assert_int_equal(ipm_fdio_recv(&pair.reader, &byte, 1, deadline_ns), IPM_AGAIN);
    assert_true(ipm_now_ns() >= deadline_ns);
    assert_int_equal(ipm_fdio_recv(&pair.reader, &byte, 1, ipm_now_ns() - 1),
                     IPM_AGAIN);
    pair_close(&pair);
}

static void test_deadline(void **state)
{
    (void)state;
    for_each_kind(check_deadline);
}

/* A message larger than the room goes over in parts, by turns of trying once. */
static void check_partial(bool socket, enum ipm_wait wait)
{
    static unsigned char out[LARGE];
    static unsigned char in[LARGE];
    struct pair pair;
    pair_open(&pair, socket, wait);
    for (uint64_t seed = 0; seed < 2; seed++) {
        int sent = IPM_AGAIN;
        int received = IPM_AGAIN;
        ipm_payload_fill(out, LARGE, seed);
        memset(in, 0, LARGE);
        for (int turn = 0; received != 0; turn++) {
            assert_true(turn < LARGE);
            if (sent != 0)
                sent = ipm_fdio_send(&pair.writer, out, LARGE, 0);
            assert_true(sent == 0 || sent == IPM_AGAIN);
            if (turn == 0)
                assert_int_equal(sent, IPM_AGAIN);
            received = ipm_fdio_recv(&pair.reader, in, LARGE, 0);
            assert_true(received == 0 || received == IPM_AGAIN);
        }
        assert_int_equal(sent, 0);
        assert_true(ipm_payload_verify(in, LARGE, seed, NULL));
    }
    assert_int_equal(pair.writer.stats.partial, 2);
    assert_int_equal(pair.reader.stats.partial, 2);
    pair_close(&pair);
}

static void test_partial(void **state)
{
    (void)state;
    for_each_kind(check_partial);
}

static void check_reader_gone(bool socket, enum ipm_wait wait)
{
    struct pair pair;
    unsigned char byte = 0;
    pair_open(&pair, socket, wait);
    ipm_fdio_fini(&pair.reader, &pair.channel);
    assert_int_equal(ipm_fdio_send(&pair.writer, &byte, 1, IPM_FOREVER), IPM_CLOSED);
    assert_int_equal(ipm_fdio_send(&pair.writer, &byte, 1, 0), IPM_CLOSED);
    pair_close(&pair);
}

static void test_reader_gone(void **state)
{
    (void)state;
    for_each_kind(check_reader_gone);
}

static void check_writer_gone(bool socket, enum ipm_wait wait)
{
    struct pair pair;
    unsigned char bytes[2] = {1, 2};
    pair_open(&pair, socket, wait);
    assert_int_equal(ipm_fdio_send(&pair.writer, bytes, 2, IPM_FOREVER), 0);
    assert_int_equal(ipm_fdio_send(&pair.writer, bytes, 1, IPM_FOREVER), 0);
    ipm_fdio_fini(&pair.writer, &pair.channel);
    assert_int_equal(ipm_fdio_recv(&pair.reader, bytes, 2, IPM_FOREVER), 0);
    /* The stream ends inside this message. */
    assert_int_equal(ipm_fdio_recv(&pair.reader, bytes, 2, IPM_FOREVER), IPM_CLOSED);
    pair_close(&pair);
}

static void test_writer_gone(void **state)
{
    (void)state;
    for_each_kind(check_writer_gone);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    alarms++;
}

/* Signals keep hitting a reader that waits; the message comes from a child, later. */
static void check_interrupted(bool socket, enum ipm_wait wait)
{
    struct pair pair;
    const struct itimerval often = {{0, 2000}, {0, 2000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    pair_open(&pair, socket, wait);
    pid_t pid = fork();
    assert_true(pid >= 0);
    unsigned char bytes[MESSAGE];
    if (pid == 0) {
        (void)usleep(20000);
        ipm_payload_fill(bytes, MESSAGE, 4);
        _exit(ipm_fdio_send(&pair.writer, bytes, MESSAGE, IPM_FOREVER));
    }
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    alarms = 0;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    int result = ipm_fdio_recv(&pair.reader, bytes, MESSAGE, IPM_FOREVER);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(result, 0);
    assert_true(alarms > 0);
    assert_true(ipm_payload_verify(bytes, MESSAGE, 4, NULL));
    pair_close(&pair);
}

static void test_interrupted(void **state)
{
    (void)state;
    for_each_kind(check_interrupted);
}

/* A pipe that was read with a deadline blocks again afterwards. */
static void test_mode_switches(void **state)
{
    (void)state;
    struct pair pair;
    unsigned char byte = 9;
    pair_open(&pair, false, IPM_WAIT_BLOCK);
    int fd = pair.reader.fd_plus_one - 1;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ipm_fdio_recv(&pair.reader, &byte, 1, 0), IPM_AGAIN);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(ipm_fdio_send(&pair.writer, &byte, 1, IPM_FOREVER), 0);
        assert_int_equal(ipm_fdio_recv(&pair.reader, &byte, 1, IPM_FOREVER), 0);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    }
    pair_close(&pair);
}

/* --- system calls per message ---------------------------------------------------------- */

static int counted(struct pair *pair, int64_t deadline_ns, int messages)
{
    unsigned char bytes[MESSAGE] = {0};
    for (int i = 0; i < messages; i++) {
        int result = ipm_fdio_send(&pair->writer, bytes, MESSAGE, deadline_ns);
        if (result == 0)
            result = ipm_fdio_recv(&pair->reader, bytes, MESSAGE, deadline_ns);
        if (result != 0)
            return 1;
    }
    return 0;
}

static void check_calls(bool socket, enum ipm_wait wait)
{
    static const int64_t deadlines[] = {0, IPM_FOREVER - 1, IPM_FOREVER};
    for (size_t i = 0; i < IPM_TEST_ROWS(deadlines); i++) {
        struct pair pair;
        pair_open(&pair, socket, wait);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            if (ipm_syscalls_offer(NULL) != 0)
                _exit(77);
            int failed = counted(&pair, deadlines[i], 1); /* settles the mode */
            ipm_syscalls_mark();
            failed |= counted(&pair, deadlines[i], 50);
            ipm_syscalls_mark();
            _exit(failed);
        }
        uint64_t calls = 0;
        int status = -1;
        struct ipm_why why = {0};
        if (ipm_syscalls_count(pid, &calls, &status, &why) != 0) {
            print_message("skipped: system calls cannot be counted: %s\n", why.text);
            skip();
        }
        assert_int_equal(status, 0);
        assert_int_equal(calls, 2 * 50);
        pair_close(&pair);
    }
}

static void test_calls(void **state)
{
    (void)state;
    for_each_kind(check_calls);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_partial),       cmocka_unit_test(test_reader_gone),
        cmocka_unit_test(test_writer_gone),   cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_mode_switches), cmocka_unit_test(test_calls),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does in roles */
    return cmocka_run_group_tests_name("fdio", tests, NULL, NULL);
}
