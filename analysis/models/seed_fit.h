/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seed_fit: the numerics of the seed model.
 *
 * The time of one message of s bytes, one way and in lock-step, is
 *     T_pipe(s) = 2 s c_copy + 2 c_sync ceil(s / C)     two copies, C bytes per wake-up
 *     T_shm(s)  =   s c_copy + 2 c_sync                 one copy
 * so that tau_pipe = s f / (2 (s c_copy + c_sync)) and tau_shm = s f / (s c_copy + 2 c_sync)
 * up to C, R = T_pipe / T_shm runs from 1 to 2, and R = 1.5 at s_half = 2 c_sync / c_copy.
 * In nanoseconds; a clock frequency f only converts.
 *
 * Weighted least squares over both mechanisms at once (gsl_multifit_wlinear).  Errors are
 * taken as relative, so a point of n invocations weighs n / T^2; the size of the error is
 * estimated from the residuals, so the intervals are Student's with the fit's degrees of
 * freedom.  s_half has its interval from the covariance, on the logarithm.
 */
#ifndef IPM_ANALYSIS_SEED_FIT_H
#define IPM_ANALYSIS_SEED_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum ipm_seed_kind { IPM_SEED_PIPE, IPM_SEED_SHM, IPM_SEED_KINDS };

struct ipm_interval {
    double value, low, high; /* NaN: none */
};

struct ipm_seed_point {
    enum ipm_seed_kind kind;
    double size;    /* bytes, > 0 */
    double time_ns; /* pseudomedian over invocations, > 0 */
    double spread;  /* relative standard error of it; NaN: unknown */
    size_t n;       /* invocations, >= 1 */
    /* Of IPM_SEED_SHM: R measured at this size, T_pipe / T_shm; NaN: unknown. */
    struct ipm_interval ratio;
    bool used;           /* within the range that was accepted */
    double predicted_ns; /* NaN without a fit */
};

struct ipm_seed_fit {
    struct ipm_interval c_copy; /* ns per byte */
    struct ipm_interval c_sync; /* ns per synchronising operation */
    struct ipm_interval s_half; /* bytes */
    double low, high;           /* accepted range, bytes; high 0: rejected everywhere */
    double rejected_above;      /* first size beyond it; 0: none was measured */
    double f;                   /* lack of fit: residual against pure error */
    double dof_fit, dof_pure;
    double p;                 /* of f; NaN when pure error is unknown */
    double worst_residual;    /* largest |relative residual| of a used point */
    double worst_ratio;       /* largest relative error of a predicted R; NaN: none */
    double rejected_residual; /* these two with the next size taken in; NaN: none */
    double rejected_ratio;
};

/* Conditions of ipm_seed_fit(). */
enum {
    IPM_SEED_TOO_FEW = 1,      /* fewer than IPM_SEED_SIZES sizes measured with both */
    IPM_SEED_REJECTED = 2,     /* not even the smallest range is described */
    IPM_SEED_UNIDENTIFIED = 3, /* the interval of a parameter reaches 0 */
    IPM_SEED_NO_GSL = 4,
};

enum { IPM_SEED_SIZES = 5 };

/* A range is accepted while its fit is within the tolerance of every time, or lack of fit is
 * not significant at alpha; and while every R it predicts is within the tolerance of the
 * measured one, or inside its interval.  R is the sharper judge: both its parts come from
 * the same round, so that a machine whose pace changes cannot hide a misfit in its noise. */
#define IPM_SEED_TOLERANCE 0.15
#define IPM_SEED_ALPHA     0.01

/**
 * ipm_seed_fit() - fit the largest range of sizes, from the smallest up, that is accepted
 * @points:      any order; `used` and `predicted_ns` are written
 * @chunk_bytes: C; 0: a message is one chunk
 * @kinds:       bit per kind that takes part: both, or IPM_SEED_PIPE alone for a prediction
 *               out of sample
 *
 * Return: 0; a condition above, with @out_fit's figures NaN where there are none; -ENOMEM.
 */
int ipm_seed_fit(struct ipm_seed_point *points, size_t n, double chunk_bytes,
                 unsigned kinds, struct ipm_seed_fit *out_fit);

/* T of one message, in ns. */
double ipm_seed_predict(enum ipm_seed_kind kind, double size, double chunk_bytes,
                        double c_copy, double c_sync);

#endif
