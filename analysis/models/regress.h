/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * regress: linear regression of rows whose errors are known by size, plain and robust.
 *
 * Every row is divided by its own error first, so that least squares over them is weighted by
 * 1 / error^2 (Draper and Smith, Applied Regression Analysis, section 9.2); the size of what
 * is left is estimated from the residuals.  Robust: Tukey's bisquare by iterated weights,
 * tuning constant 4.685, scale by the median absolute residual, leverage allowed for (Holland
 * and Welsch, 1977; gsl_multifit_robust).
 */
#ifndef IPM_ANALYSIS_REGRESS_H
#define IPM_ANALYSIS_REGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { IPM_REGRESS_MOST = 8 /* columns */ };

/* Conditions. */
enum {
    IPM_REGRESS_SINGULAR = 1, /* fewer rows than columns need, or columns that depend */
    IPM_REGRESS_NO_GSL = 2,
};

/* Rows weighing nothing above this share: it is not outliers that a robust fit threw out. */
#define IPM_REGRESS_REJECTED 0.3

struct ipm_regress_rows {
    size_t n, p;          /* p <= IPM_REGRESS_MOST */
    const double *design; /* n times p */
    const double *values; /* n */
    const double *errors; /* n, each > 0 */
    const double *times;  /* how often each row counts; NULL: once */
};

struct ipm_regress_fit {
    double c[IPM_REGRESS_MOST];
    double se[IPM_REGRESS_MOST];  /* standard errors, Student's with dof */
    double vif[IPM_REGRESS_MOST]; /* 1 / (1 - R^2) of a column on the others; NaN of the
                                   * first, which is taken to be the constant */
    double sigma;                 /* of a row, in units of its error */
    double chi_square;            /* sum over rows of (residual / error)^2 */
    double dof;
    bool converged;
    size_t rejected; /* rows of weight 0 */
};

/**
 * ipm_regress_least_squares() - gsl_multifit_linear over the divided rows
 *
 * Return: 0; a condition above; -EINVAL too many columns; -ENOMEM.
 */
int ipm_regress_least_squares(const struct ipm_regress_rows *rows,
                              struct ipm_regress_fit *out_fit);

/**
 * ipm_regress_robust() - gsl_multifit_robust, bisquare, over the divided rows
 * @rows:        times must be NULL
 * @out_weights: per row, 0 (rejected) to 1
 *
 * Where it does not converge, or rejects more than IPM_REGRESS_REJECTED of the rows, the fit
 * is that of least squares with converged false, and every weight is 1.
 *
 * Return: as ipm_regress_least_squares().
 */
int ipm_regress_robust(const struct ipm_regress_rows *rows,
                       struct ipm_regress_fit *out_fit, double *out_weights);

/* Rows side by side that share a line of the design and an error, as the invocations of one
 * size do. */
struct ipm_regress_groups {
    size_t n, p;          /* groups; columns, at most IPM_REGRESS_MOST */
    const double *design; /* n times p */
    const double *errors; /* n, each > 0 */
    const size_t *counts; /* rows of each group; NULL: one each */
    const double *values; /* by row */
    const double *times;  /* how often each row counts; NULL: once */
};

/**
 * ipm_regress_again() - the same estimate for resampled rows, from a start nearby
 * @sigma: the scale of the fit of all rows, kept
 * @c:     that fit's coefficients; replaced
 *
 * A few steps of iterated weights: a bootstrap draw lies within its own error of the start.
 * @sigma infinite makes it least squares.
 *
 * Return: as ipm_regress_least_squares().
 */
int ipm_regress_again(const struct ipm_regress_groups *groups, double sigma, double *c);

#endif
