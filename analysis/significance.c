/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/significance.h"

#include "analysis/stats.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#endif

#if IPM_HAVE_GSL

double ipm_sign_test(size_t above, size_t n)
{
    return above == 0 ? 1 : gsl_cdf_binomial_Q((unsigned)(above - 1), 0.5, (unsigned)n);
}

double ipm_normal_reach(double level)
{
    return gsl_cdf_ugaussian_Pinv((1 + level) / 2);
}

double ipm_student_tail(double t, double freedom)
{
    return gsl_cdf_tdist_Q(t, freedom);
}

double ipm_root_mean_square_median(size_t n)
{
    return sqrt(gsl_cdf_chisq_Pinv(0.5, (double)n) / (double)n);
}

/* By halves: gsl_cdf_beta_Pinv() does not converge for one in thirty of such shares, and then
 * ends the program. */
static double beta_quantile(double p, double a, double b)
{
    double low = 0;
    double high = 1;
    for (double middle = 0.5; low < middle && middle < high;
         middle = (low + high) / 2) {
        if (gsl_cdf_beta_P(middle, a, b) < p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double ipm_share_upper(size_t hits, size_t n, double tail)
{
    if (n == 0)
        return NAN;
    return hits >= n ? 1
                     : beta_quantile(1 - tail, (double)hits + 1, (double)(n - hits));
}

double ipm_share_lower(size_t hits, size_t n, double tail)
{
    if (n == 0)
        return NAN;
    return hits == 0 ? 0 : beta_quantile(tail, (double)hits, (double)(n - hits) + 1);
}

#else

double ipm_sign_test(size_t above, size_t n)
{
    (void)above;
    (void)n;
    return NAN;
}

double ipm_normal_reach(double level)
{
    (void)level;
    return NAN;
}

double ipm_student_tail(double t, double freedom)
{
    (void)t;
    (void)freedom;
    return NAN;
}

double ipm_root_mean_square_median(size_t n)
{
    (void)n;
    return NAN;
}

double ipm_share_upper(size_t hits, size_t n, double tail)
{
    (void)hits;
    (void)n;
    (void)tail;
    return NAN;
}

double ipm_share_lower(size_t hits, size_t n, double tail)
{
    (void)hits;
    (void)n;
    (void)tail;
    return NAN;
}

#endif

size_t ipm_sign_test_needs(double alpha)
{
    size_t n = 1;
    for (double chance = 0.5; chance > alpha; chance /= 2)
        n++;
    return n;
}

struct ranked {
    double value;
    size_t place; /* in the caller's array */
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

static struct ranked *rank(const double *values, size_t n)
{
    struct ranked *ranked = malloc((n + 1) * sizeof(*ranked));
    for (size_t i = 0; ranked != NULL && i < n; i++)
        ranked[i] = (struct ranked){.value = values[i], .place = i};
    if (ranked != NULL && n > 1)
        qsort(ranked, n, sizeof(*ranked), by_value);
    return ranked;
}

int ipm_holm(const double *p, size_t n, double *out_adjusted)
{
    ipm_auto_free struct ranked *ranked = rank(p, n);
    if (ranked == NULL)
        return -ENOMEM;
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, (double)(n - i) * ranked[i].value);
        out_adjusted[ranked[i].place] = fmin(largest, 1);
    }
    return 0;
}

int ipm_benjamini_hochberg(const double *p, size_t n, double *out_adjusted)
{
    ipm_auto_free struct ranked *ranked = rank(p, n);
    if (ranked == NULL)
        return -ENOMEM;
    double smallest = 1;
    for (size_t i = n; i-- > 0;) {
        smallest = fmin(smallest, (double)n * ranked[i].value / (double)(i + 1));
        out_adjusted[ranked[i].place] = smallest;
    }
    return 0;
}

/* Ranks times two, so that the mean rank of ties is a whole number. */
static void double_ranks(const struct ranked *sorted, size_t n, size_t *out_ranks)
{
    for (size_t from = 0; from < n;) {
        size_t end = from + 1;
        while (end < n && sorted[end].value == sorted[from].value)
            end++;
        for (size_t i = from; i < end; i++)
            out_ranks[i] = from + 1 + end;
        from = end;
    }
}

/*
 * chance[k * width + s]: the share of the choices of k of the ranks so far that sum to s,
 * times the share of all choices that have k of these; in the end row n_a alone matters.
 * A rank is taken with the chance that a random choice of n_a of n would take it, given how
 * many it took: all stays within [0, 1], where counts would leave what a double holds.
 */
static void fill_chances(const size_t *ranks, size_t n, size_t n_a, size_t width,
                         double *chance)
{
    memset(chance, 0, (n_a + 1) * width * sizeof(*chance));
    chance[0] = 1;
    for (size_t i = 0; i < n; i++) {
        double left = (double)(n - i);
        for (size_t k = (n_a < i + 1 ? n_a : i + 1) + 1; k-- > 0;) {
            double skipped = k <= n_a ? 1 - (double)(n_a - k) / left : 0;
            double taken = k > 0 ? (double)(n_a - k + 1) / left : 0;
            double *row = chance + k * width;
            const double *fewer = k > 0 ? row - width : row;
            for (size_t s = width; s-- > 0;)
                row[s] = row[s] * fmax(skipped, 0) +
                         (k > 0 && s >= ranks[i] ? fewer[s - ranks[i]] * taken : 0);
        }
    }
}

int ipm_mann_whitney(const double *a, size_t n_a, const double *b, size_t n_b,
                     double *out_p)
{
    if (n_a == 0 || n_b == 0 || n_a > IPM_MANN_WHITNEY_MOST ||
        n_b > IPM_MANN_WHITNEY_MOST)
        return -EINVAL;
    size_t n = n_a + n_b;
    double all[2 * IPM_MANN_WHITNEY_MOST];
    size_t ranks[2 * IPM_MANN_WHITNEY_MOST];
    memcpy(all, a, n_a * sizeof(*a));
    memcpy(all + n_a, b, n_b * sizeof(*b));
    ipm_auto_free struct ranked *sorted = rank(all, n);
    size_t width = n * (n + 1) + 1;
    ipm_auto_free double *chance = malloc((n_a + 1) * width * sizeof(*chance));
    if (sorted == NULL || chance == NULL)
        return -ENOMEM;
    double_ranks(sorted, n, ranks);
    size_t seen = 0;
    for (size_t i = 0; i < n; i++)
        seen += sorted[i].place < n_a ? ranks[i] : 0;
    fill_chances(ranks, n, n_a, width, chance);
    double low = 0;
    double high = 0;
    for (size_t s = 0; s < width; s++) {
        low += s <= seen ? chance[n_a * width + s] : 0;
        high += s >= seen ? chance[n_a * width + s] : 0;
    }
    *out_p = fmin(1, 2 * fmin(low, high));
    return 0;
}
