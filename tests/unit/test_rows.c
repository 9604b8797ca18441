/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of "exclude" and "include", from the config to the points. */
#include "harness/plan.h"
#include "tests/support/front.h"

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

/* Sweeps as a config has them; each is the inside of an object. */
static const struct ipm_plan *build(struct fixture *fixture, const char *first,
                                    const char *second)
{
    char config[2048];
    struct ipm_why why = {0};
    clear(fixture);
    (void)snprintf(config, sizeof(config), "{\"sweeps\": [{%s}%s%s%s]}", first,
                   second != NULL ? ", {" : "", second != NULL ? second : "",
                   second != NULL ? "}" : "");
    ipm_test_spec(config, fixture->describe, &fixture->spec);
    if (ipm_plan_build(&fixture->spec, fixture->describe, &fixture->topology,
                       &fixture->plan, &why) != 0)
        fail_msg("%s", why.text);
    return &fixture->plan;
}

#define TWO   "\"workloads\": \"pingpong\", \"mechanisms\": [\"pipe\", \"shm_ring\"], "
#define SIZES "\"axes\": {\"size\": [1, 64, 4096]}, "

/* What a row leaves out of pipe and shm_ring in three sizes. */
static void exclude(void **state)
{
    static const struct {
        const char *sweep;
        size_t n_points, n_excluded;
    } rows[] = {
        {TWO SIZES "\"exclude\": []", 6, 0},
        {TWO SIZES "\"exclude\": [{\"mechanism\": \"pipe\"}]", 3, 3},
        {TWO SIZES "\"exclude\": [{\"mechanism\": [\"pipe\", \"shm_ring\"]}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"size\": 64}]", 4, 2},
        {TWO SIZES "\"exclude\": [{\"size\": \"4KiB\"}]", 4, 2},
        {TWO SIZES
         "\"exclude\": [{\"size\": {\"from\": 1, \"to\": 64, \"factor\": 64}}]",
         2, 4},
        /* All factors of a row, any of its rows. */
        {TWO SIZES "\"exclude\": [{\"mechanism\": \"pipe\", \"size\": 64}]", 5, 1},
        {TWO SIZES "\"exclude\": [{\"mechanism\": \"pipe\"}, {\"size\": 64}]", 2, 4},
        {TWO SIZES
         "\"exclude\": [{\"mechanism\": \"pipe\"}, {\"mechanism\": \"pipe\"}]",
         3, 3},
        {TWO SIZES "\"exclude\": [{\"mechanism\": \"posix_mq\"}]", 6, 0},
        {TWO SIZES "\"exclude\": [{\"workload\": \"pingpong\"}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"workload\": \"stream\"}]", 6, 0},
        /* Factors that no axis gives: at their defaults. */
        {TWO SIZES "\"exclude\": [{\"wait\": \"block\"}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"wait\": \"spin\"}]", 6, 0},
        {TWO SIZES "\"exclude\": [{\"placement\": \"nearest_core\"}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"copies\": 2}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"reply_size\": \"same\"}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"rate\": \"max\"}]", 0, 6},
        {TWO SIZES "\"exclude\": [{\"touch\": [\"sample\", \"none\"]}]", 0, 6},
        /* An option is a factor of its mechanism alone, at its default, too. */
        {TWO SIZES "\"exclude\": [{\"shm_ring.spin\": \"20us\"}]", 3, 3},
        {TWO SIZES "\"exclude\": [{\"shm_ring.spin\": \"1us\"}]", 6, 0},
        {TWO "\"axes\": {\"shm_ring.spin\": [\"20us\", \"1us\"]}, "
             "\"exclude\": [{\"shm_ring.spin\": \"1us\"}]",
         2, 1},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const struct ipm_plan *plan = build(fixture, rows[i].sweep, NULL);
        if (plan->n_points != rows[i].n_points ||
            plan->n_excluded != rows[i].n_excluded)
            fail_msg("row %zu: %zu points, %zu excluded", i, plan->n_points,
                     plan->n_excluded);
        assert_int_equal(plan->n_combinations, plan->n_points + plan->n_merged +
                                                   plan->n_skips + plan->n_excluded);
    }
}

/* What one sweep leaves out, another may mean. */
static void only_in_its_sweep(void **state)
{
    const struct ipm_plan *plan = build(
        *state, TWO SIZES "\"exclude\": [{\"size\": 64}]", TWO SIZES "\"name\": \"b\"");
    assert_int_equal(plan->n_points, 6);
    assert_int_equal(plan->n_merged, 4);
    assert_int_equal(plan->n_excluded, 2);
    assert_int_equal(plan->points[4].sweep, 1);
}

/* A slip is told. */
static void matches_nothing(void **state)
{
    const struct ipm_plan *plan =
        build(*state,
              TWO SIZES "\"name\": \"a\", \"exclude\": [{\"size\": 1}, {\"size\": 65}]",
              NULL);
    assert_int_equal(json_array_size(plan->notes), 1);
    assert_string_equal(json_string_value(json_array_get(plan->notes, 0)),
                        "row 2 of 'exclude' in sweep 'a' matches nothing");
}

static void include(void **state)
{
    char label[IPM_LABEL];
    const struct ipm_plan *plan = build(
        *state,
        TWO SIZES
        "\"exclude\": [{\"mechanism\": \"pipe\"}], \"repeat\": {\"invocations\": 3}, "
        "\"include\": ["
        "{\"workload\": \"pingpong\", \"mechanism\": \"pipe\"},"
        "{\"workload\": \"stream\", \"mechanism\": \"shm_ring\", \"size\": [\"1MiB\"],"
        " \"wait\": \"spin\", \"shm_ring.spin\": \"1us\"},"
        "{\"workload\": \"pingpong\", \"mechanism\": \"shm_ring\", \"size\": 64},"
        "{\"workload\": \"stream\", \"mechanism\": \"floor_clock\"}]",
        NULL);
    assert_int_equal(plan->n_combinations, 10);
    assert_int_equal(plan->n_points, 5);
    assert_int_equal(plan->n_excluded, 3);
    assert_int_equal(plan->n_merged, 1); /* the third is there already */
    assert_int_equal(plan->n_skips, 1);  /* the fourth cannot be */
    assert_int_equal(json_array_size(plan->notes), 0);
    assert_string_equal(ipm_factors_label(&plan->points[3].factors, label),
                        "pingpong/pipe/64/nearest_core/block/copies=2");
    assert_string_equal(ipm_factors_label(&plan->points[4].factors, label),
                        "stream/shm_ring/1048576/nearest_core/spin/copies=2/"
                        "shm_ring.spin=1000ns");
    assert_int_equal(plan->points[4].repeat.invocations, 3);
}

/* A resolved config means the same again. */
static void round_trip(void **state)
{
    struct fixture *fixture = *state;
    (void)build(
        fixture,
        TWO SIZES
        "\"exclude\": [{\"mechanism\": \"pipe\", \"placement\": {\"cpus\": [1, 2]},"
        " \"rate\": 5, \"size\": {\"from\": 1, \"to\": 9, \"step\": 4}}],"
        "\"include\": [{\"workload\": \"stream\", \"mechanism\": \"pipe\","
        " \"size\": \"1MiB\", \"placement\": {\"cpus\": [1, 2]}}]",
        NULL);
    json_t *first = ipm_spec_json(&fixture->spec);
    char *text = json_dumps(first, 0);
    struct ipm_spec again;
    ipm_test_spec(text, fixture->describe, &again);
    json_t *second = ipm_spec_json(&again);
    assert_true(json_equal(first, second));
    assert_non_null(strstr(text, "\"exclude\": [{\"mechanism\": [\"pipe\"], "
                                 "\"placement\": [\"cpus:1,2\"], \"rate\": [\"5\"], "
                                 "\"size\": [1, 5, 9]}]"));
    ipm_spec_fini(&again);
    json_decref(first);
    json_decref(second);
    free(text);
}

/* A slip must not cost an hour of planning. */
static void too_many(void **state)
{
    struct fixture *fixture = *state;
    json_t *sweeps = json_array();
    for (int i = 0; i < 20; i++)
        (void)json_array_append_new(
            sweeps, json_pack("{s:s, s:s, s:{s:{s:i, s:i, s:i}, s:{s:i, s:i, s:i}}}",
                              "workloads", "stream", "mechanisms", "pipe", "axes",
                              "size", "from", 1, "to", 1000, "step", 1, "depth", "from",
                              1, "to", 51, "step", 1));
    json_t *config = json_pack("{s:o}", "sweeps", sweeps);
    char *text = json_dumps(config, 0);
    char *printed = NULL;
    struct ipm_spec spec = {0};
    assert_int_equal(ipm_test_load(text, NULL, 0, fixture->describe, &spec, &printed),
                     1);
    assert_non_null(strstr(printed, "1.02e+06 combinations together, at most 1000000"));
    free(printed);
    free(text);
    json_decref(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exclude), TEST(only_in_its_sweep), TEST(matches_nothing),
        TEST(include), TEST(round_trip),        TEST(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
