/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/sensors/energy_zones.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_energy;

static const struct ipm_sensor *const sensor = &ipm_sensor_energy;

#define POWERCAP "sys/class/powercap/"
#define RANGE_UJ INT64_C(262143328850)

/* {"energy": "powercap"}: that source and no other. */
static json_t *sensing;

/* Counters have leading zeros: a text that is written in place keeps its length. */
static void set_energy(const char *root, const char *entry, int64_t energy_uj)
{
    char path[256];
    char text[32];
    (void)snprintf(path, sizeof(path), "%s/" POWERCAP "%s/energy_uj", root, entry);
    int length = snprintf(text, sizeof(text), "%020" PRId64 "\n", energy_uj);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, (size_t)length, 0), length);
    assert_int_equal(close(fd), 0);
}

static void put_attribute(const char *root, const char *entry, const char *attribute,
                          const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), POWERCAP "%s/%s", entry, attribute);
    ipm_tree_put(root, path, text);
}

static void put_zone(const char *root, const char *entry, const char *name,
                     int64_t energy_uj)
{
    char range[32];
    (void)snprintf(range, sizeof(range), "%" PRId64 "\n", RANGE_UJ);
    put_attribute(root, entry, "name", name);
    put_attribute(root, entry, "max_energy_range_uj", range);
    set_energy(root, entry, energy_uj);
}

/* A bare-metal machine, so that energy counts as measured. */
static int fresh_root(void **state)
{
    if (ipm_test_directory(state) != 0)
        return -1;
    ipm_tree_put(*state, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme tsc\n");
    ipm_tree_put(*state, POWERCAP "intel-rapl/enabled", "1\n");
    return 0;
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = ipm_timespec(ms * 1000000);
    while (nanosleep(&pause, &pause) != 0)
        continue;
}

/* A window in which the counters go to what @after says; 0, or what open() said. */
struct change {
    const char *entry;
    int64_t energy_uj;
};

enum { ROWS = IPM_ZONE_KINDS, WINDOW_MS = 110 };

static int measure(const char *root, const struct change *after, int64_t window_ms,
                   struct ipm_metric metrics[ROWS], struct ipm_why *why)
{
    const struct ipm_sensor_context context = {.sysroot = root,
                                               .pass = "energy",
                                               .window_ns = window_ms * 1000000,
                                               .sensing = sensing};
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    int error = sensor->open(self, &context, why);
    if (error == 0) {
        sensor->start(self);
        sleep_ms(window_ms);
        for (; after->entry != NULL; after++)
            set_energy(root, after->entry, after->energy_uj);
        sensor->stop(self);
        assert_int_equal(sensor->read(self, metrics, ROWS), ROWS);
        sensor->close(self);
    }
    free(self);
    return error;
}

static const struct ipm_metric *find(const struct ipm_metric metrics[ROWS],
                                     const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    fail_msg("no metric '%s'", name);
    return NULL;
}

static void assert_energy(const struct ipm_metric metrics[ROWS], const char *name,
                          double energy_uj)
{
    const struct ipm_metric *metric = find(metrics, name);
    if (metric->status != IPM_METRIC_OK || metric->value != energy_uj)
        fail_msg("%s is %g '%s', not %g", name, metric->value, metric->reason,
                 energy_uj);
    assert_string_equal(metric->unit, "uJ");
    assert_string_equal(metric->provenance, "measured");
}

static void assert_missing(const struct ipm_metric metrics[ROWS], const char *name,
                           const char *class)
{
    const struct ipm_metric *metric = find(metrics, name);
    if (metric->status == IPM_METRIC_OK ||
        strncmp(metric->reason, class, strlen(class)) != 0)
        fail_msg("%s is %g '%s', not %s", name, metric->value, metric->reason, class);
    assert_string_equal(metric->provenance, "unavailable");
}

static void nested_zones_are_not_added(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 8000000},
                                          {"intel-rapl:0:0", 3500000},
                                          {"intel-rapl:0:1", 2250000},
                                          {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl:0:0", "core\n", 500000);
    put_zone(*state, "intel-rapl:0:1", "dram\n", 2000000);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 7000000);
    assert_energy(metrics, "energy_core_uj", 3000000);
    assert_energy(metrics, "energy_dram_uj", 250000);
    assert_missing(metrics, "energy_uncore_uj", "absent: ");
    assert_missing(metrics, "energy_psys_uj", "absent: ");
}

static void memory_mapped_doubles_count_once(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 8000000},
                                          {"intel-rapl-mmio:0", 8000000},
                                          {"intel-rapl-mmio:0:0", 60000},
                                          {"intel-rapl:0:0", 60000},
                                          {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl-mmio:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl:0:0", "dram\n", 20000);
    put_zone(*state, "intel-rapl-mmio:0:0", "dram\n", 20000);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 7000000);
    assert_energy(metrics, "energy_dram_uj", 40000);
}

static void the_double_that_can_be_read_is_taken(void **state)
{
    static const struct change after[] = {{"intel-rapl-mmio:0", 8000000}, {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_attribute(*state, "intel-rapl:0", "energy_uj", "");
    put_zone(*state, "intel-rapl-mmio:0", "package-0\n", 1000000);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 7000000);
}

static void packages_are_added(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 5000000},
                                          {"intel-rapl:1", 9000000},
                                          {"intel-rapl:0:0", 300},
                                          {"intel-rapl:1:0", 500},
                                          {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl:1", "package-1\n", 2000000);
    put_zone(*state, "intel-rapl:0:0", "dram\n", 100);
    put_zone(*state, "intel-rapl:1:0", "dram\n", 100);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 11000000);
    assert_energy(metrics, "energy_dram_uj", 600);
}

/* A sum that lacks one part must not look whole. */
static void one_lost_package_loses_the_sum(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 5000000}, {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl:1", "package-1\n", 2000000);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "stuck: energy_uj of package-1 ");
}

/* psys has been zone 1, where other machines have a second package. */
static void psys_is_told_by_its_name_and_never_added(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 5000000},
                                          {"intel-rapl:1", 9000000},
                                          {"dtpm:0", 70000},
                                          {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    put_zone(*state, "intel-rapl:1", "psys\n", 2000000);
    put_zone(*state, "dtpm:0", "package-1\n", 0);
    put_zone(*state, "intel-rapl:2", "packageish\n", 0);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 4000000);
    assert_energy(metrics, "energy_psys_uj", 7000000);
}

static void mirrored_dies_count_once(void **state)
{
    static const struct change mirrored[] = {
        {"intel-rapl:0", 9000000}, {"intel-rapl:1", 9010000}, {NULL, 0}};
    static const struct change apart[] = {
        {"intel-rapl:0", 12000000}, {"intel-rapl:1", 55000000}, {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0-die-0\n", 4000000);
    put_zone(*state, "intel-rapl:1", "package-0-die-1\n", 4010000);
    assert_int_equal(measure(*state, mirrored, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 5000000);

    set_energy(*state, "intel-rapl:0", 9000000);
    set_energy(*state, "intel-rapl:1", 50000000);
    assert_int_equal(measure(*state, apart, WINDOW_MS, metrics, NULL), 0);
    assert_energy(metrics, "energy_package_uj", 8000000);
}

static void hypervisors_only_attribute(void **state)
{
    static const struct change after[] = {{"intel-rapl:0", 5000000}, {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    ipm_tree_put(*state, "proc/cpuinfo", "flags\t\t: fpu hypervisor tsc\n");
    put_zone(*state, "intel-rapl:0", "package-0\n", 1000000);
    assert_int_equal(measure(*state, after, WINDOW_MS, metrics, NULL), 0);
    assert_string_equal(find(metrics, "energy_package_uj")->provenance, "attributed");
    assert_true(find(metrics, "energy_package_uj")->value == 4000000);
}

static void counters_that_say_nothing_have_reasons(void **state)
{
    static const struct change nothing[] = {{NULL, 0}};
    static const struct change reset[] = {{"intel-rapl:0", 10}, {NULL, 0}};
    static const struct change beyond[] = {{"intel-rapl:0", RANGE_UJ + 5}, {NULL, 0}};
    struct ipm_metric metrics[ROWS];
    put_zone(*state, "intel-rapl:0", "package-0\n", 5000000);
    assert_int_equal(measure(*state, nothing, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "stuck: ");
    assert_int_equal(measure(*state, reset, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "failed: ");
    assert_int_equal(measure(*state, beyond, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "failed: ");
    set_energy(*state, "intel-rapl:0", 0);
    assert_int_equal(measure(*state, nothing, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "zero: ");

    /* Short unless something holds this process up each time. */
    bool was_short = false;
    for (int i = 0; i < 20 && !was_short; i++) {
        assert_int_equal(measure(*state, nothing, 1, metrics, NULL), 0);
        const char *reason = find(metrics, "energy_package_uj")->reason;
        was_short = strncmp(reason, "too_short: ", 11) == 0;
    }
    assert_true(was_short);

    /* 1000 W for 110 ms are more than this range: it may wrap twice. */
    put_attribute(*state, "intel-rapl:0", "max_energy_range_uj", "999999\n");
    assert_int_equal(measure(*state, reset, WINDOW_MS, metrics, NULL), 0);
    assert_missing(metrics, "energy_package_uj", "wrapped: ");
}

static void trees_without_counters_have_reasons(void **state)
{
    const struct ipm_sensor_context context = {.sysroot = *state,
                                               .pass = "energy",
                                               .window_ns = 2000000000,
                                               .sensing = sensing};
    char path[256];
    struct ipm_why why;

    assert_int_equal(nftw(ipm_test_path(state, "sys", path), ipm_test_remove, 8,
                          FTW_DEPTH | FTW_PHYS),
                     0);
    assert_int_equal(sensor->probe(&context, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no sys/class/powercap"));

    ipm_tree_put(*state, POWERCAP, "");
    assert_int_equal(sensor->probe(&context, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no RAPL zone"));
    ipm_tree_put(*state, POWERCAP "dtpm:0/name", "package-0\n");
    assert_int_equal(sensor->probe(&context, &why), -ENOENT);

    ipm_tree_put(*state, ".dockerenv", "");
    assert_int_equal(sensor->probe(&context, &why), -ENODATA);
    assert_string_equal(ipm_why_class(-ENODATA), "masked");

    /* Engines hide the devices: the links of the class folder dangle. */
    assert_int_equal(unlink(ipm_test_path(state, ".dockerenv", path)), 0);
    assert_int_equal(
        symlink("../nowhere", ipm_test_path(state, POWERCAP "intel-rapl", path)), 0);
    assert_int_equal(sensor->probe(&context, &why), -ENODATA);
    assert_non_null(strstr(why.text, "hide"));
    assert_int_equal(
        symlink("../nowhere", ipm_test_path(state, POWERCAP "intel-rapl:0", path)), 0);
    assert_int_equal(sensor->probe(&context, &why), -ENODATA);
}

static void zones_without_texts_have_reasons(void **state)
{
    const struct ipm_sensor_context context = {.sysroot = *state,
                                               .pass = "energy",
                                               .window_ns = 2000000000,
                                               .sensing = sensing};
    char path[256];
    struct ipm_why why;
    put_zone(*state, "intel-rapl:0", "package-0\n", 5000000);
    assert_int_equal(sensor->probe(&context, &why), 0);

    put_attribute(*state, "intel-rapl:0", "max_energy_range_uj", "0\n");
    assert_int_equal(sensor->probe(&context, &why), -EPROTO);
    assert_non_null(strstr(why.text, "max_energy_range_uj of package-0"));
    ipm_test_path(state, POWERCAP "intel-rapl:0/max_energy_range_uj", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sensor->probe(&context, &why), -ENOENT);

    put_zone(*state, "intel-rapl:0", "package-0\n", 5000000);
    put_attribute(*state, "intel-rapl:0", "energy_uj", "");
    assert_int_equal(sensor->probe(&context, &why), -ENODATA);
    put_attribute(*state, "intel-rapl:0", "energy_uj", "many\n");
    assert_int_equal(sensor->probe(&context, &why), -EPROTO);
    put_attribute(*state, "intel-rapl:0", "energy_uj", "-4\n");
    assert_int_equal(sensor->probe(&context, &why), -EPROTO);
}

/* Exit status: 0 when nobody is told that he may not. */
static int probe_as_nobody(void *root)
{
    const struct ipm_sensor_context context = {
        .sysroot = root, .pass = "energy", .window_ns = 2000000000, .sensing = sensing};
    struct ipm_why why = {.error = 0};
    if (!ipm_become_nobody())
        return 2;
    int error = sensor->probe(&context, &why);
    if (error != -EACCES || strcmp(ipm_why_class(error), "denied") != 0)
        return 3;
    return strstr(why.text, "package-0") != NULL ? 0 : 4;
}

static void unreadable_counters_are_denied(void **state)
{
    char path[256];
    put_zone(*state, "intel-rapl:0", "package-0\n", 5000000);
    ipm_test_path(state, POWERCAP "intel-rapl:0/energy_uj", path);
    assert_int_equal(chmod(path, geteuid() == 0 ? 0400 : 0), 0);
    assert_int_equal(chmod(*state, 0755), 0);
    int status = ipm_test_in_child(probe_as_nobody, *state);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A meter that runs: 20 mJ each ms or so, starting a little below its range. */
struct meter {
    int fd;
    _Atomic bool done;
    _Atomic int64_t total_uj; /* never wraps */
};

static void *run_meter(void *argument)
{
    struct meter *meter = argument;
    while (!atomic_load(&meter->done)) {
        int64_t total_uj = atomic_load(&meter->total_uj) + 20000;
        char text[32];
        int length =
            snprintf(text, sizeof(text), "%020" PRId64 "\n", total_uj % (RANGE_UJ + 1));
        if (pwrite(meter->fd, text, (size_t)length, 0) != length)
            break;
        atomic_store(&meter->total_uj, total_uj);
        sleep_ms(1);
    }
    return NULL;
}

static void a_wrap_in_the_window_is_seen(void **state)
{
    const struct ipm_sensor_context context = {.sysroot = *state,
                                               .pass = "energy",
                                               .window_ns = 300000000,
                                               .sensing = sensing};
    struct meter meter = {.total_uj = RANGE_UJ - 1000000};
    struct ipm_metric metrics[ROWS];
    char path[256];
    put_zone(*state, "intel-rapl:0", "package-0\n", RANGE_UJ - 1000000);
    ipm_test_path(state, POWERCAP "intel-rapl:0/energy_uj", path);
    meter.fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(meter.fd >= 0);
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    assert_int_equal(sensor->open(self, &context, NULL), 0);

    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, run_meter, &meter), 0);
    int64_t before_start = atomic_load(&meter.total_uj);
    sensor->start(self);
    int64_t after_start = atomic_load(&meter.total_uj);
    int64_t enough = ipm_now_ns() + 300000000;
    while (ipm_now_ns() < enough || atomic_load(&meter.total_uj) < RANGE_UJ + 3000000)
        sleep_ms(10);
    int64_t before_stop = atomic_load(&meter.total_uj);
    sensor->stop(self);
    int64_t after_stop = atomic_load(&meter.total_uj);
    atomic_store(&meter.done, true);
    assert_int_equal(pthread_join(writer, NULL), 0);

    assert_true(after_start < RANGE_UJ && before_stop > RANGE_UJ);
    assert_int_equal(sensor->read(self, metrics, ROWS), ROWS);
    const struct ipm_metric *metric = find(metrics, "energy_package_uj");
    assert_int_equal(metric->status, IPM_METRIC_OK);
    /* What the writer says lies between these two. */
    assert_true(metric->value >= 0.99 * (double)(before_stop - after_start));
    assert_true(metric->value <= 1.01 * (double)(after_stop - before_start));
    sensor->close(self);
    free(self);
    assert_int_equal(close(meter.fd), 0);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void descriptors_are_given_back(void **state)
{
    const struct ipm_sensor_context context = {.sysroot = *state,
                                               .pass = "energy",
                                               .window_ns = 2000000000,
                                               .sensing = sensing};
    put_zone(*state, "intel-rapl:0", "package-0\n", 5000000);
    put_zone(*state, "intel-rapl-mmio:0", "package-0\n", 5000000);
    put_zone(*state, "intel-rapl:0:0", "core\n", 5000000);
    int before = open_descriptors();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sensor->probe(&context, NULL), 0);
        void *self = calloc(1, sensor->state_size);
        assert_non_null(self);
        assert_int_equal(sensor->open(self, &context, NULL), 0);
        sensor->close(self);
        free(self);
    }
    assert_int_equal(open_descriptors(), before);
}

#define ROOTED(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, fresh_root, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(nested_zones_are_not_added),
        ROOTED(memory_mapped_doubles_count_once),
        ROOTED(the_double_that_can_be_read_is_taken),
        ROOTED(packages_are_added),
        ROOTED(one_lost_package_loses_the_sum),
        ROOTED(psys_is_told_by_its_name_and_never_added),
        ROOTED(mirrored_dies_count_once),
        ROOTED(hypervisors_only_attribute),
        ROOTED(counters_that_say_nothing_have_reasons),
        ROOTED(trees_without_counters_have_reasons),
        ROOTED(zones_without_texts_have_reasons),
        ROOTED(unreadable_counters_are_denied),
        ROOTED(a_wrap_in_the_window_is_seen),
        ROOTED(descriptors_are_given_back),
    };
    sensing = json_pack("{s:s}", "energy", "powercap");
    int failed = cmocka_run_group_tests_name("powercap", tests, NULL, NULL);
    json_decref(sensing);
    return failed;
}
