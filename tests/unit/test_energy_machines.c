/* SPDX-License-Identifier: MIT */
/* Each machine of tests/fixtures/machines over one window, against joules worked out by
 * hand from its two snapshots. */
#include "base/clock.h"
#include "harness/worker/sensors/energy_zones.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <ftw.h>
#include <sys/wait.h>
#include <time.h>

extern const struct ipm_sensor ipm_sensor_energy;

static const struct ipm_sensor *const sensor = &ipm_sensor_energy;

enum { ROWS = 40, WINDOW_MS = 105 };

static struct {
    const char *from;
    const char *to;
} copying;

static int copy_entry(const char *path, const struct stat *status, int type,
                      struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (type != FTW_F)
        return 0;
    char text[4096];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    ipm_tree_put(copying.to, path + strlen(copying.from) + 1, text);
    return 0;
}

/* A copy, since counters and rights change; with the flags that matter for energy. */
static void set_up(const char *root, const char *machine, const char *cpuinfo)
{
    char from[512];
    (void)snprintf(from, sizeof(from), IPM_SOURCE "/tests/fixtures/machines/%s",
                   machine);
    copying.from = from;
    copying.to = root;
    assert_int_equal(nftw(from, copy_entry, 8, FTW_PHYS), 0);
    ipm_tree_put(root, "proc/cpuinfo", cpuinfo);
}

/* The second snapshot, written in place: the counters stay open. */
static void advance(const char *root)
{
    char path[512];
    char entry[256];
    long long value = 0;
    (void)snprintf(path, sizeof(path), "%s/energy_stop", root);
    FILE *list = fopen(path, "re");
    assert_non_null(list);
    while (fscanf(list, "%255s %lld", entry, &value) == 2) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%lld\n", value);
        ipm_tree_put(root, entry, text);
    }
    (void)fclose(list);
}

static int measure(const char *root, struct ipm_metric metrics[ROWS], size_t *out_n,
                   struct ipm_why *why)
{
    const struct ipm_sensor_context context = {
        .sysroot = root, .pass = "energy", .window_ns = WINDOW_MS * 1000000};
    void *self = calloc(1, sensor->state_size);
    assert_non_null(self);
    int error = sensor->open(self, &context, why);
    if (error == 0) {
        struct timespec pause = ipm_timespec(WINDOW_MS * 1000000);
        sensor->start(self);
        while (nanosleep(&pause, &pause) != 0)
            continue;
        advance(root);
        sensor->stop(self);
        *out_n = sensor->read(self, metrics, ROWS);
        sensor->close(self);
    }
    free(self);
    return error;
}

struct expected {
    const char *name;   /* NULL ends a table */
    double value;       /* 0: it must be missing */
    const char *reason; /* what its reason begins with */
};

/* Return: 0; else the row that is wrong, from 1, and it is told. */
static int compare(const struct expected *expected, const struct ipm_metric *metrics,
                   size_t n)
{
    for (int row = 0; expected[row].name != NULL; row++) {
        size_t at = 0;
        while (at < n && strcmp(metrics[at].name, expected[row].name) != 0)
            at++;
        const struct ipm_metric *metric = &metrics[at];
        bool good = at < n && (expected[row].value != 0
                                   ? metric->status == IPM_METRIC_OK &&
                                         metric->value == expected[row].value
                                   : metric->status != IPM_METRIC_OK &&
                                         strncmp(metric->reason, expected[row].reason,
                                                 strlen(expected[row].reason)) == 0);
        if (good)
            continue;
        (void)fprintf(stderr, "%s: %.17g '%s'\n", expected[row].name,
                      at < n ? metric->value : -1, at < n ? metric->reason : "no row");
        return row + 1;
    }
    return 0;
}

static void assert_machine(const char *root, const char *machine, const char *cpuinfo,
                           const struct expected *expected)
{
    struct ipm_metric metrics[ROWS];
    struct ipm_why why;
    size_t n = 0;
    set_up(root, machine, cpuinfo);
    int error = measure(root, metrics, &n, &why);
    if (error != 0)
        fail_msg("%s: %s", machine, why.text);
    assert_int_equal(compare(expected, metrics, n), 0);
}

static const char intel[] = "vendor_id\t: GenuineIntel\nflags\t\t: fpu tsc\n";
static const char amd[] = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu tsc\n";

static void intel_client(void **state)
{
    /* The MMIO double once, psys beside the package and not in it. */
    static const struct expected expected[] = {
        {"energy_package_uj", 25000000, NULL},
        {"energy_core_uj", 12500000, NULL},
        {"energy_uncore_uj", 1000000, NULL},
        {"energy_psys_uj", 40000000, NULL},
        {"energy_dram_uj", 0, "absent: "},
        {"energy_board_uj", 0, "absent: "},
        {NULL, 0, NULL},
    };
    assert_machine(*state, "intel-client", intel, expected);
}

static void intel_server(void **state)
{
    /* 30 J + (10 + 262143.32885 - 262130) J; 2 J + (0.500387 + 65712.999613 - 65712) J. */
    static const struct expected expected[] = {
        {"energy_package_uj", 53328850, NULL},
        {"energy_dram_uj", 3500000, NULL},
        {"energy_core_uj", 0, "absent: "},
        {"energy_psys_uj", 0, "absent: "},
        {NULL, 0, NULL},
    };
    assert_machine(*state, "intel-server", intel, expected);
}

static void amd_zen2(void **state)
{
    static const struct expected expected[] = {
        {"energy_package_uj", 34000000, NULL},
        {"energy_core_uj", 0, "absent: AMD's core counter"},
        {NULL, 0, NULL},
    };
    assert_machine(*state, "amd-zen2", amd, expected);
}

static void amd_zen4(void **state)
{
    static const struct expected expected[] = {
        {"energy_package_uj", 18000000, NULL},
        {"energy_core_uj", 0, "absent: AMD's core counter"},
        {NULL, 0, NULL},
    };
    assert_machine(*state, "amd-zen4", amd, expected);
}

static void arm_board(void **state)
{
    static const struct expected expected[] = {
        {"energy_rail_sys_uj", 8000000, NULL},
        {"energy_rail_big_uj", 2500000, NULL},
        {"energy_rail_little_uj", 1250000, NULL},
        {"energy_rail_gpu_uj", 500000, NULL},
        {"energy_board_uj", 0, "failed: 4 board counters"},
        {"energy_package_uj", 0, "absent: "},
        {"power_ina226_1_before_uw", 3125000, NULL},
        {"power_ina226_1_after_uw", 3150000, NULL},
        {NULL, 0, NULL},
    };
    assert_machine(*state, "arm-board", "CPU part\t: 0xd07\n", expected);
}

static void vm_and_container_have_none(void **state)
{
    const struct ipm_sensor_context context = {.sysroot = *state, .pass = "energy"};
    struct ipm_why why;
    set_up(*state, "vm", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n");
    assert_string_equal(ipm_why_class(sensor->probe(&context, &why)), "absent");
    set_up(*state, "container", intel);
    assert_string_equal(ipm_why_class(sensor->probe(&context, &why)), "masked");
    assert_non_null(strstr(why.text, "inside this container"));
}

/* As somebody who may read one package of two: the sum is missing and names the other. */
static int measure_as_nobody(void *root)
{
    static const struct expected expected[] = {
        {"energy_package_uj", 0, "denied: energy_uj of package-1 may be read by root"},
        {"energy_dram_uj", 3500000, NULL},
        {NULL, 0, NULL},
    };
    struct ipm_metric metrics[ROWS];
    size_t n = 0;
    if (!ipm_become_nobody())
        return 2;
    if (measure(root, metrics, &n, NULL) != 0)
        return 3;
    return compare(expected, metrics, n) == 0 ? 0 : 4;
}

static int open_to_all(const char *path, const struct stat *status, int type,
                       struct FTW *walk)
{
    (void)status;
    (void)walk;
    return chmod(path, type == FTW_F ? 0666 : 0777);
}

static void an_unreadable_zone_is_named(void **state)
{
    char path[512];
    set_up(*state, "intel-server", intel);
    ipm_test_path(state, "sys/class/powercap/intel-rapl:1/energy_uj", path);
    /* The list of the second snapshot would write that one, too. */
    ipm_tree_put(*state, "energy_stop",
                 "sys/class/powercap/intel-rapl:0/energy_uj 120030000000\n"
                 "sys/class/powercap/intel-rapl:0:0/energy_uj 5002000000\n"
                 "sys/class/powercap/intel-rapl:1:0/energy_uj 500387\n");
    assert_int_equal(nftw(*state, open_to_all, 8, FTW_PHYS), 0);
    assert_int_equal(chmod(path, 0), 0);
    int status = ipm_test_in_child(measure_as_nobody, *state);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define ROOTED(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(intel_client),
        ROOTED(intel_server),
        ROOTED(amd_zen2),
        ROOTED(amd_zen4),
        ROOTED(arm_board),
        ROOTED(vm_and_container_have_none),
        ROOTED(an_unreadable_zone_is_named),
    };
    return cmocka_run_group_tests_name("energy_machines", tests, NULL, NULL);
}
