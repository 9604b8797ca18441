/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory nodes of made-up machines, and what a plan makes of nodes and policies. */
#include "base/cleanup.h"
#include "harness/plan.h"
#include "harness/topology_nodes.h"
#include "tests/support/front.h"

#include <errno.h>

static bool all(const void *context, int node)
{
    (void)context;
    return node >= 0;
}

static bool odd(const void *context, int node)
{
    (void)context;
    return node % 2 == 1;
}

/* Loads a machine, or skips where there is no hwloc. */
static void make_up(struct ipm_topology *topology, const char *description)
{
    struct ipm_why why = {0};
    int error = ipm_topology_synthetic(topology, description, &why);
    if (error == -ENOSYS)
        skip();
    if (error != 0)
        fail_msg("%s: %s", description, why.text);
}

static void remote(void **state)
{
    static const struct {
        const char *description;
        int cpu;
        int node; /* -ENODEV: none */
    } rows[] = {
        {"core:4 pu:2", 0, -ENODEV},
        {"pack:2 [numa(memory=1GB)] core:2 pu:1", 0, 1},
        {"pack:2 [numa(memory=1GB)] core:2 pu:1", 3, 0},
        /* Another package is farther; of those the lowest number. */
        {"pack:2 node:2(memory=1GB) core:1 pu:1", 0, 2},
        {"pack:2 node:2(memory=1GB) core:1 pu:1", 3, 0},
        {"pack:1 node:4(memory=1GB) core:1 pu:1", 0, 1},
        {"pack:1 node:4(memory=1GB) core:1 pu:1", 2, 0},
        {"pack:2 [numa(memory=1GB)] core:2 pu:1", 9, -ENODEV},
        /* Numbers as the kernel counts, which need not be in order. */
        {"pack:2 [numa(memory=1GB indexes=8,4)] core:1 pu:1", 0, 4},
        {"pack:2 [numa(memory=1GB indexes=8,4)] core:1 pu:1", 1, 8},
    };
    static struct ipm_topology topology;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        make_up(&topology, rows[i].description);
        int node = ipm_topology_remote(&topology, rows[i].cpu, all, NULL, &why);
        if (node != rows[i].node)
            fail_msg("%s, CPU %d: %d %s", rows[i].description, rows[i].cpu, node,
                     why.text);
    }
    struct ipm_why why = {0};
    make_up(&topology, "pack:2 node:2(memory=1GB) core:1 pu:1");
    assert_int_equal(ipm_topology_remote(&topology, 0, odd, NULL, &why), 3);
    /* What the firmware says overrules the packages. */
    topology.node_distances[0][1] = 40;
    assert_int_equal(ipm_topology_remote(&topology, 0, all, NULL, &why), 1);
    topology.nodes[1].has_memory = false;
    assert_int_equal(ipm_topology_remote(&topology, 0, all, NULL, &why), 2);
    topology.known = false;
    assert_int_equal(ipm_topology_remote(&topology, 0, all, NULL, &why), -ENODEV);
}

/* The document of a worker that may use those nodes; none: cannot bind. */
static json_t *worker_of(const char *nodes)
{
    json_t *describe = ipm_test_describe();
    if (nodes != NULL)
        (void)json_object_set_new(describe, "memory_nodes",
                                  json_pack("{s:b, s:n, s:o}", "available", 1, "reason",
                                            "nodes", json_loads(nodes, 0, NULL)));
    else
        (void)json_object_set_new(describe, "memory_nodes",
                                  json_pack("{s:b, s:s, s:[]}", "available", 0,
                                            "reason", "denied: no", "nodes"));
    (void)json_object_set_new(
        describe, "policies",
        json_pack("[{s:s, s:b, s:n}, {s:s, s:b, s:s}]", "name", "other", "available", 1,
                  "reason", "name", "fifo", "available", 0, "reason", "denied: no"));
    return describe;
}

static void planned(void **state)
{
    static const char two[] = "pack:2 [numa(memory=1GB)] core:2 pu:1";
    static const struct {
        const char *description, *nodes, *axes;
        int node;           /* of the one point */
        const char *reason; /* of the one skip; NULL: there is a point */
    } rows[] = {
        {two, "[0, 1]", "\"memory_node\": \"local\"", -1, NULL},
        {two, "[0, 1]", "\"memory_node\": 1", 1, NULL},
        {two, "[0, 1]", "\"memory_node\": \"+1\"", 1, NULL},
        /* Side b is what counts. */
        {two, "[0, 1]",
         "\"memory_node\": \"remote\", \"placement\": {\"cpus\": [0, 2]}", 0, NULL},
        {two, "[0, 1]",
         "\"memory_node\": \"remote\", \"placement\": {\"cpus\": [2, 0]}", 1, NULL},
        {two, "[0, 1]", "\"memory_node\": \"remote\", \"placement\": {\"cpus\": [3]}",
         0, NULL},
        {two, "[0]", "\"memory_node\": \"remote\", \"placement\": {\"cpus\": [0, 1]}",
         0, "memory_node remote: no other memory node may be used"},
        {two, "[0, 1]", "\"memory_node\": 2", 0,
         "memory_node 2: the memory that we may use is on nodes 0, 1"},
        {"core:2 pu:1", "[0]", "\"memory_node\": \"remote\"", 0,
         "memory_node remote: this machine has one memory node"},
        {"core:2 pu:1", "[0]", "\"memory_node\": 0", 0, NULL},
        {two, NULL, "\"memory_node\": 0", 0,
         "memory_node 0: memory cannot be bound to a node here: denied: no"},
        {two, NULL, "\"memory_node\": \"local\"", -1, NULL},
        {two, "[0, 1]", "\"policy\": \"fifo\"", 0,
         "policy fifo is not granted here: denied: no"},
        /* One that the worker says nothing of is tried. */
        {two, "[0, 1]", "\"policy\": \"batch\"", -1, NULL},
    };
    static struct ipm_topology topology;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char config[512];
        struct ipm_why why = {0};
        struct ipm_spec spec;
        struct ipm_plan plan;
        ipm_auto_json json_t *describe = worker_of(rows[i].nodes);
        (void)snprintf(config, sizeof(config),
                       "{\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": "
                       "\"pipe\", \"axes\": {%s}}]}",
                       rows[i].axes);
        make_up(&topology, rows[i].description);
        ipm_test_spec(config, describe, &spec);
        assert_int_equal(ipm_plan_build(&spec, describe, &topology, &plan, &why), 0);
        ipm_auto_json json_t *point = json_object();
        if (rows[i].reason != NULL) {
            assert_int_equal(plan.n_skips, 1);
            assert_string_equal(plan.skips[0].reason, rows[i].reason);
            ipm_factors_json(&plan.skips[0].factors, point);
        } else {
            if (plan.n_points != 1)
                fail_msg("row %zu: %s", i, plan.skips[0].reason);
            assert_int_equal(plan.points[0].factors.memory_node, rows[i].node);
            ipm_factors_json(&plan.points[0].factors, point);
        }
        const json_t *resolved = json_object_get(point, "memory_node_resolved");
        assert_int_equal(resolved != NULL, rows[i].reason == NULL && rows[i].node >= 0);
        assert_true(resolved == NULL || json_integer_value(resolved) == rows[i].node);
        ipm_plan_fini(&plan);
        ipm_spec_fini(&spec);
    }
}

/* The machine is not in a point's name: "remote" is one point wherever it is. */
static void named(void **state)
{
    static const char config[] =
        "{\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\", "
        "\"axes\": {\"memory_node\": [\"local\", \"remote\", 0, \"0\"], "
        "\"placement\": {\"cpus\": [0, 1]}}}]}";
    static const char *const machines[] = {"pack:2 [numa(memory=1GB)] core:2 pu:1",
                                           "pack:4 [numa(memory=1GB)] core:2 pu:1"};
    static struct ipm_topology topology;
    char first[IPM_HASH_TEXT] = "";
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(machines); i++) {
        struct ipm_why why = {0};
        struct ipm_spec spec;
        struct ipm_plan plan;
        char label[IPM_LABEL];
        ipm_auto_json json_t *describe = worker_of("[0, 1, 2, 3]");
        make_up(&topology, machines[i]);
        ipm_test_spec(config, describe, &spec);
        assert_int_equal(ipm_plan_build(&spec, describe, &topology, &plan, &why), 0);
        assert_int_equal(plan.n_points, 3);
        assert_int_equal(plan.n_merged, 1);
        assert_string_equal(
            ipm_factors_label(&plan.points[1].factors, label),
            "pingpong/pipe/64/cpus:0,1/block/copies=2/memory_node=remote");
        assert_string_not_equal(plan.points[0].hash, plan.points[1].hash);
        if (i == 0)
            (void)strcpy(first, plan.points[1].hash);
        assert_string_equal(plan.points[1].hash, first);
        ipm_plan_fini(&plan);
        ipm_spec_fini(&spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remote),
        cmocka_unit_test(planned),
        cmocka_unit_test(named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
