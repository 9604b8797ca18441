/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pooled quantiles: against tests/golden/pooled_vectors.json, and how often their intervals
 * cover a quantile that is known.
 */
#include "analysis/pooled.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/record.h"
#include "tests/support/test.h"

#include <cmocka.h>
#include <math.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#endif

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

#if IPM_HAVE_GSL

enum { RUNS = 2000, MESSAGES = 500 };

/*
 * A run: @n invocations on levels of their own, messages that resemble their neighbours
 * (first-order autoregression of the logarithm, rho 0.5), log-normal as a whole.
 */
static void simulate(gsl_rng *source, size_t n, struct ipm_tally *tallies)
{
    const double rho = 0.5;
    for (size_t k = 0; k < n; k++) {
        double level = log(5000) + gsl_ran_gaussian_ziggurat(source, 0.03);
        double state = gsl_ran_gaussian_ziggurat(source, 1);
        ipm_histogram_reset(&scratch);
        for (int i = 0; i < MESSAGES; i++) {
            state =
                rho * state + gsl_ran_gaussian_ziggurat(source, sqrt(1 - rho * rho));
            ipm_histogram_add(&scratch, (uint64_t)lround(exp(level + 0.10 * state)));
        }
        tally_of(&scratch, 1, &tallies[k]);
    }
}

static void covers(size_t n, size_t runs)
{
    static struct ipm_tally tallies[MOST];
    const struct ipm_tally *pointers[MOST];
    const double qs[] = {0.5, 0.99};
    size_t hits[2] = {0};
    gsl_rng *source = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(source, 20240229);
    for (size_t run = 0; run < runs; run++) {
        struct ipm_estimate found[2];
        simulate(source, n, tallies);
        for (size_t k = 0; k < n; k++)
            pointers[k] = &tallies[k];
        assert_int_equal(ipm_pooled_quantiles(pointers, n, qs, 2, 0.95, found), 0);
        for (size_t i = 0; i < 2; i++) {
            double truth = 5000 * exp(gsl_cdf_ugaussian_Pinv(qs[i]) * hypot(0.03, 0.1));
            hits[i] += found[i].low <= truth && truth <= found[i].high;
        }
        for (size_t k = 0; k < n; k++)
            ipm_tally_fini(&tallies[k]);
    }
    gsl_rng_free(source);
    for (size_t i = 0; i < 2; i++) {
        double share = (double)hits[i] / (double)runs;
        print_message("%zu invocations, quantile %g: %.2f %% of %zu intervals cover\n",
                      n, qs[i], 100 * share, runs);
        if (getenv("IPM_SURVEY") == NULL && (share < 0.93 || share > 0.97))
            fail_msg("nominal 95 %% intervals cover %.2f %%", 100 * share);
    }
}

static void intervals_cover_as_often_as_they_say(void **state)
{
    (void)state;
    if (getenv("IPM_SURVEY") != NULL) {
        covers(6, RUNS);
        covers(8, RUNS);
        covers(20, RUNS);
    }
    covers(12, RUNS);
}

#else

static void intervals_cover_as_often_as_they_say(void **state)
{
    (void)state;
    print_message("skipped: built without GSL, so there are no intervals\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_match_the_vectors),
        cmocka_unit_test(few_invocations_have_no_interval),
        cmocka_unit_test(intervals_cover_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
