/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/differences.h"

#include "analysis/stats.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SMALL = 24, NEAR = 3 };

/* Ten values are inserted sooner than a sort is called. */
static void sort_into(double *sorted, const double *values, size_t n)
{
    if (n > SMALL) {
        memcpy(sorted, values, n * sizeof(*sorted));
        ipm_sort(sorted, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0 && sorted[k - 1] > values[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = values[i];
    }
}

void ipm_differences_make(struct ipm_differences *differences, const double *a,
                          size_t n_a, const double *b, size_t n_b)
{
    differences->n_a = n_a;
    differences->n_b = n_b;
    sort_into(differences->a, a, n_a);
    sort_into(differences->b, b, n_b);
    differences->b[n_b] = INFINITY;
    differences->passed = 0;
    memset(differences->at, 0, n_a * sizeof(differences->at[0]));
}

/* All pairs and no branch: of ten values each that is sooner done than to guess where a stair
 * turns.  Of many the stair is. */
size_t ipm_differences_below(struct ipm_differences *differences, double limit)
{
    const double *b = differences->b;
    size_t n_b = differences->n_b;
    size_t k = 0;
    size_t sum = 0;
    for (size_t i = 0; i < differences->n_a; i++) {
        double a = differences->a[i];
        if (n_b > SMALL) {
            while (k < n_b && b[k] - a < limit)
                k++;
        } else {
            k = 0;
            for (size_t m = 0; m < n_b; m++)
                k += b[m] - a < limit;
        }
        differences->at[i] = k;
        sum += k;
    }
    differences->passed = sum;
    return sum;
}

/* The least difference that is not passed; its row. */
static double next(const struct ipm_differences *differences, size_t *out_row)
{
    double least = INFINITY;
    size_t row = 0;
    for (size_t i = 0; i < differences->n_a; i++) {
        /* There is one more value behind the last, which is infinite. */
        double value = differences->b[differences->at[i]] - differences->a[i];
        row = value < least ? i : row;
        least = value < least ? value : least;
    }
    *out_row = row;
    return least;
}

/* The row of the greatest that is passed. */
static size_t last(const struct ipm_differences *differences)
{
    double most = -INFINITY;
    size_t row = 0;
    for (size_t i = 0; i < differences->n_a; i++) {
        size_t at = differences->at[i];
        if (at == 0)
            continue;
        double value = differences->b[at - 1] - differences->a[i];
        row = value > most ? i : row;
        most = value > most ? value : most;
    }
    return row;
}

static size_t apart(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/*
 * Where a difference of that share of ranks is about: that of two quantiles which, of normal
 * samples, are nearer to their medians by the square root of two.  A share of 0.7 does for
 * ranks, too.
 */
static double guess(const struct ipm_differences *differences, size_t rank)
{
    double pairs = (double)(differences->n_a * differences->n_b);
    double share = 0.5 + 0.7 * (((double)rank + 0.5) / pairs - 0.5);
    return ipm_quantile(differences->b, differences->n_b, share) -
           ipm_quantile(differences->a, differences->n_a, 1 - share);
}

/* Is the rank among those that equal the value at the stair?  Percentiles out of buckets have
 * many of a kind.  @out_value: theirs */
static bool is_tied(struct ipm_differences *differences, size_t rank, double *out_value)
{
    size_t row;
    if (differences->passed <= rank) {
        *out_value = next(differences, &row);
        return ipm_differences_below(differences, nextafter(*out_value, INFINITY)) >
               rank;
    }
    row = last(differences);
    *out_value = differences->b[differences->at[row] - 1] - differences->a[row];
    return ipm_differences_below(differences, *out_value) <= rank;
}

/*
 * Goes to a value that is near the rank: from the guess by as much as the differences stand
 * apart in the middle of normal samples, and if that is not near, by halving, since samples may
 * be of any form.
 *
 * Return: whether the rank is among those that equal @out_value.
 */
static bool approach(struct ipm_differences *differences, size_t rank,
                     double *out_value)
{
    double low = differences->b[0] - differences->a[differences->n_a - 1];
    double high = differences->b[differences->n_b - 1] - differences->a[0];
    double pairs = (double)(differences->n_a * differences->n_b);
    double value = guess(differences, rank);
    for (int i = 0; i < 60; i++) { /* of doubles no more can be told apart */
        size_t below = ipm_differences_below(differences, value);
        if (apart(below, rank) <= NEAR)
            return false;
        if (i > 1 && is_tied(differences, rank, out_value))
            return true;
        if (below > rank)
            high = value;
        else
            low = value;
        double step = ((double)rank - (double)below) * 0.7 * (high - low) / pairs;
        value += step;
        if (i > 0 || value <= low || value >= high)
            value = low + (high - low) / 2;
    }
    return false;
}

double ipm_differences_rank(struct ipm_differences *differences, size_t rank)
{
    size_t row;
    double value = differences->b[0] - differences->a[differences->n_a - 1];
    if (differences->b[differences->n_b - 1] - differences->a[0] == value)
        return value; /* all are one */
    if (apart(differences->passed, rank) > NEAR && approach(differences, rank, &value))
        return value;
    for (; differences->passed > rank; differences->passed--)
        differences->at[last(differences)]--;
    value = next(differences, &row);
    for (; differences->passed < rank; differences->passed++) {
        differences->at[row]++;
        value = next(differences, &row);
    }
    return value;
}
