/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/twin.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

enum { CALLS = 100, BYTES = 48 };

static bool allowed(void)
{
    struct ipm_why why = {.error = 0, .text = ""};
    int error = ipm_twin_probe(&why);
    if (error != 0)
        print_message("no tracing here: %s\n", why.text);
    return error == 0;
}

static void ask(int times)
{
    for (int i = 0; i < times; i++)
        (void)syscall(SYS_getppid);
}

/* Exit status 0: as it should be; else the line where it was not. */
#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition))                                                              \
            return __LINE__ % 256 == 0 ? 1 : __LINE__ % 256;                           \
    } while (0)

static int window_is_exact(void *context)
{
    (void)context;
    int ends[2];
    char bytes[BYTES] = {0};
    struct ipm_twin twin;
    struct ipm_calls calls;
    struct ipm_why why;
    EXPECT(pipe(ends) == 0);
    EXPECT(ipm_twin_open(&twin, getpid(), -1, &why) == 0);
    ask(7);
    ipm_twin_count(&twin, true);
    for (int i = 0; i < CALLS; i++) {
        EXPECT(write(ends[1], bytes, BYTES) == BYTES);
        EXPECT(read(ends[0], bytes, BYTES) == BYTES);
    }
    ask(3);
    ipm_twin_count(&twin, false);
    ask(7);
    EXPECT(ipm_twin_read(&twin, &calls, &why) == 0);
    ipm_twin_close(&twin);
    ipm_twin_close(&twin); /* idempotent */
    EXPECT(calls.calls == 2 * CALLS + 3);
    EXPECT(calls.by_number[SYS_read] == CALLS && calls.by_number[SYS_write] == CALLS);
    EXPECT(calls.by_number[SYS_getppid] == 3);
    EXPECT(calls.copied == (uint64_t)2 * CALLS * BYTES && calls.in_vain == 0);
    ask(3); /* untraced again, and alive */
    return 0;
}

static void *ask_in_thread(void *times)
{
    ask(*(int *)times);
    return NULL;
}

static int threads_are_followed(void *context)
{
    (void)context;
    struct ipm_twin twin;
    struct ipm_calls calls;
    struct ipm_why why;
    pthread_t threads[4];
    int times = CALLS;
    EXPECT(ipm_twin_open(&twin, getpid(), -1, &why) == 0);
    ipm_twin_count(&twin, true);
    for (size_t i = 0; i < IPM_TEST_ROWS(threads); i++)
        EXPECT(pthread_create(&threads[i], NULL, ask_in_thread, &times) == 0);
    for (size_t i = 0; i < IPM_TEST_ROWS(threads); i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    ipm_twin_count(&twin, false);
    EXPECT(ipm_twin_read(&twin, &calls, &why) == 0);
    ipm_twin_close(&twin);
    EXPECT(calls.by_number[SYS_getppid] == IPM_TEST_ROWS(threads) * CALLS);
    return 0;
}

/* A handler runs as it would untraced, and a stopped process can be woken. */
static volatile sig_atomic_t handled;

static void handle(int number)
{
    handled = number;
}

static int signals_pass(void *context)
{
    (void)context;
    struct ipm_twin twin;
    struct ipm_why why;
    (void)signal(SIGUSR1, handle);
    EXPECT(ipm_twin_open(&twin, getpid(), -1, &why) == 0);
    (void)raise(SIGUSR1);
    EXPECT(handled == SIGUSR1);
    pid_t waker = fork();
    if (waker == 0) {
        for (int i = 0; i < 200; i++) {
            (void)usleep(10000);
            (void)kill(getppid(), SIGCONT);
        }
        _exit(0);
    }
    (void)raise(SIGSTOP);
    (void)kill(waker, SIGKILL);
    (void)waitpid(waker, NULL, 0);
    ipm_twin_close(&twin);
    return 0;
}

static int lost_tracer_is_told(void *context)
{
    (void)context;
    struct ipm_twin twin;
    struct ipm_calls calls;
    struct ipm_why why;
    EXPECT(ipm_twin_open(&twin, getpid(), -1, &why) == 0);
    ipm_twin_count(&twin, true);
    (void)kill(twin.tracer, SIGKILL);
    siginfo_t info;
    EXPECT(waitid(P_PID, (id_t)twin.tracer, &info, WEXITED | WNOWAIT) == 0);
    ask(3); /* nobody is stopped for ever */
    EXPECT(ipm_twin_read(&twin, &calls, &why) == -ECHILD);
    ipm_twin_close(&twin);
    return 0;
}

static int second_tracer_is_refused(void *context)
{
    (void)context;
    struct ipm_twin twin;
    struct ipm_twin second;
    struct ipm_why why = {.error = 0, .text = ""};
    EXPECT(ipm_twin_open(&twin, getpid(), -1, &why) == 0);
    EXPECT(ipm_twin_open(&second, getpid(), -1, &why) == -EPERM);
    EXPECT(second.page == NULL && strstr(why.text, "another tracer") != NULL);
    ipm_twin_close(&twin);
    return 0;
}

static int run(int (*body)(void *context))
{
    int status = ipm_test_in_child(body, NULL);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        print_message("wait status %#x, line %d\n", (unsigned)status,
                      WEXITSTATUS(status));
    return status;
}

static void a_process_counts_itself(void **state)
{
    (void)state;
    if (!allowed())
        skip();
    assert_int_equal(run(window_is_exact), 0);
    assert_int_equal(run(threads_are_followed), 0);
    assert_int_equal(run(signals_pass), 0);
}

static void failures_are_told(void **state)
{
    (void)state;
    if (!allowed())
        skip();
    assert_int_equal(run(lost_tracer_is_told), 0);
    assert_int_equal(run(second_tracer_is_refused), 0);
}

/* A parent sees the death of a traced child as of any other. */
static int traced_for_ever(void *context)
{
    int ready = *(int *)context;
    struct ipm_twin twin;
    struct ipm_why why;
    if (ipm_twin_open(&twin, getpid(), -1, &why) != 0)
        return 1;
    (void)!write(ready, &twin.tracer, sizeof(twin.tracer));
    for (;;)
        (void)pause();
}

static void death_of_a_traced_child_is_heard(void **state)
{
    (void)state;
    if (!allowed())
        skip();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(traced_for_ever(&ends[1]));
    (void)close(ends[1]);
    pid_t tracer = 0;
    assert_int_equal(read(ends[0], &tracer, sizeof(tracer)), sizeof(tracer));
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* The pipe's other end is the child's and its tracer's: both have gone. */
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    (void)close(ends[0]);
}

/* A child that had its threads before anybody thought of tracing. */
static void *ask_until_told(void *ends)
{
    char byte;
    const int *pipes = ends;
    while (read(pipes[0], &byte, 1) == 1)
        (void)!write(pipes[1], &byte, 1);
    return NULL;
}

static void a_childs_threads_are_found(void **state)
{
    (void)state;
    if (!allowed())
        skip();
    int to[2];
    int from[2];
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int ends[2] = {to[0], from[1]};
        pthread_t thread;
        (void)close(to[1]);
        (void)pthread_create(&thread, NULL, ask_until_told, ends);
        (void)pthread_join(thread, NULL);
        _exit(0);
    }
    char byte = 1;
    assert_int_equal(write(to[1], &byte, 1), 1);
    assert_int_equal(read(from[0], &byte, 1), 1); /* the thread is there */

    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ipm_twin twin;
    struct ipm_calls calls;
    struct ipm_why why = {.error = 0, .text = ""};
    if (ipm_twin_open(&twin, pid, proc, &why) != 0)
        fail_msg("%s", why.text);
    ipm_twin_count(&twin, true);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(write(to[1], &byte, 1), 1);
        assert_int_equal(read(from[0], &byte, 1), 1);
    }
    ipm_twin_count(&twin, false);
    assert_int_equal(ipm_twin_read(&twin, &calls, &why), 0);
    ipm_twin_close(&twin);
    /* One of either may be under way at an end; the first read may be made again. */
    assert_in_range(calls.by_number[SYS_write], CALLS - 1, CALLS);
    assert_in_range(calls.by_number[SYS_read], CALLS - 1, CALLS + 2);
    (void)close(proc);
    (void)close(to[1]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_counts_itself),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(death_of_a_traced_child_is_heard),
        cmocka_unit_test(a_childs_threads_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
