/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_fit: the numerics of the energy model.
 *
 * A block of windows (at rest, load, load, at rest) gives one observation, the power beyond
 * rest y = P_load - P_rest, so that a drift of the machine cancels:
 *
 *     y = E_cs.local s_l + E_cs.wake s_w + e0 m + e1 b + error
 *
 * with rates that were measured in the windows under load, and without an intercept: rest is
 * where all rates are 0.  Weighted least squares (gsl_multifit_linear on rows times the root of
 * their weight): the error of a mean power over t seconds has a variance of 1/t, so a block
 * weighs t; its size is estimated from the residuals, and intervals are Student's.  Weights from
 * the spread of the few blocks of a point were ruled out: with two or three of them the
 * intervals cover far less than they say.
 *
 *   VIF of a column: the diagonal of (X'X)^-1 with columns of length 1, about the origin since
 *   there is no intercept (Belsley, Kuh and Welsch, Regression Diagnostics, 1980, 3.2); the
 *   condition number is that of the same columns, the largest singular value by the smallest.
 *   Lack of fit: F of the points' means against the blocks within points (Draper and Smith,
 *   Applied Regression Analysis, 2.1).
 */
#ifndef IPM_ANALYSIS_ENERGY_FIT_H
#define IPM_ANALYSIS_ENERGY_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum ipm_energy_term {
    IPM_ENERGY_LOCAL, /* task switches from task to task, 1e6/s; uJ */
    IPM_ENERGY_WAKE, /* switches to an idle CPU and the wake-up from there, 1e6/s; uJ */
    IPM_ENERGY_MESSAGE,  /* 1e6/s; uJ */
    IPM_ENERGY_BYTE,     /* 1e9/s; nJ */
    IPM_ENERGY_CONSTANT, /* 1; W.  Only in checks: it must come out as 0 */
    IPM_ENERGY_TERMS,
};

struct ipm_energy_observation {
    double rate[IPM_ENERGY_TERMS];
    double beyond_w;
    double weight; /* > 0, s */
    size_t group;  /* blocks of one point have the same */
    bool used;     /* else it is passed over */
    double predicted_w;
};

/* Conditions of ipm_energy_solve(). */
enum {
    IPM_ENERGY_FEW = 1, /* fewer than IPM_ENERGY_FREEDOM observations more than terms */
    IPM_ENERGY_SINGULAR, /* the columns do not determine the terms at all */
    IPM_ENERGY_NO_GSL,
};

enum { IPM_ENERGY_FREEDOM = 3 };

/* NaN where a term is not in the fit. */
struct ipm_energy_fit {
    unsigned terms; /* bits, of enum ipm_energy_term */
    size_t n, p;
    double value[IPM_ENERGY_TERMS];
    double covariance[IPM_ENERGY_TERMS][IPM_ENERGY_TERMS];
    double vif[IPM_ENERGY_TERMS];
    double condition; /* >= 1 */
    double sum;       /* weighted squares of the residuals */
    double variance;  /* of an observation of weight 1 */
};

/* The bits of @terms that these observations can say anything about: switches of a kind that
 * are below a hundredth of the messages everywhere, and terms that are 0, are left out. */
unsigned ipm_energy_terms(const struct ipm_energy_observation *all, size_t n,
                          unsigned terms);

/**
 * ipm_energy_solve() - the fit over the used observations
 *
 * Return: 0; IPM_ENERGY_FEW; IPM_ENERGY_SINGULAR, with vif and condition infinite;
 *         IPM_ENERGY_NO_GSL; -ENOMEM.
 */
int ipm_energy_solve(const struct ipm_energy_observation *all, size_t n, unsigned terms,
                     struct ipm_energy_fit *out_fit);

/* Sum of the terms. */
double ipm_energy_predict(const struct ipm_energy_fit *fit, const double *rate);

/* Half of the interval's width; NaN when the term is not in the fit. */
double ipm_energy_half_width(const struct ipm_energy_fit *fit, int term, double level);

/* The sum of squares of @groups means, and what is left within them: probability of a larger
 * F when the model holds; NaN when there are no repeated points, or no more than terms. */
struct ipm_energy_lack {
    double f, freedom_fit, freedom_pure, p;
};
struct ipm_energy_lack ipm_energy_lack(const struct ipm_energy_observation *all,
                                       size_t n, const struct ipm_energy_fit *fit);

/* P(F >= f); NaN without GSL, or when a freedom is below 1. */
double ipm_energy_f_tail(double f, double freedom_above, double freedom_below);

/* P(|t| >= |value|), Student's with that freedom. */
double ipm_energy_t_tail(double value, double freedom);

/* Pearson's correlation of two rates over the used observations and as many at rest, where
 * both are 0; NaN when one does not vary. */
double ipm_energy_correlation(const struct ipm_energy_observation *all, size_t n,
                              int one, int other);

#endif
