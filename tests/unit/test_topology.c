/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/topology.h"
#include "tests/support/front.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <sched.h>

struct row {
    const char *placement;
    int error;
    int a, b;
    enum ipm_distance distance;
};

static void check(const struct ipm_topology *topology, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ipm_place place = {.cpus = {-7, -7}};
        struct ipm_why why = {0};
        int error = ipm_topology_place(topology, rows[i].placement, &place, &why);
        if (error != rows[i].error)
            fail_msg("%s: %d (%s)", rows[i].placement, error, why.text);
        if (error != 0) {
            assert_true(why.text[0] != '\0');
            assert_int_equal(place.cpus[0], -7);
        } else if (place.cpus[0] != rows[i].a || place.cpus[1] != rows[i].b ||
                   place.distance != rows[i].distance ||
                   place.n_cpus != (rows[i].a == rows[i].b ? 1 : 2)) {
            fail_msg("%s: %d, %d %s", rows[i].placement, place.cpus[0], place.cpus[1],
                     ipm_distance_names[place.distance]);
        }
    }
}

static void words(void **state)
{
    static const struct row rows[] = {
        /* CPU 0 and its sibling do the housekeeping: they come last. */
        {"same_cpu", 0, 2, 2, IPM_SAME_CPU},
        {"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
        {"same_llc", 0, 2, 0, IPM_SAME_LLC},
        {"nearest_core", 0, 2, 0, IPM_SAME_LLC},
        {"cross_socket", 0, 2, 4, IPM_CROSS_SOCKET},
        {"cross_llc", -ENODEV, 0, 0, 0},
        {"cross_numa", -ENODEV, 0, 0, 0},
        {"cpus:5,0", 0, 5, 0, IPM_CROSS_SOCKET},
        {"cpus:1,0", 0, 1, 0, IPM_SMT_SIBLING},
        {"cpus:3", 0, 3, 3, IPM_SAME_CPU},
        {"cpus:3,3", 0, 3, 3, IPM_SAME_CPU},
        {"cpus:3,8", -ENODEV, 0, 0, 0},
        {"cpus:", -EINVAL, 0, 0, 0},
        {"cpus:1,2,3", -EINVAL, 0, 0, 0},
        {"cpus:-1", -EINVAL, 0, 0, 0},
        {"unknown", -EINVAL, 0, 0, 0},
        {"", -EINVAL, 0, 0, 0},
    };
    struct ipm_topology topology;
    (void)state;
    ipm_test_topology(&topology);
    check(&topology, rows, IPM_TEST_ROWS(rows));
}

/* One CPU: everything that needs two is missing, with a reason. */
static void one_cpu(void **state)
{
    static const struct ipm_cpu cpus[] = {{3, 1, 1, 0, 0}};
    static const struct row rows[] = {
        {"same_cpu", 0, 3, 3, IPM_SAME_CPU}, {"nearest_core", -ENODEV, 0, 0, 0},
        {"smt_sibling", -ENODEV, 0, 0, 0},   {"same_llc", -ENODEV, 0, 0, 0},
        {"cross_llc", -ENODEV, 0, 0, 0},     {"cross_numa", -ENODEV, 0, 0, 0},
        {"cross_socket", -ENODEV, 0, 0, 0},
    };
    struct ipm_topology topology;
    (void)state;
    ipm_topology_init(&topology, cpus, 1, true);
    check(&topology, rows, IPM_TEST_ROWS(rows));
}

/* Two siblings are not two cores. */
static void siblings_only(void **state)
{
    static const struct ipm_cpu cpus[] = {{0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}};
    static const struct row rows[] = {
        {"nearest_core", -ENODEV, 0, 0, 0},
        {"smt_sibling", 0, 0, 1, IPM_SMT_SIBLING},
    };
    struct ipm_topology topology;
    (void)state;
    ipm_topology_init(&topology, cpus, IPM_TEST_ROWS(cpus), true);
    check(&topology, rows, IPM_TEST_ROWS(rows));
}

/* Without caches, or without hwloc, no class is claimed that nobody showed. */
static void unknown(void **state)
{
    static const struct ipm_cpu no_caches[] = {
        {0, 0, -1, 0, 0}, {1, 1, -1, 0, 0}, {2, 2, -1, 1, 0}};
    static const struct row rows[] = {
        {"nearest_core", 0, 1, 0, IPM_DISTANCE_UNKNOWN},
        {"same_llc", -ENODEV, 0, 0, 0},
        {"cross_llc", -ENODEV, 0, 0, 0},
        {"cross_numa", 0, 1, 2, IPM_CROSS_NUMA},
    };
    static const struct row bare[] = {
        {"same_cpu", 0, 1, 1, IPM_SAME_CPU},
        {"nearest_core", 0, 1, 2, IPM_DISTANCE_UNKNOWN},
        {"cross_numa", -ENODEV, 0, 0, 0},
        {"smt_sibling", -ENODEV, 0, 0, 0},
    };
    struct ipm_topology topology;
    (void)state;
    ipm_topology_init(&topology, no_caches, IPM_TEST_ROWS(no_caches), true);
    check(&topology, rows, IPM_TEST_ROWS(rows));
    ipm_topology_init(&topology, no_caches, IPM_TEST_ROWS(no_caches), false);
    check(&topology, bare, IPM_TEST_ROWS(bare));
}

static void made_up(void **state)
{
    static const struct row rows[] = {
        {"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
        {"same_llc", 0, 2, 0, IPM_SAME_LLC},
        {"cross_llc", 0, 2, 4, IPM_CROSS_LLC},
        {"cross_numa", 0, 2, 8, IPM_CROSS_NUMA},
        {"cross_socket", 0, 2, 16, IPM_CROSS_SOCKET},
    };
    struct ipm_topology topology;
    struct ipm_why why = {0};
    (void)state;
    int error = ipm_topology_synthetic(
        &topology, "pack:2 [numa] group:2 [numa] l3:2 core:2 pu:2", &why);
    if (error == -ENOSYS)
        skip(); /* built without hwloc */
    if (error != 0)
        error =
            ipm_topology_synthetic(&topology, "pack:2 node:2 l3:2 core:2 pu:2", &why);
    assert_int_equal(error, 0);
    assert_int_equal(topology.n_cpus, 32);
    check(&topology, rows, IPM_TEST_ROWS(rows));
    assert_int_equal(ipm_topology_synthetic(&topology, "nonsense", &why), -EINVAL);
}

/* What machines look like to hwloc, and the classes that come out. */
static void machines(void **state)
{
    static const struct {
        const char *what, *description;
        size_t n_cpus;
        struct row rows[6];
    } machines[] = {
        {"one socket, one cache, threads",
         "pack:1 [numa] l3:1 core:4 pu:2",
         8,
         {{"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
          {"same_llc", 0, 2, 4, IPM_SAME_LLC},
          {"nearest_core", 0, 2, 4, IPM_SAME_LLC},
          {"cross_llc", -ENODEV, 0, 0, 0},
          {"cross_numa", -ENODEV, 0, 0, 0},
          {"cross_socket", -ENODEV, 0, 0, 0}}},
        {"core complexes: several caches in one node",
         "pack:2 [numa] l3:4 core:4 pu:1",
         32,
         {{"smt_sibling", -ENODEV, 0, 0, 0},
          {"same_llc", 0, 1, 2, IPM_SAME_LLC},
          {"cross_llc", 0, 1, 4, IPM_CROSS_LLC},
          {"cross_numa", -ENODEV, 0, 0, 0},
          {"cross_socket", 0, 1, 16, IPM_CROSS_SOCKET},
          {"nearest_core", 0, 1, 2, IPM_SAME_LLC}}},
        {"two sockets in sub-NUMA clusters, a cache each",
         "pack:2 group:2 [numa] l3:1 core:8 pu:2",
         64,
         {{"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
          {"same_llc", 0, 2, 4, IPM_SAME_LLC},
          {"cross_llc", -ENODEV, 0, 0, 0},
          {"cross_numa", 0, 2, 16, IPM_CROSS_NUMA},
          {"cross_socket", 0, 2, 32, IPM_CROSS_SOCKET},
          {"nearest_core", 0, 2, 4, IPM_SAME_LLC}}},
        {"clusters inside one cache: the node is further than the cache",
         "pack:1 l3:1 group:2 [numa] core:4 pu:1",
         8,
         {{"same_llc", 0, 1, 2, IPM_SAME_LLC},
          {"cross_llc", -ENODEV, 0, 0, 0},
          {"cross_numa", 0, 1, 4, IPM_CROSS_NUMA},
          {"cross_socket", -ENODEV, 0, 0, 0},
          {"smt_sibling", -ENODEV, 0, 0, 0},
          {"nearest_core", 0, 1, 2, IPM_SAME_LLC}}},
        {"more than 64 CPUs",
         "pack:2 [numa] l3:8 core:8 pu:2",
         256,
         {{"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
          {"same_llc", 0, 2, 4, IPM_SAME_LLC},
          {"cross_llc", 0, 2, 16, IPM_CROSS_LLC},
          {"cross_socket", 0, 2, 128, IPM_CROSS_SOCKET},
          {"cpus:255,128", 0, 255, 128, IPM_CROSS_LLC},
          {"cpus:256,0", -ENODEV, 0, 0, 0}}},
        {"a guest: each CPU a socket of its own",
         "pack:4 [numa] l3:1 core:1 pu:1",
         4,
         {{"smt_sibling", -ENODEV, 0, 0, 0},
          {"same_llc", -ENODEV, 0, 0, 0},
          {"cross_llc", -ENODEV, 0, 0, 0},
          {"cross_numa", -ENODEV, 0, 0, 0},
          {"cross_socket", 0, 1, 2, IPM_CROSS_SOCKET},
          {"nearest_core", 0, 1, 2, IPM_CROSS_SOCKET}}},
    };
    static struct ipm_topology topology;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(machines); i++) {
        struct ipm_why why = {0};
        int error = ipm_topology_synthetic(&topology, machines[i].description, &why);
        if (error == -ENOSYS)
            skip(); /* built without hwloc */
        if (error != 0 || topology.n_cpus != machines[i].n_cpus)
            fail_msg("%s: %s, %zu CPUs", machines[i].what, why.text, topology.n_cpus);
        print_message("%s\n", machines[i].what);
        check(&topology, machines[i].rows, IPM_TEST_ROWS(machines[i].rows));
    }
}

/* Fast cores with threads, slow ones without in clusters that share a cache with nobody else
 * but the last level; a third of the numbers offline. */
static void uneven(void **state)
{
    static const struct ipm_cpu cpus[] = {
        {0, 0, 7, 0, 0},   {1, 0, 7, 0, 0}, {2, 1, 7, 0, 0},  {3, 1, 7, 0, 0},
        {8, 4, 7, 0, 0},   {9, 5, 7, 0, 0}, {13, 9, 8, 0, 0}, /* a low-power island */
        {70, 10, 8, 0, 0},
    };
    static const struct row rows[] = {
        {"same_cpu", 0, 2, 2, IPM_SAME_CPU},
        {"smt_sibling", 0, 2, 3, IPM_SMT_SIBLING},
        {"same_llc", 0, 2, 8, IPM_SAME_LLC},
        {"nearest_core", 0, 2, 8, IPM_SAME_LLC},
        {"cross_llc", 0, 2, 13, IPM_CROSS_LLC},
        {"cpus:8,9", 0, 8, 9, IPM_SAME_LLC},
        {"cpus:13,70", 0, 13, 70, IPM_SAME_LLC},
        {"cpus:4,8", -ENODEV, 0, 0, 0}, /* offline */
        {"cross_numa", -ENODEV, 0, 0, 0},
        {"all_pairs", -EINVAL, 0, 0, 0},
    };
    static struct ipm_topology topology;
    (void)state;
    ipm_topology_init(&topology, cpus, IPM_TEST_ROWS(cpus), true);
    check(&topology, rows, IPM_TEST_ROWS(rows));
    ipm_auto_json json_t *pairs = ipm_topology_pairs(&topology);
    assert_int_equal(json_array_size(pairs), 8 * 7 / 2);
    assert_string_equal(json_string_value(json_array_get(pairs, 0)), "cpus:0,1");
    assert_string_equal(json_string_value(json_array_get(pairs, 27)), "cpus:13,70");
}

/* In a child that may run on the first CPU only, the second isolated: never chosen, but it
 * may be named, and then it is run on. */
struct isolation {
    const char *sysroot;
    int cpus[2];
};

static int isolated(void *context)
{
    const struct isolation *the = context;
    static struct ipm_topology topology;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)the->cpus[0], &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int error = ipm_topology_read(the->sysroot, &topology, NULL);
    struct ipm_place place;
    char named[64];
    (void)snprintf(named, sizeof(named), "cpus:%d,%d", the->cpus[0], the->cpus[1]);
    ipm_auto_json json_t *pairs = ipm_topology_pairs(&topology);
    if (error != 0 || topology.n_cpus != 1 || topology.n_isolated != 1 ||
        json_array_size(pairs) != 0)
        return 4;
    if (ipm_topology_place(&topology, "nearest_core", &place, NULL) != -ENODEV ||
        ipm_topology_place(&topology, named, &place, NULL) != 0 ||
        place.cpus[1] != the->cpus[1])
        return 5;
    cpu_set_t now;
    /* What was tried has left no trace. */
    return sched_getaffinity(0, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &set) ? 0
                                                                                 : 6;
}

static void isolated_may_be_named(void **state)
{
    static struct ipm_topology topology;
    char path[256];
    char list[32];
    assert_int_equal(ipm_topology_read("", &topology, NULL), 0);
    if (topology.n_cpus < 2)
        skip();
    struct isolation the = {
        .sysroot = ipm_test_path(state, "sysroot", path),
        .cpus = {topology.cpus[0].number, topology.cpus[1].number},
    };
    (void)snprintf(list, sizeof(list), "%d\n", the.cpus[1]);
    assert_int_equal(mkdir(the.sysroot, 0700), 0);
    ipm_tree_put(the.sysroot, "sys/devices/system/cpu/isolated", list);
    int status = ipm_test_in_child(isolated, &the);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child with one CPU allowed, that CPU is the whole machine. */
static int narrow(void *context)
{
    const int *cpu = context;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)*cpu, &set);
    static struct ipm_topology topology;
    struct ipm_place place;
    if (sched_setaffinity(0, sizeof(set), &set) != 0 ||
        ipm_topology_read("", &topology, NULL) != 0 || topology.n_cpus != 1 ||
        topology.cpus[0].number != *cpu)
        return 1;
    return ipm_topology_place(&topology, "nearest_core", &place, NULL) == -ENODEV ? 0
                                                                                  : 2;
}

static void affinity(void **state)
{
    struct ipm_topology topology;
    cpu_set_t set;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(ipm_topology_read("", &topology, NULL), 0);
    assert_true(topology.n_cpus >= 1);
    for (size_t i = 0; i < topology.n_cpus; i++)
        assert_true(CPU_ISSET((size_t)topology.cpus[i].number, &set));
    struct ipm_place place;
    assert_int_equal(ipm_topology_place(&topology, "same_cpu", &place, NULL), 0);
    assert_int_equal(place.n_cpus, 1);
    int status = ipm_test_in_child(narrow, &topology.cpus[0].number);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What several pairs get: {placement, pairs} -> CPUs, and how many share none. */
static void pairs_share_no_cpu_while_they_can(void **state)
{
    (void)state;
    static const struct {
        const char *placement;
        size_t pairs, apart;
        int cpus[10];
    } rows[] = {
        {"same_cpu", 3, 3, {2, 2, 3, 3, 4, 4}},
        {"smt_sibling", 5, 4, {2, 3, 4, 5, 6, 7, 0, 1, 2, 3}},
        {"same_llc", 3, 3, {2, 0, 3, 1, 4, 6}},
        {"cross_socket", 4, 4, {2, 4, 3, 5, 6, 0, 7, 1}},
    };
    struct ipm_topology topology;
    /* Two packages of two cores with two threads. */
    static const struct ipm_cpu cpus[] = {
        {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {2, 1, 0, 0, 0}, {3, 1, 0, 0, 0},
        {4, 2, 1, 1, 1}, {5, 2, 1, 1, 1}, {6, 3, 1, 1, 1}, {7, 3, 1, 1, 1},
    };
    ipm_topology_init(&topology, cpus, IPM_TEST_ROWS(cpus), true);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_place place;
        int got[10] = {0};
        assert_int_equal(ipm_topology_place(&topology, rows[i].placement, &place, NULL),
                         0);
        size_t apart = ipm_topology_spread(&topology, &place, rows[i].pairs, got);
        for (size_t k = 0; k < 2 * rows[i].pairs; k++) {
            if (got[k] != rows[i].cpus[k])
                fail_msg("%s: CPU %zu is %d, not %d", rows[i].placement, k, got[k],
                         rows[i].cpus[k]);
        }
        assert_int_equal(apart, rows[i].apart);
    }
}

/* One role and many: {placement, many} -> the one's CPU and theirs, and on how many they are. */
static void many_have_cpus_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *placement;
        size_t many, apart;
        int cpus[6];
    } rows[] = {
        {"same_cpu", 2, 1, {2, 2, 2}},
        {"smt_sibling", 2, 1, {2, 3, 3}},
        /* One CPU of each core before the second of any. */
        {"nearest_core", 5, 4, {4, 6, 8, 7, 9, 6}},
        {"cross_socket", 3, 3, {2, 4, 6, 8}},
        {"cpus:2,0", 3, 2, {2, 0, 1, 0}},
    };
    /* A package of two cores and one of three, with two threads each. */
    static const struct ipm_cpu cpus[] = {
        {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {2, 1, 0, 0, 0}, {3, 1, 0, 0, 0},
        {4, 2, 1, 1, 1}, {5, 2, 1, 1, 1}, {6, 3, 1, 1, 1}, {7, 3, 1, 1, 1},
        {8, 4, 1, 1, 1}, {9, 4, 1, 1, 1},
    };
    struct ipm_topology topology;
    ipm_topology_init(&topology, cpus, IPM_TEST_ROWS(cpus), true);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_place place;
        int got[6] = {0};
        const char *from = strcmp(rows[i].placement, "nearest_core") == 0
                               ? "cpus:4,6"
                               : rows[i].placement;
        assert_int_equal(ipm_topology_place(&topology, from, &place, NULL), 0);
        size_t apart = ipm_topology_fan(&topology, &place, rows[i].many, got);
        for (size_t k = 0; k <= rows[i].many; k++) {
            if (got[k] != rows[i].cpus[k])
                fail_msg("%s: CPU %zu is %d, not %d", rows[i].placement, k, got[k],
                         rows[i].cpus[k]);
        }
        assert_int_equal(apart, rows[i].apart);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(one_cpu),
        cmocka_unit_test(siblings_only),
        cmocka_unit_test(unknown),
        cmocka_unit_test(made_up),
        cmocka_unit_test(affinity),
        cmocka_unit_test(machines),
        cmocka_unit_test(uneven),
        cmocka_unit_test_setup_teardown(isolated_may_be_named, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(pairs_share_no_cpu_while_they_can),
        cmocka_unit_test(many_have_cpus_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
