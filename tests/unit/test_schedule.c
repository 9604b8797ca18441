/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"
#include "harness/schedule.h"
#include "tests/support/front.h"

#include <inttypes.h>

struct fixture {
    json_t *describe;
    struct ipm_topology topology;
    struct ipm_spec spec;
    struct ipm_plan plan;
};

/* Six points; timing 3, two counter passes 2 each, no energy. */
static const char config[] = "{\"sensors\": {\"energy\": \"off\"},"
                             " \"repeat\": {\"invocations\": 3, \"counters\": 2},"
                             " \"sweeps\": [{\"workloads\": [\"pingpong\", "
                             "\"stream\"], \"mechanisms\": \"pipe\","
                             "   \"axes\": {\"size\": [1, 2, 3]}}]}";

enum { POINTS = 6, JOBS = POINTS * (3 + 2 + 2), KEYS = 96 };

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (fixture == NULL)
        return -1;
    fixture->describe = ipm_test_describe();
    ipm_test_topology(&fixture->topology);
    ipm_test_spec(config, fixture->describe, &fixture->spec);
    *state = fixture;
    return ipm_plan_build(&fixture->spec, fixture->describe, &fixture->topology,
                          &fixture->plan, NULL);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ipm_plan_fini(&fixture->plan);
    ipm_spec_fini(&fixture->spec);
    json_decref(fixture->describe);
    free(fixture);
    return 0;
}

static const char *key_of(const struct ipm_job *job, char key[KEYS])
{
    (void)snprintf(key, KEYS, "%s %s %" PRId64 " %d", job->point->hash, job->pass->name,
                   job->invocation, job->try);
    return key;
}

static json_t *record_of(const struct ipm_job *job, const char *status, bool changed)
{
    return json_pack("{s:s,s:s,s:I,s:s,s:s,s:o}", "point", job->point->hash, "pass",
                     job->pass->name, "invocation", (json_int_t)job->invocation,
                     "status", status, "build", "b1", "flags",
                     changed ? json_pack("[s,s]", "no_sandbox", "regime_changed")
                             : json_array());
}

/* Runs a schedule to its end; every record is plain.  A list of keys, in order. */
static json_t *order_of(struct ipm_schedule *schedule)
{
    json_t *order = json_array();
    struct ipm_job job;
    char key[KEYS];
    while (ipm_schedule_next(schedule, NULL, &job) == 0)
        (void)json_array_append_new(order, json_string(key_of(&job, key)));
    assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 1);
    return order;
}

static struct ipm_schedule *schedule_of(const struct fixture *fixture, uint64_t seed)
{
    struct ipm_schedule *schedule = NULL;
    assert_int_equal(ipm_schedule_fixed(&fixture->plan, seed, &schedule, NULL), 0);
    return schedule;
}

/* Every job once, round by round, and each round in another order. */
static void rounds(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture->plan.n_points, POINTS);
    struct ipm_schedule *schedule = schedule_of(fixture, 1);
    json_t *seen = json_object();
    json_t *seeds = json_object();
    json_t *timing[3] = {json_array(), json_array(), json_array()};
    struct ipm_progress progress;
    ipm_schedule_progress(schedule, &progress);
    assert_int_equal(progress.jobs, JOBS);
    assert_int_equal(progress.left_ns, fixture->plan.estimate_ns);
    struct ipm_job job;
    int64_t block = 0;
    int64_t n = 0;
    while (ipm_schedule_next(schedule, NULL, &job) == 0) {
        char key[KEYS];
        char seed[32];
        assert_null(json_object_get(seen, key_of(&job, key)));
        (void)json_object_set_new(seen, key, json_true());
        assert_true(job.block >= block);
        block = job.block;
        assert_int_equal(job.invocation, job.block);
        assert_int_equal(job.try, 0);
        assert_true(job.seed < UINT64_C(1) << 53);
        (void)snprintf(seed, sizeof(seed), "%" PRIu64, job.seed);
        assert_null(json_object_get(seeds, seed));
        (void)json_object_set_new(seeds, seed, json_true());
        if (strcmp(job.pass->name, "timing") == 0)
            (void)json_array_append_new(timing[job.block],
                                        json_string(job.point->hash));
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.left, JOBS - ++n);
    }
    assert_int_equal(n, JOBS);
    assert_int_equal(progress.left_ns, 0);
    for (size_t i = 0; i < IPM_TEST_ROWS(timing); i++)
        assert_int_equal(json_array_size(timing[i]), POINTS);
    assert_false(json_equal(timing[0], timing[1]) && json_equal(timing[1], timing[2]));
    for (size_t i = 0; i < IPM_TEST_ROWS(timing); i++)
        json_decref(timing[i]);
    json_decref(seen);
    json_decref(seeds);
    ipm_schedule_free(schedule);
}

static void seeds(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *first = schedule_of(fixture, 42);
    struct ipm_schedule *same = schedule_of(fixture, 42);
    struct ipm_schedule *other = schedule_of(fixture, 43);
    json_t *orders[] = {order_of(first), order_of(same), order_of(other)};
    assert_true(json_equal(orders[0], orders[1]));
    assert_false(json_equal(orders[0], orders[2]));
    for (size_t i = 0; i < IPM_TEST_ROWS(orders); i++)
        json_decref(orders[i]);
    ipm_schedule_free(first);
    ipm_schedule_free(same);
    ipm_schedule_free(other);
}

/* Replaces the config and the plan. */
static void replan(struct fixture *fixture, const char *text)
{
    ipm_plan_fini(&fixture->plan);
    ipm_spec_fini(&fixture->spec);
    ipm_test_spec(text, fixture->describe, &fixture->spec);
    assert_int_equal(ipm_plan_build(&fixture->spec, fixture->describe,
                                    &fixture->topology, &fixture->plan, NULL),
                     0);
}

/* Two points, each with five windows under load; an odd number, to see its end. */
static const char with_energy[] =
    "{\"sensors\": {\"counters\": \"off\"},"
    " \"repeat\": {\"invocations\": 4, \"energy\": 5},"
    " \"sweeps\": [{\"workloads\": \"pingpong\", \"mechanisms\": \"pipe\","
    "   \"axes\": {\"size\": [1, 2]}}]}";

enum { ENERGY = 5, ENERGY_JOBS = 2 * (4 + 2 * ENERGY) };

/* At rest, load, load, at rest, in the same block, nothing between them, of one point. */
static void abba(void **state)
{
    static const struct {
        const char *pass;
        int64_t invocation;
    } visits[3][4] = {
        {{"idle", 0}, {"energy", 0}, {"energy", 1}, {"idle", 1}},
        {{"idle", 2}, {"energy", 2}, {"energy", 3}, {"idle", 3}},
        {{"idle", 4}, {"energy", 4}},
    };
    struct fixture *fixture = *state;
    replan(fixture, with_energy);
    assert_int_equal(fixture->plan.n_points, 2);
    int visited[2] = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct ipm_schedule *schedule = schedule_of(fixture, seed);
        struct ipm_progress progress;
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.jobs, ENERGY_JOBS);
        assert_int_equal(progress.left_ns, fixture->plan.estimate_ns);
        struct ipm_job job;
        int64_t n = 0;
        size_t first = 2;
        while (ipm_schedule_next(schedule, NULL, &job) == 0) {
            n++;
            assert_true(job.block < 4);
            if (strcmp(job.pass->name, "timing") == 0)
                continue;
            const struct ipm_point *point = job.point;
            int64_t block = job.block;
            first = first == 2 ? (size_t)(point - fixture->plan.points) : first;
            for (size_t step = 0; step < (block == 2 ? 2 : 4); step++, n++) {
                if (step > 0)
                    assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 0);
                assert_string_equal(job.pass->name, visits[block][step].pass);
                assert_int_equal(job.invocation, visits[block][step].invocation);
                assert_ptr_equal(job.point, point);
                assert_int_equal(job.block, block);
            }
            n--;
        }
        assert_int_equal(n, ENERGY_JOBS);
        visited[first]++;
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.left, 0);
        assert_int_equal(progress.left_ns, 0);
        ipm_schedule_free(schedule);
    }
    assert_true(visited[0] > 0 && visited[1] > 0); /* the points are still shuffled */
}

/* Interrupted at any place, also inside four windows: the rest comes, in its order. */
static void abba_resume(void **state)
{
    struct fixture *fixture = *state;
    replan(fixture, with_energy);
    for (int done = 0; done <= ENERGY_JOBS; done++) {
        struct ipm_schedule *whole = schedule_of(fixture, 5);
        struct ipm_schedule *rest = schedule_of(fixture, 5);
        struct ipm_job job;
        for (int i = 0; i < done; i++) {
            assert_int_equal(ipm_schedule_next(whole, NULL, &job), 0);
            json_t *record = record_of(&job, "ok", false);
            assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 0);
            (void)json_object_set_new(record, "invocation", json_integer(ENERGY));
            assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 1);
            json_decref(record);
        }
        struct ipm_progress progress;
        ipm_schedule_progress(rest, &progress);
        assert_int_equal(progress.left, ENERGY_JOBS - done);
        json_t *orders[] = {order_of(whole), order_of(rest)};
        assert_int_equal(json_array_size(orders[0]), ENERGY_JOBS - done);
        assert_true(json_equal(orders[0], orders[1]));
        json_decref(orders[0]);
        json_decref(orders[1]);
        ipm_schedule_free(whole);
        ipm_schedule_free(rest);
    }
}

/* A resumed run makes what is missing, in the order it would have had. */
static void resume(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *whole = schedule_of(fixture, 5);
    struct ipm_schedule *rest = schedule_of(fixture, 5);
    struct ipm_job job;
    for (int i = 0; i < JOBS / 2; i++) {
        assert_int_equal(ipm_schedule_next(whole, NULL, &job), 0);
        json_t *record = record_of(&job, "ok", false);
        json_t *failed = record_of(&job, "failed", false);
        assert_int_equal(ipm_schedule_mark(rest, failed, "b1"), 1);
        assert_int_equal(ipm_schedule_mark(rest, record, "another"), 1);
        assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 0);
        assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 0);
        (void)json_object_set_new(record, "invocation", json_integer(3));
        assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 1);
        (void)json_object_set_new(record, "invocation", json_integer(0));
        (void)json_object_set_new(record, "point", json_string("unheard-of"));
        assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 1);
        json_decref(record);
        json_decref(failed);
    }
    struct ipm_progress progress;
    ipm_schedule_progress(rest, &progress);
    assert_int_equal(progress.left, JOBS - JOBS / 2);
    json_t *orders[] = {order_of(whole), order_of(rest)};
    assert_int_equal(json_array_size(orders[0]), JOBS - JOBS / 2);
    assert_true(json_equal(orders[0], orders[1]));
    json_decref(orders[0]);
    json_decref(orders[1]);
    ipm_schedule_free(whole);
    ipm_schedule_free(rest);
}

/* The same job again, twice at most, when the regime changed. */
static void tries(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *schedule = schedule_of(fixture, 9);
    struct ipm_job first;
    struct ipm_job job;
    assert_int_equal(ipm_schedule_next(schedule, NULL, &first), 0);
    json_t *changed = record_of(&first, "ok", true);
    json_t *failed = record_of(&first, "failed", true);
    uint64_t last_seed = first.seed;
    for (int try = 1; try < IPM_TRIES; try++) {
        assert_int_equal(ipm_schedule_next(schedule, changed, &job), 0);
        assert_ptr_equal(job.point, first.point);
        assert_ptr_equal(job.pass, first.pass);
        assert_int_equal(job.invocation, first.invocation);
        assert_int_equal(job.block, first.block);
        assert_int_equal(job.try, try);
        assert_true(job.seed != last_seed);
        last_seed = job.seed;
    }
    assert_int_equal(ipm_schedule_next(schedule, changed, &job), 0);
    assert_true(job.point != first.point || job.pass != first.pass);
    assert_int_equal(job.try, 0);
    struct ipm_job next;
    assert_int_equal(ipm_schedule_next(schedule, failed, &next), 0);
    assert_true(next.point != job.point || next.pass != job.pass);
    /* Nor after the last job of all. */
    while (ipm_schedule_next(schedule, NULL, &job) == 0)
        next = job;
    assert_int_equal(ipm_schedule_next(schedule, changed, &job), 1);
    json_decref(changed);
    json_decref(failed);
    ipm_schedule_free(schedule);
}

/* The last job of a run may need another try, too. */
static void last_try(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *schedule = schedule_of(fixture, 9);
    struct ipm_job job;
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 0);
    json_t *changed = record_of(&job, "ok", true);
    assert_int_equal(ipm_schedule_next(schedule, changed, &job), 0);
    assert_int_equal(job.try, 1);
    assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 1);
    json_decref(changed);
    ipm_schedule_free(schedule);
}

static void nothing(void **state)
{
    struct ipm_plan empty = {0};
    struct ipm_schedule *schedule = NULL;
    struct ipm_job job;
    (void)state;
    assert_int_equal(ipm_schedule_fixed(&empty, 1, &schedule, NULL), 0);
    assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 1);
    ipm_schedule_free(schedule);
    ipm_schedule_free(NULL);
}

/* The point as docs/protocol.md has it: these members and no other. */
static void point(void **state)
{
    static const char *const members[] = {
        "schema",  "run",       "point",           "pass",      "invocation",
        "block",   "seed",      "workload",        "mechanism", "size",
        "rate",    "placement", "placement_class", "cpus",      "wait",
        "copies",  "touch",     "depth",           "batch",     "reply_size",
        "policy",  "options",   "window_ns",       "warmup_ns", "timeout_ns",
        "sandbox", "sysroot",
    };
    struct fixture *fixture = *state;
    struct ipm_schedule *schedule = schedule_of(fixture, 3);
    struct ipm_job_context context = {.run = "token", .no_sandbox = true};
    struct ipm_job job;
    assert_int_equal(ipm_schedule_next(schedule, NULL, &job), 0);
    json_t *json = ipm_job_json(&job, &context);
    assert_int_equal(json_object_size(json), IPM_TEST_ROWS(members));
    for (size_t i = 0; i < IPM_TEST_ROWS(members); i++) {
        if (json_object_get(json, members[i]) == NULL)
            fail_msg("%s is missing", members[i]);
    }
    assert_true(json_is_false(json_object_get(json, "sandbox")));
    assert_string_equal(ipm_describe_text(json, "run", ""), "token");
    assert_string_equal(ipm_describe_text(json, "sysroot", "-"), "");
    assert_string_equal(ipm_describe_text(json, "placement_class", ""), "same_llc");
    assert_int_equal(json_array_size(json_object_get(json, "cpus")), 2);
    assert_int_equal(ipm_describe_integer(json, "window_ns", 0), 50000000);
    json_decref(json);
    job.try = 1;
    json = ipm_job_json(&job, &context);
    assert_int_equal(ipm_describe_integer(json, "try", 0), 1);
    json_decref(json);
    ipm_schedule_free(schedule);
}

/* The known first values of splitmix64 from 1234567, and every order about as often. */
static void numbers(void **state)
{
    static const uint64_t known[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431)};
    uint64_t seed = 1234567;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(known); i++)
        assert_int_equal(ipm_random_next(&seed), known[i]);
    int counts[6] = {0};
    for (int round = 0; round < 6000; round++) {
        size_t order[] = {0, 1, 2};
        ipm_random_shuffle(&seed, order, 3);
        counts[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (size_t i = 0; i < IPM_TEST_ROWS(counts); i++)
        assert_in_range(counts[i], 850, 1150); /* 1000, six standard deviations wide */
    for (int i = 0; i < 1000; i++)
        assert_true(ipm_random_below(&seed, 7) < 7);
    assert_int_equal(ipm_random_below(&seed, 1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rounds), TEST(seeds),    TEST(resume),  TEST(abba),  TEST(abba_resume),
        TEST(tries),  TEST(last_try), TEST(nothing), TEST(point), TEST(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
