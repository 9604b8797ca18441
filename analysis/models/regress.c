/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/regress.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit.h>
#endif

#if IPM_HAVE_GSL

static const double bisquare = 4.685;

/* Columns are brought to length 1: bytes and constants differ by many orders. */
struct scaled {
    gsl_matrix *design;
    gsl_vector *values;
    gsl_vector *c;
    gsl_matrix *covariance;
    double length[IPM_REGRESS_MOST];
};

static void scaled_fini(struct scaled *scaled)
{
    gsl_matrix_free(scaled->design);
    gsl_vector_free(scaled->values);
    gsl_vector_free(scaled->c);
    gsl_matrix_free(scaled->covariance);
}

static double times_of(const struct ipm_regress_rows *rows, size_t i)
{
    return rows->times == NULL ? 1 : rows->times[i];
}

static int scaled_init(const struct ipm_regress_rows *rows, struct scaled *scaled)
{
    *scaled = (struct scaled){
        .design = gsl_matrix_alloc(rows->n, rows->p),
        .values = gsl_vector_alloc(rows->n),
        .c = gsl_vector_alloc(rows->p),
        .covariance = gsl_matrix_alloc(rows->p, rows->p),
    };
    if (scaled->design == NULL || scaled->values == NULL || scaled->c == NULL ||
        scaled->covariance == NULL)
        return -ENOMEM;
    for (size_t k = 0; k < rows->p; k++) {
        double square = 0;
        for (size_t i = 0; i < rows->n; i++) {
            double x = rows->design[i * rows->p + k] / rows->errors[i];
            square += x * x * times_of(rows, i);
        }
        if (!(square > 0) || !isfinite(square))
            return IPM_REGRESS_SINGULAR;
        scaled->length[k] = sqrt(square);
    }
    for (size_t i = 0; i < rows->n; i++) {
        double root = sqrt(times_of(rows, i)) / rows->errors[i];
        gsl_vector_set(scaled->values, i, rows->values[i] * root);
        for (size_t k = 0; k < rows->p; k++)
            gsl_matrix_set(scaled->design, i, k,
                           rows->design[i * rows->p + k] * root / scaled->length[k]);
    }
    return 0;
}

static int check(size_t rows, size_t columns)
{
    if (columns == 0 || columns > IPM_REGRESS_MOST)
        return -EINVAL;
    return rows <= columns ? IPM_REGRESS_SINGULAR : 0;
}

/* Of all rows, each as often as it counts. */
static double count_of(const struct ipm_regress_rows *rows)
{
    double count = 0;
    for (size_t i = 0; i < rows->n; i++)
        count += times_of(rows, i);
    return count;
}

/* 1 / (1 - R^2) = C_kk S_kk, C the unscaled covariance, S the column's own spread. */
static void set_vif(const struct ipm_regress_rows *rows, const struct scaled *scaled,
                    double unit, struct ipm_regress_fit *fit)
{
    fit->vif[0] = NAN;
    for (size_t k = 1; k < rows->p; k++) {
        double weight = 0;
        double sum = 0;
        double square = 0;
        for (size_t i = 0; i < rows->n; i++) {
            double w = times_of(rows, i) / (rows->errors[i] * rows->errors[i]);
            double x = rows->design[i * rows->p + k] / scaled->length[k];
            weight += w;
            sum += w * x;
            square += w * x * x;
        }
        fit->vif[k] = gsl_matrix_get(scaled->covariance, k, k) / unit *
                      (square - sum * sum / weight);
    }
}

static double residual_of(const struct ipm_regress_rows *rows, size_t i,
                          const double *c)
{
    double predicted = 0;
    for (size_t k = 0; k < rows->p; k++)
        predicted += c[k] * rows->design[i * rows->p + k];
    return (rows->values[i] - predicted) / rows->errors[i];
}

/* @unit: what the covariance has to be divided by to be (X'X)^-1. */
static void take(const struct ipm_regress_rows *rows, const struct scaled *scaled,
                 double unit, struct ipm_regress_fit *fit)
{
    for (size_t k = 0; k < rows->p; k++) {
        fit->c[k] = gsl_vector_get(scaled->c, k) / scaled->length[k];
        fit->se[k] = sqrt(gsl_matrix_get(scaled->covariance, k, k)) / scaled->length[k];
    }
    set_vif(rows, scaled, unit, fit);
    fit->chi_square = 0;
    for (size_t i = 0; i < rows->n; i++) {
        double residual = residual_of(rows, i, fit->c);
        fit->chi_square += residual * residual * times_of(rows, i);
    }
}

int ipm_regress_least_squares(const struct ipm_regress_rows *rows,
                              struct ipm_regress_fit *out_fit)
{
    struct scaled scaled;
    (void)gsl_set_error_handler_off(); /* every return code is looked at instead */
    int error = check(rows->n, rows->p);
    if (error != 0)
        return error;
    double count = count_of(rows);
    if (!(count > (double)rows->p))
        return IPM_REGRESS_SINGULAR; /* rows that are there and do not count */
    error = scaled_init(rows, &scaled);
    gsl_multifit_linear_workspace *work = NULL;
    if (error == 0) {
        work = gsl_multifit_linear_alloc(rows->n, rows->p);
        error = work == NULL ? -ENOMEM : 0;
    }
    double chi_square = 0;
    size_t rank = 0;
    if (error == 0 &&
        (gsl_multifit_linear_tsvd(scaled.design, scaled.values, 1e-12, scaled.c,
                                  scaled.covariance, &chi_square, &rank,
                                  work) != GSL_SUCCESS ||
         rank < rows->p))
        error = IPM_REGRESS_SINGULAR;
    if (error == 0) {
        *out_fit =
            (struct ipm_regress_fit){.dof = count - (double)rows->p, .converged = true};
        /* gsl_multifit_linear() has the variance of the residuals in its covariance, over
         * rows, where ours counts how often each of them stands. */
        double variance = chi_square / (double)(rows->n - rows->p);
        double per_dof = chi_square / out_fit->dof;
        if (variance > 0) {
            gsl_matrix_scale(scaled.covariance, per_dof / variance);
            take(rows, &scaled, per_dof, out_fit);
        } else
            take(rows, &scaled, NAN, out_fit);
        out_fit->sigma = sqrt(per_dof);
    }
    gsl_multifit_linear_free(work);
    scaled_fini(&scaled);
    return error;
}

int ipm_regress_robust(const struct ipm_regress_rows *rows,
                       struct ipm_regress_fit *out_fit, double *out_weights)
{
    struct scaled scaled;
    struct ipm_regress_fit plain;
    if (rows->times != NULL)
        return -EINVAL;
    /* Where columns depend GSL's robust fit takes the shortest of all solutions and says
     * nothing. */
    int error = ipm_regress_least_squares(rows, &plain);
    if (error != 0)
        return error;
    error = scaled_init(rows, &scaled);
    gsl_multifit_robust_workspace *work = NULL;
    if (error == 0) {
        work =
            gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, rows->n, rows->p);
        error = work == NULL ? -ENOMEM : 0;
    }
    bool fitted =
        error == 0 && gsl_multifit_robust(scaled.design, scaled.values, scaled.c,
                                          scaled.covariance, work) == GSL_SUCCESS;
    if (fitted) {
        gsl_multifit_robust_stats stats = gsl_multifit_robust_statistics(work);
        *out_fit = (struct ipm_regress_fit){
            .dof = (double)stats.dof, .sigma = stats.sigma_mad, .converged = true};
        fitted = isfinite(stats.sigma) && stats.sigma > 0;
        take(rows, &scaled, stats.sigma * stats.sigma, out_fit);
        for (size_t i = 0; i < rows->n; i++) {
            out_weights[i] = gsl_vector_get(stats.weights, i);
            out_fit->rejected += !(out_weights[i] > 0);
        }
        fitted = fitted &&
                 (double)out_fit->rejected <= IPM_REGRESS_REJECTED * (double)rows->n;
    }
    gsl_multifit_robust_free(work);
    scaled_fini(&scaled);
    if (error != 0 || fitted)
        return error;
    *out_fit = plain; /* no majority was found */
    out_fit->converged = false;
    for (size_t i = 0; i < rows->n; i++)
        out_weights[i] = 1;
    return 0;
}

/* Of a residual over what makes its weight 0. */
static double weight_of(double u)
{
    double left = 1 - u * u;
    return left > 0 ? left * left : 0;
}

/* The normal equations, lower half, of one step; group by group, since all rows of one have
 * the same columns. */
static void add_up(const struct ipm_regress_groups *groups, double sigma,
                   const double *c, double *normal, double *right)
{
    size_t p = groups->p;
    const double *values = groups->values;
    const double *times = groups->times;
    for (size_t i = 0; i < groups->n; i++) {
        size_t n = groups->counts == NULL ? 1 : groups->counts[i];
        const double *x = &groups->design[i * p];
        double weight = 0;
        double sum = 0;
        double predicted = 0;
        for (size_t k = 0; k < p; k++)
            predicted += c[k] * x[k];
        double reach = 1 / (bisquare * sigma * groups->errors[i]);
        for (size_t k = 0; k < n; k++) {
            double w = weight_of((values[k] - predicted) * reach) *
                       (times == NULL ? 1 : times[k]);
            weight += w;
            sum += w * values[k];
        }
        values += n;
        times += times == NULL ? 0 : n;
        double square = groups->errors[i] * groups->errors[i];
        weight /= square;
        sum /= square;
        for (size_t k = 0; k < p; k++) {
            right[k] += x[k] * sum;
            for (size_t l = 0; l <= k; l++)
                normal[k * p + l] += weight * x[k] * x[l];
        }
    }
}

/* One solution of the normal equations; the columns have length 1 by then, and a draw needs
 * no more than half the digits. */
static int step(const struct ipm_regress_groups *groups, double sigma, double *c)
{
    size_t p = groups->p;
    double normal[IPM_REGRESS_MOST * IPM_REGRESS_MOST] = {0};
    double right[IPM_REGRESS_MOST] = {0};
    double length[IPM_REGRESS_MOST];
    add_up(groups, sigma, c, normal, right);
    for (size_t k = 0; k < p; k++) {
        length[k] = sqrt(normal[k * p + k]);
        if (!(length[k] > 0))
            return IPM_REGRESS_SINGULAR;
    }
    for (size_t k = 0; k < p; k++) {
        right[k] /= length[k];
        for (size_t l = 0; l <= k; l++) {
            normal[k * p + l] /= length[k] * length[l];
            normal[l * p + k] = normal[k * p + l];
        }
    }
    gsl_matrix_view matrix = gsl_matrix_view_array(normal, p, p);
    gsl_vector_view vector = gsl_vector_view_array(right, p);
    if (gsl_linalg_cholesky_decomp1(&matrix.matrix) != GSL_SUCCESS ||
        gsl_linalg_cholesky_svx(&matrix.matrix, &vector.vector) != GSL_SUCCESS)
        return IPM_REGRESS_SINGULAR;
    for (size_t k = 0; k < p; k++)
        c[k] = right[k] / length[k];
    return 0;
}

int ipm_regress_again(const struct ipm_regress_groups *groups, double sigma, double *c)
{
    enum { STEPS = 4 };
    (void)gsl_set_error_handler_off();
    size_t rows = 0;
    for (size_t i = 0; i < groups->n; i++)
        rows += groups->counts == NULL ? 1 : groups->counts[i];
    int error = check(rows, groups->p);
    for (int i = 0; i < STEPS && error == 0; i++)
        error = step(groups, sigma, c);
    return error;
}

#else

int ipm_regress_least_squares(const struct ipm_regress_rows *rows,
                              struct ipm_regress_fit *out_fit)
{
    (void)rows;
    (void)out_fit;
    return IPM_REGRESS_NO_GSL;
}

int ipm_regress_robust(const struct ipm_regress_rows *rows,
                       struct ipm_regress_fit *out_fit, double *out_weights)
{
    (void)rows;
    (void)out_fit;
    (void)out_weights;
    return IPM_REGRESS_NO_GSL;
}

int ipm_regress_again(const struct ipm_regress_groups *groups, double sigma, double *c)
{
    (void)groups;
    (void)sigma;
    (void)c;
    return IPM_REGRESS_NO_GSL;
}

#endif
