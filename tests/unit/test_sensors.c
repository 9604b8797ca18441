/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/sensors/sensor.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_rusage;
extern const struct ipm_sensor ipm_sensor_system_cpu;
extern const struct ipm_sensor ipm_sensor_system_switches;
extern const struct ipm_sensor ipm_sensor_system_calls;
extern const struct ipm_sensor ipm_sensor_task_switches;
extern const struct ipm_sensor ipm_sensor_tsc;

static const struct ipm_metric *find(const struct ipm_metric *metrics, size_t n,
                                     const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    fail_msg("no metric '%s'", name);
    return NULL;
}

/* Missing is null with a reason of a known class; there is a number. */
static void assert_honest(const struct ipm_metric *metric)
{
    static const char *const classes[] = {
        "absent: ",      "denied: ",    "masked: ",    "stuck: ",
        "zero: ",        "exhausted: ", "failed: ",    "not_in_this_pass: ",
        "multiplexed: ", "too_short: ", "not_chosen: "};
    ipm_auto_json json_t *json = ipm_metric_json(metric);
    const json_t *value = json_object_get(json, "value");
    const json_t *reason = json_object_get(json, "reason");
    if (metric->status == IPM_METRIC_OK) {
        assert_true(json_is_number(value));
        assert_true(json_is_null(reason));
        return;
    }
    assert_true(json_is_null(value));
    bool known = false;
    for (size_t i = 0; i < IPM_TEST_ROWS(classes); i++) {
        size_t length = strlen(classes[i]);
        known = known || (strncmp(metric->reason, classes[i], length) == 0 &&
                          metric->reason[length] != '\0');
    }
    if (!known)
        fail_msg("%s: '%s' has no known class", metric->name, metric->reason);
}

static void table_is_in_order(void **state)
{
    (void)state;
    const char *names[IPM_METRICS_MAX];
    size_t n = 0;
    for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
        struct ipm_why why;
        if (ipm_sensor_check(*at, &why) != 0)
            fail_msg("%s", why.text);
        for (const struct ipm_sensor_row *row = (*at)->metrics;
             row != NULL && row->name != NULL; row++) {
            for (size_t i = 0; i < n; i++)
                assert_string_not_equal(names[i], row->name);
            assert_true(n < IPM_METRICS_MAX);
            names[n++] = row->name;
        }
    }
    assert_true(n > 20);
}

static void faulty_sensors_are_named(void **state)
{
    (void)state;
    static const struct ipm_sensor_row bad_rows[] = {{"Upper", "ns"}, {NULL, NULL}};
    static const struct ipm_sensor_row no_rows[] = {{NULL, NULL}};
    struct ipm_sensor sensors[6];
    for (size_t i = 0; i < IPM_TEST_ROWS(sensors); i++)
        sensors[i] = ipm_sensor_rusage;
    sensors[0].name = "with space";
    sensors[1].summary =
        "a summary that is a good deal longer than sixty characters are";
    sensors[2].stop = NULL;
    sensors[3].metrics = bad_rows;
    sensors[4].metrics = no_rows;
    sensors[5].source = NULL;
    for (size_t i = 0; i < IPM_TEST_ROWS(sensors); i++) {
        struct ipm_why why = {.error = 0};
        assert_int_equal(ipm_sensor_check(&sensors[i], &why), -EINVAL);
        assert_true(strlen(why.text) > 10);
    }
}

/* One back end counts, and the other is neither tried nor silent. */
static void back_ends_exclude_each_other(void **state)
{
    (void)state;
    ipm_auto_json json_t *papi = json_pack("{s:s}", "counters", "papi");
    for (int asked = 0; asked < 2; asked++) {
        struct ipm_sensor_context context = {.sysroot = "",
                                             .pass = "counters:core",
                                             .window_ns = 50000000,
                                             .sensing = asked == 1 ? papi : NULL};
        struct ipm_metric metrics[IPM_METRICS_MAX];
        struct ipm_sensor_set set;
        ipm_sensor_set_open(&set, IPM_SCOPE_TASK, &context);
        size_t n = ipm_sensor_set_read(&set, metrics, IPM_METRICS_MAX);
        ipm_sensor_set_close(&set);
        const struct ipm_metric *cycles = find(metrics, n, "cycles");
        if (cycles == NULL)
            return; /* find() has failed the test */
        assert_int_equal(strcmp(cycles->reason, "not_chosen: --counters papi") == 0,
                         asked);
        size_t papis = 0;
        for (size_t i = 0; i < n; i++) {
            assert_honest(&metrics[i]);
            papis += strncmp(metrics[i].name, "papi_", 5) == 0;
        }
        assert_int_equal(papis, asked == 1 ? 4 : 0);
        if (asked == 1)
            assert_string_equal(find(metrics, n, "papi_tot_cyc")->reason,
                                "not_in_this_pass: belongs to counters:papi:core");
    }
}

static void sensing_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"{}", 0},
        {"{\"counters\": \"perf\"}", 0},
        {"{\"counters\": \"papi\", \"events\": [\"a\", \"b\"]}", 0},
        {"{\"energy\": {\"simulated\": {}}}", 0},
        {"{\"energy_provenance\": \"attributed\"}", 0},
        {"{\"energy_provenance\": \"atributed\"}", -EINVAL},
        {"{\"counters\": \"likwid\"}", -EINVAL},
        {"{\"counters\": 1}", -EINVAL},
        {"{\"events\": \"a\"}", -EINVAL},
        {"{\"events\": [1]}", -EINVAL},
        {"{\"event\": []}", -EINVAL},
        {"[]", -EINVAL},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {.error = 0, .text = ""};
        ipm_auto_json json_t *sensing = json_loads(rows[i].text, 0, NULL);
        assert_non_null(sensing);
        assert_int_equal(ipm_sensing_check(sensing, &why), rows[i].error);
        assert_int_equal(why.text[0] != '\0', rows[i].error != 0);
    }
    assert_int_equal(ipm_sensing_check(NULL, NULL), 0);
}

/* As many as the driver lets through are counted, and one more is refused: none is dropped
 * in silence. */
static void every_event_asked_for_is_counted(void **state)
{
    (void)state;
    ipm_auto_json json_t *sensing = json_pack("{s:[]}", "events");
    json_t *events = json_object_get(sensing, "events");
    for (int i = 1; i <= IPM_ASKED_EVENTS_MAX; i++)
        (void)json_array_append_new(events, json_sprintf("r%x", (unsigned)i));
    assert_int_equal(ipm_sensing_check(sensing, NULL), 0);
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "timing", .window_ns = 200000000, .sensing = sensing};
    struct ipm_metric metrics[IPM_METRICS_MAX];
    struct ipm_sensor_set set;
    ipm_sensor_set_open(&set, IPM_SCOPE_TASK, &context);
    size_t n = ipm_sensor_set_read(&set, metrics, IPM_METRICS_MAX);
    ipm_sensor_set_close(&set);
    for (int i = 1; i <= IPM_ASKED_EVENTS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "r%x", (unsigned)i);
        assert_memory_equal(find(metrics, n, name)->reason, "not_in_this_pass: ", 18);
    }
    (void)json_array_append_new(events, json_string("one-more"));
    assert_int_equal(ipm_sensing_check(sensing, NULL), -EINVAL);
}

/* Sleeps @times times: about as many voluntary switches.  Where something holds the machine
 * up, a sleep can be over before it began: tests ask for half of them. */
static void sleep_often(int times)
{
    for (int i = 0; i < times; i++) {
        struct timespec pause = ipm_timespec(1000000);
        (void)nanosleep(&pause, NULL);
    }
}

/* Touches @pages fresh pages: as many faults. */
static void fault_often(size_t pages)
{
    size_t length = pages * 4096;
    char *memory =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    (void)madvise(memory, length, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < length; i += 4096)
        ((volatile char *)memory)[i] = 1;
    assert_int_equal(munmap(memory, length), 0);
}

static void rusage_sees_switches_and_faults(void **state)
{
    (void)state;
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "timing", .window_ns = 50000000};
    const struct ipm_sensor *sensor = &ipm_sensor_rusage;
    struct ipm_metric metrics[16];
    struct ipm_why why;
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    assert_int_equal(sensor->probe(&context, &why), 0);
    assert_int_equal(sensor->open(self, &context, &why), 0);

    sensor->start(self);
    sleep_often(50);
    fault_often(300);
    sensor->stop(self);
    size_t n = sensor->read(self, metrics, IPM_TEST_ROWS(metrics));
    assert_int_equal(n, 8);
    assert_true(find(metrics, n, "voluntary_switches")->value >= 25);
    assert_true(find(metrics, n, "page_faults_minor")->value >= 300);
    assert_true(find(metrics, n, "cpu_ns")->value > 0);
    assert_string_equal(find(metrics, n, "cpu_ns")->source, "process clock");
    assert_string_equal(find(metrics, n, "user_ns")->source, "getrusage");
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(metrics[i].status, IPM_METRIC_OK);
        assert_true(metrics[i].value >= 0);
    }

    /* A second window starts at zero, and work outside of windows is in none. */
    sleep_often(50);
    sensor->start(self);
    sensor->stop(self);
    n = sensor->read(self, metrics, IPM_TEST_ROWS(metrics));
    assert_true(find(metrics, n, "voluntary_switches")->value < 25);
    assert_int_equal(sensor->read(self, metrics, 3), 3);
    sensor->close(self);
    free(self);
}

static void ticks_grow_or_are_absent(void **state)
{
    (void)state;
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "timing", .window_ns = 50000000};
    const struct ipm_sensor *sensor = &ipm_sensor_tsc;
    struct ipm_metric metric;
    struct ipm_why why;
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
#if defined(__x86_64__) || defined(__aarch64__)
    assert_int_equal(sensor->open(self, &context, &why), 0);
    sensor->start(self);
    sleep_often(1);
    sensor->stop(self);
    assert_int_equal(sensor->read(self, &metric, 1), 1);
    assert_string_equal(metric.unit, "ticks");
    assert_true(metric.status == IPM_METRIC_OK && metric.value > 0);
    sensor->close(self);
#else
    (void)metric;
    assert_int_equal(sensor->open(self, &context, &why), -ENOSYS);
#endif
    free(self);
}

/* Both figures of system_cpu between two texts of proc/stat. */
static void between(void **state, const char *before, const char *after,
                    struct ipm_metric metrics[2])
{
    const struct ipm_sensor_context context = {
        .sysroot = *state, .pass = "timing", .window_ns = 50000000};
    const struct ipm_sensor *sensor = &ipm_sensor_system_cpu;
    struct ipm_why why;
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    ipm_tree_put(*state, "proc/stat", before);
    assert_int_equal(sensor->probe(&context, &why), 0);
    assert_int_equal(sensor->open(self, &context, &why), 0);
    sensor->start(self);
    ipm_tree_put(*state, "proc/stat", after);
    sensor->stop(self);
    assert_int_equal(sensor->read(self, metrics, 2), 2);
    sensor->close(self);
    free(self);
}

static void system_cpu_is_busy_time_and_steal(void **state)
{
    struct ipm_metric metrics[2];
    double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    between(state, "cpu  100 10 50 9000 70 1 2 30 5 5\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
            "cpu  110 12 53 9900 90 2 4 37 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n", metrics);
    assert_string_equal(metrics[0].name, "system_cpu_ns");
    assert_true(metrics[0].value == (10 + 2 + 3 + 1 + 2) * tick_ns);
    assert_string_equal(metrics[1].name, "steal_ns");
    assert_true(metrics[1].value == 7 * tick_ns);

    between(state, "cpu  100 10 50 9000 70 1 2\n", "cpu  101 10 50 9000 70 1 2\n",
            metrics);
    assert_true(metrics[0].value == tick_ns);
    assert_int_equal(metrics[1].status, IPM_METRIC_UNAVAILABLE);
    assert_memory_equal(metrics[1].reason, "absent: ", 8);

    between(state, "cpu  100 10 50 9000 70 1 2 3\n", "cpu  90 10 50 9000 70 1 2 2\n",
            metrics);
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(metrics[i].reason, "failed: ", 8);

    between(state, "cpu  100 10 50 9000 70 1 2 3\n", "nothing of the kind\n", metrics);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(metrics[i].status, IPM_METRIC_UNAVAILABLE);
        assert_honest(&metrics[i]);
    }
}

/* --- context switches ------------------------------------------------------------------ */

/* The one metric of a sensor around a body. */
static struct ipm_metric around(const struct ipm_sensor *sensor, const char *sysroot,
                                void (*body)(void *context), void *context)
{
    const struct ipm_sensor_context sensing = {
        .sysroot = sysroot, .pass = "timing", .window_ns = 50000000};
    struct ipm_metric metric;
    struct ipm_why why;
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    if (sensor->probe(&sensing, &why) != 0 || sensor->open(self, &sensing, &why) != 0)
        fail_msg("%s", why.text);
    sensor->start(self);
    body(context);
    sensor->stop(self);
    assert_int_equal(sensor->read(self, &metric, 0), 0);
    assert_int_equal(sensor->read(self, &metric, 1), 1);
    sensor->close(self);
    free(self);
    return metric;
}

static void nap_often(void *context)
{
    sleep_often(*(int *)context);
}

/* A thread that naps so often, then waits until it is let go. */
struct napper {
    pthread_t thread;
    int naps;
    pthread_barrier_t napped, leave;
};

static void *nap(void *context)
{
    struct napper *napper = context;
    sleep_often(napper->naps);
    (void)pthread_barrier_wait(&napper->napped);
    (void)pthread_barrier_wait(&napper->leave);
    return NULL;
}

static void begin_nap(struct napper *napper)
{
    (void)pthread_barrier_init(&napper->napped, NULL, 2);
    (void)pthread_barrier_init(&napper->leave, NULL, 2);
    assert_int_equal(pthread_create(&napper->thread, NULL, nap, napper), 0);
    (void)pthread_barrier_wait(&napper->napped);
}

static void end_nap(struct napper *napper)
{
    (void)pthread_barrier_wait(&napper->leave);
    assert_int_equal(pthread_join(napper->thread, NULL), 0);
    (void)pthread_barrier_destroy(&napper->napped);
    (void)pthread_barrier_destroy(&napper->leave);
}

static void nap_in_thread(void *context)
{
    begin_nap(context);
}

static void leave_and_nap(void *context)
{
    end_nap(context);
    sleep_often(10);
}

static void task_switches_are_those_of_all_living_threads(void **state)
{
    (void)state;
    const struct ipm_sensor *sensor = &ipm_sensor_task_switches;
    int naps = 50;
    struct ipm_metric metric = around(sensor, "", nap_often, &naps);
    assert_int_equal(metric.status, IPM_METRIC_OK);
    assert_string_equal(metric.name, "switches_task");
    assert_true(metric.value >= 25);

    /* Born in the window: all of its switches are the window's. */
    struct napper napper = {.naps = 200};
    metric = around(sensor, "", nap_in_thread, &napper);
    assert_int_equal(metric.status, IPM_METRIC_OK);
    assert_true(metric.value >= 100);

    /* Older than the window: only those since its start. */
    naps = 1;
    metric = around(sensor, "", nap_often, &naps);
    assert_int_equal(metric.status, IPM_METRIC_OK);
    assert_true(metric.value < 100);

    /* Ended in the window: its count went with it, and no sum is made up. */
    metric = around(sensor, "", leave_and_nap, &napper);
    assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
    assert_non_null(strstr(metric.reason, "ended in the window"));
    assert_honest(&metric);
}

struct texts {
    const char *root, *after;
};

static void put_stat(void *context)
{
    const struct texts *texts = context;
    ipm_tree_put(texts->root, "proc/stat", texts->after);
}

static void system_switches_are_the_line_ctxt(void **state)
{
    const struct ipm_sensor *sensor = &ipm_sensor_system_switches;
    struct texts texts = {*state, "cpu  1\nintr 9 9\nctxt 1234567890523\nbtime 1\n"};
    ipm_tree_put(*state, "proc/stat", "cpu  1\nintr 9\nctxt 1234567890123\n");
    struct ipm_metric metric = around(sensor, *state, put_stat, &texts);
    assert_string_equal(metric.name, "switches_system");
    assert_true(metric.status == IPM_METRIC_OK && metric.value == 400);

    texts.after = "cpu  1\n";
    metric = around(sensor, *state, put_stat, &texts);
    assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
    assert_honest(&metric);

    struct ipm_why why;
    const struct ipm_sensor_context context = {.sysroot = *state, .pass = "timing"};
    assert_int_equal(sensor->probe(&context, &why), -ENODATA);

    /* As long as it is where there are many interrupts. */
    static char text[300000];
    int n = snprintf(text, sizeof(text), "cpu  1\nintr");
    while (n < (int)sizeof(text) - 100)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " 12345");
    (void)snprintf(text + n, sizeof(text) - (size_t)n, "\nctxt 77\n");
    ipm_tree_put(*state, "proc/stat", text);
    int naps = 0;
    metric = around(sensor, *state, nap_often, &naps);
    assert_true(metric.status == IPM_METRIC_OK && metric.value == 0);
}

/* Where the tracepoint is not, its absence is said, and who asked for another is not given
 * it. */
static void system_calls_are_asked_for_by_source(void **state)
{
    static const struct {
        const char *asked;
        const char *reason;
        int error;
    } rows[] = {
        {"tracepoint", "tracefs is mounted neither", -ENOENT},
        {"sundial", "not 'sundial'", -EINVAL},
    };
    const struct ipm_sensor *sensor = &ipm_sensor_system_calls;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        json_t *sensing = json_pack("{s:s}", "syscalls", rows[i].asked);
        const struct ipm_sensor_context context = {
            .sysroot = *state, .pass = "counters:syscalls", .sensing = sensing};
        struct ipm_why why = {.error = 0, .text = ""};
        assert_int_equal(sensor->probe(&context, &why), rows[i].error);
        assert_non_null(strstr(why.text, rows[i].reason));
        json_decref(sensing);
    }
}

/* Runs a whole set around nothing. */
static size_t run_set(enum ipm_scope scope, const struct ipm_sensor_context *context,
                      struct ipm_metric *metrics, size_t room)
{
    struct ipm_sensor_set set;
    ipm_sensor_set_open(&set, scope, context);
    ipm_sensor_set_start(&set);
    sleep_often(1);
    ipm_sensor_set_stop(&set);
    size_t n = ipm_sensor_set_read(&set, metrics, room);
    ipm_sensor_set_close(&set);
    assert_int_equal(set.n, 0);
    return n;
}

static void every_row_is_read_in_every_pass(void **state)
{
    (void)state;
    static const char *const passes[] = {
        "timing",         "counters:software", "counters:core",
        "counters:tlb",   "counters:itlb",     "counters:walks",
        "counters:cache", "counters:flushes",  "energy"};
    for (size_t i = 0; i < IPM_TEST_ROWS(passes); i++) {
        const struct ipm_sensor_context context = {
            .sysroot = "", .pass = passes[i], .window_ns = 200000000};
        for (int scope = IPM_SCOPE_TASK; scope <= IPM_SCOPE_SYSTEM; scope++) {
            struct ipm_metric metrics[IPM_METRICS_MAX];
            size_t rows = 0;
            size_t n =
                run_set((enum ipm_scope)scope, &context, metrics, IPM_METRICS_MAX);
            for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
                if ((int)(*at)->scope != scope)
                    continue;
                for (const struct ipm_sensor_row *row = (*at)->metrics;
                     row != NULL && row->name != NULL; row++, rows++)
                    assert_string_equal(find(metrics, n, row->name)->unit, row->unit);
            }
            assert_int_equal(n, rows);
            for (size_t k = 0; k < n; k++)
                assert_honest(&metrics[k]);
        }
    }
}

/* A sensor of another pass is not touched: what is known of its pass is said, or that it
 * belongs there. */
static void other_pass_says_what_is_known(void **state)
{
    (void)state;
    json_t *known = json_pack("{s:s}", "counters:core", "absent: planted");
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "timing", .window_ns = 200000000, .unavailable = known};
    struct ipm_metric metrics[IPM_METRICS_MAX];
    size_t n = run_set(IPM_SCOPE_TASK, &context, metrics, IPM_METRICS_MAX);
    const struct ipm_metric *core = find(metrics, n, "cycles");
    const struct ipm_metric *software = find(metrics, n, "context_switches");
    assert_int_equal(core->status, IPM_METRIC_UNAVAILABLE);
    assert_string_equal(core->reason, "absent: planted");
    assert_int_equal(software->status, IPM_METRIC_UNAVAILABLE);
    assert_string_equal(software->reason,
                        "not_in_this_pass: belongs to counters:software");
    json_decref(known);
}

/* A sensor that reads what is asked for has its metrics in every record, and counts in its
 * own passes. */
static void events_asked_for_are_in_every_pass(void **state)
{
    (void)state;
    static const char *const passes[] = {"timing", "counters:events:1",
                                         "counters:events:2"};
    json_t *sensing =
        json_pack("{s:[s,s,s]}", "events", "page-faults", "cpu-migrations", "r0");
    for (size_t i = 0; i < IPM_TEST_ROWS(passes); i++) {
        const struct ipm_sensor_context context = {.sysroot = "",
                                                   .pass = passes[i],
                                                   .window_ns = 200000000,
                                                   .sensing = sensing};
        struct ipm_metric metrics[IPM_METRICS_MAX];
        size_t n = run_set(IPM_SCOPE_TASK, &context, metrics, IPM_METRICS_MAX);
        const struct ipm_metric *faults = find(metrics, n, "event_page_faults");
        const struct ipm_metric *raw = find(metrics, n, "r0");
        assert_honest(faults);
        assert_honest(raw);
        if (i != 1)
            assert_string_equal(faults->reason,
                                "not_in_this_pass: belongs to counters:events:1");
        if (i != 2)
            assert_string_equal(raw->reason,
                                "not_in_this_pass: belongs to counters:events:2");
    }
    json_decref(sensing);
}

static void put_package(const char *root)
{
    static const struct ipm_tree_file files[] = {
        {"proc/cpuinfo", "flags\t\t: fpu tsc\n"},
        {"proc/stat", "cpu  1 2 3 4 5 6 7 8\n"},
        {"sys/class/powercap/intel-rapl/enabled", "1\n"},
        {"sys/class/powercap/intel-rapl:0/name", "package-0\n"},
        {"sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n"},
        {"sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n"},
        {NULL, NULL},
    };
    ipm_tree_put_all(root, files);
}

static void short_windows_and_empty_trees_have_their_reasons(void **state)
{
    struct ipm_sensor_context context = {
        .sysroot = *state, .pass = "energy", .window_ns = 2000000000};
    struct ipm_metric metrics[IPM_METRICS_MAX];
    size_t n = run_set(IPM_SCOPE_SYSTEM, &context, metrics, IPM_METRICS_MAX);
    const struct ipm_metric *energy = find(metrics, n, "energy_package_uj");
    assert_memory_equal(energy->reason, "absent: ", 8);
    assert_string_equal(energy->provenance, "unavailable");
    assert_memory_equal(find(metrics, n, "steal_ns")->reason, "absent: ", 8);

    put_package(*state);
    context.window_ns = 99000000;
    n = run_set(IPM_SCOPE_SYSTEM, &context, metrics, IPM_METRICS_MAX);
    assert_memory_equal(find(metrics, n, "energy_package_uj")->reason,
                        "too_short: ", 11);
    assert_int_equal(find(metrics, n, "steal_ns")->status, IPM_METRIC_OK);

    context.pass = "timing";
    n = run_set(IPM_SCOPE_SYSTEM, &context, metrics, IPM_METRICS_MAX);
    assert_string_equal(find(metrics, n, "energy_dram_uj")->reason,
                        "not_in_this_pass: belongs to energy");
}

static void small_rooms_are_not_overrun(void **state)
{
    (void)state;
    const struct ipm_sensor_context context = {
        .sysroot = "", .pass = "timing", .window_ns = 200000000};
    for (size_t room = 0; room < 24; room++) {
        struct ipm_metric metrics[25];
        memset(metrics, 0x5a, sizeof(metrics));
        struct ipm_metric untouched = metrics[24];
        size_t n = run_set(IPM_SCOPE_TASK, &context, metrics, room);
        assert_true(n <= room);
        assert_memory_equal(&metrics[room], &untouched, sizeof(untouched));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_in_order),
        cmocka_unit_test(faulty_sensors_are_named),
        cmocka_unit_test(back_ends_exclude_each_other),
        cmocka_unit_test(sensing_is_checked),
        cmocka_unit_test(every_event_asked_for_is_counted),
        cmocka_unit_test(rusage_sees_switches_and_faults),
        cmocka_unit_test(ticks_grow_or_are_absent),
        cmocka_unit_test_setup_teardown(system_cpu_is_busy_time_and_steal,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test(task_switches_are_those_of_all_living_threads),
        cmocka_unit_test_setup_teardown(system_switches_are_the_line_ctxt,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(system_calls_are_asked_for_by_source,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test(every_row_is_read_in_every_pass),
        cmocka_unit_test(other_pass_says_what_is_known),
        cmocka_unit_test(events_asked_for_are_in_every_pass),
        cmocka_unit_test_setup_teardown(
            short_windows_and_empty_trees_have_their_reasons, ipm_test_directory,
            ipm_test_directory_remove),
        cmocka_unit_test(small_rooms_are_not_overrun),
    };
    return cmocka_run_group_tests_name("sensors", tests, NULL, NULL);
}
