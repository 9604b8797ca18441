/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/host.h"
#include "harness/topology_trust.h"
#include "tests/support/tree.h"

#include <jansson.h>

#define CPU "sys/devices/system/cpu/"
#define FLAGS(flags)                                                                   \
    {                                                                                  \
        "proc/cpuinfo",                                                                \
            "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: " flags "\n"        \
    }

static const struct ipm_tree_file metal[] = {
    FLAGS("fpu tsc"),
    {CPU "online", "0-1\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "1\n"},
    {NULL, NULL},
};

/* Sockets of one CPU, a cache each. */
static const struct ipm_tree_file implausible[] = {
    FLAGS("fpu hypervisor tsc"),
    {CPU "online", "0-1\n"},
    {CPU "smt/active", "0\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "1\n"},
    {CPU "cpu0/cache/index3/shared_cpu_list", "0\n"},
    {CPU "cpu1/cache/index3/shared_cpu_list", "1\n"},
    {NULL, NULL},
};

/* As a cloud shows an instance: nothing odd, and no proof either. */
static const struct ipm_tree_file plausible[] = {
    FLAGS("fpu hypervisor tsc"),
    {CPU "online", "0-1\n"},
    {CPU "smt/active", "1\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "0\n"},
    {CPU "cpu0/cache/index0/shared_cpu_list", "0-1\n"},
    {CPU "cpu0/cache/index3/shared_cpu_list", "0-1\n"},
    {CPU "cpu1/cache/index3/shared_cpu_list", "0-1\n"},
    {NULL, NULL},
};

static const struct ipm_tree_file bare_guest[] = {
    FLAGS("fpu hypervisor tsc"),
    {CPU "online", "0-2\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "0\n"},
    {CPU "cpu2/topology/physical_package_id", "0\n"},
    {NULL, NULL},
};

static void verdicts(void **state)
{
    static const struct {
        const char *name;
        const struct ipm_tree_file *files;
        const char *trust;
        const char *signs[4]; /* in the reason */
        const char *absent;   /* not in it */
    } rows[] = {
        {"metal", metal, "hardware", {NULL}, "may run"},
        {"implausible",
         implausible,
         "hypervisor",
         {"anywhere", "shown as a socket", "no two CPUs are shown to share a cache",
          "no threads"},
         "no cache is shown"},
        {"plausible", plausible, "hypervisor", {"anywhere"}, ","},
        {"bare_guest", bare_guest, "hypervisor", {"no cache is shown"}, "socket"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char path[256];
        char reason[160];
        const char *root = ipm_test_path(state, rows[i].name, path);
        assert_int_equal(mkdir(root, 0700), 0);
        ipm_tree_put_all(root, rows[i].files);
        const char *trust = ipm_topology_trust(root, reason, sizeof(reason));
        assert_non_null(trust);
        if (strcmp(trust, rows[i].trust) != 0 || strstr(reason, rows[i].absent) != NULL)
            fail_msg("%s: %s: %s", rows[i].name, trust, reason);
        for (size_t k = 0; k < 4 && rows[i].signs[k] != NULL; k++) {
            if (strstr(reason, rows[i].signs[k]) == NULL)
                fail_msg("%s: %s", rows[i].name, reason);
        }
        json_t *host = ipm_host_json(root);
        assert_string_equal(json_string_value(json_object_get(host, "topology")),
                            trust);
        assert_int_equal(json_is_null(json_object_get(host, "topology_reason")),
                         reason[0] == '\0');
        json_decref(host);
    }
}

/* Nobody says whether there is a hypervisor: neither word is claimed. */
static void nobody_tells(void **state)
{
    char path[256];
    char reason[160];
    const char *root = ipm_test_path(state, "empty", path);
    assert_int_equal(mkdir(root, 0700), 0);
    assert_null(ipm_topology_trust(root, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "not known"));
}

int main(void)
{
#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {TEST(verdicts), TEST(nobody_tells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
