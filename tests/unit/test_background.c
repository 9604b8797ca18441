/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/background.h"
#include "tests/support/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

/* Two caches of the last level: CPUs 0 to 3 and 8 under one of 8 MiB, 4 and 5 under one of
 * 32 MiB, and CPU 6 that shows none. */
static const struct ipm_tree_file caches[] = {
    {"sys/devices/system/cpu/cpu0/cache/index0/level", "1\n"},
    {"sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n"},
    {"sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0\n"},
    {"sys/devices/system/cpu/cpu0/cache/index3/level", "3\n"},
    {"sys/devices/system/cpu/cpu0/cache/index3/size", "8192K\n"},
    {"sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list", "0-3,8\n"},
    {"sys/devices/system/cpu/cpu4/cache/index2/level", "2\n"},
    {"sys/devices/system/cpu/cpu4/cache/index2/size", "32768K\n"},
    {"sys/devices/system/cpu/cpu4/cache/index2/shared_cpu_list", "4-5\n"},
    {"sys/devices/system/cpu/cpu6/online", "1\n"},
    {NULL, NULL},
};

static void slices_are_twice_the_cache_together(void **state)
{
    enum { MIB = 1 << 20 };
    static const struct {
        int cpus[4], n, cpu;
        int64_t slice;
    } rows[] = {
        {{0}, 1, 0, 16 * MIB},
        {{0, 8}, 2, 0, 8 * MIB},
        {{0, 4}, 2, 0, 16 * MIB}, /* not the same cache */
        {{0, 4}, 2, 4, 64 * MIB},
        {{4, 5}, 2, 4, 32 * MIB},
        {{0, 1, 2, 3}, 4, 0, 4 * MIB},
        {{6}, 1, 6, 64 * MIB}, /* not shown: as if 32 MiB */
        {{6, 7}, 2, 6, 32 * MIB},
    };
    const char *root = *state;
    ipm_tree_put_all(root, caches);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        assert_int_equal(
            ipm_background_slice(root, rows[i].cpus, rows[i].n, rows[i].cpu),
            rows[i].slice);
}

static struct ipm_point *point_of(enum ipm_background_kind kind, int cpu)
{
    struct ipm_point *point = calloc(1, sizeof(*point));
    assert_non_null(point);
    point->traffic.background = kind;
    point->sysroot = "";
    point->n_background = kind == IPM_BACKGROUND_NONE ? 0 : 1;
    point->background_cpus[0] = cpu;
    return point;
}

static bool gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static void load_runs_and_ends(void **state)
{
    static const struct {
        enum ipm_background_kind kind;
        int processes;
        bool memory;
    } rows[] = {{IPM_BACKGROUND_CPU, 1, false},
                {IPM_BACKGROUND_MEMORY, 1, true},
                {IPM_BACKGROUND_SWITCHES, 2, false}};
    static struct ipm_background background;
    static struct ipm_background_share share;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        struct ipm_point *point = point_of(rows[i].kind, sched_getcpu());
        int guard = dup(STDERR_FILENO);
        int error = ipm_background_start(&background, point, guard, &why);
        if (error != 0)
            fail_msg("%zu: %s", i, why.text);
        pid_t pids[2] = {background.pids[0], background.pids[1]};
        ipm_background_open_bill(&background);
        /* Until it had CPU time, which a busy machine gives when it likes. */
        do {
            struct timespec nap = {.tv_nsec = 20000000};
            int64_t begun_ns = background.begun_ns;
            (void)nanosleep(&nap, NULL);
            ipm_background_close_bill(&background);
            assert_int_equal(ipm_background_share(&background, &share, &why), 0);
            ipm_background_open_bill(&background);
            assert_true(background.begun_ns > begun_ns);
        } while (share.cpu_ns[0] < 1000000);
        assert_int_equal(share.n, 1);
        assert_int_equal(share.processes, rows[i].processes);
        assert_int_equal(share.cpus[0], point->background_cpus[0]);
        assert_int_equal(share.bytes > 0, rows[i].memory);
        assert_true(share.over_ns >= 20000000);
        struct ipm_metric metric = ipm_background_metric(&share);
        assert_string_equal(metric.name, "background_cpu_ns");
        assert_true(metric.status == IPM_METRIC_OK &&
                    metric.value == (double)share.cpu_ns[0]);
        ipm_background_stop(&background);
        ipm_background_stop(&background);
        for (int k = 0; k < rows[i].processes; k++)
            assert_true(gone(pids[k]));
        (void)close(guard);
        free(point);
    }
}

static void a_death_is_told(void **state)
{
    static struct ipm_background background;
    static struct ipm_background_share share;
    struct ipm_why why = {0};
    struct ipm_point *point = point_of(IPM_BACKGROUND_SWITCHES, sched_getcpu());
    (void)state;
    assert_int_equal(ipm_background_start(&background, point, -1, &why), 0);
    ipm_background_open_bill(&background);
    (void)kill(background.pids[0], SIGKILL);
    int result = 0;
    while (result == 0) {
        ipm_background_close_bill(&background);
        result = ipm_background_share(&background, &share, &why);
    }
    assert_int_equal(result, -ECHILD);
    assert_non_null(strstr(why.text, "the background load on CPU"));
    ipm_background_stop(&background);
    free(point);
}

static void what_cannot_be_is_refused(void **state)
{
    static struct ipm_background background;
    struct ipm_why why = {0};
    struct ipm_point *point = point_of(IPM_BACKGROUND_CPU, CPU_SETSIZE - 1);
    (void)state;
    assert_int_equal(ipm_background_start(&background, point, -1, &why), -EINVAL);
    assert_non_null(strstr(why.text, "cannot run on CPU"));
    ipm_background_stop(&background);
    free(point);
    point = point_of(IPM_BACKGROUND_NONE, 0);
    assert_int_equal(ipm_background_start(&background, point, -1, &why), 0);
    assert_int_equal(background.n, 0);
    ipm_background_stop(&background);
    free(point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slices_are_twice_the_cache_together,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test(load_runs_and_ends),
        cmocka_unit_test(a_death_is_told),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
