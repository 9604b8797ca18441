/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pooled quantiles against tests/golden/pooled_vectors.json.  How often their intervals cover
 * is asked by test_coverage.c.
 */
#include "analysis/pooled.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/record.h"
#include "tests/support/test.h"

#include <cmocka.h>
#include <math.h>

enum { MOST = 64 };

static struct ipm_histogram scratch;

static void tally_of(struct ipm_histogram *histogram, uint64_t per,
                     struct ipm_tally *tally)
{
    json_t *json = ipm_distribution_json(histogram, per);
    assert_int_equal(ipm_tally_read(json, tally), 0);
    json_decref(json);
}

static json_t *load(const char *name)
{
    char path[512];
    json_error_t problem;
    (void)snprintf(path, sizeof(path), "%s/tests/golden/%s", IPM_SOURCE, name);
    json_t *json = json_load_file(path, 0, &problem);
    if (json == NULL)
        fail_msg("%s:%d: %s", problem.source, problem.line, problem.text);
    return json;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Values below 1024 have a bucket each: nothing is lost between the samples and the tally. */
static void values_match_the_vectors(void **state)
{
    (void)state;
    json_t *vectors = load("pooled_vectors.json");
    const json_t *cases = json_object_get(vectors, "pooled");
    assert_true(json_array_size(cases) >= 40);
    size_t i;
    const json_t *expected;
    json_array_foreach(cases, i, expected)
    {
        static struct ipm_tally tallies[MOST];
        const struct ipm_tally *pointers[MOST];
        const json_t *clusters = json_object_get(expected, "clusters");
        size_t n = json_array_size(clusters);
        assert_true(n > 0 && n <= MOST);
        for (size_t k = 0; k < n; k++) {
            size_t j;
            const json_t *value;
            ipm_histogram_reset(&scratch);
            json_array_foreach(json_array_get(clusters, k), j, value)
                ipm_histogram_add(&scratch, (uint64_t)json_integer_value(value));
            tally_of(&scratch, 1, &tallies[k]);
            pointers[k] = &tallies[k];
        }
        double q = number(expected, "q");
        struct ipm_estimate found;
        assert_int_equal(ipm_pooled_quantiles(pointers, n, &q, 1, 0.95, &found), 0);
        if (found.value != number(expected, "value"))
            fail_msg("case %zu: %g instead of %g", i, found.value,
                     number(expected, "value"));
        const json_t *ends = json_object_get(expected, "interval");
        if (json_is_null(ends) || strcmp(found.reason, "built without GSL") == 0)
            assert_true(isnan(found.low) && isnan(found.high));
        else if (found.low != json_number_value(json_array_get(ends, 0)) ||
                 found.high != json_number_value(json_array_get(ends, 1)))
            fail_msg("case %zu: [%g, %g]", i, found.low, found.high);
        for (size_t k = 0; k < n; k++)
            ipm_tally_fini(&tallies[k]);
    }
    json_decref(vectors);
}

static void few_invocations_have_no_interval(void **state)
{
    (void)state;
    struct ipm_tally tally;
    ipm_histogram_reset(&scratch);
    for (uint64_t i = 1; i <= 100; i++)
        ipm_histogram_add(&scratch, 4 * i);
    tally_of(&scratch, 4, &tally);
    assert_int_equal(tally.count, 100);
    const struct ipm_tally *pointers[] = {&tally, &tally, &tally,
                                          &tally, &tally, &tally};
    const double qs[] = {0.5, 0.99};
    struct ipm_estimate found[2];
    assert_int_equal(ipm_pooled_quantiles(pointers, 5, qs, 2, 0.95, found), 0);
    assert_true(found[0].value == 50 && found[1].value == 99);
    assert_true(isnan(found[0].low) && isnan(found[1].high));
    assert_string_equal(found[0].reason,
                        "too few: 5 of the 6 invocations that an interval needs");
    assert_int_equal(ipm_pooled_quantiles(pointers, 6, qs, 2, 0.95, found), 0);
    if (found[0].reason[0] == '\0')
        assert_true(found[1].low == 99 && found[1].high == 99 &&
                    found[1].level == 0.95);
    else
        assert_string_equal(found[0].reason, "built without GSL");
    ipm_tally_fini(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_match_the_vectors),
        cmocka_unit_test(few_invocations_have_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
