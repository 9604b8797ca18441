/* SPDX-License-Identifier: MIT */
/* The sources beside powercap (test_powercap.c), and the choice among them. */
#include "base/clock.h"
#include "harness/worker/sensors/energy_zones.h"
#include "harness/worker/sensors/perf.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_energy;

static const struct ipm_sensor *const sensor = &ipm_sensor_energy;

#define PMU   "sys/bus/event_source/devices/power/"
#define HWMON "sys/class/hwmon/"
#define RAPL  "sys/class/powercap/intel-rapl:0/"

enum { EVENTS = 8, ROWS = 40, WINDOW_MS = 105 };

/* A kernel that counts by script: each event by its config and its CPU. */
static struct {
    int refuse; /* errno of every open; 0: they open */
    bool lost;  /* an event did not count all the time */
    int opened;
    struct {
        int fd;
        uint64_t config;
        int cpu;
    } events[EVENTS];
    bool stopping;
} script;

static int scripted_open(struct perf_event_attr *attributes, pid_t pid, int cpu,
                         int group, unsigned long flags)
{
    assert_int_equal(attributes->type, 23);
    assert_int_equal(pid, -1);
    assert_int_equal(group, -1);
    assert_int_equal(flags, PERF_FLAG_FD_CLOEXEC);
    assert_false(attributes->disabled || attributes->inherit ||
                 attributes->exclude_kernel || attributes->exclude_user);
    assert_true(script.opened < EVENTS);
    errno = script.refuse;
    if (errno != 0)
        return -1;
    int i = script.opened++;
    script.events[i].config = attributes->config;
    script.events[i].cpu = cpu;
    return script.events[i].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int scripted_control(int fd, unsigned long request, void *argument)
{
    (void)argument;
    fail_msg("descriptor %d is switched: %lu", fd, request);
    return -1;
}

/* In units of 2^-32 J: config times 10 J and CPU times 1 J in the window. */
static ssize_t scripted_read(int fd, void *bytes, size_t length)
{
    for (int i = 0; i < script.opened; i++) {
        if (script.events[i].fd != fd)
            continue;
        uint64_t joules = script.events[i].config * 10 + (uint64_t)script.events[i].cpu;
        const struct ipm_perf_sample sample = {
            .value = script.stopping ? (joules << 32) + 77 : 77,
            .enabled_ns = 9000000,
            .running_ns = script.lost ? 7000000 : 8999000};
        assert_int_equal(length, sizeof(sample));
        memcpy(bytes, &sample, length);
        return (ssize_t)length;
    }
    fail_msg("no event has descriptor %d", fd);
    return -1;
}

static const struct ipm_perf_system scripted = {.open = scripted_open,
                                                .control = scripted_control,
                                                .read = scripted_read,
                                                .any_sysroot = true};
static const struct ipm_perf_system *real;

static int fresh_root(void **state)
{
    memset(&script, 0, sizeof(script));
    ipm_perf_system = &scripted;
    if (ipm_test_directory(state) != 0)
        return -1;
    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: GenuineIntel\nflags\t\t: fpu tsc\n");
    ipm_tree_put(*state, "proc/sys/kernel/perf_event_paranoid", "2\n");
    return 0;
}

static int remove_root(void **state)
{
    ipm_perf_system = real;
    return ipm_test_directory_remove(state);
}

static void put_event(const char *root, const char *name, const char *config)
{
    char path[128];
    (void)snprintf(path, sizeof(path), PMU "events/%s", name);
    ipm_tree_put(root, path, config);
    (void)snprintf(path, sizeof(path), PMU "events/%s.unit", name);
    ipm_tree_put(root, path, "Joules\n");
    (void)snprintf(path, sizeof(path), PMU "events/%s.scale", name);
    ipm_tree_put(root, path, "2.3283064365386962890625e-10\n");
}

static void put_cpu(const char *root, int cpu, const char *package, const char *die)
{
    char path[128];
    (void)snprintf(path, sizeof(path),
                   "sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    ipm_tree_put(root, path, package);
    (void)snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/die_id",
                   cpu);
    ipm_tree_put(root, path, die);
}

static void put_pmu(const char *root, const char *cpumask)
{
    ipm_tree_put(root, PMU "type", "23\n");
    ipm_tree_put(root, PMU "cpumask", cpumask);
    put_event(root, "energy-pkg", "event=0x02\n");
    put_event(root, "energy-ram", "event=0x03\n");
}

struct change {
    const char *path;
    const char *text;
};

/* A window; files go to what @after says while it lasts. */
static int measure(const char *root, const char *sensing_text,
                   const struct change *after, struct ipm_metric metrics[ROWS],
                   size_t *out_n, struct ipm_why *why)
{
    json_t *sensing = json_loads(sensing_text, 0, NULL);
    assert_non_null(sensing);
    const struct ipm_sensor_context context = {.sysroot = root,
                                               .pass = "energy",
                                               .window_ns = WINDOW_MS * 1000000,
                                               .sensing = sensing};
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    int error = sensor->open(self, &context, why);
    if (error == 0) {
        struct timespec pause = ipm_timespec(WINDOW_MS * 1000000);
        sensor->start(self);
        while (nanosleep(&pause, &pause) != 0)
            continue;
        for (; after != NULL && after->path != NULL; after++)
            ipm_tree_put(root, after->path, after->text);
        script.stopping = true;
        sensor->stop(self);
        *out_n = sensor->read(self, metrics, ROWS);
        sensor->close(self);
    }
    script.stopping = false;
    free(self);
    json_decref(sensing);
    return error;
}

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

static void assert_value(const struct ipm_metric *metrics, size_t n, const char *name,
                         double value, const char *source, const char *provenance)
{
    const struct ipm_metric *metric = find(metrics, n, name);
    if (metric->status != IPM_METRIC_OK || metric->value != value)
        fail_msg("%s is %.17g '%s', not %g", name, metric->value, metric->reason,
                 value);
    assert_string_equal(metric->source, source);
    assert_string_equal(metric->provenance, provenance);
}

static void assert_missing(const struct ipm_metric *metrics, size_t n, const char *name,
                           const char *reason)
{
    const struct ipm_metric *metric = find(metrics, n, name);
    assert_int_equal(metric->status, IPM_METRIC_UNAVAILABLE);
    if (strncmp(metric->reason, reason, strlen(reason)) != 0)
        fail_msg("%s: '%s', not '%s'", name, metric->reason, reason);
    assert_string_equal(metric->provenance, "unavailable");
}

static void perf_counts_each_package(void **state)
{
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    put_pmu(*state, "0,8\n");
    put_cpu(*state, 0, "0\n", "0\n");
    put_cpu(*state, 8, "1\n", "0\n");
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, NULL), 0);
    assert_int_equal(script.opened, 4);
    /* (20 + 0) + (20 + 8) J, (30 + 0) + (30 + 8) J. */
    assert_value(metrics, n, "energy_package_uj", 48e6, "power", "measured");
    assert_value(metrics, n, "energy_dram_uj", 68e6, "power", "measured");
    assert_missing(metrics, n, "energy_core_uj", "absent: power has no core zone");
    assert_missing(metrics, n, "energy_psys_uj", "absent: ");

    script.opened = 0;
    script.lost = true;
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, NULL), 0);
    assert_missing(metrics, n, "energy_package_uj", "failed: energy-pkg of package-0");
}

/* Intel's dies have counters of their own; AMD's show their package's. */
static void dies_are_what_the_vendor_makes_them(void **state)
{
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    put_pmu(*state, "0-1\n");
    put_cpu(*state, 0, "0\n", "0\n");
    put_cpu(*state, 1, "0\n", "1\n");
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_package_uj", 41e6, "power", "measured");

    script.opened = 0;
    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: AuthenticAMD\nflags\t\t: fpu tsc\n");
    put_event(*state, "energy-cores", "event=0x01\n");
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_package_uj", 20e6, "power", "measured");
    assert_missing(metrics, n, "energy_core_uj", "absent: AMD's core counter");
}

static void refused_events_have_reasons(void **state)
{
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    struct ipm_why why;
    put_pmu(*state, "0\n");
    script.refuse = EACCES;
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, &why), -EACCES);
    assert_non_null(strstr(why.text, "perf_event_paranoid is 2"));
    assert_string_equal(ipm_why_class(-EACCES), "denied");
    script.refuse = ENODEV;
    assert_int_equal(measure(*state, "{\"energy\":\"power\"}", NULL, metrics, &n, &why),
                     -ENODEV);
    script.refuse = 0;

    ipm_tree_put(*state, PMU "events/energy-pkg.unit", "mWatts\n");
    ipm_tree_put(*state, PMU "events/energy-ram.unit", "mWatts\n");
    assert_int_equal(measure(*state, "{\"energy\":\"power\"}", NULL, metrics, &n, &why),
                     -EPROTO);
    assert_int_equal(script.opened, 0);

    /* The kernel of this machine does not know the numbers of another one's PMUs. */
    ipm_perf_system = real;
    assert_int_equal(measure(*state, "{\"energy\":\"power\"}", NULL, metrics, &n, &why),
                     -ENOENT);
    assert_non_null(strstr(why.text, "only its own machine"));
}

static void put_rapl(const char *root, const char *energy_uj)
{
    ipm_tree_put(root, RAPL "name", "package-0\n");
    ipm_tree_put(root, RAPL "max_energy_range_uj", "262143328850\n");
    ipm_tree_put(root, RAPL "energy_uj", energy_uj);
}

static void the_first_that_measures_is_chosen(void **state)
{
    static const struct change rapl[] = {{RAPL "energy_uj", "5000000\n"}, {NULL, NULL}};
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    struct ipm_why why;
    put_pmu(*state, "0\n");
    put_rapl(*state, "1000000\n");
    assert_int_equal(measure(*state, "{}", rapl, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_package_uj", 20e6, "power", "measured");
    assert_int_equal(n, IPM_ZONE_KINDS); /* and no second row of that name */

    put_rapl(*state, "1000000\n");
    assert_int_equal(
        measure(*state, "{\"energy\":\"powercap\"}", rapl, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_package_uj", 4e6, "powercap", "measured");

    script.refuse = EACCES;
    put_rapl(*state, "1000000\n");
    assert_int_equal(measure(*state, "{\"energy\":\"auto\"}", rapl, metrics, &n, NULL),
                     0);
    assert_value(metrics, n, "energy_package_uj", 4e6, "powercap", "measured");

    assert_int_equal(measure(*state, "{\"energy\":\"off\"}", rapl, metrics, &n, &why),
                     -ECANCELED);
    assert_string_equal(ipm_why_class(-ECANCELED), "off");
    assert_int_equal(measure(*state, "{\"energy\":\"tdp\"}", rapl, metrics, &n, &why),
                     -EINVAL);
    assert_int_equal(measure(*state, "{\"energy\":7}", rapl, metrics, &n, &why),
                     -EINVAL);
}

static void lower_words_are_never_chosen(void **state)
{
    static const struct change rapl[] = {{RAPL "energy_uj", "5000000\n"}, {NULL, NULL}};
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    struct ipm_why why;
    put_rapl(*state, "1000000\n");
    assert_int_equal(measure(*state, "{\"energy_provenance\":\"attributed\"}", rapl,
                             metrics, &n, &why),
                     -EREMOTE);
    assert_int_equal(measure(*state, "{\"energy_provenance\":\"measured_coarse\"}",
                             rapl, metrics, &n, &why),
                     0);
    assert_value(metrics, n, "energy_package_uj", 4e6, "powercap", "measured_coarse");

    put_rapl(*state, "1000000\n");
    ipm_tree_put(*state, "proc/cpuinfo", "flags\t\t: fpu hypervisor tsc\n");
    assert_int_equal(measure(*state, "{}", rapl, metrics, &n, &why), -EREMOTE);
    assert_string_equal(ipm_why_class(-EREMOTE), "attributed");
    assert_non_null(strstr(why.text, "powercap"));
    /* A word that is better than what is known lifts nothing. */
    assert_int_equal(
        measure(*state, "{\"energy\":\"powercap\",\"energy_provenance\":\"measured\"}",
                rapl, metrics, &n, &why),
        0);
    assert_value(metrics, n, "energy_package_uj", 4e6, "powercap", "attributed");
}

static void rails_of_a_board(void **state)
{
    static const struct change after[] = {{HWMON "hwmon1/energy1_input", "6000000\n"},
                                          {HWMON "hwmon1/energy2_input", "2500000\n"},
                                          {HWMON "hwmon2/power1_input", "640000\n"},
                                          {NULL, NULL}};
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    ipm_tree_put(*state, HWMON "hwmon1/name", "scpi_sensors\n");
    ipm_tree_put(*state, HWMON "hwmon1/energy1_input", "1000000\n");
    ipm_tree_put(*state, HWMON "hwmon1/energy1_label", "VSYS A57\n");
    ipm_tree_put(*state, HWMON "hwmon2/name", "ina226\n");
    ipm_tree_put(*state, HWMON "hwmon2/power1_input", "625000\n");
    ipm_tree_put(*state, HWMON "hwmon3/name", "i915\n");
    ipm_tree_put(*state, HWMON "hwmon3/energy1_input", "9\n");
    assert_int_equal(measure(*state, "{}", after, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_board_uj", 5e6, "hwmon", "measured");
    assert_value(metrics, n, "energy_rail_vsys_a57_uj", 5e6, "hwmon", "measured");
    assert_value(metrics, n, "power_ina226_1_before_uw", 625000, "hwmon",
                 "measured_coarse");
    assert_value(metrics, n, "power_ina226_1_after_uw", 640000, "hwmon",
                 "measured_coarse");
    assert_missing(metrics, n, "energy_package_uj", "absent: hwmon has no package");

    /* Two rails, of which one may feed the other. */
    ipm_tree_put(*state, HWMON "hwmon1/energy1_input", "1000000\n");
    ipm_tree_put(*state, HWMON "hwmon1/energy2_input", "1000000\n");
    ipm_tree_put(*state, HWMON "hwmon1/energy2_label", "A57\n");
    assert_int_equal(measure(*state, "{}", after, metrics, &n, NULL), 0);
    assert_missing(metrics, n, "energy_board_uj", "failed: 2 board counters");
    assert_value(metrics, n, "energy_rail_vsys_a57_uj", 5e6, "hwmon", "measured");
    assert_value(metrics, n, "energy_rail_a57_uj", 1.5e6, "hwmon", "measured");
}

static void power_inputs_are_no_joules(void **state)
{
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    struct ipm_why why;
    ipm_tree_put(*state, HWMON "hwmon0/name", "power_meter\n");
    ipm_tree_put(*state, HWMON "hwmon0/power1_average", "95000000\n");
    assert_int_equal(measure(*state, "{}", NULL, metrics, &n, &why), -ENOENT);
    assert_int_equal(measure(*state, "{\"energy\":\"hwmon\"}", NULL, metrics, &n, &why),
                     0);
    for (int kind = 0; kind < IPM_ZONE_KINDS; kind++)
        assert_string_equal(metrics[kind].provenance, "unavailable");
    assert_value(metrics, n, "power_power_meter_1_after_uw", 95e6, "hwmon",
                 "measured_coarse");
}

static void amd_energy_counts_sockets(void **state)
{
    static const struct change after[] = {{HWMON "hwmon0/energy3_input", "8000000\n"},
                                          {HWMON "hwmon0/energy4_input", "9000000\n"},
                                          {NULL, NULL}};
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    ipm_tree_put(*state, HWMON "hwmon0/name", "amd_energy\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy1_label", "Ecore000\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy1_input", "1\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy2_label", "Ecore001\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy2_input", "1\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy3_label", "Esocket0\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy3_input", "1000000\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy4_label", "Esocket1\n");
    ipm_tree_put(*state, HWMON "hwmon0/energy4_input", "4000000\n");
    assert_int_equal(measure(*state, "{}", after, metrics, &n, NULL), 0);
    assert_value(metrics, n, "energy_package_uj", 12e6, "hwmon", "measured");
    assert_missing(metrics, n, "energy_core_uj", "absent: ");
}

static void estimates_only_by_request_and_with_a_range(void **state)
{
    /* 10 ticks of user, 5 of system, 2 of irq and 3 of softirq: 20 of 10 ms. */
    static const struct change after[] = {
        {"proc/stat", "cpu  110 0 55 900 9 12 13 7\n"}, {NULL, NULL}};
    static const char ask[] =
        "{\"energy\":{\"estimated\":{\"watts_per_core\":[2,5,10]}}}";
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    struct ipm_why why;
    assert_int_equal(sysconf(_SC_CLK_TCK), 100);
    ipm_tree_put(*state, "proc/stat", "cpu  100 0 50 800 9 10 10 7\n");
    assert_int_equal(measure(*state, "{}", after, metrics, &n, &why), -ENOENT);
    assert_int_equal(measure(*state, ask, after, metrics, &n, &why), 0);
    assert_value(metrics, n, "energy_package_uj", 1e6, "estimated", "estimated");
    assert_value(metrics, n, "energy_package_low_uj", 0.4e6, "estimated", "estimated");
    assert_value(metrics, n, "energy_package_high_uj", 2e6, "estimated", "estimated");
    assert_missing(metrics, n, "energy_dram_uj", "absent: ");

    /* A machine of many CPUs: 2000 W and more, and no counter that was reset. */
    static const struct change many[] = {
        {"proc/stat", "cpu  100000 0 50 900 9 10 10 7\n"}, {NULL, NULL}};
    ipm_tree_put(*state, "proc/stat", "cpu  0 0 50 800 9 10 10 7\n");
    assert_int_equal(measure(*state, ask, many, metrics, &n, &why), 0);
    assert_value(metrics, n, "energy_package_uj", 5e9, "estimated", "estimated");
    assert_int_equal(
        measure(*state, "{\"energy\":{\"estimated\":{\"watts_per_core\":[5,2,10]}}}",
                after, metrics, &n, &why),
        -EINVAL);
    assert_int_equal(
        measure(*state, "{\"energy\":{\"estimated\":{}}}", after, metrics, &n, &why),
        -EINVAL);
    assert_int_equal(
        measure(*state, "{\"energy\":\"estimated\"}", after, metrics, &n, &why),
        -EINVAL);
}

/* The driver's meter answers; the worker has no values, and says whose they are. */
static void simulated_is_not_the_workers(void **state)
{
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    put_rapl(*state, "1000000\n");
    assert_int_equal(
        measure(*state, "{\"energy\":{\"simulated\":{}}}", NULL, metrics, &n, NULL), 0);
    assert_int_equal(n, IPM_ZONE_KINDS);
    assert_missing(metrics, n, "energy_package_uj", "absent: ");
}

#define ROOTED(test) cmocka_unit_test_setup_teardown(test, fresh_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(perf_counts_each_package),
        ROOTED(dies_are_what_the_vendor_makes_them),
        ROOTED(refused_events_have_reasons),
        ROOTED(the_first_that_measures_is_chosen),
        ROOTED(lower_words_are_never_chosen),
        ROOTED(rails_of_a_board),
        ROOTED(power_inputs_are_no_joules),
        ROOTED(amd_energy_counts_sockets),
        ROOTED(estimates_only_by_request_and_with_a_range),
        ROOTED(simulated_is_not_the_workers),
    };
    real = ipm_perf_system;
    return cmocka_run_group_tests_name("energy", tests, NULL, NULL);
}
