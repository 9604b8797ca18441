/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steady against tests/golden/steady_vectors.json, and windows whose state is known. */
#include "analysis/steady.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <cmocka.h>
#include <math.h>

enum { BLOCKS = 192, MOST = 256, SERIES = 400 };

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void near(size_t i, const char *what, double found, double wanted)
{
    if (!(fabs(found - wanted) <= 1e-9 * fmax(1, fabs(wanted))))
        fail_msg("series %zu, %s: %.17g instead of %.17g", i, what, found, wanted);
}

static void values_match_the_vectors(void **state)
{
    (void)state;
    json_error_t problem;
    json_t *vectors =
        json_load_file(IPM_SOURCE "/tests/golden/steady_vectors.json", 0, &problem);
    if (vectors == NULL)
        fail_msg("%s:%d: %s", problem.source, problem.line, problem.text);
    size_t i;
    const json_t *expected;
    json_array_foreach(json_object_get(vectors, "series"), i, expected)
    {
        double values[MOST];
        const json_t *list = json_object_get(expected, "values");
        size_t n = json_array_size(list);
        for (size_t k = 0; k < n; k++)
            values[k] = json_number_value(json_array_get(list, k));
        struct ipm_trend trend;
        assert_int_equal(ipm_mann_kendall(values, n, &trend), 0);
        near(i, "s", trend.s, number(expected, "s"));
        near(i, "variance", trend.variance, number(expected, "variance"));
        near(i, "p", ipm_trend_p(&trend, 1), number(expected, "p"));
        near(i, "cut", (double)ipm_mser_cut(values, n), number(expected, "mser"));
        if (!isnan(ipm_lag1(values, n)))
            near(i, "lag1", ipm_lag1(values, n), number(expected, "lag1"));
    }
    assert_true(i >= 40);
    json_decref(vectors);
}

/* A generator of our own: the same numbers with and without GSL. */
static uint64_t noise_state;

static double noise(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        noise_state =
            noise_state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        sum += (double)(noise_state >> 11) / (double)(UINT64_C(1) << 53);
    }
    return sum; /* variance 1 */
}

typedef double shape(size_t i);

static double level(size_t i)
{
    (void)i;
    return 1000;
}

static double slow_at_first(size_t i)
{
    return i < 40 ? 1300 : 1000;
}

static double fast_at_first(size_t i)
{
    return i < 60 ? 800 : 1000;
}

static double climbs(size_t i)
{
    return 1000 + 2 * (double)i;
}

static double comes_back(size_t i)
{
    return i >= 80 && i < 130 ? 1500 : 1000;
}

static double interrupted(size_t i)
{
    return i == 0 || i % 50 == 17 ? 60000 : 1000;
}

/* How many of SERIES windows of that shape, with @rho between neighbours, are @wanted. */
static size_t count(shape *shape_of, double rho, enum ipm_steady_state wanted)
{
    size_t hits = 0;
    noise_state = 1;
    for (int series = 0; series < SERIES; series++) {
        double means[BLOCKS];
        double sway = noise();
        for (size_t i = 0; i < BLOCKS; i++) {
            sway = rho * sway + sqrt(1 - rho * rho) * noise();
            means[i] = shape_of(i) * (1 + 0.02 * sway);
        }
        struct ipm_steady steady;
        assert_int_equal(ipm_steady_judge(means, BLOCKS, &steady), 0);
        assert_true(steady.cut <= BLOCKS / 2);
        hits += steady.state == wanted;
    }
    return hits;
}

static void skip_without_gsl(void)
{
    const double two[] = {1, 2};
    if (isnan(ipm_lag1(two, 2))) {
        print_message("skipped: built without GSL, so windows are not judged\n");
        skip();
    }
}

static void states_are_told_apart(void **state)
{
    (void)state;
    skip_without_gsl();
    static const struct {
        shape *of;
        double rho;
        enum ipm_steady_state state;
    } rows[] = {
        {level, 0, IPM_STEADY_FLAT},
        {level, 0.5, IPM_STEADY_FLAT},
        {interrupted, 0, IPM_STEADY_FLAT},
        {slow_at_first, 0, IPM_STEADY_WARM_UP},
        {slow_at_first, 0.5, IPM_STEADY_WARM_UP},
        {fast_at_first, 0, IPM_STEADY_SLOWDOWN},
        {climbs, 0, IPM_STEADY_NONE},
        {climbs, 0.5, IPM_STEADY_NONE},
        {comes_back, 0, IPM_STEADY_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t hits = count(rows[i].of, rows[i].rho, rows[i].state);
        print_message("row %zu: %zu of %d are %s\n", i, hits, SERIES,
                      ipm_steady_names[rows[i].state]);
        if (hits * 100 < 97 * SERIES)
            fail_msg("row %zu: only %zu of %d are %s", i, hits, SERIES,
                     ipm_steady_names[rows[i].state]);
    }
}

static void few_blocks_say_nothing(void **state)
{
    (void)state;
    double means[IPM_STEADY_LEAST];
    struct ipm_steady steady;
    for (size_t i = 0; i < IPM_STEADY_LEAST; i++)
        means[i] = 100;
    assert_int_equal(ipm_steady_judge(means, IPM_STEADY_LEAST - 1, &steady), 0);
    assert_int_equal(steady.state, IPM_STEADY_UNKNOWN);
    assert_true(isnan(steady.trend_p) && isnan(steady.shift));
    skip_without_gsl();
    assert_int_equal(ipm_steady_judge(means, IPM_STEADY_LEAST, &steady), 0);
    assert_int_equal(steady.state, IPM_STEADY_FLAT);
    assert_true(steady.cut == 0 && steady.trend_p == 1 && steady.lag1 == 0);
}

/* Of a first-order autoregression the mean is worth (1 - rho) / (1 + rho) of independent
 * samples: a third at 0.5.  20 groups tell that to a third or so; the mean of many does. */
static void likeness_costs_samples(void **state)
{
    (void)state;
    assert_true(isnan(ipm_effective_share((const double[]){1, 2, 3}, 3, 1, 1)));
    for (int like = 0; like < 2; like++) {
        double rho = like == 0 ? 0 : 0.5;
        double sum = 0;
        noise_state = 7;
        for (int series = 0; series < SERIES; series++) {
            double means[BLOCKS];
            double sway = noise();
            for (size_t i = 0; i < BLOCKS; i++) {
                means[i] = 0;
                for (int k = 0; k < 4; k++) {
                    sway = rho * sway + sqrt(1 - rho * rho) * noise();
                    means[i] += sway / 4;
                }
            }
            double share = ipm_effective_share(means, BLOCKS, 4, 1);
            assert_true(share > 0 && share <= 1);
            sum += share;
        }
        print_message("rho %g: worth %.3f\n", rho, sum / SERIES);
        if (like == 0)
            assert_true(sum / SERIES > 0.8);
        else
            assert_true(sum / SERIES > 0.27 && sum / SERIES < 0.45);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_match_the_vectors),
        cmocka_unit_test(states_are_told_apart),
        cmocka_unit_test(few_blocks_say_nothing),
        cmocka_unit_test(likeness_costs_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
