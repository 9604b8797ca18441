/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"
#include "tests/support/test.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/time.h>

/* A child that does nothing until it is killed. */
static pid_t sleeper(void)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (;;)
            (void)pause();
    }
    return pid;
}

static int pin_to(void *context)
{
    int cpu = *(int *)context;
    cpu_set_t before;
    cpu_set_t after;
    struct ipm_why why = {0};
    if (sched_getaffinity(0, sizeof(before), &before) != 0)
        return 1;
    if (ipm_pin_self(cpu, &why) != -EINVAL || why.error != -EINVAL)
        return 2;
    if (strstr(why.text, "CPU") == NULL || ipm_pin_self(cpu, NULL) != -EINVAL)
        return 3;
    /* A pin that failed leaves the process where it was. */
    if (sched_getaffinity(0, sizeof(after), &after) != 0 || !CPU_EQUAL(&before, &after))
        return 4;
    return 0;
}

static void pin_to_a_cpu_that_is_not_there(void **state)
{
    int absent = (int)sysconf(_SC_NPROCESSORS_CONF);
    int cpus[] = {-1, INT_MIN, INT_MAX, CPU_SETSIZE, CPU_SETSIZE - 1, absent};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(cpus); i++) {
        /* A machine may really have CPU 1023. */
        if (cpus[i] >= 0 && cpus[i] < absent)
            continue;
        int status = ipm_test_in_child(pin_to, &cpus[i]);
        if (status != 0)
            fail_msg("CPU %d: wait status %d", cpus[i], status);
    }
}

static int pin_to_each(void *context)
{
    (void)context;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return 1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        cpu_set_t now;
        if (!CPU_ISSET((size_t)cpu, &allowed))
            continue;
        if (ipm_pin_self(cpu, NULL) != 0)
            return 2;
        if (sched_getaffinity(0, sizeof(now), &now) != 0 || CPU_COUNT(&now) != 1 ||
            !CPU_ISSET((size_t)cpu, &now) || sched_getcpu() != cpu)
            return 3;
    }
    return 0;
}

static void pin_to_every_cpu_allowed(void **state)
{
    (void)state;
    assert_int_equal(ipm_test_in_child(pin_to_each, NULL), 0);
}

/* The middle process: forks one that asks to die with it, and ends when that is set up. */
static int parent_of_a_sleeper(void *context)
{
    int *pipe_out = context;
    int ready[2];
    if (pipe(ready) != 0)
        return 1;
    pid_t pid = fork();
    if (pid < 0)
        return 2;
    if (pid == 0) {
        if (ipm_die_with_parent(NULL) != 0)
            _exit(3);
        (void)!write(ready[1], "r", 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    char byte;
    if (read(ready[0], &byte, 1) != 1)
        return 4;
    return write(*pipe_out, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 5;
}

/* The sleeper holds the pipe's other end until it dies: the end of file is its death. */
static void child_dies_with_its_parent(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(ipm_test_in_child(parent_of_a_sleeper, &ends[1]), 0);
    (void)close(ends[1]);
    pid_t pid = 0;
    assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    int ready = poll(&entry, 1, 20000);
    if (ready != 1)
        (void)kill(pid, SIGTERM);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0),
                     pid); /* ours now: we are the subreaper */
    assert_int_equal(ready, 1);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(ends[0]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void pidfd_of_nobody_is_an_error(void **state)
{
    (void)state;
    pid_t gone = sleeper();
    assert_int_equal(kill(gone, SIGKILL), 0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    const struct {
        pid_t pid;
        int error;
    } rows[] = {{0, -EINVAL}, {-1, -EINVAL}, {gone, -ESRCH}, {INT_MAX, -ESRCH}};
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        assert_int_equal(ipm_pidfd_open(rows[i].pid, &why), rows[i].error);
        assert_int_equal(why.error, rows[i].error);
        assert_int_equal(ipm_pidfd_open(rows[i].pid, NULL), rows[i].error);
    }
}

static void wait_ends_at_the_deadline(void **state)
{
    (void)state;
    pid_t pid = sleeper();
    ipm_auto_fd int pidfd = ipm_pidfd_open(pid, NULL);
    assert_true(pidfd >= 0);
    assert_true((fcntl(pidfd, F_GETFD) & FD_CLOEXEC) != 0);
    const int64_t spans_ns[] = {INT64_MIN, -1, 0, 1, 1000000, 5500000};
    for (size_t i = 0; i < IPM_TEST_ROWS(spans_ns); i++) {
        int64_t deadline_ns =
            spans_ns[i] > 0 ? ipm_now_ns() + spans_ns[i] : spans_ns[i];
        int status = -77;
        assert_int_equal(ipm_wait_until(pid, pidfd, deadline_ns, &status), 1);
        assert_true(ipm_now_ns() >= deadline_ns);
        assert_int_equal(status, -77);
        assert_int_equal(kill(pid, 0), 0);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status = -77;
    assert_int_equal(ipm_wait_until(pid, pidfd, IPM_FOREVER, &status), 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* Reaped once: not a child any more. */
    assert_int_equal(ipm_wait_until(pid, pidfd, IPM_FOREVER, &status), -ECHILD);
}

static int exit_with(void *context)
{
    return *(int *)context;
}

static void wait_reaps_what_has_ended(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code += 51) {
        (void)fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(exit_with(&code));
        ipm_auto_fd int pidfd = ipm_pidfd_open(pid, NULL);
        assert_true(pidfd >= 0);
        int status = -77;
        assert_int_equal(
            ipm_wait_until(pid, pidfd, ipm_now_ns() + 20 * IPM_NS_PER_SECOND, &status),
            0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == code);
    }
}

/* A descriptor that is closed must not turn into a wait for ever. */
static int wait_with_a_closed_pidfd(void *context)
{
    (void)context;
    pid_t pid = fork();
    if (pid == 0) {
        (void)ipm_die_with_parent(NULL);
        for (;;)
            (void)pause();
    }
    int pidfd = ipm_pidfd_open(pid, NULL);
    (void)close(pidfd);
    int status = 0;
    (void)alarm(20);
    int error = ipm_wait_until(pid, pidfd, ipm_now_ns() + 1000000, &status);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return error == -EBADF ? 0 : 1;
}

static void closed_pidfd_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(ipm_test_in_child(wait_with_a_closed_pidfd, NULL), 0);
}

static void on_alarm(int number)
{
    (void)number;
}

/* A signal every millisecond, without SA_RESTART: calls in the kernel end in EINTR. */
static void shower(bool on)
{
    struct sigaction action = {.sa_handler = on ? on_alarm : SIG_IGN};
    struct itimerval timer = {.it_interval = {.tv_usec = on ? 1000 : 0},
                              .it_value = {.tv_usec = on ? 1000 : 0}};
    if (on)
        (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
    if (!on)
        (void)sigaction(SIGALRM, &action, NULL);
}

static void signals_do_not_end_a_wait(void **state)
{
    (void)state;
    pid_t pid = sleeper();
    ipm_auto_fd int pidfd = ipm_pidfd_open(pid, NULL);
    int status = -77;
    shower(true);
    int64_t deadline_ns = ipm_now_ns() + 30000000;
    int result = ipm_wait_until(pid, pidfd, deadline_ns, &status);
    int64_t end_ns = ipm_now_ns();
    shower(false);
    assert_int_equal(result, 1);
    assert_true(end_ns >= deadline_ns);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(ipm_wait_until(pid, pidfd, IPM_FOREVER, &status), 0);
}

static void status_is_told_in_words(void **state)
{
    const struct {
        int status;
        const char *text;
    } rows[] = {
        {W_EXITCODE(0, 0), "exited with status 0"},
        {W_EXITCODE(3, 0), "exited with status 3"},
        {W_EXITCODE(255, 0), "exited with status 255"},
        {W_EXITCODE(0, SIGKILL), "killed by signal 9 (SIGKILL)"},
        {W_EXITCODE(0, SIGSEGV) | WCOREFLAG, "killed by signal 11 (SIGSEGV)"},
        {W_EXITCODE(0, 40), "killed by signal 40"}, /* real time: it has no name */
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[IPM_STATUS_TEXT];
        assert_ptr_equal(ipm_status_text(rows[i].status, text), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void failed_writes_are_errors(void **state)
{
    (void)state;
    ipm_auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(ipm_write_all(full, "x", 1), -ENOSPC);
    assert_int_equal(ipm_write_all(full, "x", 0), 0);
    assert_int_equal(ipm_write_all(-1, "x", 1), -EBADF);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(ipm_write_all(ends[0], "x", 1), -EBADF);
    (void)close(ends[0]);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(ipm_write_all(ends[1], "x", 1), -EPIPE);
    (void)signal(SIGPIPE, before);
    (void)close(ends[1]);
}

/* Through a pipe, which takes it in parts, under a shower of signals on both sides. */
static void all_is_written_and_read(void **state)
{
    enum { LENGTH = 1 << 20 };
    (void)state;
    char *sent = malloc(LENGTH);
    assert_non_null(sent);
    uint64_t random = 1;
    for (size_t i = 0; i < LENGTH; i++)
        sent[i] = (char)ipm_test_random(&random);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        shower(true);
        _exit(ipm_write_all(ends[1], sent, LENGTH) == 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    char *text = NULL;
    size_t length = 0;
    shower(true);
    (void)usleep(5000); /* lets the pipe fill, so that the writer has to wait */
    int error = ipm_read_all(ends[0], LENGTH, &text, &length);
    shower(false);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(error, 0);
    assert_int_equal(length, LENGTH);
    assert_memory_equal(text, sent, LENGTH);
    assert_int_equal(text[LENGTH], '\0');
    (void)close(ends[0]);
    free(text);
    free(sent);
}

static void limit_is_exact(void **state)
{
    static const size_t lengths[] = {0,    1,    2,    4094, 4095, 4096,
                                     4097, 8190, 8191, 8192, 8193, 20000};
    char path[256];
    char *bytes = malloc(20001);
    assert_non_null(bytes);
    memset(bytes, 'x', 20001);
    (void)ipm_test_path(state, "file", path);
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        ipm_test_write(path, bytes, lengths[i]);
        size_t lowest = lengths[i] < 2 ? 0 : lengths[i] - 2;
        for (size_t limit = lowest; limit <= lengths[i] + 2; limit++) {
            ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
            char *text = bytes;
            size_t length = 77;
            int error = ipm_read_all(fd, limit, &text, &length);
            int expected = limit < lengths[i] ? -EFBIG : 0;
            if (error != expected)
                fail_msg("%zu bytes, limit %zu: %d", lengths[i], limit, error);
            if (error != 0) {
                assert_true(text == bytes && length == 77);
                continue;
            }
            assert_int_equal(length, lengths[i]);
            assert_int_equal(strlen(text), length);
            free(text);
        }
    }
    char *text = NULL;
    size_t length = 0;
    assert_int_equal(ipm_read_all(-1, 10, &text, &length), -EBADF);
    /* A stream without end is refused, not stored. */
    ipm_auto_fd int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(ipm_read_all(zero, 100000, &text, &length), -EFBIG);
    assert_null(text);
    free(bytes);
}

static void small_files_are_read(void **state)
{
    static const struct {
        const char *content;
        const char *text;
    } rows[] = {{"", ""},     {"\n", ""},         {"5", "5"},
                {"5\n", "5"}, {"a\nb\n", "a\nb"}, {" 5 \n", " 5 "}};
    char path[256];
    char text[16] = "stale";
    assert_int_equal(ipm_read_file(ipm_test_path(state, "absent", path), text, 16),
                     -ENOENT);
    assert_int_equal(ipm_read_file(*state, text, sizeof(text)), -EISDIR);
    assert_string_equal(text, "stale");
    (void)ipm_test_path(state, "file", path);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_test_write(path, rows[i].content, strlen(rows[i].content));
        memset(text, 'z', sizeof(text));
        assert_int_equal(ipm_read_file(path, text, sizeof(text)), 0);
        assert_string_equal(text, rows[i].text);
    }
    /* Nothing behind the room is written, and the text is terminated inside it. */
    ipm_test_write(path, "0123456789", 10);
    for (size_t room = 1; room <= 12; room++) {
        memset(text, 'z', sizeof(text));
        assert_int_equal(ipm_read_file(path, text, room), 0);
        assert_int_equal(strnlen(text, room), room - 1 < 10 ? room - 1 : 10);
        assert_memory_equal(text, "0123456789", strlen(text));
        assert_int_equal(text[room], 'z');
    }
    assert_int_equal(ipm_read_file("/proc/self/comm", text, sizeof(text)), 0);
    assert_true(text[0] != '\0' && strchr(text, '\n') == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_to_a_cpu_that_is_not_there),
        cmocka_unit_test(pidfd_of_nobody_is_an_error),
        cmocka_unit_test(closed_pidfd_is_an_error),
        cmocka_unit_test(failed_writes_are_errors),
        cmocka_unit_test_setup_teardown(limit_is_exact, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(small_files_are_read, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(pin_to_every_cpu_allowed),
        cmocka_unit_test(child_dies_with_its_parent),
        cmocka_unit_test(wait_ends_at_the_deadline),
        cmocka_unit_test(wait_reaps_what_has_ended),
        cmocka_unit_test(signals_do_not_end_a_wait),
        cmocka_unit_test(status_is_told_in_words),
        cmocka_unit_test(all_is_written_and_read),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
