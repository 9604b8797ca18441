/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/seed_fit.h"

#include "analysis/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#endif

static double copies_of(enum ipm_seed_kind kind)
{
    return kind == IPM_SEED_PIPE ? 2 : 1;
}

static double syncs_of(enum ipm_seed_kind kind, double size, double chunk_bytes)
{
    bool chunked = kind == IPM_SEED_PIPE && chunk_bytes > 0;
    return 2 * (chunked ? ceil(size / chunk_bytes) : 1);
}

double ipm_seed_predict(enum ipm_seed_kind kind, double size, double chunk_bytes,
                        double c_copy, double c_sync)
{
    return copies_of(kind) * size * c_copy + syncs_of(kind, size, chunk_bytes) * c_sync;
}

static const struct ipm_interval no_interval = {NAN, NAN, NAN};

static void clear(struct ipm_seed_fit *fit)
{
    *fit = (struct ipm_seed_fit){
        .c_copy = no_interval,
        .c_sync = no_interval,
        .s_half = no_interval,
        .f = NAN,
        .p = NAN,
        .worst_residual = NAN,
        .worst_ratio = NAN,
        .rejected_residual = NAN,
        .rejected_ratio = NAN,
    };
}

#if IPM_HAVE_GSL

static const double level = 0.95;

static bool takes_part(const struct ipm_seed_point *point, unsigned kinds, double limit)
{
    return (kinds & 1u << point->kind) != 0 && point->size <= limit;
}

/* Sizes that every kind taking part was measured at, ascending. */
static size_t common_sizes(const struct ipm_seed_point *points, size_t n,
                           unsigned kinds, double *sizes)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned seen = 0;
        for (size_t k = 0; k < n; k++) {
            /* Sizes are whole numbers of bytes: equal is equal. */
            if (points[k].size <= points[i].size && points[k].size >= points[i].size)
                seen |= 1u << points[k].kind;
        }
        bool first = true;
        for (size_t k = 0; k < found; k++)
            first = first && (sizes[k] < points[i].size || sizes[k] > points[i].size);
        if (first && (seen & kinds) == kinds)
            sizes[found++] = points[i].size;
    }
    ipm_sort(sizes, found);
    return found;
}

struct solution {
    double c_copy, c_sync;
    double var_copy, var_sync, covariance;
    double mean_square; /* of the relative residuals, weighted by n, per degree */
    double dof;
};

static int solve(const struct ipm_seed_point *points, size_t n, double chunk_bytes,
                 unsigned kinds, double limit, struct solution *out_solution)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += takes_part(&points[i], kinds, limit);
    if (rows < 3)
        return IPM_SEED_TOO_FEW;
    gsl_matrix *design = gsl_matrix_alloc(rows, 2);
    gsl_vector *times = gsl_vector_alloc(rows);
    gsl_vector *weights = gsl_vector_alloc(rows);
    gsl_vector *constants = gsl_vector_alloc(2);
    gsl_matrix *covariance = gsl_matrix_alloc(2, 2);
    gsl_multifit_linear_workspace *workspace = gsl_multifit_linear_alloc(rows, 2);
    double chi_square = 0;
    int error = design == NULL || times == NULL || weights == NULL ||
                        constants == NULL || covariance == NULL || workspace == NULL
                    ? -ENOMEM
                    : 0;
    for (size_t i = 0, row = 0; error == 0 && i < n; i++) {
        const struct ipm_seed_point *point = &points[i];
        if (!takes_part(point, kinds, limit))
            continue;
        gsl_matrix_set(design, row, 0, copies_of(point->kind) * point->size);
        gsl_matrix_set(design, row, 1, syncs_of(point->kind, point->size, chunk_bytes));
        gsl_vector_set(times, row, point->time_ns);
        gsl_vector_set(weights, row,
                       (double)point->n / (point->time_ns * point->time_ns));
        row++;
    }
    if (error == 0 &&
        gsl_multifit_wlinear(design, weights, times, constants, covariance, &chi_square,
                             workspace) != GSL_SUCCESS)
        error = IPM_SEED_UNIDENTIFIED;
    if (error == 0) {
        double dof = (double)rows - 2;
        double scale = chi_square / dof;
        *out_solution = (struct solution){
            .c_copy = gsl_vector_get(constants, 0),
            .c_sync = gsl_vector_get(constants, 1),
            .var_copy = gsl_matrix_get(covariance, 0, 0) * scale,
            .var_sync = gsl_matrix_get(covariance, 1, 1) * scale,
            .covariance = gsl_matrix_get(covariance, 0, 1) * scale,
            .mean_square = scale,
            .dof = dof,
        };
    }
    gsl_multifit_linear_free(workspace);
    gsl_matrix_free(covariance);
    gsl_vector_free(constants);
    gsl_vector_free(weights);
    gsl_vector_free(times);
    gsl_matrix_free(design);
    return error;
}

/* Does every predicted R agree with the measured one?  Writes the worst disagreement. */
static bool ratios_agree(const struct ipm_seed_point *points, size_t n,
                         double chunk_bytes, unsigned kinds, double limit,
                         const struct solution *solution, double *out_worst)
{
    bool agree = true;
    *out_worst = NAN;
    for (size_t i = 0; i < n; i++) {
        const struct ipm_seed_point *point = &points[i];
        if (point->kind != IPM_SEED_SHM || !takes_part(point, kinds, limit) ||
            !isfinite(point->ratio.value))
            continue;
        double predicted = ipm_seed_predict(IPM_SEED_PIPE, point->size, chunk_bytes,
                                            solution->c_copy, solution->c_sync) /
                           ipm_seed_predict(IPM_SEED_SHM, point->size, chunk_bytes,
                                            solution->c_copy, solution->c_sync);
        double off = fabs(predicted / point->ratio.value - 1);
        bool inside = predicted >= point->ratio.low && predicted <= point->ratio.high;
        *out_worst = fmax(off, *out_worst); /* fmax() prefers a number to NaN */
        agree = agree && (inside || off <= IPM_SEED_TOLERANCE);
    }
    return agree;
}

/* Residuals of one solution against the error that repeating an invocation shows. */
static void judge(const struct ipm_seed_point *points, size_t n, double chunk_bytes,
                  unsigned kinds, double limit, const struct solution *solution,
                  struct ipm_seed_fit *fit)
{
    double pure = 0;
    double dof_pure = 0;
    double worst = 0;
    size_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ipm_seed_point *point = &points[i];
        if (!takes_part(point, kinds, limit))
            continue;
        double predicted = ipm_seed_predict(point->kind, point->size, chunk_bytes,
                                            solution->c_copy, solution->c_sync);
        worst = fmax(worst, fabs(point->time_ns / predicted - 1));
        if (isfinite(point->spread) && point->n > 1) {
            /* In the unit of the weighted residuals: per invocation. */
            pure += point->spread * point->spread * (double)point->n;
            dof_pure += (double)point->n - 1;
            counted++;
        }
    }
    fit->worst_residual = worst;
    fit->dof_fit = solution->dof;
    fit->dof_pure = dof_pure;
    bool known = counted > 0 && pure > 0 && dof_pure > 0;
    fit->f = known ? solution->mean_square / (pure / (double)counted) : NAN;
    fit->p = known ? gsl_cdf_fdist_Q(fit->f, fit->dof_fit, fit->dof_pure) : NAN;
}

static struct ipm_interval interval(double value, double variance, double quantile)
{
    double half = quantile * sqrt(variance);
    return (struct ipm_interval){value, value - half, value + half};
}

static int report(const struct solution *solution, struct ipm_seed_fit *fit)
{
    double quantile = gsl_cdf_tdist_Pinv((1 + level) / 2, solution->dof);
    fit->c_copy = interval(solution->c_copy, solution->var_copy, quantile);
    fit->c_sync = interval(solution->c_sync, solution->var_sync, quantile);
    if (!(fit->c_copy.low > 0) || !(fit->c_sync.low > 0))
        return IPM_SEED_UNIDENTIFIED;
    double s_half = 2 * solution->c_sync / solution->c_copy;
    double variance = solution->var_sync / (solution->c_sync * solution->c_sync) +
                      solution->var_copy / (solution->c_copy * solution->c_copy) -
                      2 * solution->covariance / (solution->c_sync * solution->c_copy);
    double spread = exp(quantile * sqrt(fmax(variance, 0)));
    fit->s_half = (struct ipm_interval){s_half, s_half / spread, s_half * spread};
    return 0;
}

static void mark(struct ipm_seed_point *points, size_t n, double chunk_bytes,
                 unsigned kinds, const struct ipm_seed_fit *fit)
{
    for (size_t i = 0; i < n; i++) {
        points[i].predicted_ns =
            ipm_seed_predict(points[i].kind, points[i].size, chunk_bytes,
                             fit->c_copy.value, fit->c_sync.value);
        points[i].used = takes_part(&points[i], kinds, fit->high);
    }
}

static int fit_range(struct ipm_seed_point *points, size_t n, double chunk_bytes,
                     unsigned kinds, const double *sizes, size_t n_sizes,
                     struct ipm_seed_fit *fit)
{
    double beyond =
        NAN; /* of the last range that was refused: worst residual, worst R */
    double ratio_beyond = NAN;
    for (size_t taken = n_sizes; taken >= IPM_SEED_SIZES; taken--) {
        struct solution solution;
        double limit = sizes[taken - 1];
        int error = solve(points, n, chunk_bytes, kinds, limit, &solution);
        if (error != 0)
            return error;
        judge(points, n, chunk_bytes, kinds, limit, &solution, fit);
        bool agree = ratios_agree(points, n, chunk_bytes, kinds, limit, &solution,
                                  &fit->worst_ratio);
        if (!agree ||
            (fit->worst_residual > IPM_SEED_TOLERANCE && !(fit->p >= IPM_SEED_ALPHA))) {
            beyond = fit->worst_residual;
            ratio_beyond = fit->worst_ratio;
            continue;
        }
        fit->low = sizes[0];
        fit->high = limit;
        fit->rejected_above = taken < n_sizes ? sizes[taken] : 0;
        fit->rejected_residual = beyond;
        fit->rejected_ratio = ratio_beyond;
        error = report(&solution, fit);
        mark(points, n, chunk_bytes, kinds, fit);
        return error;
    }
    fit->low = sizes[0];
    fit->rejected_above = sizes[0];
    fit->rejected_residual = beyond;
    fit->rejected_ratio = ratio_beyond;
    return IPM_SEED_REJECTED;
}

#endif

int ipm_seed_fit(struct ipm_seed_point *points, size_t n, double chunk_bytes,
                 unsigned kinds, struct ipm_seed_fit *out_fit)
{
    clear(out_fit);
    for (size_t i = 0; i < n; i++) {
        points[i].used = false;
        points[i].predicted_ns = NAN;
    }
#if IPM_HAVE_GSL
    /* Every return code is looked at instead. */
    (void)gsl_set_error_handler_off();
    double *sizes = calloc(n > 0 ? n : 1, sizeof(*sizes));
    if (sizes == NULL)
        return -ENOMEM;
    size_t n_sizes = common_sizes(points, n, kinds, sizes);
    int result = n_sizes < IPM_SEED_SIZES ? IPM_SEED_TOO_FEW
                                          : fit_range(points, n, chunk_bytes, kinds,
                                                      sizes, n_sizes, out_fit);
    free(sizes);
    return result;
#else
    (void)chunk_bytes;
    (void)kinds;
    return IPM_SEED_NO_GSL;
#endif
}
