/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * significance: exact tests that assume no shape, and what many of them together may claim.
 *
 * A p-value is the chance of a result at least as extreme where there is nothing to find.
 * Without GSL those that need the binomial or the beta distribution are NaN.
 */
#ifndef IPM_ANALYSIS_SIGNIFICANCE_H
#define IPM_ANALYSIS_SIGNIFICANCE_H

#include <stdbool.h>
#include <stddef.h>

/* The sign test, one-sided: P(Bin(n, 1/2) >= above), the chance that so many of @n
 * differences lie above a limit that is their median (Conover, Practical Nonparametric
 * Statistics, section 3.4).  1 where @above is 0.  A difference that equals the limit is to
 * be counted as not above, which is the cautious side.  NaN without GSL. */
double ipm_sign_test(size_t above, size_t n);

/* The fewest values with which the sign test can reach @alpha in (0, 1) at all: the least n
 * with 2^-n <= @alpha. */
size_t ipm_sign_test_needs(double alpha);

/**
 * ipm_mann_whitney() - two independent samples, two-sided and exact, ties included
 *
 * Twice the smaller tail of the rank sum over all choices of @n_a of the values, 1 at most;
 * tied values share the mean of their ranks (Hollander and Wolfe, Nonparametric Statistical
 * Methods, section 4.1).  Without ties it is R's wilcox.test(exact = TRUE).
 *
 * @n_a, @n_b: 1 to IPM_MANN_WHITNEY_MOST each
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int ipm_mann_whitney(const double *a, size_t n_a, const double *b, size_t n_b,
                     double *out_p);

enum { IPM_MANN_WHITNEY_MOST = 64 };

/**
 * ipm_holm() - p-values adjusted so that the chance of one false claim among all is bounded
 *
 * Holm (1979): with p_(1) <= ... <= p_(n), the adjusted p_(i) is the largest of
 * (n + 1 - j) p_(j) over j <= i, 1 at most.  Claim what is <= alpha.  As R's p.adjust.
 *
 * @out_adjusted may be @p.  None may be NaN.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_holm(const double *p, size_t n, double *out_adjusted);

/* The same bounding the expected share of false claims among the claims: Benjamini and
 * Hochberg (1995), the adjusted p_(i) being the smallest of n p_(j) / j over j >= i. */
int ipm_benjamini_hochberg(const double *p, size_t n, double *out_adjusted);

/* What a standard deviation is to be multiplied by for an interval of @level, in (0, 1), of a
 * normal distribution: 1.96 for 95 %.  NaN without GSL. */
double ipm_normal_reach(double level);

/* P(T >= t) for Student's T of so many degrees of freedom, > 0.  NaN without GSL. */
double ipm_student_tail(double t, double freedom);

/* The median of sqrt(chi^2 / n) with @n degrees of freedom, >= 1: of how much too small half
 * of all root mean squares of so many values are.  NaN without GSL. */
double ipm_root_mean_square_median(size_t n);

/* Clopper and Pearson's (1934) exact upper end for a share of which @hits of @n were seen:
 * the one above which fewer than @hits + 1 would be seen with chance < @tail.  1 where
 * @hits is @n; NaN without GSL or of none. */
double ipm_share_upper(size_t hits, size_t n, double tail);

/* The lower end likewise; 0 where @hits is 0. */
double ipm_share_lower(size_t hits, size_t n, double tail);

#endif
