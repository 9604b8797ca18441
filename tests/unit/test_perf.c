/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/sensors/perf.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_perf_software;
extern const struct ipm_sensor ipm_sensor_perf_core;
extern const struct ipm_sensor ipm_sensor_perf_tlb;

/* A kernel that follows a script: what the n-th counter opened does. */
struct answer {
    int refuse;  /* errno of the open; 0: it opens */
    int control; /* errno of enable and disable */
    bool gone;   /* reads return nothing: a pinned counter that found no place */
    struct ipm_perf_sample before, after;
};

static struct {
    struct answer answers[8];
    struct perf_event_attr attributes[8];
    int fds[8];
    bool on[8];
    int opened;
} script;

static int scripted_open(struct perf_event_attr *attributes, pid_t pid, int cpu,
                         int group, unsigned long flags)
{
    assert_int_equal(pid, 0);
    assert_int_equal(cpu, -1);
    assert_int_equal(group, -1);
    assert_int_equal(flags, PERF_FLAG_FD_CLOEXEC);
    assert_true(script.opened < (int)IPM_TEST_ROWS(script.answers));
    int i = script.opened++;
    script.attributes[i] = *attributes;
    script.fds[i] = -1;
    errno = script.answers[i].refuse;
    if (errno != 0)
        return -1;
    return script.fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int index_of(int fd)
{
    for (int i = 0; i < script.opened; i++) {
        if (script.fds[i] == fd)
            return i;
    }
    fail_msg("no counter has descriptor %d", fd);
    return -1;
}

static int scripted_control(int fd, unsigned long request)
{
    int i = index_of(fd);
    errno = script.answers[i].control;
    if (errno != 0)
        return -1;
    assert_true(request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE);
    script.on[i] = request == PERF_EVENT_IOC_ENABLE;
    return 0;
}

/* Before the first disable a counter shows @before, afterwards @after. */
static bool stopping;

static ssize_t scripted_read(int fd, void *bytes, size_t length)
{
    const struct answer *answer = &script.answers[index_of(fd)];
    assert_false(script.on[index_of(fd)]);
    if (answer->gone)
        return 0;
    assert_int_equal(length, sizeof(answer->before));
    memcpy(bytes, stopping ? &answer->after : &answer->before, length);
    return (ssize_t)length;
}

static const struct ipm_perf_system scripted = {
    .open = scripted_open,
    .control = scripted_control,
    .read = scripted_read,
};

/* What the next run asks of its sensor; NULL: nothing. */
static const json_t *sensing;

/* Runs a sensor on the scripted kernel; 0 or what open() said. */
static int run(const struct ipm_sensor *sensor, const char *sysroot,
               struct ipm_metric *metrics, size_t room, size_t *out_n,
               struct ipm_why *why)
{
    const struct ipm_sensor_context context = {.sysroot = sysroot,
                                               .pass = sensor->pass,
                                               .window_ns = 50000000,
                                               .sensing = sensing};
    const struct ipm_perf_system *kernel = ipm_perf_system;
    void *state = calloc(1, sensor->state_size);
    assert_non_null(state);
    ipm_perf_system = &scripted;
    script.opened = 0;
    stopping = false;
    int error = sensor->open(state, &context, why);
    if (error == 0) {
        sensor->start(state);
        stopping = true;
        sensor->stop(state);
        *out_n = sensor->read(state, metrics, room);
        sensor->close(state);
    }
    for (int i = 0; i < script.opened; i++)
        assert_true(script.fds[i] < 0 || fcntl(script.fds[i], F_GETFD) < 0);
    ipm_perf_system = kernel;
    free(state);
    return error;
}

static const struct ipm_perf_sample at_start = {1000, 70, 60};

/* @value counted in 500 ns of which @running_ns ran. */
static struct answer counts(uint64_t value, uint64_t running_ns)
{
    return (struct answer){.before = at_start,
                           .after = {1000 + value, 70 + 500, 60 + running_ns}};
}

static const struct ipm_metric *find(const struct ipm_metric *metrics, size_t n,
                                     const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    return NULL;
}

static void assert_value(const struct ipm_metric *metrics, size_t n, const char *name,
                         double value)
{
    const struct ipm_metric *metric = find(metrics, n, name);
    assert_non_null(metric);
    if (metric->status != IPM_METRIC_OK || metric->value != value)
        fail_msg("%s is %g '%s', not %g", name, metric->value, metric->reason, value);
}

static void assert_missing(const struct ipm_metric *metrics, size_t n, const char *name,
                           const char *reason)
{
    const struct ipm_metric *metric = find(metrics, n, name);
    assert_non_null(metric);
    if (metric->status == IPM_METRIC_OK ||
        strncmp(metric->reason, reason, strlen(reason)) != 0)
        fail_msg("%s is %g '%s', not '%s...'", name, metric->value, metric->reason,
                 reason);
}

static void errno_becomes_a_reason(void **state)
{
    static const struct {
        int error;
        const char *class;
        const char *text;
    } rows[] = {
        {ENOENT, "absent", "no hardware PMU"},
        {ENODEV, "absent", "no hardware PMU"},
        {EOPNOTSUPP, "absent", "no hardware PMU"},
        {ENOSYS, "absent", "no perf events"},
        {EACCES, "denied", "perf_event_paranoid is 3 "},
        {EPERM, "denied", "perf_event_paranoid is 3 "},
        {EMFILE, "exhausted", "perf_event_open: "},
        {EBUSY, "failed", "another user"},
        {EINVAL, "failed", "perf_event_open: "},
    };
    ipm_tree_put(*state, "proc/sys/kernel/perf_event_paranoid", "3\n");
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(script.answers); k++)
            script.answers[k] = (struct answer){.refuse = rows[i].error};
        struct ipm_why why = {.error = 0};
        struct ipm_metric metrics[8];
        size_t n = 0;
        int error = run(&ipm_sensor_perf_core, *state, metrics, 8, &n, &why);
        assert_int_equal(error, -rows[i].error);
        assert_string_equal(ipm_why_class(error), rows[i].class);
        assert_non_null(strstr(why.text, rows[i].text));
        assert_int_equal(script.opened, 4);
    }
}

static void unreadable_level_is_said(void **state)
{
    for (size_t k = 0; k < IPM_TEST_ROWS(script.answers); k++)
        script.answers[k] = (struct answer){.refuse = EACCES};
    struct ipm_why why = {.error = 0};
    size_t n = 0;
    assert_int_equal(run(&ipm_sensor_perf_software, *state, NULL, 0, &n, &why),
                     -EACCES);
    assert_non_null(strstr(why.text, "unreadable"));
}

static void total_is_user_and_kernel(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0] = counts(40, 500);
    script.answers[1] = counts(2, 500);
    script.answers[2] = counts(100, 500);
    script.answers[3] = counts(11, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_int_equal(n, 6);
    assert_value(metrics, n, "cycles", 42);
    assert_value(metrics, n, "cycles_user", 40);
    assert_value(metrics, n, "cycles_kernel", 2);
    assert_value(metrics, n, "instructions", 111);
    for (int i = 0; i < 4; i++) {
        const struct perf_event_attr *attributes = &script.attributes[i];
        assert_true(attributes->pinned && attributes->inherit && attributes->disabled);
        assert_int_equal(attributes->exclude_kernel, i % 2 == 0);
        assert_int_equal(attributes->exclude_user, i % 2 == 1);
        assert_int_equal(attributes->type, PERF_TYPE_HARDWARE);
        assert_int_equal(attributes->config,
                         i < 2 ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_HW_INSTRUCTIONS);
    }
}

/* User-only software events would read 0 without an error. */
static void software_events_include_the_kernel(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0] = counts(7, 500);
    script.answers[1] = counts(0, 500);
    script.answers[2] = (struct answer){.refuse = EACCES};
    script.answers[3] = counts(0, 500);
    assert_int_equal(run(&ipm_sensor_perf_software, "", metrics, 8, &n, NULL), 0);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++)
        assert_true(!script.attributes[i].exclude_kernel &&
                    !script.attributes[i].exclude_user);
    assert_value(metrics, n, "context_switches", 7);
    assert_value(metrics, n, "cpu_migrations", 0);
    assert_missing(metrics, n, "page_faults", "denied: ");
    assert_missing(metrics, n, "task_clock_ns", "zero: ");
}

/* One side alone, or both by one counter: never two counters of one event. */
static void a_point_may_ask_for_one_side(void **state)
{
    static const struct {
        const char *sides;
        bool exclude_user, exclude_kernel;
        const char *value, *missing[2];
    } rows[] = {
        {"user", false, true, "cycles_user", {"cycles_kernel", "cycles"}},
        {"kernel", true, false, "cycles_kernel", {"cycles_user", "cycles"}},
        {"total", false, false, "cycles", {"cycles_user", "cycles_kernel"}},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *asked = json_pack("{s:s}", "sides", rows[i].sides);
        struct ipm_metric metrics[16];
        size_t n = 0;
        script.answers[0] = counts(11, 500);
        script.answers[1] = counts(22, 500);
        sensing = asked;
        int error = run(&ipm_sensor_perf_core, "", metrics, 16, &n, NULL);
        sensing = NULL;
        assert_int_equal(error, 0);
        assert_int_equal(script.opened, 2);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(script.attributes[k].exclude_user, rows[i].exclude_user);
            assert_int_equal(script.attributes[k].exclude_kernel,
                             rows[i].exclude_kernel);
            assert_missing(metrics, n, rows[i].missing[k], "not_chosen: ");
        }
        assert_int_equal(n, 6);
        assert_value(metrics, n, rows[i].value, 11);
    }
}

/* Refused, the side that was asked for says why, not the one that was not. */
static void the_side_that_was_asked_for_says_why(void **state)
{
    (void)state;
    ipm_auto_json json_t *asked = json_pack("{s:s}", "sides", "kernel");
    struct ipm_metric metrics[16];
    struct ipm_why why = {0};
    size_t n = 0;
    script.answers[0] = (struct answer){.refuse = ENOENT};
    script.answers[1] = (struct answer){.refuse = EACCES};
    sensing = asked;
    int error = run(&ipm_sensor_perf_core, "", metrics, 16, &n, &why);
    sensing = NULL;
    assert_int_equal(error, -ENOENT);
    assert_string_not_equal(why.text, "");
}

static void one_lost_event_loses_no_other(void **state)
{
    (void)state;
    struct ipm_metric metrics[16];
    size_t n = 0;
    script.answers[0] = counts(5, 500);
    script.answers[1] = (struct answer){.refuse = EACCES};
    script.answers[2] = (struct answer){.refuse = ENOENT};
    script.answers[3] = (struct answer){.refuse = ENOENT};
    script.answers[4] = counts(3, 500);
    script.answers[5] = counts(0, 500);
    assert_int_equal(run(&ipm_sensor_perf_tlb, "", metrics, 16, &n, NULL), 0);
    assert_int_equal(n, 9);
    assert_value(metrics, n, "dtlb_load_misses_user", 5);
    assert_missing(metrics, n, "dtlb_load_misses_kernel", "denied: ");
    assert_missing(metrics, n, "dtlb_load_misses", "denied: ");
    assert_missing(metrics, n, "dtlb_store_misses", "absent: ");
    assert_value(metrics, n, "itlb_misses", 3);
    assert_value(metrics, n, "itlb_misses_kernel", 0);
}

static void what_did_not_count_all_the_time_is_missing(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0] = counts(40, 499);
    script.answers[1] = counts(2, 500);
    script.answers[2] = counts(9, 500);
    script.answers[3] = counts(9, 500);
    script.answers[3].gone = true;
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_missing(metrics, n, "cycles_user", "multiplexed: it counted 499 of 500 ns");
    assert_missing(metrics, n, "cycles", "multiplexed: ");
    assert_value(metrics, n, "cycles_kernel", 2);
    assert_missing(metrics, n, "instructions_kernel",
                   "multiplexed: no counter was free");
    assert_value(metrics, n, "instructions_user", 9);
}

static void counters_that_do_not_count_are_missing(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0] = counts(0, 500);
    script.answers[1] = counts(2, 500);
    script.answers[1].control = EIO;
    script.answers[2] = (struct answer){.before = at_start, .after = at_start};
    script.answers[3] = counts(9, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_missing(metrics, n, "cycles_user", "zero: ");
    assert_missing(metrics, n, "cycles_kernel",
                   "failed: switch the counter on or off: ");
    assert_missing(metrics, n, "instructions_user", "failed: it was never enabled");
    assert_value(metrics, n, "instructions_kernel", 9);
}

/* Runs a sensor on the real kernel around sleeps and page faults; 0, or open()'s error. */
static int run_real(const struct ipm_sensor *sensor, struct ipm_metric *metrics,
                    size_t room, size_t *out_n, struct ipm_why *why)
{
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = sensor->pass, .window_ns = 50000000};
    static const size_t length = 100 * 4096;
    void *state = calloc(1, sensor->state_size);
    if (state == NULL)
        return -ENOMEM;
    int error = sensor->open(state, &context, why);
    if (error != 0) {
        free(state);
        return error;
    }
    char *memory =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)madvise(memory, length, MADV_NOHUGEPAGE);
    sensor->start(state);
    for (int i = 0; i < 40; i++) {
        struct timespec pause = ipm_timespec(1000000);
        (void)nanosleep(&pause, NULL);
    }
    for (size_t i = 0; i < length; i += 4096)
        ((volatile char *)memory)[i] = 1;
    sensor->stop(state);
    *out_n = sensor->read(state, metrics, room);
    sensor->close(state);
    (void)munmap(memory, length);
    free(state);
    return 0;
}

/* Right or refused, never 0.  Exit status: 0 right, 1 refused, else wrong. */
static int real_software(void *context)
{
    if (context != NULL && !ipm_become_nobody())
        return 2;
    struct ipm_metric metrics[8];
    struct ipm_why why;
    size_t n = 0;
    int error = run_real(&ipm_sensor_perf_software, metrics, 8, &n, &why);
    if (error != 0) {
        const char *class = ipm_why_class(error);
        return strcmp(class, "denied") == 0 || strcmp(class, "absent") == 0 ? 1 : 3;
    }
    const struct ipm_metric *switches = find(metrics, n, "context_switches");
    const struct ipm_metric *faults = find(metrics, n, "page_faults");
    const struct ipm_metric *clock = find(metrics, n, "task_clock_ns");
    if (switches == NULL || faults == NULL || clock == NULL)
        return 4;
    if (switches->status == IPM_METRIC_OK && switches->value < 20 /* of 40 */)
        return 5;
    if (faults->status == IPM_METRIC_OK && faults->value < 100)
        return 6;
    return clock->status != IPM_METRIC_OK || clock->value > 0 ? 0 : 7;
}

static void real_software_events_are_right_or_refused(void **state)
{
    (void)state;
    int status = ipm_test_in_child(real_software, NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    if (geteuid() == 0 && WEXITSTATUS(status) == 1)
        print_message("software events are refused to root here\n");

    char level[8] = "";
    int nobody = 1;
    status = ipm_test_in_child(real_software, &nobody);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    if (file == NULL)
        return;
    bool strict = fgets(level, sizeof(level), file) != NULL && atoi(level) >= 2;
    (void)fclose(file);
    /* At level 2 only the user-only event is granted, and that one would read 0. */
    if (strict)
        assert_int_equal(WEXITSTATUS(status), 1);
}

static void real_hardware_counts_or_has_a_reason(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    struct ipm_why why = {.error = 0};
    size_t n = 0;
    int error = run_real(&ipm_sensor_perf_core, metrics, 8, &n, &why);
    if (error != 0) {
        print_message("counters:core: %s: %s\n", ipm_why_class(error), why.text);
        assert_true(strcmp(ipm_why_class(error), "absent") == 0 ||
                    strcmp(ipm_why_class(error), "denied") == 0);
        assert_true(strlen(why.text) > 10);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(metrics[i].status == IPM_METRIC_OK ? metrics[i].value > 0
                                                       : metrics[i].reason[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(errno_becomes_a_reason, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(unreadable_level_is_said, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(total_is_user_and_kernel),
        cmocka_unit_test(software_events_include_the_kernel),
        cmocka_unit_test(a_point_may_ask_for_one_side),
        cmocka_unit_test(the_side_that_was_asked_for_says_why),
        cmocka_unit_test(one_lost_event_loses_no_other),
        cmocka_unit_test(what_did_not_count_all_the_time_is_missing),
        cmocka_unit_test(counters_that_do_not_count_are_missing),
        cmocka_unit_test(real_software_events_are_right_or_refused),
        cmocka_unit_test(real_hardware_counts_or_has_a_reason),
    };
    return cmocka_run_group_tests_name("perf", tests, NULL, NULL);
}
