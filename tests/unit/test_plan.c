/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "harness/plan.h"
#include "harness/plan_when.h"
#include "tests/support/front.h"

#include <errno.h>
#include <inttypes.h>

/* A plan and what it borrows from. */
struct fixture {
    json_t *describe;
    struct ipm_topology topology;
    struct ipm_spec spec;
    struct ipm_plan plan;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (fixture == NULL)
        return -1;
    fixture->describe = ipm_test_describe();
    ipm_test_topology(&fixture->topology);
    *state = fixture;
    return 0;
}

static void clear(struct fixture *fixture)
{
    ipm_plan_fini(&fixture->plan);
    ipm_spec_fini(&fixture->spec);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    clear(fixture);
    json_decref(fixture->describe);
    free(fixture);
    return 0;
}

static void build(struct fixture *fixture, const char *config)
{
    clear(fixture);
    struct ipm_why why = {0};
    ipm_test_spec(config, fixture->describe, &fixture->spec);
    if (ipm_plan_build(&fixture->spec, fixture->describe, &fixture->topology,
                       &fixture->plan, &why) != 0)
        fail_msg("%s", why.text);
}

static void build_one(struct fixture *fixture, const char *workload,
                      const char *mechanism, const char *axes)
{
    char config[1024];
    (void)snprintf(config, sizeof(config),
                   "{\"sweeps\": [{\"workloads\": \"%s\", \"mechanisms\": \"%s\","
                   " \"axes\": {%s}}]}",
                   workload, mechanism, axes);
    build(fixture, config);
}

/* What each combination comes down to: the labels of the points. */
static void canonical(void **state)
{
    static const struct {
        const char *workload, *mechanism, *axes;
        size_t n_points, n_merged;
        const char *label; /* of the first */
    } rows[] = {
        {"pingpong", "pipe", "", 1, 0, "pingpong/pipe/64/nearest_core/block/copies=2"},
        {"pingpong", "shm_pipe_token", "", 1, 0,
         "pingpong/shm_pipe_token/64/nearest_core/block/copies=1"},
        /* A token has no size, hence nothing to touch and nobody who copies. */
        {"pingpong", "floor_cacheline",
         "\"size\": [0, 64, 4096], \"touch\": \"full\", \"copies\": [0, 2]", 1, 5,
         "pingpong/floor_cacheline/0/nearest_core/spin/copies=0"},
        /* One role has one CPU and nobody to wait for. */
        {"self_loop", "floor_memcpy",
         "\"placement\": [\"same_cpu\", \"cross_socket\"], \"wait\": [\"spin\", "
         "\"block\"]",
         1, 3, "self_loop/floor_memcpy/64/same_cpu/none/copies=1"},
        {"self_loop", "pipe", "\"wait\": \"spin_then_block\"", 1, 0,
         "self_loop/pipe/64/same_cpu/none/copies=2"},
        /* Axes that the workload does not have. */
        {"pingpong", "pipe", "\"depth\": [1, 2], \"batch\": [1, 16]", 1, 3,
         "pingpong/pipe/64/nearest_core/block/copies=2"},
        {"stream", "pipe", "\"depth\": [1, 64], \"reply_size\": [1, 2]", 2, 2,
         "stream/pipe/64/nearest_core/block/copies=2/depth=1"},
        {"pingpong", "pipe", "\"reply_size\": [64, \"same\", 0]", 1, 1,
         "pingpong/pipe/64/nearest_core/block/copies=2"},
        {"pingpong", "shm_ring", "\"size\": 0, \"touch\": [\"none\", \"full\"]", 1, 1,
         "pingpong/shm_ring/0/nearest_core/block/copies=2"},
        {"pingpong", "shm_ring",
         "\"shm_ring.spin\": [\"20us\", \"0.02ms\", \"1us\"], \"pipe.capacity\": [1, "
         "2]",
         2, 4, "pingpong/shm_ring/64/nearest_core/block/copies=2"},
        /* A mix has sizes of its own; a reply of the default size is no "same" then. */
        {"pingpong", "pipe",
         "\"size_mix\": \"4KiB:1,64:9\", \"reply_size\": [\"same\", 64]", 2, 0,
         "pingpong/pipe/466/nearest_core/block/copies=2/size_mix=64:9,4096:1"},
        {"stream", "pipe",
         "\"size\": [1, 64, 4096], \"size_mix\": [\"imix\", \"fixed\"]", 4, 2,
         "stream/pipe/340/nearest_core/block/copies=2/size_mix=imix"},
        {"pingpong", "floor_cacheline", "\"size_mix\": [\"imix\", \"fixed\"]", 1, 1,
         "pingpong/floor_cacheline/0/nearest_core/spin/copies=0"},
        {"self_loop", "pipe", "\"size_mix\": [\"imix\", \"fixed\"]", 1, 1,
         "self_loop/pipe/64/same_cpu/none/copies=2"},
        {"self_loop", "pipe", "\"background\": [\"memory\", \"none\"]", 2, 0,
         "self_loop/pipe/64/same_cpu/none/copies=2/background=memory"},
        {"pingpong", "pipe", "\"policy\": \"fifo\", \"touch\": \"full\"", 1, 0,
         "pingpong/pipe/64/nearest_core/block/copies=2/touch=full/policy=fifo"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char label[IPM_LABEL] = "";
        build_one(fixture, rows[i].workload, rows[i].mechanism, rows[i].axes);
        const struct ipm_plan *plan = &fixture->plan;
        if (plan->n_points > 0)
            (void)ipm_factors_label(&plan->points[0].factors, label);
        if (plan->n_points != rows[i].n_points || plan->n_merged != rows[i].n_merged ||
            strcmp(label, rows[i].label) != 0)
            fail_msg("row %zu: %zu points, %zu merged, %zu skips, %s", i,
                     plan->n_points, plan->n_merged, plan->n_skips, label);
        assert_int_equal(plan->n_combinations,
                         plan->n_points + plan->n_merged + plan->n_skips);
    }
}

/* What cannot be, and the reason given. */
static void skips(void **state)
{
    static const struct {
        const char *workload, *mechanism, *axes;
        size_t n_points;
        const char *reason; /* NULL: no skip */
    } rows[] = {
        {"pingpong", "pipe", "\"placement\": \"same_cpu\", \"wait\": \"spin\"", 0,
         "would spin on CPU"},
        {"pingpong", "floor_cacheline", "\"placement\": \"same_cpu\"", 0,
         "would spin on CPU"},
        {"pingpong", "pipe", "\"placement\": {\"cpus\": [3]}, \"wait\": \"spin\"", 0,
         "would spin on CPU"},
        {"pingpong", "pipe", "\"placement\": \"smt_sibling\", \"wait\": \"spin\"", 1,
         NULL},
        {"pingpong", "shm_ring",
         "\"placement\": \"same_cpu\", \"wait\": "
         "[\"spin_then_block\", \"yield\", \"block\"]",
         3, NULL},
        {"pingpong", "pipe", "\"wait\": \"spin_then_block\"", 0,
         "does not honour wait"},
        {"pingpong", "floor_cacheline", "\"wait\": \"block\"", 0,
         "does not honour wait"},
        {"pingpong", "pipe", "\"copies\": [0, 1, 2]", 1, "no mode with 0 copies"},
        {"pingpong", "pipe", "\"size\": 0", 0, "at least 1 bytes"},
        {"pingpong", "posix_mq", "\"size\": \"16MiB\", \"reply_size\": 0", 1, NULL},
        {"pingpong", "posix_mq", "\"size\": \"17MiB\"", 0, "at most 16777216 bytes"},
        {"pingpong", "posix_mq", "\"reply_size\": \"17MiB\"", 0, "at most"},
        {"pingpong", "pipe", "\"reply_size\": 0", 0, "at least 1 bytes"},
        {"pingpong", "pipe", "\"size_mix\": \"0:1,64:1\"", 0, "at least 1 bytes"},
        {"pingpong", "posix_mq", "\"size_mix\": \"1:1000,17MiB:1\"", 0, "at most"},
        {"pingpong", "posix_mq", "\"size_mix\": \"1:1000,16MiB:1\"", 1, NULL},
        {"pingpong", "floor_memcpy", "", 0, "cannot use a mechanism that is 'local'"},
        {"stream", "floor_cacheline", "", 0, "that is 'floor'"},
        {"pingpong", "pipe", "\"rate\": [\"max\", 1000]", 1,
         "pingpong goes as fast as it can: it has no rate"},
        {"pingpong", "pipe", "\"placement\": \"cross_numa\"", 0,
         "placement cross_numa: no package here has two"},
        {"pingpong", "pipe", "\"placement\": {\"cpus\": [1, 9]}", 0,
         "placement cpus:1,9: CPU 9 is none of"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        build_one(fixture, rows[i].workload, rows[i].mechanism, rows[i].axes);
        const struct ipm_plan *plan = &fixture->plan;
        const char *reason = plan->n_skips > 0 ? plan->skips[0].reason : NULL;
        if (plan->n_points != rows[i].n_points ||
            (reason == NULL) != (rows[i].reason == NULL) ||
            (reason != NULL && strstr(reason, rows[i].reason) == NULL))
            fail_msg("row %zu: %zu points, reason '%s'", i, plan->n_points,
                     reason != NULL ? reason : "");
    }
}

/* Other workers, other reasons. */
static void described(void **state)
{
    struct fixture *fixture = *state;
    json_t *pipe = ipm_test_entry(fixture->describe, "mechanisms", "pipe");
    json_t *stream = ipm_test_entry(fixture->describe, "workloads", "stream");
    (void)json_object_set_new(pipe, "available", json_false());
    (void)json_object_set_new(pipe, "reason", json_string("denied: by the test"));
    (void)json_object_set_new(stream, "min_size", json_integer(8));
    (void)json_object_set_new(stream, "needs", json_pack("[s]", "loan"));

    build_one(fixture, "pingpong", "pipe", "\"size\": [1, 2]");
    assert_int_equal(fixture->plan.n_skips, 2);
    assert_string_equal(fixture->plan.skips[1].reason,
                        "pipe is not available: denied: by the test");
    build_one(fixture, "stream", "unix_stream", "");
    assert_string_equal(fixture->plan.skips[0].reason,
                        "stream needs a mechanism that is 'loan'");
    build_one(fixture, "stream", "shm_ring", "\"size\": [4, 8]");
    assert_int_equal(fixture->plan.n_points, 1);
    assert_non_null(strstr(fixture->plan.skips[0].reason, "at least 8 bytes"));
    /* A two-role workload that forgot to refuse what is local. */
    json_t *pingpong = ipm_test_entry(fixture->describe, "workloads", "pingpong");
    (void)json_object_set_new(pingpong, "refuses", json_array());
    build_one(fixture, "pingpong", "floor_memcpy", "");
    assert_non_null(strstr(fixture->plan.skips[0].reason, "inside one process only"));
}

/* With one CPU, the default placement is that CPU; asking for two is a skip. */
static void one_cpu(void **state)
{
    static const struct ipm_cpu cpus[] = {{0, 0, 0, 0, 0}};
    struct fixture *fixture = *state;
    ipm_topology_init(&fixture->topology, cpus, 1, true);
    build_one(fixture, "pingpong", "pipe", "");
    assert_string_equal(fixture->plan.points[0].factors.placement, "same_cpu");
    assert_int_equal(fixture->plan.points[0].factors.place.n_cpus, 1);
    build_one(fixture, "pingpong", "pipe", "\"placement\": \"nearest_core\"");
    assert_int_equal(fixture->plan.n_points, 0);
    assert_non_null(strstr(fixture->plan.skips[0].reason, "there is one core"));
}

static const char *hash_of(struct fixture *fixture, const char *mechanism,
                           const char *axes, char hash[IPM_HASH_TEXT])
{
    build_one(fixture, "stream", mechanism, axes);
    assert_int_equal(fixture->plan.n_points, 1);
    (void)snprintf(hash, IPM_HASH_TEXT, "%s", fixture->plan.points[0].hash);
    return hash;
}

/* Every two CPUs once, the smaller number first, as if the config named them. */
static void all_pairs(void **state)
{
    struct fixture *fixture = *state;
    const struct ipm_plan *plan = &fixture->plan;
    char label[IPM_LABEL];
    char hash[IPM_HASH_TEXT];
    build_one(fixture, "pingpong", "shm_ring",
              "\"placement\": [\"all_pairs\", {\"cpus\": [1, 2]}, {\"cpus\": [2, 1]}]");
    assert_int_equal(plan->n_points, 8 * 7 / 2 + 1);
    assert_int_equal(plan->n_merged, 1); /* 2, 1 is another direction */
    assert_int_equal(plan->n_combinations, 30);
    size_t at = 0;
    size_t of_class[IPM_DISTANCES] = {0};
    for (int a = 0; a < 8; a++) {
        for (int b = a + 1; b < 8; b++) {
            const struct ipm_factors *factors = &plan->points[at++].factors;
            char wanted[32];
            (void)snprintf(wanted, sizeof(wanted), "cpus:%d,%d", a, b);
            assert_string_equal(factors->placement, wanted);
            assert_int_equal(factors->place.cpus[0], a);
            assert_int_equal(factors->place.cpus[1], b);
            of_class[factors->place.distance]++;
        }
    }
    assert_int_equal(of_class[IPM_SMT_SIBLING], 4);
    assert_int_equal(of_class[IPM_SAME_LLC], 8);
    assert_int_equal(of_class[IPM_CROSS_SOCKET], 16);
    (void)strcpy(hash, plan->points[0].hash);
    build_one(fixture, "pingpong", "shm_ring", "\"placement\": {\"cpus\": [0, 1]}");
    assert_string_equal(plan->points[0].hash, hash);

    /* One role has no pair; a row leaves out some of them, or all. */
    build_one(fixture, "self_loop", "floor_memcpy", "\"placement\": \"all_pairs\"");
    assert_int_equal(plan->n_points, 1);
    build(fixture,
          "{\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": [\"pipe\", "
          "\"shm_ring\"], \"axes\": {\"placement\": \"all_pairs\"}, \"exclude\": ["
          "{\"mechanism\": \"pipe\", \"placement\": \"all_pairs\"},"
          "{\"placement\": {\"cpus\": [6, 7]}}]}]}");
    assert_int_equal(plan->n_points, 27);
    assert_int_equal(plan->n_excluded, 2);
    assert_int_equal(json_array_size(plan->notes), 0);

    static const struct ipm_cpu one[] = {{3, 1, 1, 0, 0}};
    ipm_topology_init(&fixture->topology, one, 1, true);
    build_one(fixture, "pingpong", "shm_ring", "\"placement\": \"all_pairs\"");
    assert_int_equal(plan->n_points, 0);
    assert_int_equal(plan->n_skips, 1);
    assert_string_equal(plan->skips[0].reason,
                        "placement all_pairs: there is one CPU that we may use");
    assert_non_null(
        strstr(ipm_factors_label(&plan->skips[0].factors, label), "all_pairs"));
}

/* A large machine's pairs multiply: the guard is the one of every other axis. */
static void too_many_pairs(void **state)
{
    struct fixture *fixture = *state;
    static struct ipm_cpu cpus[IPM_CPUS_MAX];
    struct ipm_why why = {0};
    for (int i = 0; i < IPM_CPUS_MAX; i++)
        cpus[i] = (struct ipm_cpu){i, i, 0, 0, 0};
    ipm_topology_init(&fixture->topology, cpus, IPM_CPUS_MAX, true);
    ipm_test_spec("{\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": "
                  "[\"pipe\", \"shm_ring\", \"posix_mq\"],"
                  "\"axes\": {\"placement\": \"all_pairs\", \"wait\": \"yield\"}}]}",
                  fixture->describe, &fixture->spec);
    assert_int_equal(ipm_plan_build(&fixture->spec, fixture->describe,
                                    &fixture->topology, &fixture->plan, &why),
                     -E2BIG);
    assert_non_null(strstr(why.text, "all_pairs"));
}

/* Roles that spin, counted on each CPU: of all pairs, and whatever makes them spin. */
static void spinning(void **state)
{
    static const struct {
        const char *workload, *mechanism, *axes;
        const char *reason; /* NULL: measured */
    } rows[] = {
        {"pingpong", "shm_ring", "\"wait\": \"spin\", \"pairs\": 4", NULL},
        {"pingpong", "shm_ring", "\"wait\": \"spin\", \"pairs\": 5",
         "2 roles would spin on CPU 2"},
        {"pingpong", "shm_ring",
         "\"wait\": \"spin\", \"pairs\": 3, \"placement\": {\"cpus\": [4, 6]}",
         "3 roles would spin on CPU 4"},
        {"pingpong", "shm_ring", "\"wait\": \"yield\", \"pairs\": 9", NULL},
        {"pingpong", "shm_ring", "\"wait\": \"block\", \"pairs\": 9", NULL},
        {"pingpong", "shm_ring",
         "\"wait\": \"spin_then_block\", \"placement\": \"same_cpu\"", NULL},
        {"stream", "pipe",
         "\"wait\": \"block\", \"placement\": \"same_cpu\", \"pairs\": 9",
         "2 roles would spin on CPU 2"}, /* the document says its producers spin */
        {"stream", "pipe", "\"wait\": \"block\", \"placement\": \"same_cpu\"", NULL},
    };
    struct fixture *fixture = *state;
    const char *const with_pairs[] = {"pingpong", "stream"};
    for (size_t i = 0; i < IPM_TEST_ROWS(with_pairs); i++)
        (void)json_array_append_new(
            json_object_get(
                ipm_test_entry(fixture->describe, "workloads", with_pairs[i]), "axes"),
            json_string("pairs"));
    if (ipm_describe_find(fixture->describe, "axes", "pairs") == NULL)
        (void)json_array_append_new(json_object_get(fixture->describe, "axes"),
                                    json_pack("{s:s,s:s,s:s,s:i,s:i,s:s,s:s}", "name",
                                              "pairs", "type", "integer", "default",
                                              "1", "min", 1, "max", 32, "unit", "",
                                              "help", "pairs"));
    json_t *stream = ipm_test_entry(fixture->describe, "workloads", "stream");
    (void)json_object_set_new(json_array_get(json_object_get(stream, "roles"), 0),
                              "spins", json_true());
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        build_one(fixture, rows[i].workload, rows[i].mechanism, rows[i].axes);
        const struct ipm_plan *plan = &fixture->plan;
        const char *reason = plan->n_skips > 0 ? plan->skips[0].reason : "none";
        if (plan->n_points != (rows[i].reason == NULL) ||
            (rows[i].reason != NULL && strstr(reason, rows[i].reason) == NULL))
            fail_msg("row %zu: %zu points, %s", i, plan->n_points, reason);
    }
    build(fixture, "{\"oversubscribe\": \"allow\", \"sweeps\": [{\"workloads\": "
                   "\"pingpong\", \"mechanisms\": \"shm_ring\", \"axes\": {\"wait\": "
                   "[\"spin\", \"block\"], \"placement\": \"same_cpu\"}}]}");
    assert_int_equal(fixture->plan.n_points, 2);
    assert_int_equal(json_array_size(fixture->plan.notes), 1);
    assert_non_null(strstr(json_string_value(json_array_get(fixture->plan.notes, 0)),
                           "1 point has several spinning roles"));
}

/* The name of a point: what is the default is not in it, nor is the machine. */
static void hashes(void **state)
{
    static const char *const others[] = {
        "\"size\": 65",
        "\"placement\": \"same_cpu\"",
        "\"wait\": \"spin\"",
        "\"copies\": 0",
        "\"touch\": \"full\"",
        "\"depth\": 1",
        "\"batch\": 1",
        "\"policy\": \"fifo\"",
        "\"shm_ring.spin\": \"1us\"",
        "\"placement\": {\"cpus\": [2, 4]}",
        "\"placement\": {\"cpus\": [2, 5]}",
    };
    struct fixture *fixture = *state;
    char plain[IPM_HASH_TEXT];
    char hash[IPM_HASH_TEXT];
    json_t *seen = json_object();
    (void)hash_of(fixture, "shm_ring", "", plain);
    /* Pinned: results of one version must be comparable with those of the next. */
    assert_string_equal(plain, "8b9c5b72886920ea");
    assert_string_equal(
        hash_of(fixture, "shm_ring",
                "\"size\": 64, \"placement\": \"nearest_core\", \"wait\": \"block\", "
                "\"copies\": 2, \"depth\": 64, \"shm_ring.spin\": \"20us\"",
                hash),
        plain);
    (void)json_object_set_new(seen, plain, json_true());
    for (size_t i = 0; i < IPM_TEST_ROWS(others); i++) {
        (void)hash_of(fixture, "shm_ring", others[i], hash);
        if (json_object_get(seen, hash) != NULL)
            fail_msg("%s does not change the hash", others[i]);
        (void)json_object_set_new(seen, hash, json_true());
    }
    static const struct ipm_cpu elsewhere[] = {{10, 5, 3, 0, 0}, {11, 6, 3, 0, 0}};
    ipm_topology_init(&fixture->topology, elsewhere, 2, true);
    assert_string_equal(hash_of(fixture, "shm_ring", "", hash), plain);
    (void)json_object_set_new(fixture->describe, "build", json_string("another"));
    assert_string_equal(hash_of(fixture, "shm_ring", "", hash), plain);
    json_t *ring = ipm_test_entry(fixture->describe, "mechanisms", "shm_ring");
    (void)json_object_set_new(ring, "version", json_integer(99));
    assert_string_not_equal(hash_of(fixture, "shm_ring", "", hash), plain);
    json_decref(seen);
}

/* Equal points of two sweeps are one, and the first sweep's repeat holds. */
static void sweeps(void **state)
{
    struct fixture *fixture = *state;
    build(fixture, "{\"sweeps\": ["
                   "{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\","
                   " \"repeat\": {\"invocations\": 2}, \"axes\": {\"size\": [1, 64]}},"
                   "{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\","
                   " \"axes\": {\"size\": [64, 256]}}]}");
    const struct ipm_plan *plan = &fixture->plan;
    assert_int_equal(plan->n_points, 3);
    assert_int_equal(plan->n_merged, 1);
    assert_int_equal(plan->points[1].sweep, 0);
    assert_int_equal(plan->points[1].repeat.invocations, 2);
    assert_int_equal(plan->points[2].sweep, 1);
    assert_int_equal(plan->points[2].repeat.invocations, 6);
}

#define ONE_POINT                                                                      \
    "\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\"}]"

static const struct ipm_pass *pass_of(const struct ipm_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_passes; i++) {
        if (strcmp(plan->passes[i].name, name) == 0)
            return &plan->passes[i];
    }
    fail_msg("no pass %s", name);
    return NULL;
}

static void passes(void **state)
{
    struct fixture *fixture = *state;
    const struct ipm_plan *plan = &fixture->plan;
    build(fixture, "{" ONE_POINT "}");
    const struct ipm_point *point = &plan->points[0];
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "timing"), point), 6);
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "counters:core"), point), 1);
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "counters:tlb"), point), 0);
    assert_string_equal(pass_of(plan, "counters:tlb")->reason, "absent: no such event");
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "energy"), point), 6);
    assert_int_equal(ipm_plan_window_ns(pass_of(plan, "energy"), point),
                     INT64_C(2000000000));
    assert_int_equal(ipm_plan_window_ns(pass_of(plan, "timing"), point), 50000000);
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "idle"), point), 6);
    assert_int_equal(ipm_plan_window_ns(pass_of(plan, "idle"), point),
                     INT64_C(2000000000));
    /* (50 + 10 + 10) ms for timing and two counter passes, (2000 + 10 + 10) for energy and
     * for as many windows at rest */
    assert_int_equal(plan->estimate_ns,
                     INT64_C(8) * 70000000 + INT64_C(12) * 2020000000);
    assert_int_equal(ipm_plan_pass_ns(plan, pass_of(plan, "energy")),
                     INT64_C(6) * 2020000000);

    build(fixture,
          "{\"sensors\": {\"counters\": \"off\", \"energy\": \"off\"}, " ONE_POINT "}");
    assert_int_equal(plan->estimate_ns, 6 * 70000000);
    assert_string_equal(pass_of(plan, "energy")->reason, "off: in the config");
    assert_string_equal(pass_of(plan, "idle")->reason, "off: in the config");
    assert_false(pass_of(plan, "counters:software")->used);
    assert_int_equal(json_array_size(plan->notes), 0);
    build(fixture, "{\"repeat\": {\"precision\": 0.02}, " ONE_POINT "}");
    assert_int_equal(json_array_size(plan->notes), 1);
}

/* Windows under load and at rest: both or none; and a simulated meter only when asked. */
static void energy(void **state)
{
    static const char simulated[] =
        "{\"sensors\": {\"energy\": {\"simulated\": {\"p_idle_w\": 3, \"e_switch_uj\": "
        "1, \"e_message_uj\": 1}}}, " ONE_POINT "}";
    struct fixture *fixture = *state;
    const struct ipm_plan *plan = &fixture->plan;
    json_t *pass = ipm_test_entry(fixture->describe, "passes", "idle");
    (void)json_object_set_new(pass, "available", json_false());
    (void)json_object_set_new(pass, "reason", json_string("denied: by the test"));
    build(fixture, "{" ONE_POINT "}");
    assert_false(pass_of(plan, "energy")->used);
    assert_false(pass_of(plan, "idle")->used);
    assert_string_equal(pass_of(plan, "energy")->reason, "denied: by the test");

    pass = ipm_test_entry(fixture->describe, "passes", "energy");
    (void)json_object_set_new(pass, "available", json_false());
    (void)json_object_set_new(pass, "reason", json_string("absent: no meter"));
    build(fixture, "{" ONE_POINT "}");
    assert_string_equal(pass_of(plan, "energy")->reason, "absent: no meter");
    assert_null(ipm_spec_simulated(&fixture->spec));
    build(fixture, simulated);
    assert_true(pass_of(plan, "energy")->used);
    assert_true(pass_of(plan, "idle")->used);
    assert_int_equal((int)json_number_value(json_object_get(
                         ipm_spec_simulated(&fixture->spec), "p_idle_w")),
                     3);

    /* A worker of before there were windows at rest. */
    (void)json_object_set_new(pass, "available", json_true());
    pass = ipm_test_entry(fixture->describe, "passes", "idle");
    (void)json_object_set_new(pass, "name", json_string("counters:idle"));
    build(fixture, "{" ONE_POINT "}");
    assert_false(pass_of(plan, "energy")->used);
    assert_non_null(strstr(pass_of(plan, "energy")->reason, "energy and idle"));
}

#define TIMING_ONLY "\"sensors\": {\"counters\": \"off\", \"energy\": \"off\"}, "
#define TWO_SWEEPS                                                                     \
    "\"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\","             \
    " \"axes\": {\"size\": [1, 2]}},"                                                  \
    "{\"workloads\": \"pingpong\", \"mechanisms\": \"unix_stream\","                   \
    " \"axes\": {\"size\": [1, 2]}}]"

/* Windows of 180 ms with 10 ms warm-up and 10 ms around them: 200 ms per invocation. */
static void budget(void **state)
{
    static const struct {
        int64_t invocations;
        const char *budget;
        size_t n_points;
        int64_t left; /* invocations of each */
        int64_t most;
    } rows[] = {
        {6, "5s", 4, 6, 0},    {6, "4.8s", 4, 6, 0}, {6, "4.7s", 3, 6, 0},
        {6, "1.2s", 1, 6, 0},  {6, "1.1s", 0, 6, 0}, {20, "16s", 4, 20, 0},
        {20, "8s", 4, 10, 10}, {20, "3s", 2, 6, 6},  {2, "1.6s", 4, 2, 0},
        {2, "1s", 2, 2, 0},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char config[1024];
        (void)snprintf(config, sizeof(config),
                       "{" TIMING_ONLY "\"repeat\": {\"invocations\": %" PRId64
                       ", \"window\": \"180ms\", \"budget\": \"%s\"}, " TWO_SWEEPS "}",
                       rows[i].invocations, rows[i].budget);
        build(fixture, config);
        const struct ipm_plan *plan = &fixture->plan;
        if (plan->n_points != rows[i].n_points ||
            plan->n_dropped != 4 - rows[i].n_points ||
            plan->most_invocations != rows[i].most)
            fail_msg("row %zu: %zu points, %zu dropped, most %" PRId64, i,
                     plan->n_points, plan->n_dropped, plan->most_invocations);
        assert_true(plan->estimate_ns <= plan->budget_ns);
        for (size_t p = 0; p < plan->n_points; p++)
            assert_int_equal(plan->points[p].repeat.invocations, rows[i].left);
        for (size_t d = 0; d < plan->n_dropped; d++)
            assert_non_null(strstr(plan->dropped[d].reason, "budget"));
        /* The last sweep goes first. */
        if (plan->n_dropped == 2)
            assert_int_equal(plan->dropped[0].sweep, 1);
    }
}

static bool keep_pipe(void *context, const struct ipm_factors *factors,
                      const char *label)
{
    assert_non_null(factors->mechanism);
    (*(size_t *)context)++;
    return strstr(label, "/pipe/") != NULL;
}

static void kept(void **state)
{
    struct fixture *fixture = *state;
    size_t asked = 0;
    build(fixture, "{" TIMING_ONLY TWO_SWEEPS "}");
    int64_t before_ns = fixture->plan.estimate_ns;
    assert_int_equal(ipm_plan_keep(&fixture->plan, keep_pipe, &asked, "left out"), 0);
    assert_int_equal(asked, 4);
    assert_int_equal(fixture->plan.n_points, 2);
    assert_int_equal(fixture->plan.n_skips, 2);
    assert_string_equal(fixture->plan.skips[0].reason, "left out");
    assert_int_equal(fixture->plan.estimate_ns, before_ns / 2);
}

static void documents(void **state)
{
    struct fixture *fixture = *state;
    build_one(fixture, "pingpong", "shm_ring",
              "\"wait\": [\"block\", \"spin\"], \"placement\": \"same_cpu\","
              "\"shm_ring.capacity\": \"1MiB\"");
    json_t *json = ipm_plan_json(&fixture->plan, &fixture->spec);
    const json_t *point = json_array_get(json_object_get(json, "points"), 0);
    const json_t *skip = json_array_get(json_object_get(json, "skips"), 0);
    assert_string_equal(ipm_describe_text(point, "point", ""),
                        fixture->plan.points[0].hash);
    assert_int_equal(json_array_size(json_object_get(point, "cpus")), 1);
    assert_int_equal(
        ipm_describe_integer(json_object_get(point, "options"), "shm_ring.capacity", 0),
        1048576);
    assert_string_equal(ipm_describe_text(skip, "wait", ""), "spin");
    assert_non_null(json_object_get(skip, "reason"));
    assert_string_equal(ipm_describe_text(skip, "sweep", ""), "sweep 1");
    json_t *config = ipm_spec_json(&fixture->spec);
    assert_true(json_equal(json_object_get(json, "config"), config));
    json_decref(config);
    json_decref(json);
}

/* Load in the background takes the CPUs that no role has, and there must be one. */
static void background(void **state)
{
    static const struct {
        const char *workload, *axes, *cpus; /* of the load */
    } rows[] = {
        {"pingpong", "\"placement\": {\"cpus\": [2, 4]}", "[0,1,3,5,6,7]"},
        {"pingpong", "\"placement\": {\"cpus\": [2]}", "[0,1,3,4,5,6,7]"},
        {"self_loop", "\"placement\": {\"cpus\": [2]}", "[0,1,3,4,5,6,7]"},
        {"pingpong", "\"pairs\": 4, \"placement\": \"smt_sibling\"", NULL},
        {"pingpong", "\"pairs\": 3, \"placement\": \"smt_sibling\"", "[0,1]"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char axes[256];
        (void)snprintf(axes, sizeof(axes), "\"background\": \"cpu\", %s", rows[i].axes);
        build_one(fixture, rows[i].workload, "pipe", axes);
        const struct ipm_plan *plan = &fixture->plan;
        if (rows[i].cpus == NULL) {
            assert_int_equal(plan->n_points, 0);
            assert_int_equal(plan->n_skips, 1);
            assert_non_null(strstr(plan->skips[0].reason,
                                   "none of the 8 CPUs that we may use is left"));
            continue;
        }
        assert_int_equal(plan->n_points, 1);
        ipm_auto_json json_t *json = json_object();
        ipm_factors_json(&plan->points[0].factors, json);
        assert_string_equal(json_string_value(json_object_get(json, "background")),
                            "cpu");
        ipm_auto_free char *cpus =
            ipm_json_canonical(json_object_get(json, "background_cpus"));
        if (cpus == NULL || strcmp(cpus, rows[i].cpus) != 0)
            fail_msg("row %zu: %s", i, cpus != NULL ? cpus : "no CPUs");
    }
    build_one(fixture, "pingpong", "pipe", "");
    ipm_auto_json json_t *json = json_object();
    ipm_factors_json(&fixture->plan.points[0].factors, json);
    assert_null(json_object_get(json, "background_cpus"));
}

/* Sweeps for some runs only: what is left out says why, and another may measure it. */
static void when(void **state)
{
    static const char config[] =
        "{\"repeat\": {\"energy\": 0}, \"sensors\": {\"counters\": \"off\"%s}, "
        "\"sweeps\": ["
        "{\"name\": \"joules\", \"when\": \"energy\", \"workloads\": \"pingpong\", "
        "\"mechanisms\": \"pipe\", \"repeat\": {\"energy\": 6}}, "
        "{\"name\": \"switches\", \"when\": \"no_energy\", \"workloads\": "
        "\"token\", \"mechanisms\": [\"eventfd\", \"futex\"]}, "
        "{\"name\": \"same\", \"workloads\": \"pingpong\", \"mechanisms\": "
        "\"pipe\"}]}";
    struct fixture *fixture = *state;
    const struct ipm_plan *plan = &fixture->plan;
    char text[1024];

    (void)snprintf(text, sizeof(text), config, "");
    build(fixture, text);
    assert_int_equal(plan->n_points, 1); /* "same" is the same point */
    assert_int_equal(plan->n_merged, 1);
    assert_int_equal(plan->n_skips, 2);
    assert_int_equal(plan->points[0].sweep, 0);
    assert_int_equal(ipm_plan_invocations(pass_of(plan, "energy"), &plan->points[0]),
                     6);
    assert_int_equal(plan->skips[0].sweep, 1);
    assert_string_equal(plan->skips[0].reason,
                        "this sweep is for runs that do not measure energy");
    assert_non_null(ipm_plan_when_note(plan, &fixture->spec));

    (void)snprintf(text, sizeof(text), config, ", \"energy\": \"off\"");
    build(fixture, text);
    assert_int_equal(plan->n_points, 3);
    assert_int_equal(plan->n_merged, 0);
    assert_int_equal(plan->n_skips, 1);
    assert_string_equal(plan->points[0].factors.workload, "token");
    assert_int_equal(plan->points[2].sweep, 2);
    assert_string_equal(
        plan->skips[0].reason,
        "this sweep is for runs that measure energy: off: in the config");
    assert_null(ipm_plan_when_note(plan, &fixture->spec));
    json_t *json = ipm_spec_json(&fixture->spec);
    const json_t *sweep = json_array_get(json_object_get(json, "sweeps"), 1);
    assert_string_equal(ipm_describe_text(sweep, "when", ""), "no_energy");
    json_decref(json);

    /* A later sweep may want windows of energy of a point that has none yet. */
    build(fixture,
          "{\"repeat\": {\"energy\": 0}, \"sweeps\": [{\"workloads\": \"pingpong\", "
          "\"mechanisms\": \"pipe\"}, {\"workloads\": \"pingpong\", \"mechanisms\": "
          "\"pipe\", \"repeat\": {\"energy\": 4, \"invocations\": 9}}]}");
    assert_int_equal(plan->n_points, 1);
    assert_int_equal(plan->points[0].repeat.energy, 4);
    assert_int_equal(plan->points[0].repeat.invocations, 6);

    /* No windows of energy, although there is a meter. */
    build(fixture, "{\"repeat\": {\"energy\": 0}, " ONE_POINT "}");
    assert_true(pass_of(plan, "energy")->used);
    assert_int_equal(ipm_plan_pass_ns(plan, pass_of(plan, "energy")), 0);
    assert_int_equal(ipm_plan_pass_ns(plan, pass_of(plan, "idle")), 0);
    assert_null(ipm_plan_when_note(plan, &fixture->spec));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(canonical), TEST(skips),     TEST(described),      TEST(one_cpu),
        TEST(hashes),    TEST(sweeps),    TEST(passes),         TEST(energy),
        TEST(budget),    TEST(kept),      TEST(documents),      TEST(background),
        TEST(when),      TEST(all_pairs), TEST(too_many_pairs), TEST(spinning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
