/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the doctor says of seven machines (tests/fixtures/machines.py), every row of each,
 * decided by hand: neither a false alarm nor a false all-clear.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "harness/doctor.h"
#include "harness/host.h"
#include "harness/state.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { MACHINES = 7 };

static const char *const machines[MACHINES] = {
    "intel-client", "intel-server", "amd-zen2", "amd-zen4",
    "arm-board",    "vm",           "container"};

/*
 * o ok, w warn, f fail, u unknown; a letter a machine, in the order above.
 *
 * client:    a laptop with two kinds of core as a desktop system leaves it, on battery
 * server:    two sockets, tuned, but SGX and NUMA balancing on
 * zen2:      no mitigations, no ASLR, no huge pages, hpet, turbo on under performance
 * zen4:      fit but for turbo without a switch, and little locked memory
 * board:     two kinds of core, hot, one deep sleep, no POSIX queues
 * vm:        all well but that it is one
 * container: two CPUs and a quota of a busy server; masks; the other CPUs save energy
 */
static const struct {
    const char *name;
    const char *expected;
} rows[] = {
    {"cpus", "oooooow"},
    {"core_kinds", "wooowoo"},
    {"smt", "ooooouo"},
    {"isolation", "ooooooo"},
    {"load", "oowooof"},
    {"hypervisor", "ooooowo"},
    {"steal", "ooooooo"},
    {"governor", "woooouo"},
    {"frequency", "wowwouw"},
    {"energy_preference", "woooouo"},
    {"turbo", "wowwuuw"},
    {"idle_states", "wowowow"},
    {"temperature", "oooowuo"},
    {"mains", "woooooo"},
    {"clocksource", "oofoowo"},
    {"clock_cost", "uuuuuuu"},
    {"kernel", "ooooooo"},
    {"boot_options", "ooooooo"},
    {"mitigations", "oowoooo"},
    {"page_tables", "ooooooo"},
    {"huge_pages", "oowoooo"},
    {"numa_balancing", "owoooow"},
    {"aslr", "oowoooo"},
    {"container", "oooooow"},
    {"cpu_quota", "oooooof"},
    {"capabilities", "ooooooo"},
    {"namespaces", "wooooou"},
    {"realtime", "ooooooo"},
    {"limits", "ooowoow"},
    {"message_queues", "oooowoo"},
    {"perf_paranoid", "wooooow"},
    {"pmu", "ooooooo"},
    {"nmi_watchdog", "wowooow"},
    {"powercap", "oooooww"},
    {"energy_filtering", "uwoooou"},
    {"memory", "oooooow"},
    {"swap", "oowoooo"},
    {"disk", "-------"}, /* of this machine */
};

static void make_machines(void **state)
{
    char command[512];
    char probe[256];
    if (access(ipm_test_path(state, "vm", probe), F_OK) == 0)
        return;
    (void)snprintf(command, sizeof(command),
                   "python3 '" IPM_SOURCE "/tests/fixtures/machines.py' '%s'",
                   (const char *)*state);
    if (system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' "
               "2>/dev/null") != 0) { /* NOLINT(cert-env33-c): our own words */
        print_message("skipped: python3 (3.8 or later) makes the machines\n");
        skip();
    }
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static const struct ipm_check *find(const struct ipm_doctor *doctor, const char *name)
{
    for (int i = 0; i < doctor->n; i++) {
        if (strcmp(doctor->checks[i].name, name) == 0)
            return &doctor->checks[i];
    }
    return NULL;
}

static const char *root_of(void **state, const char *machine, char text[256])
{
    make_machines(state);
    return ipm_test_path(state, machine, text);
}

static void every_row_is_judged_right(void **state)
{
    int wrong = 0;
    for (int i = 0; i < MACHINES; i++) {
        char root[256];
        struct ipm_doctor doctor;
        ipm_doctor_examine(&doctor, root_of(state, machines[i], root));
        assert_int_equal(doctor.n, IPM_TEST_ROWS(rows));
        for (size_t k = 0; k < IPM_TEST_ROWS(rows); k++) {
            const struct ipm_check *check = find(&doctor, rows[k].name);
            assert_non_null(check);
            char letter = ipm_check_status_names[check->status][0];
            if (rows[k].expected[i] == '-' || rows[k].expected[i] == letter)
                continue;
            print_error("%s, %s: %c instead of %c: %s\n", machines[i], rows[k].name,
                        letter, rows[k].expected[i], check->text);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* A remedy, or that there is none; where all is not well, with the reason. */
static void every_row_says_what_to_do(void **state)
{
    static const char nothing[] = "nothing to do";
    for (int i = 0; i < MACHINES; i++) {
        char root[256];
        struct ipm_doctor doctor;
        ipm_doctor_examine(&doctor, root_of(state, machines[i], root));
        for (int k = 0; k < doctor.n; k++) {
            const struct ipm_check *check = &doctor.checks[k];
            bool whole = strlen(check->text) + 1 < sizeof(check->text) &&
                         strlen(check->mend) + 1 < sizeof(check->mend);
            bool left = strcmp(check->mend, nothing) == 0;
            if (check->text[0] == '\0' || !whole || check->mend[0] == '\0' ||
                (left && check->status != IPM_CHECK_OK))
                fail_msg("%s, %s: '%s' -> '%s'", machines[i], check->name, check->text,
                         check->mend);
        }
    }
}

/* Results are made to be shared. */
static void no_machine_tells_a_secret(void **state)
{
    static const char *const secrets[] = {"secret", "5ecre7", "10.1.2.3", "BOOT_IMAGE"};
    for (int i = 0; i < MACHINES; i++) {
        char root[256];
        (void)root_of(state, machines[i], root);
        ipm_auto_json json_t *host = ipm_host_json(root);
        ipm_auto_json json_t *now = ipm_state_json(root);
        ipm_auto_json json_t *both = json_pack("[O, O]", host, now);
        char *text = json_dumps(both, 0);
        assert_non_null(text);
        for (size_t k = 0; k < IPM_TEST_ROWS(secrets); k++)
            assert_null(strstr(text, secrets[k]));
        assert_null(strstr(text, root));
        free(text);
    }
}

static void check_text(const json_t *json, const char *key, const char *expected)
{
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static int64_t number(const json_t *json, const char *key)
{
    assert_true(json_is_integer(json_object_get(json, key)));
    return json_integer_value(json_object_get(json, key));
}

static void a_client_is_described(void **state)
{
    char root[256];
    ipm_auto_json json_t *host = ipm_host_json(root_of(state, "intel-client", root));
    ipm_auto_json json_t *now = ipm_state_json(root);
    assert_int_equal(number(host, "packages"), 1);
    assert_int_equal(number(host, "cores"), 6);
    assert_int_equal(number(host, "threads"), 8);
    assert_true(json_is_true(json_object_get(host, "pcid")));
    assert_true(json_is_false(json_object_get(host, "page_table_isolation")));
    assert_true(json_is_false(json_object_get(host, "container")));
    check_text(json_object_get(host, "core_kinds"), "slow", "4-7");
    check_text(now, "energy_preference", "balance_performance");
    check_text(now, "turbo", "on");
    assert_int_equal(number(now, "highest_khz"), 4400000);
    assert_int_equal(number(json_object_get(now, "frequency_mhz"), "4"), 900);
    check_text(json_object_get(now, "idle"), "deepest", "C10");
    assert_int_equal(number(json_object_get(now, "idle"), "latency_us"), 680);
    check_text(json_object_get(now, "powercap"), "rights", "readable");
    /* The CPUs' zone first, and the one that is stuck at 27.8 is there, too. */
    const json_t *zones = json_object_get(now, "temperatures");
    check_text(json_array_get(zones, 0), "name", "x86_pkg_temp");
    assert_true(json_array_size(zones) >= 2);
    assert_true(json_is_null(
        json_object_get(json_object_get(now, "since_boot"), "own_cpu_ns")));
}

static void a_server_and_a_container_are_described(void **state)
{
    char root[256];
    ipm_auto_json json_t *host = ipm_host_json(root_of(state, "intel-server", root));
    assert_int_equal(number(host, "packages"), 2);
    assert_int_equal(number(host, "numa_nodes"), 2);
    const json_t *options = json_object_get(host, "boot_options");
    assert_int_equal(json_array_size(options), 5);
    assert_string_equal(json_string_value(json_array_get(options, 0)),
                        "isolcpus=2-3,6-7");

    ipm_auto_json json_t *inner = ipm_host_json(root_of(state, "container", root));
    ipm_auto_json json_t *now = ipm_state_json(root);
    assert_true(json_is_string(json_object_get(inner, "container")));
    check_text(now, "governor", "performance");
    check_text(now, "allowed", "2-3");
    assert_int_equal(json_real_value(json_object_get(now, "quota_cpus")) * 2, 3);
    check_text(json_object_get(now, "powercap"), "rights", "masked");
    assert_int_equal(number(json_object_get(now, "since_boot"), "throttled_periods"),
                     7);

    ipm_auto_json json_t *guest = ipm_host_json(root_of(state, "vm", root));
    check_text(guest, "hypervisor", "qemu");
    ipm_auto_json json_t *board = ipm_host_json(root_of(state, "arm-board", root));
    assert_true(json_is_false(json_object_get(board, "hypervisor")));
    check_text(json_object_get(board, "core_kinds"), "fast", "4,5,6,7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_judged_right),
        cmocka_unit_test(every_row_says_what_to_do),
        cmocka_unit_test(no_machine_tells_a_secret),
        cmocka_unit_test(a_client_is_described),
        cmocka_unit_test(a_server_and_a_container_are_described),
    };
    return cmocka_run_group_tests_name("doctor_machines", tests, ipm_test_directory,
                                       ipm_test_directory_remove);
}
