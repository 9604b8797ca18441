/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_fit.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_statistics_double.h>
#endif

unsigned ipm_energy_terms(const struct ipm_energy_observation *all, size_t n,
                          unsigned terms)
{
    static const double least_share = 0.01;
    double most[IPM_ENERGY_TERMS] = {0};
    for (size_t i = 0; i < n; i++) {
        for (int term = 0; all[i].used && term < IPM_ENERGY_TERMS; term++) {
            double messages = all[i].rate[IPM_ENERGY_MESSAGE];
            bool kind = term == IPM_ENERGY_LOCAL || term == IPM_ENERGY_WAKE;
            double share = kind ? all[i].rate[term] / messages : all[i].rate[term];
            most[term] = fmax(most[term], share);
        }
    }
    for (int term = 0; term < IPM_ENERGY_TERMS; term++) {
        bool kind = term == IPM_ENERGY_LOCAL || term == IPM_ENERGY_WAKE;
        if (most[term] <= (kind ? least_share : 0))
            terms &= ~(1u << term);
    }
    return terms;
}

static struct ipm_energy_fit empty(unsigned terms)
{
    struct ipm_energy_fit fit = {
        .terms = terms, .condition = INFINITY, .sum = NAN, .variance = NAN};
    for (int i = 0; i < IPM_ENERGY_TERMS; i++) {
        fit.value[i] = NAN;
        fit.vif[i] = terms >> i & 1 ? INFINITY : NAN;
        for (int k = 0; k < IPM_ENERGY_TERMS; k++)
            fit.covariance[i][k] = NAN;
    }
    return fit;
}

#if IPM_HAVE_GSL

/* Below this the smallest singular value is rounding. */
static const double least_rcond = 1e-9;

struct system {
    gsl_matrix *design, *covariance;
    gsl_vector *response, *terms;
    gsl_multifit_linear_workspace *workspace;
};

static void system_fini(struct system *system)
{
    gsl_multifit_linear_free(system->workspace);
    gsl_vector_free(system->terms);
    gsl_vector_free(system->response);
    gsl_matrix_free(system->covariance);
    gsl_matrix_free(system->design);
}

static bool system_init(struct system *system, size_t n, size_t p)
{
    system->design = gsl_matrix_alloc(n, p);
    system->covariance = gsl_matrix_alloc(p, p);
    system->response = gsl_vector_alloc(n);
    system->terms = gsl_vector_alloc(p);
    system->workspace = gsl_multifit_linear_alloc(n, p);
    return system->design != NULL && system->covariance != NULL &&
           system->response != NULL && system->terms != NULL &&
           system->workspace != NULL;
}

/* Rows times the root of their weight, columns of length 1. */
static void fill(struct system *system, const struct ipm_energy_observation *all,
                 size_t n, const int *terms, size_t p, double *length)
{
    size_t row = 0;
    for (size_t i = 0; i < n; i++) {
        if (!all[i].used)
            continue;
        double root = sqrt(all[i].weight);
        for (size_t k = 0; k < p; k++)
            gsl_matrix_set(system->design, row, k, root * all[i].rate[terms[k]]);
        gsl_vector_set(system->response, row++, root * all[i].beyond_w);
    }
    for (size_t k = 0; k < p; k++) {
        double sum = 0;
        for (size_t i = 0; i < row; i++)
            sum += pow(gsl_matrix_get(system->design, i, k), 2);
        length[k] = sum > 0 ? sqrt(sum) : 1;
        for (size_t i = 0; i < row; i++)
            gsl_matrix_set(system->design, i, k,
                           gsl_matrix_get(system->design, i, k) / length[k]);
    }
}

static int solve(struct system *system, const int *terms, const double *length,
                 struct ipm_energy_fit *fit)
{
    double sum = 0;
    if (gsl_multifit_linear_svd(system->design, system->workspace) != GSL_SUCCESS)
        return IPM_ENERGY_SINGULAR;
    double rcond = gsl_multifit_linear_rcond(system->workspace);
    if (!(rcond > least_rcond))
        return IPM_ENERGY_SINGULAR;
    if (gsl_multifit_linear(system->design, system->response, system->terms,
                            system->covariance, &sum, system->workspace) != GSL_SUCCESS)
        return IPM_ENERGY_SINGULAR;
    fit->condition = 1 / rcond;
    fit->sum = sum;
    fit->variance = sum / (double)(fit->n - fit->p);
    for (size_t i = 0; i < fit->p; i++) {
        fit->value[terms[i]] = gsl_vector_get(system->terms, i) / length[i];
        for (size_t k = 0; k < fit->p; k++)
            fit->covariance[terms[i]][terms[k]] =
                gsl_matrix_get(system->covariance, i, k) / length[i] / length[k];
        /* gsl_multifit_linear() multiplies by the variance of the residuals. */
        fit->vif[terms[i]] =
            fit->variance > 0 ? gsl_matrix_get(system->covariance, i, i) / fit->variance
                              : NAN;
    }
    return 0;
}

int ipm_energy_solve(const struct ipm_energy_observation *all, size_t n, unsigned terms,
                     struct ipm_energy_fit *out_fit)
{
    int at[IPM_ENERGY_TERMS];
    double length[IPM_ENERGY_TERMS];
    *out_fit = empty(terms);
    for (int term = 0; term < IPM_ENERGY_TERMS; term++) {
        if (terms >> term & 1)
            at[out_fit->p++] = term;
    }
    for (size_t i = 0; i < n; i++)
        out_fit->n += all[i].used;
    if (out_fit->p == 0 || out_fit->n < out_fit->p + IPM_ENERGY_FREEDOM)
        return IPM_ENERGY_FEW;
    (void)gsl_set_error_handler_off();
    struct system system = {0};
    int result = -ENOMEM;
    if (system_init(&system, out_fit->n, out_fit->p)) {
        fill(&system, all, n, at, out_fit->p, length);
        result = solve(&system, at, length, out_fit);
    }
    system_fini(&system);
    return result;
}

double ipm_energy_half_width(const struct ipm_energy_fit *fit, int term, double level)
{
    return gsl_cdf_tdist_Pinv((1 + level) / 2, (double)(fit->n - fit->p)) *
           sqrt(fit->covariance[term][term]);
}

double ipm_energy_f_tail(double f, double freedom_above, double freedom_below)
{
    bool known = f >= 0 && freedom_above >= 1 && freedom_below >= 1;
    return known ? gsl_cdf_fdist_Q(f, freedom_above, freedom_below) : NAN;
}

double ipm_energy_t_tail(double value, double freedom)
{
    return isfinite(value) && freedom >= 1 ? 2 * gsl_cdf_tdist_Q(fabs(value), freedom)
                                           : NAN;
}

double ipm_energy_correlation(const struct ipm_energy_observation *all, size_t n,
                              int one, int other)
{
    /* The second half stays at rest. */
    ipm_auto_free double *x = calloc(4 * n + 1, sizeof(*x));
    size_t used = 0;
    for (size_t i = 0; x != NULL && i < n; i++) {
        if (!all[i].used)
            continue;
        x[used] = all[i].rate[one];
        x[2 * n + used++] = all[i].rate[other];
    }
    return x != NULL && used > 0 ? gsl_stats_correlation(x, 1, x + 2 * n, 1, 2 * used)
                                 : NAN;
}

#else

int ipm_energy_solve(const struct ipm_energy_observation *all, size_t n, unsigned terms,
                     struct ipm_energy_fit *out_fit)
{
    (void)all;
    (void)n;
    *out_fit = empty(terms);
    return IPM_ENERGY_NO_GSL;
}

double ipm_energy_half_width(const struct ipm_energy_fit *fit, int term, double level)
{
    (void)fit;
    (void)term;
    (void)level;
    return NAN;
}

double ipm_energy_f_tail(double f, double freedom_above, double freedom_below)
{
    (void)f;
    (void)freedom_above;
    (void)freedom_below;
    return NAN;
}

double ipm_energy_t_tail(double value, double freedom)
{
    (void)value;
    (void)freedom;
    return NAN;
}

double ipm_energy_correlation(const struct ipm_energy_observation *all, size_t n,
                              int one, int other)
{
    (void)all;
    (void)n;
    (void)one;
    (void)other;
    return NAN;
}

#endif

double ipm_energy_predict(const struct ipm_energy_fit *fit, const double *rate)
{
    double sum = 0;
    for (int term = 0; term < IPM_ENERGY_TERMS; term++) {
        if (fit->terms >> term & 1)
            sum += fit->value[term] * rate[term];
    }
    return sum;
}

struct ipm_energy_lack ipm_energy_lack(const struct ipm_energy_observation *all,
                                       size_t n, const struct ipm_energy_fit *fit)
{
    struct ipm_energy_lack lack = {NAN, NAN, NAN, NAN};
    size_t groups = 0;
    double pure = 0;
    for (size_t i = 0; i < n; i++) {
        double weight = 0;
        double mean = 0;
        bool first = all[i].used;
        for (size_t k = 0; first && k < i; k++)
            first = !all[k].used || all[k].group != all[i].group;
        if (!first)
            continue;
        groups++;
        /* Rates of one point differ a little between its blocks: what the model makes of
         * that is taken off first, so that only the residuals are compared. */
        for (size_t k = i; k < n; k++) {
            if (all[k].used && all[k].group == all[i].group) {
                weight += all[k].weight;
                mean += all[k].weight *
                        (all[k].beyond_w - ipm_energy_predict(fit, all[k].rate));
            }
        }
        mean /= weight;
        for (size_t k = i; k < n; k++) {
            if (all[k].used && all[k].group == all[i].group)
                pure +=
                    all[k].weight *
                    pow(all[k].beyond_w - ipm_energy_predict(fit, all[k].rate) - mean,
                        2);
        }
    }
    lack.freedom_fit = (double)groups - (double)fit->p;
    lack.freedom_pure = (double)fit->n - (double)groups;
    if (lack.freedom_fit >= 1 && lack.freedom_pure >= 1 && pure > 0) {
        lack.f =
            fmax(fit->sum - pure, 0) / lack.freedom_fit / (pure / lack.freedom_pure);
        lack.p = ipm_energy_f_tail(lack.f, lack.freedom_fit, lack.freedom_pure);
    }
    return lack;
}
