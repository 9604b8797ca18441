/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare: planted factors come back, and what must not be compared is not. */
#include "analysis/compare.h"
#include "analysis/compare_class.h"
#include "analysis/compare_words.h"
#include "tests/support/records.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

enum { INVOCATIONS = 8 };

/* What a test plants on one side. */
struct side {
    const char *name;
    double factor;             /* on all costs */
    double ring;               /* on those of shm_ring, besides; 0: as the others */
    const char *class;         /* placement_class of all; NULL: the placement */
    const char *manifest;      /* NULL: a plain one */
    uint64_t seed;             /* of the noise; 0: none */
    double noise, block_noise; /* sigmas of logarithms */
    bool fewer;                /* without the larger size */
    bool twice;                /* each point again, asked for as nearest_core */
};

static const char plain[] =
    "{\"schema\": 1, \"name\": \"planted\", \"host\": {\"cpu_model\": \"one\"}}";
static const char emulated[] =
    "{\"schema\": 1, \"host\": {\"cpu_model\": \"two\", \"emulated\": true}}";
static const char newer[] = "{\"schema\": 1, \"host\": {\"cpu_model\": \"one\"}, "
                            "\"describe\": {\"mechanisms\": [{\"name\": "
                            "\"pipe\", \"version\": 2}]}}";
static const char older[] = "{\"schema\": 1, \"host\": {\"cpu_model\": \"one\"}, "
                            "\"describe\": {\"mechanisms\": [{\"name\": "
                            "\"pipe\", \"version\": 1}]}}";

/* About normal, by twelve uniforms: mean 0, sigma 1. */
static double normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(ipm_test_random(state) >> 11) / 9007199254740992.0;
    return sum;
}

/* A result directory of two mechanisms at two sizes. */
static void put_run(void **state, const struct side *side, char path[256])
{
    static const char *const mechanisms[] = {"pipe", "shm_ring"};
    char file[300];
    uint64_t noise = side->seed;
    double block[INVOCATIONS] = {0};
    const char *manifest = side->manifest == NULL ? plain : side->manifest;
    (void)ipm_test_path(state, side->name, path);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(file, sizeof(file), "%s/manifest.json", path);
    ipm_test_write(file, manifest, strlen(manifest));
    (void)snprintf(file, sizeof(file), "%s/records.jsonl", path);
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    for (int i = 0; i < INVOCATIONS && side->seed != 0; i++)
        block[i] = side->block_noise * normal(&noise);
    for (int m = 0; m < 2; m++) {
        for (int size = 64; size <= 8192 && !(side->fewer && size > 64); size *= 128) {
            for (int i = 0; i < INVOCATIONS; i++) {
                char point[32];
                (void)snprintf(point, sizeof(point), "%s-%d", mechanisms[m], size);
                double factor = m == 1 && side->ring > 0 ? side->ring : side->factor;
                double log_noise = side->seed == 0
                                       ? 0.001 * i
                                       : block[i] + side->noise * normal(&noise);
                double p50 = 1000 * (m + 1) * factor * exp(log_noise);
                json_t *record =
                    ipm_test_record(&(struct ipm_test_row){.point = point,
                                                           .mechanism = mechanisms[m],
                                                           .size = size,
                                                           .invocation = i,
                                                           .p50_ns = p50,
                                                           .cpu_ns = p50 / 2});
                if (side->twice) {
                    json_t *again = json_deep_copy(record);
                    (void)json_object_set_new(again, "point",
                                              json_sprintf("%s-again", point));
                    (void)json_object_set_new(again, "placement",
                                              json_string("nearest_core"));
                    (void)json_object_set_new(again, "placement_class",
                                              json_string(side->class));
                    ipm_test_put_record(out, again);
                }
                if (side->class != NULL)
                    (void)json_object_set_new(record, "placement_class",
                                              json_string(side->class));
                ipm_test_put_record(out, record);
            }
        }
    }
    assert_int_equal(fclose(out), 0);
}

/* Compares sides of one session each; the document is the caller's. */
static json_t *compare(void **state, const struct side *sides, size_t n)
{
    struct ipm_why why = {0};
    struct ipm_compare compared;
    json_t *document = NULL;
    assert_int_equal(ipm_compare_open(&compared), 0);
    for (size_t i = 0; i < n; i++) {
        char path[256];
        put_run(state, &sides[i], path);
        assert_int_equal(ipm_compare_add(&compared, path, i, &why), 0);
    }
    assert_int_equal(ipm_compare_close(&compared), 0);
    assert_int_equal(ipm_compare_document(&compared, &document, &why), 0);
    ipm_compare_fini(&compared);
    return document;
}

static const json_t *pair_of(const json_t *document, const char *by)
{
    const json_t *first = json_array_get(json_object_get(document, "comparisons"), 0);
    return json_object_get(json_object_get(first, "by"), by);
}

static const json_t *class_of(const json_t *document, const char *by, size_t number)
{
    return json_array_get(json_object_get(pair_of(document, by), "classes"), number);
}

static double number(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    return json_is_number(member) ? json_number_value(member) : (double)NAN;
}

static bool has_gsl(void)
{
    return !isnan(ipm_student(5, 0.95));
}

static void finds_a_planted_factor(void **state)
{
    static const char *const bys[] = {"latency", "p99", "throughput", "cpu"};
    const struct side sides[] = {
        {.name = "a", .factor = 1, .seed = 1, .noise = 0.02, .block_noise = 0.01},
        {.name = "b", .factor = 1.3, .seed = 2, .noise = 0.02, .block_noise = 0.01}};
    json_t *document = compare(state, sides, 2);
    for (size_t i = 0; i < IPM_TEST_ROWS(bys) && has_gsl(); i++) {
        const json_t *all = class_of(document, bys[i], 0);
        const json_t *mean = json_object_get(all, "mean");
        /* Five times the interval: how often it holds is held_as_often's to say. */
        double reach = 5 * (number(mean, "high") - number(mean, "low"));
        assert_true(fabs(number(mean, "value") - 1.3) < reach);
        assert_true(number(mean, "low") < number(mean, "value"));
        assert_int_equal((int)number(all, "points"), 4);
        assert_int_equal((int)number(all, "worse"), 4);
        assert_false(json_is_true(json_object_get(all, "conflict")));
    }
    assert_true(ipm_compare_any(document));
    json_decref(document);
}

static void same_is_a_tie_of_one(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1},
                                 {.name = "b", .factor = 1}};
    json_t *document = compare(state, sides, 2);
    const json_t *all = class_of(document, "latency", 0);
    assert_int_equal((int)number(all, "tied") + (int)number(all, "unsure"), 4);
    if (has_gsl())
        assert_true(fabs(number(json_object_get(all, "mean"), "value") - 1) < 1e-9);
    assert_int_equal(json_array_size(json_object_get(
                         json_object_get(document, "environment"), "unlike")),
                     0);
    json_decref(document);
}

static void signs_that_conflict_have_no_mean(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1},
                                 {.name = "b", .factor = 1.5, .ring = 0.6}};
    json_t *document = compare(state, sides, 2);
    const json_t *all = class_of(document, "latency", 0);
    if (!has_gsl()) {
        json_decref(document);
        skip();
    }
    assert_true(json_is_true(json_object_get(all, "conflict")));
    assert_true(json_is_null(json_object_get(json_object_get(all, "mean"), "value")));
    const json_t *mechanisms = json_object_get(all, "mechanisms");
    assert_int_equal(json_array_size(mechanisms), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(
            json_is_true(json_object_get(json_array_get(mechanisms, i), "interacts")));
    json_decref(document);
}

static void emulated_is_not_compared_with_real(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1},
                                 {.name = "b", .factor = 9, .manifest = emulated}};
    json_t *document = compare(state, sides, 2);
    const json_t *pair = pair_of(document, "latency");
    assert_int_equal(json_array_size(json_object_get(pair, "classes")), 0);
    assert_int_equal((int)number(pair, "refused"), 4);
    assert_non_null(
        strstr(json_string_value(json_object_get(pair, "refusal")), "emulat"));
    assert_false(ipm_compare_any(document));
    assert_int_equal((int)number(json_object_get(document, "matching"), "common"), 4);
    const json_t *environment = json_object_get(document, "environment");
    assert_true(number(environment, "hard") >= 1);
    json_decref(document);
}

static void two_emulated_ones_are(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1, .manifest = emulated},
                                 {.name = "b", .factor = 2, .manifest = emulated}};
    json_t *document = compare(state, sides, 2);
    assert_true(ipm_compare_any(document));
    json_decref(document);
}

static void other_versions_are_refused_by_point(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1, .manifest = older},
                                 {.name = "b", .factor = 1, .manifest = newer}};
    json_t *document = compare(state, sides, 2);
    const json_t *pair = pair_of(document, "latency");
    assert_int_equal((int)number(pair, "refused"), 2); /* pipe's; shm_ring stays */
    assert_int_equal((int)number(class_of(document, "latency", 0), "points"), 2);
    json_decref(document);
}

static void placement_is_matched_by_class(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1, .class = "same_llc"},
                                 {.name = "b", .factor = 1, .class = "cross_llc"}};
    json_t *document = compare(state, sides, 2);
    const json_t *matching = json_object_get(document, "matching");
    assert_int_equal((int)number(matching, "points"), 8);
    assert_int_equal((int)number(matching, "common"), 0);
    const json_t *example = json_array_get(json_object_get(matching, "examples"), 0);
    assert_non_null(
        strstr(json_string_value(json_object_get(example, "reason")), "class"));
    assert_false(ipm_compare_any(document));
    json_decref(document);
}

static void points_of_one_side_are_told(void **state)
{
    const struct side sides[] = {{.name = "a", .factor = 1},
                                 {.name = "b", .factor = 1, .fewer = true}};
    json_t *document = compare(state, sides, 2);
    const json_t *matching = json_object_get(document, "matching");
    assert_int_equal((int)number(matching, "common"), 2);
    assert_int_equal((int)number(matching, "some"), 2);
    assert_int_equal((int)number(class_of(document, "latency", 0), "points"), 2);
    json_decref(document);
}

static void what_means_the_same_is_pooled(void **state)
{
    const struct side sides[] = {
        {.name = "a", .factor = 1, .class = "same_llc"},
        {.name = "b", .factor = 1, .class = "same_llc", .twice = true}};
    json_t *document = compare(state, sides, 2);
    const json_t *side = json_array_get(json_object_get(document, "sides"), 1);
    const json_t *session = json_array_get(json_object_get(side, "sessions"), 0);
    assert_int_equal((int)number(session, "points"), 8);
    assert_int_equal((int)number(session, "pooled"), 4);
    assert_non_null(strstr(json_string_value(json_object_get(session, "pooled_as")),
                           "asked for again as same_cpu"));
    const json_t *matching = json_object_get(document, "matching");
    assert_int_equal((int)number(matching, "common"), 4);
    const json_t *points = json_object_get(document, "points");
    const json_t *by = json_object_get(json_array_get(points, 0), "by");
    const json_t *figures = json_object_get(json_object_get(by, "latency"), "figures");
    assert_int_equal((int)number(json_array_get(figures, 0), "n"), INVOCATIONS);
    assert_int_equal((int)number(json_array_get(figures, 1), "n"), 2 * INVOCATIONS);
    json_decref(document);
}

static void places_share_where_nothing_is_told_apart(void **state)
{
    const struct side sides[] = {
        {.name = "a", .factor = 1, .seed = 3, .noise = 0.02},
        {.name = "b", .factor = 1.001, .seed = 4, .noise = 0.02},
        {.name = "c", .factor = 2, .seed = 5, .noise = 0.02}};
    json_t *document = compare(state, sides, 3);
    const json_t *rank = json_object_get(json_object_get(document, "ranks"), "latency");
    const json_t *list = json_object_get(rank, "sides");
    if (!has_gsl()) {
        json_decref(document);
        skip();
    }
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal((int)number(json_array_get(list, 0), "place"), 1);
    assert_int_equal((int)number(json_array_get(list, 1), "place"), 1);
    assert_int_equal((int)number(json_array_get(list, 2), "place"), 3);
    assert_true(number(json_array_get(list, 2), "first") == 0);
    json_decref(document);
}

static void one_bad_directory_is_left_out(void **state)
{
    struct ipm_why why = {0};
    struct ipm_compare compared;
    char path[256];
    char bad[256];
    char file[300];
    put_run(state, &(struct side){.name = "a", .factor = 1}, path);
    put_run(state, &(struct side){.name = "bad", .factor = 1, .manifest = "{\"host\""},
            bad);
    assert_int_equal(ipm_compare_open(&compared), 0);
    assert_int_equal(ipm_compare_add(&compared, path, 0, &why), 0);
    assert_int_equal(ipm_compare_add(&compared, bad, 1, &why), 1);
    assert_int_equal(ipm_compare_add(&compared, "/nowhere/at/all", 2, &why), 1);
    (void)snprintf(file, sizeof(file), "%s/records.jsonl", bad);
    ipm_test_write(file, "nothing\n", strlen("nothing\n"));
    (void)snprintf(file, sizeof(file), "%s/manifest.json", bad);
    ipm_test_write(file, plain, strlen(plain));
    assert_int_equal(ipm_compare_add(&compared, bad, 3, &why), 1);
    assert_int_equal(ipm_compare_close(&compared), 0);
    assert_int_equal(compared.n_sides, 1);
    assert_int_equal(compared.n_left_out, 3);
    assert_int_equal(compared.left_out[1].error, -ENOENT);
    assert_int_equal(compared.n_points, 4);
    ipm_compare_fini(&compared);
}

/* A digest stands for its records, and for no others. */
static void a_digest_says_what_records_say(void **state)
{
    struct ipm_why why = {0};
    struct ipm_report report;
    enum ipm_digest_source source;
    char path[256];
    char file[300];
    struct ipm_digest made;
    struct ipm_digest read;
    put_run(state, &(struct side){.name = "a", .factor = 1, .seed = 9, .noise = 0.1},
            path);
    assert_int_equal(ipm_digest_load(path, NULL, &made, &source, &why), 0);
    assert_int_equal(source, IPM_DIGEST_MADE);
    assert_int_equal(ipm_report_load(path, NULL, &report, &why), 0);
    assert_int_equal(ipm_digest_write(&report, path, &why), 0);
    ipm_report_fini(&report);
    assert_int_equal(ipm_digest_load(path, NULL, &read, &source, &why), 0);
    assert_int_equal(source, IPM_DIGEST_FILE);
    static const char *const members[] = {"points", "blocks", "joules", "constants"};
    for (size_t i = 0; i < IPM_TEST_ROWS(members); i++)
        assert_true(json_equal(json_object_get(made.json, members[i]),
                               json_object_get(read.json, members[i])));
    assert_int_equal(made.length, read.length);
    assert_memory_equal(made.figures, read.figures, made.length);
    ipm_digest_fini(&read);
    /* Points that were seen before say the same as those that are parsed. */
    json_t *shared = json_object();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ipm_digest_load(path, shared, &read, &source, &why), 0);
        assert_int_equal(source, IPM_DIGEST_FILE);
        assert_int_equal(json_object_size(shared), 4);
        assert_true(json_equal(json_object_get(made.json, "points"),
                               json_object_get(read.json, "points")));
        assert_true(json_equal(json_object_get(made.json, "constants"),
                               json_object_get(read.json, "constants")));
        ipm_digest_fini(&read);
    }
    json_decref(shared);
    ipm_digest_fini(&made);
    (void)snprintf(file, sizeof(file), "%s/records.jsonl", path);
    FILE *out = fopen(file, "ae");
    assert_non_null(out);
    ipm_test_put_row(out, (struct ipm_test_row){.point = "new", .p50_ns = 5});
    assert_int_equal(fclose(out), 0);
    assert_int_equal(ipm_digest_load(path, NULL, &read, &source, &why), 0);
    assert_int_equal(source, IPM_DIGEST_MADE);
    assert_int_equal(json_array_size(json_object_get(read.json, "points")), 5);
    ipm_digest_fini(&read);
}

/* Values of one point, of a class of points, and of sessions, drawn with a common part by
 * block: how often the intervals of ratios hold the factor. */
enum { SEEDS = 1000, POINTS = 10 };

static void fill(struct ipm_compare *compared, struct ipm_compare_cell *cells,
                 double *costs, int32_t *blocks, double shift, uint64_t *noise)
{
    for (size_t session = 0; session < 2; session++) {
        double block[INVOCATIONS];
        for (int i = 0; i < INVOCATIONS; i++)
            block[i] = 0.02 * normal(noise);
        for (size_t p = 0; p < POINTS; p++) {
            struct ipm_compare_cell *cell = &cells[p * 2 + session];
            double *of = costs + (p * 2 + session) * INVOCATIONS;
            *cell = (struct ipm_compare_cell){
                .n = INVOCATIONS, .known = {INVOCATIONS}, .blocks = blocks};
            for (int i = 0; i < INVOCATIONS; i++) {
                blocks[i] = i;
                of[i] = 7 + (double)p + (session == 1 ? shift : 0) + block[i] +
                        0.03 * normal(noise);
            }
            cell->costs[0] = of;
            compared->sessions[session].cells[p] = cell;
        }
    }
}

static void held_as_often(void **state)
{
    static struct ipm_compare_cell cells[2 * POINTS];
    static double costs[2 * POINTS * INVOCATIONS];
    static int32_t blocks[INVOCATIONS];
    static struct ipm_compare_cell *slots[2][POINTS];
    static struct ipm_compare_point points[POINTS];
    static struct ipm_compare_ranks ranks;
    static struct ipm_compare_ratio ratios[POINTS];
    struct ipm_compare_session sessions[2] = {
        {.side = 0, .provenance = "", .n_blocks = INVOCATIONS, .cells = slots[0]},
        {.side = 1, .provenance = "", .n_blocks = INVOCATIONS, .cells = slots[1]}};
    sessions[0].n_cells = sessions[1].n_cells = POINTS;
    size_t first[] = {0, 1, 2};
    char *names[] = {"a", "b"};
    struct ipm_compare compared = {.sessions = sessions,
                                   .n_sessions = 2,
                                   .n_sides = 2,
                                   .first = first,
                                   .names = names,
                                   .points = points,
                                   .n_points = POINTS};
    size_t by_class = 0;
    size_t by_point = 0;
    uint64_t noise = 20260102;
    (void)state;
    if (!has_gsl()) {
        print_message("skipped: built without GSL, so there are no intervals\n");
        skip();
    }
    for (size_t p = 0; p < POINTS; p++) {
        points[p].number = p;
        points[p].factors = (struct ipm_factors){.workload = "pingpong",
                                                 .mechanism = p % 2 ? "pipe" : "ring",
                                                 .placement = "same_cpu",
                                                 .placement_class = "same_cpu",
                                                 .wait = "block",
                                                 .size = 64};
    }
    for (size_t seed = 0; seed < SEEDS; seed++) {
        const struct ipm_compare_choice all = {.kind = IPM_COMPARE_ALL};
        struct ipm_compare_pair pair;
        struct ipm_compare_mean mean;
        fill(&compared, cells, costs, blocks, log(1.3), &noise);
        assert_int_equal(ipm_compare_pair_make(&compared, 0, 1, IPM_BY_LATENCY, &ranks,
                                               ratios, &pair),
                         0);
        assert_int_equal(ipm_compare_mean(&pair, &all, NULL, 0.95, &mean), 0);
        by_class += mean.low <= 1.3 && mean.high >= 1.3;
        for (size_t p = 0; p < POINTS; p++)
            by_point += ratios[p].low <= 1.3 && ratios[p].high >= 1.3;
        ipm_compare_pair_fini(&pair);
    }
    double of_class = 100 * (double)by_class / SEEDS;
    double of_points = 100 * (double)by_point / (SEEDS * POINTS);
    print_message("95 %% intervals held in %.1f %% (class) and %.1f %% (points)\n",
                  of_class, of_points);
    assert_true(of_class >= 92 && of_class <= 98);
    assert_true(of_points >= 92 && of_points <= 98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_a_planted_factor, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(same_is_a_tie_of_one, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(signs_that_conflict_have_no_mean,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(emulated_is_not_compared_with_real,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(two_emulated_ones_are, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(other_versions_are_refused_by_point,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(placement_is_matched_by_class,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(points_of_one_side_are_told, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(what_means_the_same_is_pooled,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(places_share_where_nothing_is_told_apart,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(one_bad_directory_is_left_out,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(a_digest_says_what_records_say,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test(held_as_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
