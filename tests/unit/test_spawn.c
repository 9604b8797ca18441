/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"
#include "harness/describe.h"
#include "harness/spawn.h"
#include "tests/support/test.h"

#include <errno.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

/* A shell is only the program under test here: spawn itself uses none. */
static struct ipm_spawn shell(const char *const argv[4])
{
    return (struct ipm_spawn){
        .argv = argv, .output_limit = 1 << 20, .deadline_ns = IPM_FOREVER};
}

#define SHELL(script) ((const char *const[4]){"/bin/sh", "-c", script, NULL})

static void programs(void **state)
{
    static const struct {
        const char *script, *input, *output;
        int status;
    } rows[] = {
        {"cat", "some text\n", "some text\n", 0},
        {"cat", NULL, "", 0},
        {"exit 3", "nobody reads this", "", 3},
        {"echo out; exit 2", NULL, "out\n", 2},
        {"exec >&-; exit 0", NULL, "", 0},
        /* What is left behind neither holds up the caller nor lives on. */
        {"sleep 1000 & echo done", NULL, "done\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_spawn spawn = shell(SHELL(rows[i].script));
        spawn.input = rows[i].input;
        spawn.input_length = rows[i].input != NULL ? strlen(rows[i].input) : 0;
        char *text = NULL;
        size_t length = 0;
        int status = -1;
        struct ipm_why why = {0};
        if (ipm_spawn_worker(&spawn, &text, &length, &status, &why) != 0)
            fail_msg("%s: %s", rows[i].script, why.text);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), rows[i].status);
        assert_int_equal(length, strlen(rows[i].output));
        assert_string_equal(text, rows[i].output);
        free(text);
    }
}

/* More than a pipe holds, both ways. */
static void large(void **state)
{
    enum { LENGTH = 1 << 20 };
    char *input = malloc(LENGTH);
    assert_non_null(input);
    memset(input, 'x', LENGTH);
    struct ipm_spawn spawn = shell(SHELL("cat"));
    spawn.input = input;
    spawn.input_length = LENGTH;
    char *text = NULL;
    size_t length = 0;
    int status = -1;
    (void)state;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, NULL), 0);
    assert_int_equal(length, LENGTH);
    assert_memory_equal(text, input, LENGTH);
    free(text);
    text = NULL;
    spawn.output_limit = LENGTH - 1;
    struct ipm_why why = {0};
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, &why), -EFBIG);
    assert_null(text);
    assert_non_null(strstr(why.text, "more than"));
    free(input);
}

static void failures(void **state)
{
    static const char *const missing[] = {"/nonexistent/program", NULL};
    static const char *const folder[] = {"/", NULL};
    struct ipm_spawn spawn = {
        .argv = missing, .output_limit = 10, .deadline_ns = IPM_FOREVER};
    char *text = NULL;
    size_t length = 77;
    int status = 77;
    struct ipm_why why = {0};
    (void)state;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, &why), -ENOENT);
    assert_non_null(strstr(why.text, "/nonexistent/program"));
    spawn.argv = folder;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, &why), -EACCES);
    assert_null(text);
    assert_int_equal(length, 77);
    assert_int_equal(status, 77);

    spawn = shell(SHELL("kill -9 $$"));
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, &why), 0);
    assert_true(WIFSIGNALED(status));
    free(text);
    text = NULL;
    spawn = shell(SHELL("exec sleep 1000"));
    spawn.deadline_ns = ipm_now_ns() + 50 * 1000000;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, &why),
                     IPM_SPAWN_TIMED_OUT);
    assert_null(text);
}

/* A signal before the sleep and one in it: neither is lost, and the mask is kept. */
static void interrupts(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigset_t mask;
    char *text = NULL;
    size_t length = 0;
    int status = 0;
    (void)state;
    assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
    struct ipm_spawn spawn = shell(SHELL("exec sleep 1000"));
    spawn.interrupted = &interrupted;
    interrupted = 1;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, NULL),
                     IPM_SPAWN_INTERRUPTED);
    interrupted = 0;
    spawn = shell(SHELL("kill -TERM $PPID; exec sleep 1000"));
    spawn.interrupted = &interrupted;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, NULL),
                     IPM_SPAWN_INTERRUPTED);
    assert_int_equal(interrupted, SIGTERM);
    assert_null(text);
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    assert_false(sigismember(&mask, SIGTERM));
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

/* What a program says, which must end well; the caller frees it. */
static char *said(const char *const argv[4])
{
    struct ipm_spawn spawn = shell(argv);
    char *text = NULL;
    size_t length = 0;
    int status = -1;
    assert_int_equal(ipm_spawn_worker(&spawn, &text, &length, &status, NULL), 0);
    assert_int_equal(status, 0);
    return text;
}

/* The program starts with the caller's mask, in a group of its own, without our files.  Each
 * is asked of one process, by exec: a shell with a pipeline has descriptors of its own, more
 * or fewer as it is scheduled. */
static void surroundings(void **state)
{
    enum { DESCRIPTORS = 1024 };
    bool open[DESCRIPTORS] = {true, true, true};
    sigset_t blocked;
    sigset_t mask;
    int pid = 0;
    int group = -1;
    unsigned long long bits = 0;
    int strangers = 0;
    (void)state;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &mask), 0);
    char *text = said(SHELL("exec grep SigBlk /proc/self/status"));
    assert_int_equal(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
    assert_int_equal(sscanf(text, "SigBlk: %llx", &bits), 1);
    for (int number = 1; number <= 31; number++)
        assert_int_equal(bits >> (number - 1) & 1,
                         number == SIGUSR1 || sigismember(&mask, number) == 1);
    free(text);

    text = said(SHELL("exec cut -d' ' -f1,5 /proc/self/stat"));
    assert_int_equal(sscanf(text, "%d %d", &pid, &group), 2);
    assert_int_equal(group, pid);
    free(text);

    /* What this test got itself may be there, and the folder that ls reads. */
    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        int flags = fcntl(fd, F_GETFD);
        open[fd] = flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    text = said(SHELL("exec ls /proc/self/fd"));
    for (char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        int fd = atoi(at);
        strangers += fd >= DESCRIPTORS || !open[fd];
    }
    assert_int_equal(strangers, 1);
    free(text);
}

/* A worker that says nonsense, or nothing, is an error with its reason. */
static void describes(void **state)
{
    static const struct {
        const char *script;
        int error;
        const char *part;
    } rows[] = {
        {"exit 2", -EINVAL, "exited with status 2"},
        {"exit 1", -EIO, "exited with status 1"},
        {"kill -9 $$", -EIO, "signal 9"},
        {"echo '{'", -EBADMSG, "line"},
        {"echo '{}'", -EPROTO, "protocol"},
        {"echo '{\"protocol\": 2}'", -EPROTO, "the lowest protocol it speaks is 2"},
        {"echo '{\"protocol\": 1}'", -EBADMSG, "no list of mechanisms"},
        {"echo '{\"protocol\": 1, \"mechanisms\": [{\"name\": \"a b\"}]}'", -EBADMSG,
         "entry 0 has no sane name"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_worker worker = {0};
        char script[512];
        char path[256];
        (void)snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", rows[i].script);
        ipm_test_write(ipm_test_path(state, "worker", path), script, strlen(script));
        assert_int_equal(chmod(path, 0700), 0);
        assert_int_equal(setenv("IPCMETER_WORKER", path, 1), 0);
        assert_int_equal(ipm_worker_find(&worker, NULL), 0);
        json_t *describe = NULL;
        struct ipm_why why = {0};
        int error = ipm_describe_worker(&worker, NULL, &describe, &why);
        if (error != rows[i].error || strstr(why.text, rows[i].part) == NULL)
            fail_msg("%s: %d, %s", rows[i].script, error, why.text);
        assert_null(describe);
    }
    struct ipm_worker worker = {0};
    assert_int_equal(setenv("IPCMETER_WORKER", "/nonexistent/worker", 1), 0);
    assert_int_equal(ipm_worker_find(&worker, NULL), -ENOENT);
    assert_int_equal(unsetenv("IPCMETER_WORKER"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),
        cmocka_unit_test(large),
        cmocka_unit_test(failures),
        cmocka_unit_test(interrupts),
        cmocka_unit_test(surroundings),
        cmocka_unit_test_setup_teardown(describes, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
