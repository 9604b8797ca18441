/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/support/test.h"
#include "workloads/open_loop.h"

#include <math.h>

static struct ipm_open_loop *plan(double rate_per_s, int64_t window_ns, bool poisson,
                                  uint64_t seed)
{
    size_t size = ipm_open_loop_size(rate_per_s, window_ns);
    assert_true(size > 0);
    /* aligned_alloc() wants a multiple of the alignment. */
    size = (size + IPM_CACHE_LINE - 1) / IPM_CACHE_LINE * IPM_CACHE_LINE;
    struct ipm_open_loop *open = aligned_alloc(IPM_CACHE_LINE, size);
    assert_non_null(open);
    memset(open, 0, size);
    ipm_open_loop_plan(open, rate_per_s, window_ns, poisson, seed);
    return open;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Kolmogorov and Smirnov's distance between the gaps and the exponential, times sqrt(n). */
static double distance(const struct ipm_open_loop *open, double rate_per_s, size_t n)
{
    double *gaps = calloc(n, sizeof(*gaps));
    assert_non_null(gaps);
    for (size_t k = 0; k < n; k++)
        gaps[k] = (double)(open->times[k + 1] - open->times[k]);
    qsort(gaps, n, sizeof(*gaps), by_value);
    double worst = 0;
    for (size_t k = 0; k < n; k++) {
        double share = 1 - exp(-gaps[k] * rate_per_s / IPM_NS_PER_SECOND);
        worst = fmax(worst, fmax(share - (double)k / (double)n,
                                 (double)(k + 1) / (double)n - share));
    }
    free(gaps);
    return worst * sqrt((double)n);
}

/* At 1 % one plan in a hundred is off by more than 1.63: of 200 no more than 7 may be, but
 * for one case in two thousand. */
static void poisson_gaps_are_exponential(void **state)
{
    (void)state;
    static const struct {
        double rate_per_s;
        int64_t window_ns;
    } rows[] = {{1000, 2 * IPM_NS_PER_SECOND}, {100000, 20000000}, {1000000, 2000000}};
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        int off = 0;
        for (uint64_t seed = 1; seed <= 200; seed++) {
            struct ipm_open_loop *open =
                plan(rows[i].rate_per_s, rows[i].window_ns, true, seed);
            size_t n = ipm_open_loop_due(open, rows[i].window_ns) - 1;
            double mean =
                rows[i].rate_per_s * (double)rows[i].window_ns / IPM_NS_PER_SECOND;
            assert_true(fabs((double)n + 1 - mean) <= 5 * sqrt(mean));
            off += distance(open, rows[i].rate_per_s, n) > 1.63;
            free(open);
        }
        if (off > 7)
            fail_msg("rate %g: %d of 200 plans are not Poisson's", rows[i].rate_per_s,
                     off);
    }
}

static void constant_gaps_are_equal_and_begin_within_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct ipm_open_loop *open = plan(10000, IPM_NS_PER_SECOND, false, seed);
        assert_in_range(open->times[0], 0, 99999);
        for (uint64_t i = 1; i < open->room; i++)
            assert_in_range(open->times[i] - open->times[i - 1], 99999, 100001);
        assert_in_range(ipm_open_loop_due(open, IPM_NS_PER_SECOND), 9999, 10001);
        free(open);
    }
}

/* The plan always has one message more than a window can be due, and one at the least. */
static void the_plan_outlasts_its_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct ipm_open_loop *open = plan(50000, 20000000, seed % 2 == 0, seed);
        assert_true(open->times[open->room - 1] >= 20000000);
        assert_int_equal(ipm_open_loop_due(open, 0), 1);
        free(open);
    }
    assert_int_equal(ipm_open_loop_size(1e9, IPM_NS_PER_SECOND), 0);
    assert_int_equal(ipm_open_loop_size(NAN, IPM_NS_PER_SECOND), 0);
}

/* Three messages: in time; sent late; received late. */
static void times_are_told_apart(void **state)
{
    (void)state;
    struct ipm_open_loop *open = plan(1000, IPM_NS_PER_SECOND, false, 1);
    int64_t *offset = open->times;
    int64_t *sent = open->times + open->room;
    int64_t *received = open->times + 2 * open->room;
    open->start_ns = 5000;
    open->counts = (struct ipm_open_counts){.planned = 4, .sent = 3, .received = 3};
    static const int64_t lag[] = {0, 700, 0};
    static const int64_t service[] = {100, 100, 900};
    for (int i = 0; i < 3; i++) {
        sent[i] = open->start_ns + offset[i] + lag[i];
        received[i] = sent[i] + service[i];
    }
    ipm_open_loop_keep(open);
    static struct ipm_open_times times;
    for (int kind = 0; kind < IPM_OPEN_TIMES; kind++)
        ipm_histogram_reset(&times.histograms[kind]);
    ipm_open_loop_merge(&times, open);
    ipm_open_loop_merge(&times, open);
    const struct ipm_histogram *response = &times.histograms[IPM_OPEN_RESPONSE];
    assert_int_equal(times.counts.planned, 8);
    assert_int_equal(times.counts.sent, 6);
    assert_int_equal(response->count, 6);
    assert_int_equal(response->min, 100);
    assert_int_equal(response->max, 900);
    assert_int_equal(response->sum, 2 * (100 + 800 + 900));
    assert_int_equal(times.histograms[IPM_OPEN_SERVICE].sum, 2 * (100 + 100 + 900));
    assert_int_equal(times.histograms[IPM_OPEN_LAG].sum, 2 * 700);
    free(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisson_gaps_are_exponential),
        cmocka_unit_test(constant_gaps_are_equal_and_begin_within_one),
        cmocka_unit_test(the_plan_outlasts_its_window),
        cmocka_unit_test(times_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
