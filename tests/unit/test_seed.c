/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seed model on planted truth, through the very path of a real run: rows of a table in,
 * the document of report.json out.
 */
#include "analysis/models/model.h"
#include "analysis/models/seed_fit.h"
#include "analysis/summary.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 11, INVOCATIONS = 8, SEEDS = 200, ROWS = 2 * SIZES * INVOCATIONS };

struct truth {
    double c_copy, c_sync; /* ns per byte, ns */
    double noise;          /* relative sigma of an invocation */
    double break_at; /* bytes from which copying costs three times as much; 0: never */
};

static uint64_t state_of_noise;

static double uniform(void)
{
    state_of_noise += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state_of_noise;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

static double gaussian(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static void plant(struct ipm_row *rows, const struct truth *truth, uint64_t seed)
{
    static const char *const mechanisms[] = {"pipe", "shm_pipe_token"};
    state_of_noise = seed;
    for (size_t i = 0; i < ROWS; i++) {
        int64_t size = INT64_C(64) << (i / 2 % SIZES);
        bool shm = i % 2 == 1;
        double copy = truth->c_copy *
                      (truth->break_at > 0 && (double)size > truth->break_at ? 3 : 1);
        double time_ns = (shm ? 1 : 2) * (double)size * copy + 2 * truth->c_sync;
        rows[i] = (struct ipm_row){
            .status = IPM_ROW_OK,
            .point = "planted",
            .pass = "timing",
            .build = "b",
            .invocation = (int64_t)(i / (2 * SIZES)),
            .factors = {.workload = "pingpong",
                        .mechanism = mechanisms[shm],
                        .placement = "same_cpu",
                        .placement_class = "same_cpu",
                        .wait = "block",
                        .touch = "none",
                        .policy = "other",
                        .rate = "max",
                        .options = "",
                        .size = size,
                        .copies = shm ? 1 : 2,
                        .reply_size = -1},
            .phase = "",
            .reason = "",
            .p50_ns = 2 * time_ns * (1 + truth->noise * gaussian()),
        };
    }
}

/* The document that the model makes of planted rows; the caller's reference. */
static json_t *explain(const struct truth *truth, uint64_t seed)
{
    static struct ipm_row rows[ROWS];
    plant(rows, truth, seed);
    struct ipm_table table = {.rows = rows, .n_rows = ROWS};
    struct ipm_summary summary = {0};
    json_t *manifest = json_object();
    struct ipm_model_input input = {
        .table = &table, .summary = &summary, .manifest = manifest};
    json_t *list = ipm_models_json(&input);
    assert_non_null(list);
    json_t *document = json_incref(json_array_get(list, 0));
    json_decref(list);
    json_decref(manifest);
    return document;
}

static double parameter(const json_t *document, size_t index, const char *member)
{
    const json_t *value = json_object_get(
        json_array_get(json_object_get(document, "parameters"), index), member);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool covers(const json_t *document, size_t index, double truth)
{
    return parameter(document, index, "low") <= truth &&
           truth <= parameter(document, index, "high");
}

static const char *status_of(const json_t *document)
{
    return json_string_value(json_object_get(document, "status"));
}

static void needs_gsl(void)
{
#if !IPM_HAVE_GSL
    print_message("skipped: built without GSL\n");
    skip();
#endif
}

static void planted_constants_are_recovered(void **state)
{
    static const struct truth truth = {0.08, 1200, 0.02, 0};
    (void)state;
    needs_gsl();
    size_t copy_covered = 0;
    size_t sync_covered = 0;
    double errors[SEEDS];
    double s_half = 2 * truth.c_sync / truth.c_copy;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        json_t *document = explain(&truth, 1000 * (seed + 1));
        assert_string_equal(status_of(document), "fitted");
        copy_covered += covers(document, 0, truth.c_copy);
        sync_covered += covers(document, 1, truth.c_sync);
        errors[seed] = fabs(parameter(document, 2, "value") / s_half - 1);
        json_decref(document);
    }
    print_message("c_copy covered in %zu of %d, c_sync in %zu\n", copy_covered, SEEDS,
                  sync_covered);
    ipm_sort(errors, SEEDS);
    assert_in_range(copy_covered, SEEDS * 93 / 100, SEEDS * 97 / 100);
    assert_in_range(sync_covered, SEEDS * 93 / 100, SEEDS * 97 / 100);
    assert_true(ipm_quantile(errors, SEEDS, 0.5) <= 0.05);
}

/* Three times the copying cost from some size on: the range ends before it. */
static void a_break_ends_the_range(void **state)
{
    static const struct truth truth = {0.08, 1200, 0.02, 8192};
    (void)state;
    needs_gsl();
    json_t *document = explain(&truth, 7);
    const json_t *range = json_object_get(document, "range");
    assert_string_equal(status_of(document), "fitted");
    assert_true(json_number_value(json_object_get(range, "high")) <= 16384);
    assert_true(json_number_value(json_object_get(range, "high")) >= 4096);
    assert_true(json_is_number(json_object_get(range, "rejected_above")));
    assert_true(json_is_string(json_object_get(range, "reason")));
    size_t i;
    json_t *point;
    size_t unused = 0;
    json_array_foreach(json_object_get(document, "points"), i, point)
    {
        bool used = json_is_true(json_object_get(point, "used"));
        assert_true(used == json_is_null(json_object_get(point, "reason")));
        unused += !used;
    }
    assert_true(unused > 0);
    json_decref(document);
}

/* R(s) is measured apart from the fit: 1 where synchronising counts, 2 where copying does,
 * 1.5 at s_half; and constants from the pipe alone predict the other mechanism. */
static void ratio_and_prediction_follow(void **state)
{
    static const struct truth truth = {1, 1024, 0.001, 0}; /* s_half = 2048 */
    (void)state;
    needs_gsl();
    json_t *document = explain(&truth, 3);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "ratio"), i, row)
    {
        double size = json_number_value(json_object_get(row, "size"));
        double exact = 2 * (size + 1024) / (size + 2048);
        assert_true(fabs(json_number_value(json_object_get(row, "value")) - exact) <
                    0.01);
        assert_true(fabs(json_number_value(json_object_get(row, "predicted")) - exact) <
                    0.01);
    }
    const json_t *sample = json_object_get(document, "out_of_sample");
    assert_true(json_number_value(json_object_get(sample, "worst_error")) < 0.01);
    assert_int_equal(json_integer_value(json_object_get(sample, "points")), SIZES);
    json_decref(document);
}

/* Where a counter pass tells the clock of the roles, the constants come in cycles too; where
 * none does, with the reason. */
static void cycles_follow_the_counters(void **state)
{
    static const struct truth truth = {0.08, 1200, 0.001, 0};
    static struct ipm_row rows[ROWS];
    (void)state;
    needs_gsl();
    plant(rows, &truth, 11);
    struct ipm_table table = {.rows = rows, .n_rows = ROWS};
    struct ipm_figure figures[] = {
        {.name = "cycles_per_message", .estimate = {.value = 7500, .n = 1}},
        {.name = "cpu_ns_per_message", .estimate = {.value = 2500, .n = 1}},
    };
    struct ipm_point point = {.factors = rows[0].factors,
                              .figures = figures,
                              .n_figures = IPM_TEST_ROWS(figures)};
    struct ipm_absence absence = {.name = "cycles", .unit = "", .reason = "absent: x"};
    struct ipm_summary with = {.points = &point, .n_points = 1};
    struct ipm_summary without = {.absent = &absence, .n_absent = 1};
    struct ipm_model_input input = {
        .table = &table, .summary = &with, .manifest = NULL};
    json_t *list = ipm_models_json(&input);
    const json_t *document = json_array_get(list, 0);
    const json_t *cycles = json_object_get(document, "cycles");
    double ratio = json_number_value(json_object_get(cycles, "c_sync")) /
                   parameter(document, 1, "value");
    assert_true(fabs(ratio - 3) < 1e-9);
    json_decref(list);

    input.summary = &without;
    list = ipm_models_json(&input);
    document = json_array_get(list, 0);
    assert_true(json_is_null(json_object_get(document, "cycles")));
    assert_string_equal(json_string_value(json_object_get(document, "cycles_reason")),
                        "absent: x");
    json_decref(list);
}

static void nonsense_is_not_fitted(void **state)
{
    static const struct truth flat = {0, 1200, 0.02, 0};
    (void)state;
    needs_gsl();
    json_t *document = explain(&flat, 5);
    assert_string_equal(status_of(document), "not_identifiable");
    assert_true(isnan(parameter(document, 2, "value")));
    assert_true(json_is_string(json_object_get(document, "reason")));
    json_decref(document);

    static struct ipm_row rows[ROWS];
    static const struct truth truth = {0.08, 1200, 0.02, 0};
    plant(rows, &truth, 1);
    for (size_t i = 0; i < ROWS; i++)
        rows[i].factors.placement = "nearest_core";
    struct ipm_table table = {.rows = rows, .n_rows = ROWS};
    struct ipm_summary summary = {0};
    struct ipm_model_input input = {
        .table = &table, .summary = &summary, .manifest = NULL};
    json_t *list = ipm_models_json(&input);
    assert_string_equal(status_of(json_array_get(list, 0)), "no_data");
    json_decref(list);
}

/* Beyond C a pipe wakes once per chunk. */
static void chunks_cost_a_synchronisation_each(void **state)
{
    (void)state;
    double one = ipm_seed_predict(IPM_SEED_PIPE, 65536, 65536, 0.1, 1000);
    double two = ipm_seed_predict(IPM_SEED_PIPE, 65537, 65536, 0.1, 1000);
    assert_true(fabs(one - (2 * 65536 * 0.1 + 2000)) < 1e-6);
    assert_true(fabs(two - one - 2000 - 0.2) < 1e-6);
    assert_true(fabs(ipm_seed_predict(IPM_SEED_SHM, 65537, 65536, 0.1, 1000) -
                     (6553.7 + 2000)) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_constants_are_recovered),
        cmocka_unit_test(a_break_ends_the_range),
        cmocka_unit_test(ratio_and_prediction_follow),
        cmocka_unit_test(cycles_follow_the_counters),
        cmocka_unit_test(nonsense_is_not_fitted),
        cmocka_unit_test(chunks_cost_a_synchronisation_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
