/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/sensors/exercise.h"
#include "harness/worker/sensors/perf.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_perf_software;
extern const struct ipm_sensor ipm_sensor_perf_core;
extern const struct ipm_sensor ipm_sensor_perf_tlb;
extern const struct ipm_sensor ipm_sensor_perf_itlb;
extern const struct ipm_sensor ipm_sensor_perf_walks;
extern const struct ipm_sensor ipm_sensor_perf_cache;
extern const struct ipm_sensor ipm_sensor_perf_events;
extern const struct ipm_sensor ipm_sensor_perf_flushes;

/* A kernel that follows a script: what the n-th counter opened does. */
struct answer {
    int refuse;     /* errno of the open; 0: it opens */
    int control;    /* errno of enable and disable */
    bool gone;      /* reads return nothing: a pinned counter that found no place */
    uint64_t moved; /* by the loops that exercise it */
    struct ipm_perf_sample before, after;
};

enum { COUNTERS = 32 };

static struct {
    struct answer answers[COUNTERS];
    struct perf_event_attr attributes[COUNTERS];
    int fds[COUNTERS], groups[COUNTERS], cpus[COUNTERS];
    char filters[COUNTERS][32];
    bool on[COUNTERS];
    int opened;
    bool plain;      /* takes no exclude bit */
    int room;        /* most members of a group; 0: no limit */
    bool quiet;      /* a group without room opens, and reads nothing */
    unsigned wanted; /* the loops that were asked for */
    unsigned cannot; /* loops that cannot run */
    enum { BEFORE, STOPPED, EXERCISED } stage;
} script;

/* The last one: descriptors of closed counters come back. */
static int index_of(int fd)
{
    for (int i = script.opened - 1; i >= 0; i--) {
        if (script.fds[i] == fd)
            return i;
    }
    fail_msg("no counter has descriptor %d", fd);
    return -1;
}

static int members_of(int leader)
{
    int n = 1;
    for (int i = 0; i < script.opened; i++)
        n += leader >= 0 && script.groups[i] == leader && script.fds[i] >= 0 &&
             index_of(script.fds[i]) == i;
    return n;
}

static int scripted_open(struct perf_event_attr *attributes, pid_t pid, int cpu,
                         int group, unsigned long flags)
{
    assert_int_equal(pid, cpu < 0 ? 0 : -1);
    assert_int_equal(flags, PERF_FLAG_FD_CLOEXEC);
    assert_int_equal(attributes->size, sizeof(*attributes));
    assert_true(script.opened < COUNTERS);
    int i = script.opened;
    errno = script.answers[i].refuse;
    if (script.plain && (attributes->exclude_user || attributes->exclude_kernel ||
                         attributes->exclude_hv))
        errno = EINVAL;
    if (script.room > 0 && !script.quiet && group >= 0 &&
        members_of(group) >= script.room)
        errno = EINVAL;
    script.attributes[i] = *attributes;
    script.fds[i] = -1;
    script.groups[i] = group;
    script.cpus[i] = cpu;
    script.on[i] = false;
    script.opened++;
    if (errno != 0)
        return -1;
    return script.fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int scripted_control(int fd, unsigned long request, void *argument)
{
    int i = index_of(fd);
    errno = script.answers[i].control;
    if (errno != 0)
        return -1;
    if (request == PERF_EVENT_IOC_SET_FILTER) {
        (void)snprintf(script.filters[i], sizeof(script.filters[i]), "%s",
                       (const char *)argument);
        return 0;
    }
    assert_true(request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE);
    assert_null(argument);
    assert_true(script.groups[i] < 0); /* members are switched by their leader */
    script.on[i] = request == PERF_EVENT_IOC_ENABLE;
    return 0;
}

/* Before the window a counter shows @before, then @after, then what the loops did to it. */
static ssize_t scripted_read(int fd, void *bytes, size_t length)
{
    int i = index_of(fd);
    const struct answer *answer = &script.answers[i];
    assert_false(script.on[i]);
    if (answer->gone || (script.quiet && members_of(fd) > script.room))
        return 0;
    struct ipm_perf_sample now =
        script.stage == BEFORE ? answer->before : answer->after;
    now.value += script.stage == EXERCISED ? answer->moved : 0;
    assert_int_equal(length, sizeof(now));
    memcpy(bytes, &now, length);
    return (ssize_t)length;
}

static unsigned scripted_exercise(unsigned wanted)
{
    bool on = false;
    for (int i = 0; i < script.opened; i++)
        on = on || script.on[i];
    assert_true(on);
    script.wanted = wanted;
    script.stage = EXERCISED;
    return wanted & ~script.cannot;
}

static const struct ipm_perf_system scripted = {
    .open = scripted_open,
    .control = scripted_control,
    .read = scripted_read,
};

static int fresh(void **state)
{
    memset(&script, 0, sizeof(script));
    return state == NULL;
}

static int fresh_directory(void **state)
{
    memset(&script, 0, sizeof(script));
    return ipm_test_directory(state);
}

/* Runs a sensor on the scripted kernel; 0 or what open() said. */
static int run_asked(const struct ipm_sensor *sensor,
                     const struct ipm_sensor_context *context,
                     struct ipm_metric *metrics, size_t room, size_t *out_n,
                     struct ipm_why *why)
{
    const struct ipm_perf_system *kernel = ipm_perf_system;
    void *state = calloc(1, sensor->state_size);
    assert_non_null(state);
    ipm_perf_system = &scripted;
    ipm_perf_exercise = scripted_exercise;
    script.opened = 0;
    script.stage = BEFORE;
    int error = sensor->open(state, context, why);
    if (error == 0) {
        sensor->start(state);
        script.stage = STOPPED;
        sensor->stop(state);
        *out_n = sensor->read(state, metrics, room);
        sensor->close(state);
    }
    for (int i = 0; i < script.opened; i++)
        assert_true(script.fds[i] < 0 || fcntl(script.fds[i], F_GETFD) < 0);
    ipm_perf_system = kernel;
    ipm_perf_exercise = ipm_exercise;
    free(state);
    return error;
}

static int run(const struct ipm_sensor *sensor, const char *sysroot,
               struct ipm_metric *metrics, size_t room, size_t *out_n,
               struct ipm_why *why)
{
    const struct ipm_sensor_context context = {
        .sysroot = sysroot, .pass = sensor->pass, .window_ns = 50000000};
    return run_asked(sensor, &context, metrics, room, out_n, why);
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
        assert_true(script.opened >= 4);
    }
}

static void a_pmu_that_lacks_an_event_is_named(void **state)
{
    for (size_t k = 0; k < IPM_TEST_ROWS(script.answers); k++)
        script.answers[k] = (struct answer){.refuse = ENOENT};
    struct ipm_why why = {.error = 0};
    size_t n = 0;
    ipm_tree_put(*state, "sys/bus/event_source/devices/software/type", "1\n");
    assert_int_equal(run(&ipm_sensor_perf_core, *state, NULL, 0, &n, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no hardware PMU"));
    ipm_tree_put(*state, "sys/bus/event_source/devices/armv8_pmuv3/type", "8\n");
    assert_int_equal(run(&ipm_sensor_perf_core, *state, NULL, 0, &n, &why), -ENOENT);
    assert_non_null(strstr(why.text, "the PMU (armv8_pmuv3) lacks it"));
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
        /* A group: its leader is pinned, and switches the members. */
        assert_int_equal(script.groups[i], i == 0 ? -1 : script.fds[0]);
        assert_int_equal(attributes->pinned, i == 0);
        assert_int_equal(attributes->disabled, i == 0);
        assert_true(attributes->inherit && attributes->exclude_hv);
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

static void one_lost_event_loses_no_other(void **state)
{
    (void)state;
    struct ipm_metric metrics[16];
    size_t n = 0;
    script.answers[0] = counts(5, 500);
    script.answers[1] = (struct answer){.refuse = EACCES};
    script.answers[2] = (struct answer){.refuse = ENOENT};
    script.answers[3] = (struct answer){.refuse = ENOENT};
    assert_int_equal(run(&ipm_sensor_perf_tlb, "", metrics, 16, &n, NULL), 0);
    assert_int_equal(n, 6);
    assert_value(metrics, n, "dtlb_load_misses_user", 5);
    assert_missing(metrics, n, "dtlb_load_misses_kernel", "denied: ");
    assert_missing(metrics, n, "dtlb_load_misses", "denied: ");
    assert_missing(metrics, n, "dtlb_store_misses", "absent: ");
    assert_missing(metrics, n, "dtlb_store_misses_user", "absent: ");
}

/* Plain rv64: EINVAL as soon as a side is to be left out. */
static void without_exclusion_the_total_is_counted(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.plain = true;
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts(77, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_int_equal(n, 6);
    assert_value(metrics, n, "cycles", 77);
    assert_value(metrics, n, "instructions", 77);
    assert_missing(metrics, n, "cycles_user", "absent: no user/kernel split: ");
    assert_missing(metrics, n, "cycles_kernel", "absent: no user/kernel split: ");
    int open = 0;
    for (int i = 0; i < script.opened; i++)
        open += script.fds[i] >= 0;
    assert_int_equal(open, 2);
}

/* Said when a member is opened, or, as by the RISC-V driver, only by a read of nothing. */
static void a_group_without_room_is_taken_apart(void **state)
{
    (void)state;
    for (int quiet = 0; quiet < 2; quiet++) {
        struct ipm_metric metrics[8];
        size_t n = 0;
        memset(&script, 0, sizeof(script));
        script.room = 2;
        script.quiet = quiet;
        for (int i = 0; i < COUNTERS; i++)
            script.answers[i] = counts(10, 500);
        script.answers[quiet ? 7 : 5].gone = true; /* the fourth counter in the end */
        assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
        assert_value(metrics, n, "cycles", 20);
        assert_value(metrics, n, "instructions_user", 10);
        assert_missing(metrics, n, "instructions_kernel",
                       "multiplexed: no counter was free");
        assert_missing(metrics, n, "instructions", "multiplexed: ");
        for (int i = quiet ? 4 : script.opened; i < script.opened; i++)
            assert_true(script.groups[i] < 0 && script.attributes[i].pinned);
    }
}

/* As an emulated PMU of two counters was seen to say. */
static void impossible_counts_are_missing(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        script.answers[i] = counts(500 * 90, 500);
    script.answers[2] = counts(500 * 102, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "cycles", 2 * 500 * 90);
    assert_missing(metrics, n, "instructions_user", "failed: 51000 in 500 ns");
    assert_missing(metrics, n, "instructions", "failed: 51000 in 500 ns");
}

static void members_share_their_leaders_fate(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        script.answers[i] = (struct answer){.before = at_start, .after = at_start};
    script.answers[0] = counts(0, 500);
    script.answers[0].control = EIO;
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    for (size_t i = 0; i < n; i++)
        assert_missing(metrics, n, metrics[i].name, "failed: switch the counter on");
}

/* What stays 0 on a loop that moves it is stuck; what moves did count. */
static void zeros_are_exercised(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0] = counts(0, 500);
    script.answers[0].moved = 4096;
    script.answers[1] = counts(3, 500);
    script.answers[2] = counts(0, 500);
    script.answers[3] = counts(0, 500);
    script.answers[3].moved = 1;
    assert_int_equal(run(&ipm_sensor_perf_tlb, "", metrics, 8, &n, NULL), 0);
    assert_int_equal(script.wanted, IPM_EXERCISE_LOADS | IPM_EXERCISE_STORES);
    assert_value(metrics, n, "dtlb_load_misses_user", 0);
    assert_value(metrics, n, "dtlb_load_misses", 3);
    assert_missing(metrics, n, "dtlb_store_misses_user", "stuck: ");
    assert_missing(metrics, n, "dtlb_store_misses", "stuck: ");
    assert_value(metrics, n, "dtlb_store_misses_kernel", 0);

    fresh(state);
    for (int i = 0; i < 4; i++)
        script.answers[i] = counts(0, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    for (size_t i = 0; i < n; i++)
        assert_missing(metrics, n, metrics[i].name, "stuck: ");

    /* Nothing is exercised when nothing is in doubt. */
    fresh(state);
    for (int i = 0; i < 4; i++)
        script.answers[i] = counts(1, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_int_equal(script.wanted, 0);
}

/* A 0 that no loop can vouch for is missing, but not called stuck. */
static void what_cannot_be_exercised_is_said(void **state)
{
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.cannot = IPM_EXERCISE_MEMORY;
    script.answers[0] = counts(0, 500);
    script.answers[1] = counts(5, 500);
    assert_int_equal(run(&ipm_sensor_perf_cache, *state, metrics, 8, &n, NULL), 0);
    assert_missing(metrics, n, "llc_misses_user", "zero: ");
    assert_value(metrics, n, "llc_misses_kernel", 5);

    /* The kernel's own code: user calls prove nothing about it. */
    memset(&script, 0, sizeof(script));
    script.answers[0] = counts(0, 500);
    script.answers[1] = counts(0, 500);
    assert_int_equal(run(&ipm_sensor_perf_itlb, *state, metrics, 8, &n, NULL), 0);
    assert_missing(metrics, n, "itlb_misses_user", "stuck: ");
    assert_missing(metrics, n, "itlb_misses_kernel", "zero: ");
}

/* The CPU of the tree says what is counted. */
static void the_table_says_what_is_counted(void **state)
{
    static const char skylake[] = "processor\t: 0\nvendor_id\t: GenuineIntel\n"
                                  "cpu family\t: 6\nmodel\t\t: 85\n"
                                  "model name\t: Xeon\n\n";
    static const char zen[] = "vendor_id\t: AuthenticAMD\ncpu family\t: 23\n"
                              "model\t\t: 113\n\n";
    struct ipm_metric metrics[8];
    struct ipm_why why = {.error = 0};
    size_t n = 0;
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts(9, 500);
    ipm_tree_put(*state, "proc/cpuinfo", skylake);
    assert_int_equal(run(&ipm_sensor_perf_walks, *state, metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "dtlb_walks", 18);
    assert_value(metrics, n, "dtlb_walk_cycles", 18);
    assert_int_equal(script.attributes[0].type, PERF_TYPE_RAW);
    assert_int_equal(script.attributes[0].config, 0x0108);
    assert_int_equal(script.attributes[2].config, 0x1001008);

    ipm_tree_put(*state, "proc/cpuinfo", zen);
    assert_int_equal(run(&ipm_sensor_perf_walks, *state, metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "dtlb_walks_kernel", 9);
    assert_int_equal(script.attributes[0].config, 0xf045);
    assert_int_equal(script.opened, 2);
    assert_missing(metrics, n, "dtlb_walk_cycles", "absent: AMD");

    /* Not in the table: no walks, and the kernel's generic event for the others. */
    ipm_tree_put(*state, "proc/cpuinfo", "processor\t: 0\nisa\t\t: rv64imafdc\n\n");
    assert_int_equal(run(&ipm_sensor_perf_walks, *state, metrics, 8, &n, &why),
                     -ENOENT);
    assert_non_null(strstr(why.text, "no vendor"));
    assert_int_equal(script.opened, 0);
    assert_int_equal(run(&ipm_sensor_perf_itlb, *state, metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "itlb_misses", 18);
    assert_int_equal(script.attributes[0].type, PERF_TYPE_HW_CACHE);
}

static void hybrid_parts_count_on_their_own_pmu(void **state)
{
    struct ipm_metric metrics[8];
    struct ipm_why why = {.error = 0};
    size_t n = 0;
    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 151\n\n");
    assert_int_equal(run(&ipm_sensor_perf_walks, *state, metrics, 8, &n, &why),
                     -ENOENT);
    assert_non_null(strstr(why.text, "cpu_core"));
    ipm_tree_put(*state, "sys/bus/event_source/devices/cpu_core/type", "4\n");
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts(9, 500);
    ipm_tree_put(*state, "sys/bus/event_source/devices/cpu_core/type", "10\n");
    assert_int_equal(run(&ipm_sensor_perf_walks, *state, metrics, 8, &n, NULL), 0);
    assert_int_equal(script.attributes[0].type, 10);
    assert_int_equal(script.attributes[0].config, 0x0e12);
}

static void another_back_end_leaves_them_alone(void **state)
{
    (void)state;
    json_t *sensing = json_pack("{s:s}", "counters", "papi");
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "counters:core", .window_ns = 1, .sensing = sensing};
    struct ipm_metric metrics[IPM_METRICS_MAX];
    struct ipm_sensor_set set;
    ipm_sensor_set_open(&set, IPM_SCOPE_TASK, &context);
    size_t n = ipm_sensor_set_read(&set, metrics, IPM_METRICS_MAX);
    ipm_sensor_set_close(&set);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].name, "cycles") != 0)
            continue;
        assert_string_equal(metrics[i].reason, "not_chosen: --counters papi");
        found = true;
    }
    assert_true(found);
    assert_int_equal(script.opened, 0);
    json_decref(sensing);
}

static void one_side_or_both_in_one_can_be_asked_for(void **state)
{
    static const struct {
        const char *sides;
        int user, kernel; /* exclude_user, exclude_kernel of the first counter */
        const char *value, *missing;
    } rows[] = {
        {"user", 0, 1, "cycles_user", "cycles_kernel"},
        {"kernel", 1, 0, "cycles_kernel", "cycles_user"},
        {"total", 0, 0, "cycles", "cycles_user"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        json_t *sensing = json_pack("{s:s}", "sides", rows[i].sides);
        const struct ipm_sensor_context context = {
            .sysroot = "", .pass = "counters:core", .sensing = sensing};
        struct ipm_metric metrics[8];
        size_t n = 0;
        fresh(state);
        for (int k = 0; k < COUNTERS; k++)
            script.answers[k] = counts(6, 500);
        assert_int_equal(
            run_asked(&ipm_sensor_perf_core, &context, metrics, 8, &n, NULL), 0);
        assert_int_equal(n, 6);
        assert_int_equal(script.opened, 2);
        assert_int_equal(script.attributes[0].exclude_user, rows[i].user);
        assert_int_equal(script.attributes[0].exclude_kernel, rows[i].kernel);
        assert_value(metrics, n, rows[i].value, 6);
        assert_missing(metrics, n, rows[i].missing, "not_chosen: ");
        if (strcmp(rows[i].sides, "total") != 0)
            assert_missing(metrics, n, "cycles", "not_chosen: ");
        json_decref(sensing);
    }
}

/* Where neither the side nor both in one can be had, each metric has the kernel's reason. */
static void a_side_that_cannot_be_had_is_no_riddle(void **state)
{
    (void)state;
    json_t *sensing = json_pack("{s:s}", "sides", "user");
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "counters:core", .sensing = sensing};
    struct ipm_metric metrics[8];
    size_t n = 0;
    script.answers[0].refuse = script.answers[1].refuse = EINVAL;
    script.answers[2] = counts(6, 500);
    assert_int_equal(run_asked(&ipm_sensor_perf_core, &context, metrics, 8, &n, NULL),
                     0);
    assert_missing(metrics, n, "cycles_user", "failed: perf_event_open: ");
    assert_missing(metrics, n, "cycles_kernel", "not_chosen: ");
    assert_value(metrics, n, "instructions_user", 6);
    json_decref(sensing);
}

/* Events by name, two to a pass. */
static void events_that_are_asked_for(void **state)
{
    static const char *const passes[] = {"counters:events:1", "counters:events:2",
                                         "counters:events:3"};
    (void)state;
    json_t *sensing = json_pack("{s:[s,s,s,s,s,s]}", "events", "cycles", "r1A2",
                                "page-faults", "no such event!", "r10", "r10");
    struct ipm_sensor_context context = {
        .sysroot = "/nonexistent", .pass = "timing", .sensing = sensing};
    const struct ipm_sensor *sensor = &ipm_sensor_perf_events;
    struct ipm_metric metrics[8];
    size_t n = 0;
    assert_int_equal(sensor->passes(&context), 3);
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts(2, 500);

    context.pass = passes[0];
    assert_int_equal(sensor->rows(&context, metrics, 8), 2);
    assert_string_equal(metrics[0].name, "event_cycles"); /* ours has the plain name */
    assert_string_equal(metrics[1].name, "r1a2");
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, NULL), 0);
    assert_int_equal(n, 6);
    assert_value(metrics, n, "event_cycles", 4);
    assert_value(metrics, n, "r1a2_kernel", 2);
    assert_int_equal(script.attributes[2].type, PERF_TYPE_RAW);
    assert_int_equal(script.attributes[2].config, 0x1a2);

    /* A software event counts both sides in one; an unknown one takes nothing along. */
    context.pass = passes[1];
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "event_page_faults", 2);
    assert_missing(metrics, n, "no_such_event", "failed: ");
    assert_int_equal(script.opened, 1);

    /* What some loop moved has counted; what none moved, none is known to move. */
    context.pass = passes[0];
    script.answers[0] = counts(0, 500);
    script.answers[0].moved = 1;
    script.answers[2] = counts(0, 500);
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, NULL), 0);
    assert_int_equal(script.wanted, IPM_EXERCISE_ALL);
    assert_value(metrics, n, "event_cycles_user", 0);
    assert_missing(metrics, n, "r1a2_user", "zero: ");
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts(2, 500);

    context.pass = passes[2];
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, NULL), 0);
    assert_value(metrics, n, "r10", 4);
    assert_missing(metrics, n, "r10_n6", "failed: the same event as r10");
    assert_int_equal(script.opened, 2);
    json_decref(sensing);
}

static const char flush_format[] =
    "name: tlb_flush\nID: 77\nformat:\n\tfield:int reason;\n\n"
    "print fmt: \"pages:%ld reason:%s (%d)\", REC->pages, "
    "__print_symbolic(REC->reason, "
    "{ 0, \"flush on task switch\" }, { 3, \"remote shootdown\" }, "
    "{ TLB_LOCAL_SHOOTDOWN, \"local shootdown\" }, { 5, \"local MM shootdown\" }, "
    "{ 4, \"remote IPI send\" }), REC->reason\n";

static void flushes_are_told_apart_by_reason(void **state)
{
    static const int cpus[] = {2, 3};
    struct ipm_sensor_context context = {
        .sysroot = *state, .pass = "counters:flushes", .cpus = cpus, .n_cpus = 2};
    const struct ipm_sensor *sensor = &ipm_sensor_perf_flushes;
    struct ipm_metric metrics[8];
    struct ipm_why why = {.error = 0};
    size_t n = 0;
#if !defined(__x86_64__) && !defined(__i386__)
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), -ENOSYS);
    skip();
#endif
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), -ENOENT);
    assert_non_null(strstr(why.text, "mounted"));
    ipm_tree_put(*state, "sys/kernel/tracing/events/sched/enable", "0\n");
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no tracepoint tlb:tlb_flush"));

    ipm_tree_put(*state, "sys/kernel/tracing/events/tlb/tlb_flush/id", "77\n");
    ipm_tree_put(*state, "sys/kernel/tracing/events/tlb/tlb_flush/format",
                 flush_format);
    for (int i = 0; i < COUNTERS; i++)
        script.answers[i] = counts((uint64_t)i, 500);
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), 0);
    assert_int_equal(n, 6);
    assert_int_equal(script.opened, 10);
    assert_int_equal(script.attributes[9].config, 77);
    assert_int_equal(script.cpus[0], 2);
    assert_int_equal(script.cpus[1], 3);
    assert_string_equal(script.filters[0], "reason==0");
    assert_string_equal(script.filters[2], "reason==3");
    assert_string_equal(script.filters[4], "reason==2");
    assert_string_equal(script.filters[6], "reason==5");
    assert_value(metrics, n, "tlb_flushes_task_switch", 0 + 1);
    assert_value(metrics, n, "tlb_flushes_remote_ipi_sent", 8 + 9);
    assert_missing(metrics, n, "tlb_flushes_remote_wrong_cpu", "absent: ");

    /* Each CPU once: two roles on one, and two pairs on three CPUs. */
    static const int one[] = {1, 1};
    context.cpus = one;
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), 0);
    assert_int_equal(script.opened, 5);
    static const int pairs[] = {1, 4, 4, 6};
    context.cpus = pairs;
    context.n_cpus = 4;
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), 0);
    assert_int_equal(script.opened, 15);
    assert_int_equal(script.cpus[2], 6);
    assert_value(metrics, n, "tlb_flushes_task_switch", 0 + 1 + 2);

    /* A CPU that went away: not 0. */
    script.answers[1] = (struct answer){.before = at_start, .after = at_start};
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), 0);
    assert_missing(metrics, n, "tlb_flushes_task_switch", "failed: it was never");
    assert_value(metrics, n, "tlb_flushes_remote_shootdown", 3 + 4 + 5);

    /* Two pairs on three CPUs. */
    static const int two_pairs[] = {2, 3, 4, 3};
    context.cpus = two_pairs;
    context.n_cpus = 4;
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), 0);
    assert_int_equal(script.opened, 15);
    assert_int_equal(script.cpus[2], 4);

    for (int i = 0; i < COUNTERS; i++)
        script.answers[i].refuse = EACCES;
    assert_int_equal(run_asked(sensor, &context, metrics, 8, &n, &why), -EACCES);
    assert_non_null(strstr(why.text, "perf_event_paranoid"));
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
    script.answers[2] = (struct answer){.before = at_start, .after = at_start};
    script.answers[3] = counts(9, 500);
    assert_int_equal(run(&ipm_sensor_perf_core, "", metrics, 8, &n, NULL), 0);
    assert_missing(metrics, n, "cycles_user", "stuck: ");
    assert_value(metrics, n, "cycles_kernel", 2);
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

/* The loops move what every kernel counts: that they fault, and that they take time. */
static void loops_can_run_here(void **state)
{
    (void)state;
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    unsigned ran = ipm_exercise(IPM_EXERCISE_ALL);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_int_equal(ipm_exercise(0), 0);
    assert_true((ran & IPM_EXERCISE_SPIN) != 0);
    if (ran != IPM_EXERCISE_ALL)
        print_message("loops %#x of %#x can run here\n", ran, IPM_EXERCISE_ALL);
    if ((ran & IPM_EXERCISE_LOADS) != 0 && (ran & IPM_EXERCISE_STORES) != 0)
        assert_true(after.ru_minflt - before.ru_minflt >=
                    2 * 8192 * 4096 / getpagesize());
}

#define IN_TREE(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, fresh_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(errno_becomes_a_reason),
        IN_TREE(a_pmu_that_lacks_an_event_is_named),
        IN_TREE(unreadable_level_is_said),
        cmocka_unit_test_setup(total_is_user_and_kernel, fresh),
        cmocka_unit_test_setup(software_events_include_the_kernel, fresh),
        cmocka_unit_test_setup(one_lost_event_loses_no_other, fresh),
        cmocka_unit_test_setup(without_exclusion_the_total_is_counted, fresh),
        cmocka_unit_test_setup(a_group_without_room_is_taken_apart, fresh),
        cmocka_unit_test_setup(impossible_counts_are_missing, fresh),
        cmocka_unit_test_setup(members_share_their_leaders_fate, fresh),
        cmocka_unit_test_setup(zeros_are_exercised, fresh),
        IN_TREE(what_cannot_be_exercised_is_said),
        IN_TREE(the_table_says_what_is_counted),
        IN_TREE(hybrid_parts_count_on_their_own_pmu),
        cmocka_unit_test_setup(another_back_end_leaves_them_alone, fresh),
        cmocka_unit_test_setup(one_side_or_both_in_one_can_be_asked_for, fresh),
        cmocka_unit_test_setup(a_side_that_cannot_be_had_is_no_riddle, fresh),
        cmocka_unit_test_setup(events_that_are_asked_for, fresh),
        IN_TREE(flushes_are_told_apart_by_reason),
        cmocka_unit_test_setup(what_did_not_count_all_the_time_is_missing, fresh),
        cmocka_unit_test_setup(counters_that_do_not_count_are_missing, fresh),
        cmocka_unit_test(loops_can_run_here),
        cmocka_unit_test(real_software_events_are_right_or_refused),
        cmocka_unit_test(real_hardware_counts_or_has_a_reason),
    };
    return cmocka_run_group_tests_name("perf", tests, NULL, NULL);
}
