/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/ladder.h"
#include "analysis/summary.h"
#include "tests/support/records.h"

#include <math.h>

/* A summary with what it borrows from. */
struct run {
    struct ipm_table table;
    struct ipm_summary summary;
};

static void make_run(void **state, const json_t *manifest, struct run *run)
{
    char path[256];
    struct ipm_why why = {0};
    (void)ipm_test_path(state, "records.jsonl", path);
    if (ipm_table_read(path, &run->table, &why) != 0 ||
        ipm_summary_make(&run->table, manifest, &run->summary, &why) != 0)
        fail_msg("%s", why.text);
}

static void drop_run(struct run *run)
{
    ipm_summary_fini(&run->summary);
    ipm_table_fini(&run->table);
}

#define auto_run __attribute__((cleanup(drop_run)))

static const struct ipm_figure *figure(const struct run *run, const char *name)
{
    const struct ipm_figure *found = ipm_point_figure(&run->summary.points[0], name);
    if (found == NULL)
        fail_msg("there is no figure %s", name);
    return found;
}

static void no_records_make_no_points(void **state)
{
    assert_int_equal(fclose(ipm_test_records(state)), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);
    assert_int_equal(run.summary.n_points, 0);
    assert_int_equal(run.summary.n_absent, 0);
    ipm_auto_ladder struct ipm_ladder ladder = {0};
    assert_int_equal(ipm_ladder_make(&run.summary, NULL, &ladder, NULL), 0);
    assert_int_equal(ladder.size, -1);
    assert_int_equal(ladder.n_rungs, 0);
}

static void only_failures_have_no_figures_but_a_reason(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 3; i++)
        ipm_test_put_row(file, (struct ipm_test_row){
                                   .status = "failed", .invocation = i, .p50_ns = 5});
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);
    assert_int_equal(run.summary.n_points, 1);
    assert_int_equal(run.summary.points[0].passes[0].rows[IPM_ROW_FAILED], 3);
    const struct ipm_figure *p50 = figure(&run, "p50_ns");
    assert_true(isnan(p50->estimate.value));
    assert_string_equal(p50->reason, "no invocation of the timing pass succeeded");
    ipm_auto_ladder struct ipm_ladder ladder = {0};
    assert_int_equal(ipm_ladder_make(&run.summary, NULL, &ladder, NULL), 0);
    assert_int_equal(ladder.n_rungs, 0);
    assert_int_equal(ladder.n_unmeasured, 1);
}

/* 1 .. 7 out of order, with a failed, an invalid and a repeated line that must not count:
 * the median is 4, and with n = 7 the 95 % interval is [x(1), x(7)]. */
static void figures_are_medians_over_good_invocations(void **state)
{
    static const double times[] = {3, 7, 1, 5, 2, 6, 4};
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 7; i++)
        ipm_test_put_row(file, (struct ipm_test_row){.invocation = i,
                                                     .p50_ns = times[i],
                                                     .cpu_ns = 10 * times[i]});
    ipm_test_put_row(file, (struct ipm_test_row){.invocation = 2, .p50_ns = 900});
    ipm_test_put_row(file, (struct ipm_test_row){
                               .status = "failed", .invocation = 7, .p50_ns = 900});
    ipm_test_put_row(file, (struct ipm_test_row){
                               .status = "invalid", .invocation = 8, .p50_ns = 900});
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);

    assert_int_equal(run.summary.n_points, 1);
    const struct ipm_health *health = &run.summary.health;
    assert_int_equal(health->rows[IPM_ROW_OK], 7);
    assert_int_equal(health->rows[IPM_ROW_FAILED], 1);
    assert_int_equal(health->rows[IPM_ROW_INVALID], 1);
    assert_int_equal(health->repeated, 1);
    assert_int_equal(health->builds, 1);

    const struct ipm_figure *p50 = figure(&run, "p50_ns");
    assert_int_equal(p50->estimate.n, 7);
    assert_true(p50->estimate.value == 4);
    /* Of all 7,000 messages, not of seven percentiles: 60 take more than 7. */
    assert_true(figure(&run, "p99_ns")->estimate.value == 7);
    assert_true(figure(&run, "max_ns")->estimate.value == 14);
    assert_true(isnan(figure(&run, "p9999_ns")->estimate.value));
    assert_string_equal(figure(&run, "p9999_ns")->estimate.reason,
                        "not_estimable: worth 7000 samples by count, needs 36887");
    assert_true(run.summary.points[0].sampling.samples == 7000);
    assert_int_equal(run.summary.points[0].steady[IPM_STEADY_UNKNOWN], 7);
    assert_true(figure(&run, "cpu_ns_per_message")->estimate.value == 40);
    assert_true(figure(&run, "messages_per_s")->estimate.value == 2e9 / 4);
    assert_true(figure(&run, "bytes_per_s")->estimate.value == 2e9 / 4 * 64);
    assert_true(p50->estimate.low > 1 && p50->estimate.low < 2);
    assert_true(p50->estimate.high > 6 && p50->estimate.high < 7);
    assert_true(p50->estimate.level == 0.95);
}

/* Times hold what the config says of other runs; what is counted does not. */
static void intervals_hold_what_differs_between_runs(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 9; i++) {
        json_t *record =
            ipm_test_record(&(struct ipm_test_row){.invocation = i, .p50_ns = 500});
        json_t *switches =
            json_pack("{s:i, s:s, s:s}", "value", 7, "unit", "", "status", "ok");
        (void)json_object_set_new(json_object_get(record, "metrics"),
                                  "voluntary_switches", switches);
        (void)json_object_set_new(json_object_get(record, "per_message"),
                                  "voluntary_switches", json_real(0.007));
        ipm_test_put_record(file, record);
    }
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    json_t *manifest =
        json_pack("{s:{s:{s:f}}}", "config", "repeat", "between_runs", 0.01);
    make_run(state, manifest, &run);
    json_decref(manifest);

    const struct ipm_estimate *p50 = &figure(&run, "p50_ns")->estimate;
    if (isnan(p50->low) && strcmp(p50->reason, "built without GSL") == 0)
        skip();
    assert_true(p50->value == 500);
    assert_true(fabs(p50->low - (500 - 9.799819923)) < 1e-6);
    assert_true(fabs(p50->high - (500 + 9.799819923)) < 1e-6);
    const struct ipm_estimate *rate = &figure(&run, "messages_per_s")->estimate;
    assert_true(fabs(rate->high / rate->value - 1.01959963985) < 1e-8);
    const struct ipm_estimate *switches =
        &figure(&run, "voluntary_switches_per_message")->estimate;
    assert_true(switches->low == 0.007 && switches->high == 0.007);
}

static void counters_are_joined_from_their_pass(void **state)
{
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 5});
    struct ipm_test_row row = {.pass = "counters:core", .p50_ns = 50};
    json_t *record = ipm_test_record(&row);
    (void)json_object_set_new(
        json_object_get(record, "metrics"), "cycles",
        json_pack("{s:i, s:s, s:s}", "value", 3000, "unit", "", "status", "ok"));
    (void)json_object_set_new(json_object_get(record, "per_message"), "cycles",
                              json_real(3.5));
    (void)json_object_set_new(
        json_object_get(record, "metrics"), "steal_ns",
        json_pack("{s:i, s:s, s:s}", "value", 77, "unit", "ns", "status", "ok"));
    ipm_test_put_record(file, record);
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);

    assert_int_equal(run.summary.n_points, 1);
    assert_int_equal(run.summary.points[0].n_passes, 2);
    const struct ipm_figure *cycles = figure(&run, "cycles_per_message");
    assert_true(cycles->estimate.value == 3.5);
    assert_int_equal(cycles->estimate.n, 1);
    assert_string_equal(cycles->pass, "counters:core");
    /* What the record does not divide stays as it is. */
    assert_true(figure(&run, "steal_ns")->estimate.value == 77);
    /* Times come from the timing pass alone. */
    assert_true(figure(&run, "p50_ns")->estimate.value == 5);
    assert_int_equal(run.summary.n_absent, 0);
}

/* "Measured in another pass" says less than why that pass could not do it. */
static void a_metric_missing_everywhere_keeps_the_telling_reason(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 3; i++) {
        struct ipm_test_row row = {.invocation = i, .p50_ns = 5};
        json_t *record = ipm_test_record(&row);
        json_t *cycles = json_object_get(json_object_get(record, "metrics"), "cycles");
        if (i == 1)
            (void)json_object_set_new(cycles, "reason",
                                      json_string("denied: paranoid"));
        ipm_test_put_record(file, record);
    }
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);
    assert_int_equal(run.summary.n_absent, 1);
    assert_string_equal(run.summary.absent[0].name, "cycles");
    assert_string_equal(run.summary.absent[0].reason, "denied: paranoid");
    const struct ipm_figure *cycles = figure(&run, "cycles");
    assert_int_equal(cycles->estimate.n, 0);
    assert_string_equal(cycles->reason, "denied: paranoid");
    assert_string_equal(cycles->pass, "");
    assert_non_null(strstr(figure(&run, "cacheline_rtt_ns")->reason, "absent"));
}

/* Rungs come by time, floors apart, other workloads, sizes and touches not at all. */
static void the_ladder_is_sorted_and_has_floors_apart(void **state)
{
    FILE *file = ipm_test_records(state);
    const struct ipm_test_row rows[] = {
        {.point = "slow", .p50_ns = 9000},
        {.point = "fast",
         .mechanism = "shm_ring",
         .wait = "spin",
         .placement = "nearest_core",
         .copies = 1,
         .p50_ns = 200},
        {.point = "away", .placement = "nearest_core", .p50_ns = 10000},
        {.point = "large", .size = 4096, .p50_ns = 1},
        {.point = "stream", .workload = "stream", .p50_ns = 1},
        {.point = "floor",
         .mechanism = "floor_syscall",
         .workload = "self_loop",
         .p50_ns = 80},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        ipm_test_put_row(file, rows[i]);
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);
    assert_int_equal(run.summary.n_points, IPM_TEST_ROWS(rows));

    ipm_auto_ladder struct ipm_ladder ladder = {0};
    assert_int_equal(ipm_ladder_make(&run.summary, NULL, &ladder, NULL), 0);
    assert_int_equal(ladder.size, 64);
    assert_string_equal(ladder.touch, "none");
    assert_string_equal(ladder.away, "nearest_core");
    assert_int_equal(ladder.n_rungs, 3);
    assert_string_equal(ladder.rungs[0].point->id, "fast");
    assert_string_equal(ladder.rungs[1].point->id, "slow");
    assert_string_equal(ladder.rungs[2].point->id, "away");
    assert_true(ipm_rungs_same_but_placement(&ladder.rungs[1], &ladder.rungs[2]));
    assert_false(ipm_rungs_same_but_wait(&ladder.rungs[1], &ladder.rungs[2]));
    assert_false(ipm_rungs_same_but_placement(&ladder.rungs[0], &ladder.rungs[1]));
    assert_int_equal(ladder.n_floors, 1);
    assert_ptr_equal(ipm_ladder_floor(&ladder, "floor_syscall"), &ladder.floors[0]);
    assert_null(ipm_ladder_floor(&ladder, "floor_memcpy"));
}

static void the_ladder_falls_back_to_the_fullest_size(void **state)
{
    FILE *file = ipm_test_records(state);
    const struct ipm_test_row rows[] = {
        {.point = "a", .size = 8, .p50_ns = 1},
        {.point = "b", .size = 1024, .p50_ns = 2},
        {.point = "c", .size = 1024, .mechanism = "posix_mq", .p50_ns = 3},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        ipm_test_put_row(file, rows[i]);
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, NULL, &run);
    ipm_auto_ladder struct ipm_ladder ladder = {0};
    assert_int_equal(ipm_ladder_make(&run.summary, NULL, &ladder, NULL), 0);
    assert_int_equal(ladder.size, 1024);
    assert_int_equal(ladder.n_rungs, 2);
}

/* The worker's description wins over the name, and a token belongs to every size. */
static void the_manifest_tells_floors_and_tokens(void **state)
{
    json_t *manifest =
        json_pack("{s:{s:[{s:s, s:s}, {s:s, s:s, s:[s]}]}}", "describe", "mechanisms",
                  "name", "bare", "kind", "floor", "name", "floor_show", "kind",
                  "mechanism", "capabilities", "token");
    assert_non_null(manifest);
    FILE *file = ipm_test_records(state);
    const struct ipm_test_row rows[] = {
        {.point = "a", .p50_ns = 4},
        {.point = "b", .mechanism = "bare", .p50_ns = 1},
        {.point = "c", .mechanism = "floor_show", .no_payload = true, .p50_ns = 2},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        ipm_test_put_row(file, rows[i]);
    assert_int_equal(fclose(file), 0);
    auto_run struct run run = {0};
    make_run(state, manifest, &run);
    ipm_auto_ladder struct ipm_ladder ladder = {0};
    assert_int_equal(ipm_ladder_make(&run.summary, manifest, &ladder, NULL), 0);
    json_decref(manifest);
    assert_int_equal(ladder.n_floors, 1);
    assert_string_equal(ladder.floors[0].point->id, "b");
    assert_int_equal(ladder.n_rungs, 2);
    assert_string_equal(ladder.rungs[0].point->id, "c");
    assert_string_equal(ladder.rungs[0].variant, "no payload");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_records_make_no_points),
        cmocka_unit_test(only_failures_have_no_figures_but_a_reason),
        cmocka_unit_test(figures_are_medians_over_good_invocations),
        cmocka_unit_test(intervals_hold_what_differs_between_runs),
        cmocka_unit_test(counters_are_joined_from_their_pass),
        cmocka_unit_test(a_metric_missing_everywhere_keeps_the_telling_reason),
        cmocka_unit_test(the_ladder_is_sorted_and_has_floors_apart),
        cmocka_unit_test(the_ladder_falls_back_to_the_fullest_size),
        cmocka_unit_test(the_manifest_tells_floors_and_tokens),
    };
    return cmocka_run_group_tests(tests, ipm_test_directory, ipm_test_directory_remove);
}
