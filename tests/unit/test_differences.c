/* SPDX-License-Identifier: GPL-3.0-or-later */
/* differences: ranks and counts, against all differences sorted. */
#include "analysis/differences.h"
#include "analysis/stats.h"
#include "tests/support/test.h"

#include <math.h>

enum { SAMPLES = 1200, ASKED = 12, FEW = 12 };

static double uniform(uint64_t *state)
{
    return (double)(ipm_test_random(state) >> 11) / 9007199254740992.0;
}

/* One value, by kind: spread evenly, of few values, of two modes, over many decades. */
static double draw(uint64_t *state, int kind)
{
    double value = uniform(state);
    switch (kind) {
    case 0:
        return value;
    case 1:
        return floor(3 * value);
    case 2:
        return value < 0.3 ? 0.1 * uniform(state) : 1e6 + uniform(state);
    default:
        return exp(40 * (value - 0.5));
    }
}

static size_t size_of(uint64_t *state, size_t most)
{
    return 1 + (size_t)(ipm_test_random(state) % most);
}

static void are_those_of_all_that_are_sorted(void **state)
{
    static double all[IPM_DIFFERENCES * IPM_DIFFERENCES];
    static struct ipm_differences differences;
    uint64_t noise = 20260103;
    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        double a[IPM_DIFFERENCES];
        double b[IPM_DIFFERENCES];
        size_t most = i % 40 == 0 ? IPM_DIFFERENCES : FEW;
        size_t n_a = size_of(&noise, most);
        size_t n_b = size_of(&noise, most);
        for (size_t k = 0; k < n_a; k++)
            a[k] = draw(&noise, i % 4);
        for (size_t k = 0; k < n_b; k++)
            b[k] = draw(&noise, i % 5 % 4) + 0.5;
        for (size_t k = 0; k < n_a * n_b; k++)
            all[k] = b[k % n_b] - a[k / n_b];
        ipm_sort(all, n_a * n_b);
        ipm_differences_make(&differences, a, n_a, b, n_b);
        for (int asked = 0; asked < ASKED; asked++) {
            size_t rank = size_of(&noise, n_a * n_b) - 1;
            assert_true(ipm_differences_rank(&differences, rank) == all[rank]);
            size_t below = 0;
            double limit = all[size_of(&noise, n_a * n_b) - 1];
            while (below < n_a * n_b && all[below] < limit)
                below++;
            /* Ranks are told from where the last count was, too. */
            if (asked % 3 == 0)
                assert_int_equal(ipm_differences_below(&differences, limit), below);
        }
        assert_int_equal(ipm_differences_below(&differences, all[0]), 0);
        assert_int_equal(ipm_differences_below(&differences, INFINITY), n_a * n_b);
    }
}

static void of_one_pair_is_its_difference(void **state)
{
    static struct ipm_differences differences;
    const double a = 3;
    const double b = 5;
    (void)state;
    ipm_differences_make(&differences, &a, 1, &b, 1);
    assert_true(ipm_differences_rank(&differences, 0) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_those_of_all_that_are_sorted),
        cmocka_unit_test(of_one_pair_is_its_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
