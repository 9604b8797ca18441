/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Precision on simulated records: every number here follows from the seed. */
#include "analysis/stats.h"
#include "base/random.h"
#include "harness/precision.h"
#include "harness/schedule.h"
#include "tests/support/front.h"

#include <inttypes.h>
#include <math.h>

enum { POINTS = 6, COUNTERS = 2, MOST = 6 * IPM_PRECISION_FACTOR };

#define WANTED 0.02

/* Relative standard deviation of the invocations of each point. */
static const double spread[POINTS] = {0, 0.005, 0.01, 0.03, 0.06, 0.5};

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
    ipm_test_spec("{\"sensors\": {\"energy\": \"off\"},"
                  " \"repeat\": {\"precision\": 0.02, \"invocations\": 2, "
                  "\"counters\": 2}, \"sweeps\": [{\"workloads\": \"pingpong\", "
                  "\"mechanisms\": \"pipe\","
                  "   \"axes\": {\"size\": [1, 2, 3, 4, 5, 6]}}]}",
                  fixture->describe, &fixture->spec);
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

/* About standard normal, of a seed. */
static double normal(uint64_t seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(ipm_random_next(&seed) >> 11) / 9007199254740992.0;
    return sum;
}

static size_t index_of(const struct fixture *fixture, const struct ipm_job *job)
{
    return (size_t)(job->point - fixture->plan.points);
}

/* What a worker would say: lognormal about 1000 ns, skewed as times are. */
static json_t *record_of(const struct fixture *fixture, const struct ipm_job *job,
                         const char *status)
{
    double sd = spread[index_of(fixture, job)];
    return json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:[],s:{s:f}}", "point",
                     job->point->hash, "pass", job->pass->name, "invocation",
                     (json_int_t)job->invocation, "block", (json_int_t)job->block,
                     "status", status, "build", "b1", "flags", "latency_ns", "p50",
                     1000 * exp(sd * normal(job->seed)));
}

/* The course of a run: its records in order, and what they say of each point. */
struct course {
    json_t *records;
    size_t n[POINTS], counters;
    double values[POINTS][MOST];
    bool seen[POINTS][MOST];
};

static void note(const struct fixture *fixture, struct course *course,
                 const struct ipm_job *job, const json_t *record)
{
    size_t i = index_of(fixture, job);
    course->counters += strcmp(job->pass->name, "timing") != 0;
    if (strcmp(job->pass->name, "timing") != 0)
        return;
    assert_in_range(job->invocation, 0, MOST - 1);
    assert_false(course->seen[i][job->invocation]); /* once, whatever happens */
    course->seen[i][job->invocation] = true;
    course->values[i][course->n[i]++] = ipm_precision_sample(record).value;
}

static struct ipm_schedule *schedule_of(const struct fixture *fixture, uint64_t seed)
{
    struct ipm_schedule *schedule = NULL;
    assert_int_equal(ipm_schedule_precision(&fixture->plan, seed, &schedule, NULL), 0);
    return schedule;
}

/* To the end, or @most jobs; each takes @pace times what the plan thinks. */
static void go_on(const struct fixture *fixture, struct ipm_schedule *schedule,
                  size_t most, double pace, struct course *course)
{
    json_t *last = NULL;
    struct ipm_job job;
    for (size_t n = 0; n < most && ipm_schedule_next(schedule, last, &job) == 0; n++) {
        json_decref(last);
        last = record_of(fixture, &job, "ok");
        note(fixture, course, &job, last);
        (void)json_array_append(course->records, last);
        ipm_schedule_spent(schedule, (int64_t)(pace * (double)ipm_plan_invocation_ns(
                                                          job.pass, job.point)));
    }
    json_decref(last);
}

/* Every point met its target, or the reason why it did not is true. */
static void check_stops(const struct fixture *fixture,
                        const struct ipm_schedule *schedule, struct course *course,
                        bool budget)
{
    json_t *stops = ipm_schedule_stops(schedule);
    assert_int_equal(json_object_size(stops), POINTS);
    assert_int_equal(course->counters, POINTS * COUNTERS * 2);
    for (size_t i = 0; i < POINTS; i++) {
        const json_t *stop = json_object_get(stops, fixture->plan.points[i].hash);
        const char *reason = ipm_describe_text(stop, "reason", "");
        double width = ipm_precision_half_width(course->values[i], course->n[i]);
        double said = json_number_value(json_object_get(stop, "half_width"));
        assert_true(course->n[i] >= IPM_PRECISION_PILOT);
        assert_int_equal(ipm_describe_integer(stop, "invocations", -1), course->n[i]);
        assert_true(fabs(said - width) < 1e-12);
        if (strcmp(reason, "precise") == 0)
            assert_true(width <= WANTED);
        else if (strcmp(reason, "most") == 0)
            assert_true(width > WANTED && course->n[i] == MOST);
        else
            assert_true(budget && width > WANTED && strcmp(reason, "budget") == 0);
    }
    json_decref(stops);
}

static void half_widths(void **state)
{
    (void)state;
    double values[] = {104, 100, 99, 101, 98, 102};
    /* 5 / 14 of the way from the outermost values to their neighbours: n 6, levels 31 / 32
     * and 25 / 32. */
    double half = (104 - 2 * 5.0 / 14 - (98 + 5.0 / 14)) / 2;
    assert_true(fabs(ipm_precision_half_width(values, 6) - half / 100.5) < 1e-12);
    assert_true(isinf(ipm_precision_half_width(values, 5)));
}

static void plans(void **state)
{
    (void)state;
    assert_int_equal(ipm_precision_planned(6, 0.04, 0.02), 12); /* 24, but twice */
    assert_int_equal(ipm_precision_planned(10, 0.024, 0.02), 15);
    assert_int_equal(ipm_precision_planned(10, 0.0201, 0.02), 11);
    assert_int_equal(ipm_precision_planned(10, 0.01, 0.02), 11);
    assert_int_equal(ipm_precision_planned(6, INFINITY, 0.02), 12);
    json_t *stream = json_pack("{s:i,s:i,s:{s:n}}", "elapsed_ns", 5000, "messages", 20,
                               "latency_ns", "p50");
    assert_true(fabs(ipm_precision_sample(stream).value - 250) < 1e-12);
    (void)json_object_set_new(stream, "messages", json_integer(0));
    assert_true(isnan(ipm_precision_sample(stream).value));
    json_decref(stream);
}

/* Without a budget: precise, or the most there may be; the quiet ones cost little. */
static void widths(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct ipm_schedule *schedule = schedule_of(fixture, seed);
        struct course course = {.records = json_array()};
        struct ipm_progress progress;
        go_on(fixture, schedule, SIZE_MAX, 1, &course);
        check_stops(fixture, schedule, &course, false);
        assert_int_equal(course.n[0], IPM_PRECISION_PILOT);
        assert_int_equal(course.n[1], IPM_PRECISION_PILOT);
        assert_true(course.n[4] > IPM_PRECISION_PILOT);
        assert_int_equal(course.n[5], MOST);
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.left, 0);
        json_decref(course.records);
        ipm_schedule_free(schedule);
    }
}

static void seeds(void **state)
{
    struct fixture *fixture = *state;
    struct course courses[3];
    for (size_t i = 0; i < 3; i++) {
        struct ipm_schedule *schedule = schedule_of(fixture, i == 2 ? 8 : 7);
        courses[i] = (struct course){.records = json_array()};
        go_on(fixture, schedule, SIZE_MAX, 1, &courses[i]);
        ipm_schedule_free(schedule);
    }
    assert_true(json_equal(courses[0].records, courses[1].records));
    assert_false(json_equal(courses[0].records, courses[2].records));
    for (size_t i = 0; i < 3; i++)
        json_decref(courses[i].records);
}

/* The budget ends it, on a machine as fast as planned and on one that takes twice that;
 * the widest point got most of it. */
static void budget(void **state)
{
    struct fixture *fixture = *state;
    int ended = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        double pace = seed % 2 == 0 ? 1 : 2;
        fixture->plan.budget_ns =
            (int64_t)(1.5 * pace * (double)fixture->plan.estimate_ns);
        struct ipm_schedule *schedule = schedule_of(fixture, seed);
        struct course course = {.records = json_array()};
        go_on(fixture, schedule, SIZE_MAX, pace, &course);
        check_stops(fixture, schedule, &course, true);
        double spent_ns = pace * (double)json_array_size(course.records) *
                          (double)ipm_plan_invocation_ns(&fixture->plan.passes[0],
                                                         &fixture->plan.points[0]);
        assert_true(spent_ns <= (double)fixture->plan.budget_ns);
        assert_true(course.n[5] >= course.n[3] && course.n[5] > course.n[0]);
        ended += course.n[5] < MOST;
        json_decref(course.records);
        ipm_schedule_free(schedule);
    }
    assert_true(ended > 10);
}

/* One block at a time, with widths that are known. */
static void widest_first(void **state)
{
    static const double widths[] = {0.03, 0.09, 0.05, 0.08};
    struct ipm_precise points[5] = {0}; /* of the last nothing is asked */
    size_t chosen[5];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ipm_precise_init(&points[i], WANTED, 1, 10);
        for (int n = 0; n < 6;
             n++) { /* median 1000, interval 1000 (1 -+ width), about */
            double side = n < 3 ? -1 : 1;
            double out = 1000 * widths[i] * 14 / 9;
            double value = 1000 + side * (n == 0 || n == 5 ? out : 1);
            assert_int_equal(ipm_precise_recall(
                                 &points[i], (struct ipm_precision_sample){value, NAN}),
                             0);
        }
    }
    assert_int_equal(ipm_precise_block(points, 5, INFINITY, 1, chosen), 4);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[3], 0);
    assert_int_equal(ipm_precise_block(points, 5, 100, 1, chosen), 2);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[1], 3);
    assert_int_equal(ipm_precise_block(points, 5, 15, 1, chosen), 1);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(points[3].stop, IPM_STOP_BUDGET);
    assert_int_equal(points[1].stop, IPM_STOP_NONE);
    assert_int_equal(ipm_precise_block(points, 5, 15, 2, chosen), 0);
    assert_int_equal(points[1].stop, IPM_STOP_BUDGET);
    for (size_t i = 0; i < 4; i++)
        ipm_precise_fini(&points[i]);
}

/* Interrupted at every place, with the job under way lost: nothing is made twice, and what
 * is there in the end meets the target or the most, as without an interruption. */
static void resume(void **state)
{
    struct fixture *fixture = *state;
    for (size_t done = 0;; done++) {
        struct ipm_schedule *first = schedule_of(fixture, 3);
        struct course course = {.records = json_array()};
        go_on(fixture, first, done, 1, &course);
        ipm_schedule_free(first);
        bool whole = json_array_size(course.records) < done;
        struct ipm_schedule *rest = schedule_of(fixture, 3);
        size_t i;
        json_t *record;
        int64_t block = -1;
        json_array_foreach(course.records, i, record)
        {
            assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 0);
            assert_int_equal(ipm_schedule_mark(rest, record, "b1"), 0);
            block = ipm_describe_integer(record, "block", -1);
        }
        size_t before = json_array_size(course.records);
        go_on(fixture, rest, SIZE_MAX, 1, &course);
        check_stops(fixture, rest, &course, false);
        /* A block of precision is never gone on with: it is another one. */
        record = json_array_get(course.records, before);
        if (record != NULL && block >= IPM_PRECISION_PILOT)
            assert_true(ipm_describe_integer(record, "block", -1) > block);
        json_decref(course.records);
        ipm_schedule_free(rest);
        if (whole)
            break;
    }
}

/* A failed job comes again at the end of its block, so often and no oftener. */
static void retries(void **state)
{
    struct fixture *fixture = *state;
    for (int allowed = 0; allowed < 4; allowed++) {
        struct ipm_schedule *schedule = schedule_of(fixture, 4);
        ipm_schedule_retries(schedule, allowed);
        struct ipm_job victim;
        assert_int_equal(ipm_schedule_next(schedule, NULL, &victim), 0);
        json_t *failed = record_of(fixture, &victim, "failed");
        json_t *last = json_incref(failed);
        struct ipm_job job;
        int again = 0;
        int others = 0;
        assert_int_equal(ipm_schedule_again(schedule, failed), allowed > 0);
        while (ipm_schedule_next(schedule, last, &job) == 0 && job.block == 0) {
            bool same = job.point == victim.point && job.pass == victim.pass;
            json_decref(last);
            last = record_of(fixture, &job, same ? "failed" : "ok");
            again += same;
            others += !same;
            if (same)
                assert_int_equal(others, POINTS * 3 - 1); /* all else went before */
            assert_int_equal(job.try, same ? again : 0);
            assert_int_equal(job.failures, same ? again : 0);
            assert_int_equal(job.invocation, 0);
        }
        assert_int_equal(again, allowed);
        json_decref(failed);
        json_decref(last);
        ipm_schedule_free(schedule);
    }
}

/* A point that only fails is not measured for ever, and says so. */
static void failing(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *schedule = schedule_of(fixture, 6);
    ipm_schedule_retries(schedule, 1);
    json_t *last = NULL;
    struct ipm_job job;
    int made = 0;
    while (ipm_schedule_next(schedule, last, &job) == 0) {
        bool victim = index_of(fixture, &job) == 2;
        json_decref(last);
        last = record_of(fixture, &job, victim ? "failed" : "ok");
        made += victim && strcmp(job.pass->name, "timing") == 0;
    }
    assert_int_equal(made, 2 * IPM_PRECISION_PILOT);
    json_t *stops = ipm_schedule_stops(schedule);
    const json_t *stop = json_object_get(stops, fixture->plan.points[2].hash);
    assert_string_equal(ipm_describe_text(stop, "reason", ""), "failed");
    assert_int_equal(ipm_describe_integer(stop, "invocations", -1), 0);
    assert_true(json_is_null(json_object_get(stop, "half_width")));
    json_decref(stops);
    json_decref(last);
    ipm_schedule_free(schedule);
}

/* A fixed schedule whose machine is slower than the plan: the pilots stay, the rest goes. */
static void fixed_budget(void **state)
{
    struct fixture *fixture = *state;
    struct ipm_schedule *schedule = NULL;
    struct course course = {.records = json_array()};
    for (size_t i = 0; i < POINTS; i++)
        fixture->plan.points[i].repeat.invocations = 20;
    fixture->plan.budget_ns = 26 * POINTS * INT64_C(70000000);
    assert_int_equal(ipm_schedule_fixed(&fixture->plan, 1, &schedule, NULL), 0);
    go_on(fixture, schedule, SIZE_MAX, 2, &course);
    json_t *stops = ipm_schedule_stops(schedule);
    for (size_t i = 0; i < POINTS; i++) {
        const json_t *stop = json_object_get(stops, fixture->plan.points[i].hash);
        assert_in_range(course.n[i], IPM_BUDGET_INVOCATIONS, 10);
        assert_int_equal(course.n[i], course.n[0]); /* whole rounds */
        assert_string_equal(ipm_describe_text(stop, "reason", ""), "budget");
        assert_int_equal(ipm_describe_integer(stop, "invocations", -1), course.n[i]);
    }
    json_decref(stops);
    json_decref(course.records);
    ipm_schedule_free(schedule);
}

/* So slow a machine that not even the pilots fit: points go from the end of the plan, what
 * stays is complete, and the clock says that it fits.  Precise or not makes no difference. */
static void dropped_by_the_clock(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 40; round++) {
        struct ipm_schedule *schedule = NULL;
        struct course course = {.records = json_array()};
        double pace = 2 + round % 10;
        bool precise = round % 2 == 1;
        fixture->plan.budget_ns = fixture->plan.estimate_ns;
        if (precise)
            schedule = schedule_of(fixture, (uint64_t)round);
        else
            assert_int_equal(
                ipm_schedule_fixed(&fixture->plan, (uint64_t)round, &schedule, NULL),
                0);
        go_on(fixture, schedule, SIZE_MAX, pace, &course);
        json_t *stops = ipm_schedule_stops(schedule);
        size_t kept = 0;
        while (kept < POINTS &&
               !ipm_schedule_dropped(schedule, &fixture->plan.points[kept]))
            kept++;
        assert_in_range(kept, 1, POINTS - 1);
        for (size_t i = 0; i < POINTS; i++) {
            const char *hash = fixture->plan.points[i].hash;
            const char *reason =
                ipm_describe_text(json_object_get(stops, hash), "reason", "");
            assert_true(ipm_schedule_dropped(schedule, &fixture->plan.points[i]) ==
                        (i >= kept));
            if (i < kept)
                assert_true(course.n[i] >= IPM_BUDGET_INVOCATIONS);
            else
                assert_string_equal(reason, "dropped");
        }
        struct ipm_progress progress;
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.left, 0);
        double spent_ns = 0;
        size_t i;
        const json_t *record;
        json_array_foreach(course.records, i, record) spent_ns +=
            pace * (double)ipm_plan_invocation_ns(&fixture->plan.passes[0],
                                                  &fixture->plan.points[0]);
        if (kept > 1)
            assert_true(spent_ns <= 1.02 * (double)fixture->plan.budget_ns);
        json_decref(stops);
        json_decref(course.records);
        ipm_schedule_free(schedule);
    }
}

/* A machine that is slow for a while drops points, and takes them back when it is not. */
static void taken_back(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 20; round++) {
        struct ipm_schedule *schedule = NULL;
        struct course course = {.records = json_array()};
        bool precise = round % 2 == 1;
        fixture->plan.budget_ns = 6 * fixture->plan.estimate_ns;
        if (precise)
            schedule = schedule_of(fixture, (uint64_t)round);
        else
            assert_int_equal(
                ipm_schedule_fixed(&fixture->plan, (uint64_t)round, &schedule, NULL),
                0);
        go_on(fixture, schedule, 3 * POINTS, 8, &course);
        assert_true(ipm_schedule_dropped(schedule, &fixture->plan.points[POINTS - 1]));
        go_on(fixture, schedule, SIZE_MAX, 0.2, &course);
        for (size_t i = 0; i < POINTS; i++) {
            assert_false(ipm_schedule_dropped(schedule, &fixture->plan.points[i]));
            assert_true(course.n[i] >= IPM_BUDGET_INVOCATIONS);
        }
        struct ipm_progress progress;
        ipm_schedule_progress(schedule, &progress);
        assert_int_equal(progress.left, 0);
        json_decref(course.records);
        ipm_schedule_free(schedule);
    }
}

/* A neighbour makes half of the invocations twice as slow: the others decide. */
static void slow_cores(void **state)
{
    (void)state;
    struct ipm_precise precise;
    size_t chosen[1];
    ipm_precise_init(&precise, 0.05, 12, 1000);
    for (int i = 0; i < 12; i++) {
        bool slow = i % 2 == 1;
        struct ipm_precision_sample sample = {(slow ? 200 : 100) + 0.1 * i,
                                              slow ? 1.2 : 0.7};
        assert_int_equal(ipm_precise_recall(&precise, sample), 0);
    }
    assert_int_equal(ipm_precise_block(&precise, 1, INFINITY, 1, chosen), 0);
    assert_int_equal(precise.stop, IPM_STOP_PRECISE);
    assert_true(precise.half_width < 0.01);
    ipm_precise_fini(&precise);

    /* Of five others there is no interval: all count, and they are not alike. */
    ipm_precise_init(&precise, 0.05, 11, 1000);
    for (int i = 0; i < 11; i++) {
        bool slow = i >= 5;
        struct ipm_precision_sample sample = {slow ? 200 : 100, slow ? 1.2 : 0.7};
        assert_int_equal(ipm_precise_recall(&precise, sample), 0);
    }
    assert_int_equal(ipm_precise_block(&precise, 1, INFINITY, 1, chosen), 1);
    assert_true(precise.half_width > 0.05);
    ipm_precise_fini(&precise);

    /* Nine others of a pilot of sixty are too few, however alike; ten are enough. */
    for (int others = 9; others <= 10; others++) {
        ipm_precise_init(&precise, 0.05, 60, 1000);
        for (int i = 0; i < 60; i++) {
            bool slow = i >= others;
            struct ipm_precision_sample sample = {slow ? 200 : 100, slow ? 1.2 : 0.7};
            assert_int_equal(ipm_precise_recall(&precise, sample), 0);
        }
        assert_int_equal(ipm_precise_block(&precise, 1, INFINITY, 1, chosen),
                         others < 10 ? 1 : 0);
        assert_true(others < 10 ? isinf(precise.half_width) : precise.half_width == 0);
        ipm_precise_fini(&precise);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(half_widths),
        TEST(plans),
        TEST(widths),
        TEST(seeds),
        TEST(budget),
        TEST(widest_first),
        TEST(resume),
        TEST(retries),
        TEST(failing),
        TEST(fixed_budget),
        TEST(dropped_by_the_clock),
        TEST(taken_back),
        TEST(slow_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
