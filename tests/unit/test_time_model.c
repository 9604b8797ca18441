/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The time model on planted truth, through the very path of a real run: rows of a table in,
 * the document of report.json out.  The same with a thousand seeds: tests/bench/time_model.c.
 */
#include "tests/support/planted_times.h"
#include "tests/support/test.h"

#include <math.h>

enum { SEEDS = 12 };

static void needs_gsl(void)
{
#if !IPM_HAVE_GSL
    print_message("skipped: built without GSL\n");
    skip();
#endif
}

static const json_t *first_series(const json_t *document)
{
    return json_array_get(json_object_get(document, "series"), 0);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? "" : value;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Of all truths together, since a share of a dozen seeds says little: with the shares that
 * the thousand show, 97 % found, 2 % too many and 94 % covered, these bounds are missed with
 * p < 1e-4. */
static void planted_breaks_and_lines_are_recovered(void **state)
{
    struct planted_tally all = {0};
    (void)state;
    needs_gsl();
    for (size_t i = 0; i < PLANTED_TRUTHS; i++) {
        struct planted_tally tally = planted_run(&planted_truths[i], 500, SEEDS);
        all.seeds += tally.seeds;
        all.found += tally.found;
        all.spurious += tally.spurious;
        for (size_t k = 0; k < 4; k++)
            all.covered[k] += tally.covered[k];
        assert_true(fabs(tally.robust_bias) < 0.02);
        if (planted_truths[i].outliers > 0)
            assert_true(tally.plain_bias > 0.1);
    }
    print_message("of %d: found %d, too many %d, covered %d %d %d %d\n", all.seeds,
                  all.found, all.spurious, all.covered[0], all.covered[1],
                  all.covered[2], all.covered[3]);
    assert_int_equal(all.seeds, 96);
    assert_true(all.found >= 86);
    assert_true(all.spurious <= 9);
    for (size_t k = 0; k < 4; k++)
        assert_true(all.covered[k] >= 79);
}

static void a_break_has_a_name_and_a_runner_up(void **state)
{
    static struct ipm_row rows[PLANTED_ROWS];
    static const struct planted_truth truth = {"", 2500, {0.05, 0.4, 0.4}, false, 0.005,
                                               1,  0};
    (void)state;
    needs_gsl();
    planted_fill(&truth, 3, rows);
    json_t *manifest = planted_manifest();
    json_t *document = planted_explain(rows, PLANTED_ROWS, manifest);
    const json_t *series = first_series(document);
    const json_t *breaks = json_object_get(series, "breaks");
    assert_int_equal(json_array_size(breaks), 1);
    assert_string_equal(text(json_array_get(breaks, 0), "name"), "L1d");
    assert_true(number(json_array_get(breaks, 0), "frequency") >= 0.8);
    const json_t *selection = json_object_get(series, "selection");
    const json_t *second = json_object_get(selection, "runner_up");
    assert_true(number(second, "aicc") > number(selection, "aicc"));
    assert_true(number(json_object_get(selection, "straight"), "aicc") >
                number(selection, "aicc") + 4);
    assert_true(json_array_size(json_object_get(second, "breaks")) > 0);
    assert_int_equal(json_array_size(json_object_get(series, "points")), PLANTED_SIZES);
    json_decref(document);
    json_decref(manifest);
}

/* Every invocation that took twice as long and more is kept by name, and no other. */
static void what_is_left_out_is_kept(void **state)
{
    static struct ipm_row rows[PLANTED_ROWS];
    static const struct planted_truth truth = {"", 2500, {0.1, 0.1, 0.1}, false, 0.005,
                                               1,  0};
    (void)state;
    needs_gsl();
    planted_fill(&truth, 3, rows);
    for (size_t i = 5; i < PLANTED_ROWS; i += 17)
        rows[i].p50_ns *= 3;
    json_t *manifest = planted_manifest();
    json_t *document = planted_explain(rows, PLANTED_ROWS, manifest);
    const json_t *rejected = json_object_get(first_series(document), "rejected");
    size_t i;
    json_t *row;
    size_t spoiled = 0;
    json_array_foreach(rejected, i, row)
    {
        assert_true(json_is_integer(json_object_get(row, "invocation")));
        spoiled += number(row, "residual") > 1.5;
    }
    assert_int_equal(spoiled, (PLANTED_ROWS - 5 + 16) / 17);
    json_decref(document);
    json_decref(manifest);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    static struct ipm_row rows[PLANTED_ROWS];
    char *texts[3];
    (void)state;
    needs_gsl();
    planted_fill(&planted_truths[7], 11, rows);
    json_t *manifest = planted_manifest();
    for (size_t i = 0; i < 3; i++) {
        if (i == 2) /* the draws' seed: other intervals of the same values */
            (void)json_object_set_new(manifest, "seed", json_integer(8));
        json_t *document = planted_explain(rows, PLANTED_ROWS, manifest);
        texts[i] = json_dumps(document, 0);
        json_decref(document);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_string_not_equal(texts[0], texts[2]);
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
    json_decref(manifest);
}

struct copying {
    double copies; /* planted */
    int64_t declared;
    double chunk_bytes; /* a further synchronisation for each; 0: none */
    bool touched;       /* the payload is written and read */
    bool floors;        /* those of the touch are measured too */
};

static double copy_ns(double size)
{
    return 4 + 0.03 * size + 0.03 * fmax(size - planted_l1, 0);
}

/* Rows of a mechanism and of the floors. */
static size_t plant_copies(const struct copying *plan, uint64_t seed,
                           struct ipm_row *rows)
{
    static const char *const floors[] = {"floor_memcpy", "floor_produce",
                                         "floor_consume"};
    size_t n = 0;
    planted_state = seed;
    for (size_t i = 0; i < PLANTED_ROWS; i++) {
        size_t index = i % PLANTED_SIZES;
        double size = (double)planted_size(index);
        int64_t invocation = (int64_t)(i / PLANTED_SIZES);
        double produce = plan->touched ? 0.02 * size : 0;
        double consume = plan->touched ? 0.01 * size : 0;
        double chunks = plan->chunk_bytes > 0 ? ceil(size / plan->chunk_bytes) : 1;
        double time_ns =
            plan->copies * (copy_ns(size) - 4) + produce + consume + 2500 * chunks;
        double times[] = {copy_ns(size), 0.02 * size, 0.01 * size};
        rows[n++] =
            planted_row("pingpong", "planted", plan->declared, planted_size(index),
                        invocation, time_ns * (1 + 0.01 * planted_gaussian()));
        rows[n - 1].factors.touch = plan->touched ? "full" : "none";
        for (size_t k = 0; k < (plan->floors ? 3u : 1u); k++)
            rows[n++] =
                planted_row("self_loop", floors[k], 1, planted_size(index), invocation,
                            times[k] * (1 + 0.01 * planted_gaussian()));
    }
    return n;
}

static json_t *copies_manifest(const struct copying *plan)
{
    json_t *manifest = planted_manifest();
    json_t *mode = json_array_get(
        json_object_get(
            json_array_get(
                json_object_get(json_object_get(manifest, "describe"), "mechanisms"),
                0),
            "modes"),
        0);
    (void)json_object_set_new(mode, "copies", json_integer(plan->declared));
    (void)json_object_set_new(mode, "copies_made", json_integer(plan->declared));
    (void)json_object_set_new(mode, "chunk_bytes",
                              json_integer((json_int_t)plan->chunk_bytes));
    return manifest;
}

/* How often the verdict over all sizes is that; k may not be off by more than a tenth. */
static int count_verdicts(const struct copying *plan, const char *verdict)
{
    static struct ipm_row rows[4 * PLANTED_ROWS];
    int count = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        size_t n = plant_copies(plan, seed * 77, rows);
        json_t *manifest = copies_manifest(plan);
        json_t *document = planted_explain(rows, n, manifest);
        const json_t *series = first_series(document);
        const json_t *test = json_array_get(json_object_get(series, "tests"), 0);
        double k = number(json_object_get(test, "copies"), "value");
        assert_string_equal(text(series, "mechanism"), "planted");
        assert_true(fabs(k - plan->copies) < 0.1);
        count += strcmp(text(test, "verdict"), verdict) == 0;
        json_decref(document);
        json_decref(manifest);
    }
    return count;
}

/* An interval of 95 % misses now and then; of a dozen, five in 1e6. */
static void declared_copies_are_tested(void **state)
{
    (void)state;
    needs_gsl();
    for (int64_t k = 0; k <= 2; k++) {
        const struct copying right = {(double)k, k, 0, false, false};
        assert_true(count_verdicts(&right, "confirmed") >= 7);
    }
    const struct copying touched = {2, 2, 0, true, true};
    assert_true(count_verdicts(&touched, "confirmed") >= 7);
    const struct copying more = {3, 2, 0, false, false};
    assert_int_equal(count_verdicts(&more, "rejected"), SEEDS);
    const struct copying fewer = {0, 1, 0, false, false};
    assert_int_equal(count_verdicts(&fewer, "rejected"), SEEDS);
}

/* Where every chunk costs a synchronisation, up to one chunk there is nothing but copying; over
 * all sizes the two are told apart, and a further chunk costs as much as the first. */
static void chunks_are_told_apart(void **state)
{
    static struct ipm_row rows[4 * PLANTED_ROWS];
    static const struct copying plan = {2, 2, 65536, false, false};
    (void)state;
    needs_gsl();
    size_t n = plant_copies(&plan, 5, rows);
    json_t *manifest = copies_manifest(&plan);
    json_t *document = planted_explain(rows, n, manifest);
    const json_t *tests = json_object_get(first_series(document), "tests");
    assert_true(json_array_size(tests) >= 3);
    const json_t *whole = json_array_get(tests, 0);
    const json_t *one_chunk = json_array_get(tests, 1);
    assert_true(number(whole, "vif") > 1);
    assert_true(number(whole, "vif") < 10);
    assert_true(fabs(number(json_object_get(whole, "copies"), "value") - 2) < 0.1);
    assert_true(fabs(number(json_object_get(whole, "further_chunk"), "value") - 1) <
                0.1);
    assert_true(number(one_chunk, "to") <= 65536);
    assert_true(isnan(number(one_chunk, "vif")));
    assert_true(fabs(number(json_object_get(one_chunk, "copies"), "value") - 2) < 0.1);

    /* Beyond one chunk both grow in step. */
    const json_t *beyond = json_array_get(tests, 2);
    assert_true(number(beyond, "from") > 65536);
    assert_true(number(beyond, "vif") > 10);
    assert_string_equal(text(beyond, "verdict"), "undecided");
    assert_non_null(strstr(text(beyond, "reason"), "grow alike"));
    json_decref(document);
    json_decref(manifest);
}

static char *text_of(const json_t *document)
{
    char *words = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&words, &length);
    assert_non_null(out);
    for (size_t i = 0; ipm_models[i] != NULL; i++) {
        if (strcmp(ipm_models[i]->name, "time") == 0)
            ipm_models[i]->text(document, out);
    }
    assert_int_equal(fclose(out), 0);
    return words;
}

/* A line of a few words for a series; a regime with other copies by how many. */
static void the_text_is_short(void **state)
{
    static struct ipm_row rows[4 * PLANTED_ROWS];
    static const struct copying right = {2, 2, 0, false, false};
    static const struct copying wrong = {3, 2, 65536, false, false};
    (void)state;
    needs_gsl();
    size_t n = plant_copies(&right, 5, rows);
    json_t *manifest = copies_manifest(&right);
    json_t *document = planted_explain(rows, n, manifest);
    char *words = text_of(document);
    assert_non_null(strstr(words, "2 declared: confirmed"));
    assert_non_null(strstr(words, "same_cpu")); /* said once, for all */
    size_t lines = 0;
    for (const char *at = words; *at != '\0'; at++)
        lines += *at == '\n';
    assert_true(lines <= 6);
    free(words);
    json_decref(document);
    json_decref(manifest);

    n = plant_copies(&wrong, 5, rows);
    manifest = copies_manifest(&wrong);
    document = planted_explain(rows, n, manifest);
    words = text_of(document);
    assert_non_null(strstr(words, "2 declared: rejected"));
    assert_non_null(strstr(words, " more"));
    assert_null(strstr(words, "confirmed"));
    free(words);
    json_decref(document);
    json_decref(manifest);
}

static void what_is_missing_is_said(void **state)
{
    static struct ipm_row rows[4 * PLANTED_ROWS];
    (void)state;
    needs_gsl();
    planted_fill(&planted_truths[0], 1, rows);
    json_t *document = planted_explain(rows, PLANTED_ROWS, NULL);
    const json_t *series = first_series(document);
    assert_string_equal(text(series, "status"), "fitted");
    assert_string_equal(text(series, "verdict"), "undecided");
    assert_non_null(strstr(text(series, "verdict_reason"), "floor_memcpy"));
    assert_true(
        json_is_null(json_object_get(json_object_get(series, "declared"), "copies")));
    json_decref(document);

    const struct copying touched = {2, 2, 0, true, false};
    size_t n = plant_copies(&touched, 1, rows);
    document = planted_explain(rows, n, NULL);
    assert_non_null(
        strstr(text(first_series(document), "verdict_reason"), "floor_produce"));
    json_decref(document);

    for (size_t i = 0; i < PLANTED_ROWS; i++)
        rows[i].sample = "interval"; /* the sides overlap */
    document = planted_explain(rows, PLANTED_ROWS, NULL);
    assert_string_equal(text(document, "status"), "no_data");
    assert_true(strlen(text(document, "reason")) > 0);
    json_decref(document);

    planted_fill(&planted_truths[0], 1, rows);
    document = planted_explain(rows, 2 * PLANTED_SIZES, NULL); /* two invocations */
    assert_string_equal(text(document, "status"), "no_data");
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_breaks_and_lines_are_recovered),
        cmocka_unit_test(a_break_has_a_name_and_a_runner_up),
        cmocka_unit_test(what_is_left_out_is_kept),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(declared_copies_are_tested),
        cmocka_unit_test(chunks_are_told_apart),
        cmocka_unit_test(the_text_is_short),
        cmocka_unit_test(what_is_missing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
