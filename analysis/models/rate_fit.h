/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rate_fit: the numerics of the rate model.
 *
 * Messages that are sent at planned times wait for one another.  With one server, arrivals
 * without memory and any distribution of service times the mean response at the rate lambda is
 *     R(lambda) = R_0 + a rho / (1 - rho),  rho = lambda / mu
 * where mu is the CAPACITY, a the mean residual service time E[S^2] / (2 E[S]), and R_0 what a
 * message takes that waits for nobody (Pollaczek 1930, Khinchine 1932; Kleinrock, Queueing
 * Systems I, 1975, section 5.6).  R_0 may be longer than 1 / mu: what several messages can be in
 * the middle of at once delays each of them and holds up none.  Where gaps are not without
 * memory, a shrinks with their variance and the form stays (Kingman 1961), so that a is no
 * service time then.
 *
 * The KNEE is the rate at which rate over response is largest: less load gains little time,
 * more load gains little rate.  Here it is
 *     lambda_knee = mu / (1 + sqrt(a / R_0))
 * which is half the capacity for M/M/1 (Kleinrock, Power and deterministic rules of thumb,
 * 1979).
 *
 * For a given mu the rest is linear: weighted least squares (gsl_multifit_wlinear) inside a
 * search over mu (gsl_min_fminimizer_brent), which is variable projection (Golub and Pereyra
 * 1973).  mu has its interval from the profile of the sum of squares, since that shows when
 * there is no upper end; the others from the covariance of the linearised model, on logarithms
 * (Bates and Watts, Nonlinear Regression Analysis, 1988, sections 2.2 and 6.1).
 */
#ifndef IPM_ANALYSIS_RATE_FIT_H
#define IPM_ANALYSIS_RATE_FIT_H

#include "analysis/models/seed_fit.h"

#include <stdbool.h>
#include <stddef.h>

struct ipm_rate_point {
    double offered_per_s; /* lambda, > 0; ascending over the points */
    double mean_ns;       /* mean response: median over invocations, > 0 */
    double spread;        /* relative standard error of it; NaN: unknown */
    size_t n;             /* invocations, >= 1 */
    bool used;            /* within the range that was accepted */
    double predicted_ns;  /* NaN without a fit */
};

struct ipm_rate_fit {
    struct ipm_interval base_ns;        /* R_0 */
    struct ipm_interval residual_ns;    /* a */
    struct ipm_interval capacity_per_s; /* mu; high INFINITY: no rate came near it */
    /* Value and low NaN where it is not located: then high, that of the capacity, is all that
     * is known of it. */
    struct ipm_interval knee_per_s;
    double low, high;      /* accepted range of rates; high 0: rejected everywhere */
    double rejected_below; /* last rate below it; 0: none was measured */
    double f;              /* lack of fit: residual against pure error */
    double dof_fit, dof_pure;
    double p;              /* of f; NaN when pure error is unknown */
    double worst_residual; /* largest |relative residual| of a used point */
    size_t n_used;
    size_t out_of_line; /* used points further off than IPM_RATE_TOLERANCE */
};

/* Conditions of ipm_rate_fit(). */
enum {
    IPM_RATE_TOO_FEW = 1,      /* fewer than IPM_RATE_POINTS rates */
    IPM_RATE_REJECTED = 2,     /* not even the highest rates are described */
    IPM_RATE_UNIDENTIFIED = 3, /* no rise that tells a capacity; figures are there */
    IPM_RATE_NO_GSL = 4,
    IPM_RATE_NOISY =
        5, /* repeating is as far off as the curve, IPM_RATE_MOST or more */
};

enum { IPM_RATE_POINTS = 5 };

/* A range is accepted when no mean response is further off than the first, or repeating
 * explains it (p of the lack of fit at least ALPHA) and none is further off than MOST: what
 * repeating explains then it would explain of any curve. */
#define IPM_RATE_TOLERANCE 0.15
#define IPM_RATE_ALPHA     0.01
#define IPM_RATE_MOST      0.5

/* A knee is located when its interval's ends are at most so many times apart (a convention). */
#define IPM_RATE_KNEE 10.0

/**
 * ipm_rate_fit() - fit the largest range of rates, from the highest down, that is accepted
 * @points: rates that were achieved; `used` and `predicted_ns` are written
 *
 * From the highest down, since at low rates a receiver sleeps longer, and deeper, between
 * messages than the model knows.
 *
 * Return: 0; a condition above, with @out_fit's figures NaN where there are none; -ENOMEM.
 */
int ipm_rate_fit(struct ipm_rate_point *points, size_t n, struct ipm_rate_fit *out_fit);

/* R in ns; INFINITY from the capacity up. */
double ipm_rate_predict(double lambda_per_s, double base_ns, double residual_ns,
                        double capacity_per_s);

#endif
