/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * differences: ranks among all differences between two samples, none of which is made.
 *
 * Of two sorted samples the differences are sorted in each row and column: how many lie below
 * a value is counted along one stair of n_a + n_b steps, and from a good guess the rank wanted
 * is a few steps away (as in Monahan, ACM TOMS 10, 1984).  A million medians of a hundred
 * differences each take a third of the time that selecting them does.
 */
#ifndef IPM_ANALYSIS_DIFFERENCES_H
#define IPM_ANALYSIS_DIFFERENCES_H

#include <stddef.h>

enum { IPM_DIFFERENCES = 128 /* values of a sample */ };

struct ipm_differences {
    size_t n_a, n_b;
    double a[IPM_DIFFERENCES],
        b[IPM_DIFFERENCES + 1]; /* sorted; b ends with infinity */
    size_t
        at[IPM_DIFFERENCES]; /* by value of a: how many of b's differences are passed */
    size_t passed;           /* their sum */
};

/* @n_a, @n_b: from 1 to IPM_DIFFERENCES; no value is NaN. */
void ipm_differences_make(struct ipm_differences *differences, const double *a,
                          size_t n_a, const double *b, size_t n_b);

/* How many of b - a lie below @limit. */
size_t ipm_differences_below(struct ipm_differences *differences, double limit);

/* The difference of that rank.  @rank: below n_a * n_b, from 0 */
double ipm_differences_rank(struct ipm_differences *differences, size_t rank);

#endif
