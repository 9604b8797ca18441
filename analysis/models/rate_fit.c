/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/rate_fit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_multifit.h>
#endif

double ipm_rate_predict(double lambda_per_s, double base_ns, double residual_ns,
                        double capacity_per_s)
{
    if (lambda_per_s >= capacity_per_s)
        return INFINITY;
    return base_ns + residual_ns * lambda_per_s / (capacity_per_s - lambda_per_s);
}

static const struct ipm_interval no_interval = {NAN, NAN, NAN};

static void clear(struct ipm_rate_fit *fit)
{
    *fit = (struct ipm_rate_fit){
        .base_ns = no_interval,
        .residual_ns = no_interval,
        .capacity_per_s = no_interval,
        .knee_per_s = no_interval,
        .f = NAN,
        .p = NAN,
        .worst_residual = NAN,
    };
}

#if IPM_HAVE_GSL

static const double level = 0.95;

/* A standard error below this share of the value is not believed. */
static const double least_spread = 0.01;

/* The search is over u = ln(mu / highest rate - 1): from a millionth above the highest rate
 * to a thousand times it. */
static const double least_u = -14;
static const double most_u = 7;
enum { GRID = 211, REFINEMENTS = 60, PARAMETERS = 3 };

/* One weighted problem, and what its workspaces hold. */
struct problem {
    const struct ipm_rate_point *points;
    size_t n;
    gsl_matrix *design;
    gsl_vector *values, *weights, *constants;
    gsl_matrix *covariance;
    gsl_multifit_linear_workspace *workspace;
};

static void problem_fini(struct problem *problem)
{
    gsl_multifit_linear_free(problem->workspace);
    gsl_matrix_free(problem->covariance);
    gsl_vector_free(problem->constants);
    gsl_vector_free(problem->weights);
    gsl_vector_free(problem->values);
    gsl_matrix_free(problem->design);
}

/* Mean relative variance; 0 when none is known. */
static double pooled_variance(const struct ipm_rate_point *points, size_t n)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(points[i].spread))
            continue;
        sum += points[i].spread * points[i].spread;
        known++;
    }
    return known > 0 ? sum / (double)known : 0;
}

/* A variance of a few invocations is itself uncertain, and weights made of it alone leave
 * intervals too short: half of each is everybody's. */
static int problem_init(struct problem *problem, const struct ipm_rate_point *points,
                        size_t n, size_t parameters)
{
    *problem = (struct problem){
        .points = points,
        .n = n,
        .design = gsl_matrix_alloc(n, parameters),
        .values = gsl_vector_alloc(n),
        .weights = gsl_vector_alloc(n),
        .constants = gsl_vector_alloc(parameters),
        .covariance = gsl_matrix_alloc(parameters, parameters),
        .workspace = gsl_multifit_linear_alloc(n, parameters),
    };
    if (problem->design == NULL || problem->values == NULL ||
        problem->weights == NULL || problem->constants == NULL ||
        problem->covariance == NULL || problem->workspace == NULL)
        return -ENOMEM;
    double pooled = pooled_variance(points, n);
    for (size_t i = 0; i < n; i++) {
        double own = points[i].spread * points[i].spread;
        double variance = fmax(((isfinite(own) ? own : pooled) + pooled) / 2,
                               least_spread * least_spread);
        gsl_vector_set(problem->values, i, points[i].mean_ns);
        gsl_vector_set(problem->weights, i,
                       1 / (variance * points[i].mean_ns * points[i].mean_ns));
    }
    return 0;
}

static double highest(const struct problem *problem)
{
    return problem->points[problem->n - 1].offered_per_s;
}

static double capacity_at(const struct problem *problem, double u)
{
    return highest(problem) * (1 + exp(u));
}

/* Sum of squares of the best R_0 and a for this mu; neither may be negative. */
static double profile(double u, void *context)
{
    struct problem *problem = context;
    double capacity = capacity_at(problem, u);
    double chi_square = INFINITY;
    for (size_t i = 0; i < problem->n; i++) {
        double lambda = problem->points[i].offered_per_s;
        gsl_matrix_set(problem->design, i, 0, 1);
        gsl_matrix_set(problem->design, i, 1, lambda / (capacity - lambda));
    }
    if (gsl_multifit_wlinear(problem->design, problem->weights, problem->values,
                             problem->constants, problem->covariance, &chi_square,
                             problem->workspace) != GSL_SUCCESS ||
        !(gsl_vector_get(problem->constants, 0) > 0) ||
        gsl_vector_get(problem->constants, 1) < 0)
        return INFINITY;
    return chi_square;
}

/* Refines the grid's best; the grid's own where the refinement does not converge. */
static double refine(struct problem *problem, double low, double best, double high)
{
    gsl_function function = {.function = profile, .params = problem};
    gsl_min_fminimizer *search = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    double found = best;
    if (search != NULL &&
        gsl_min_fminimizer_set(search, &function, best, low, high) == GSL_SUCCESS) {
        int status = GSL_CONTINUE;
        for (int i = 0; status == GSL_CONTINUE && i < REFINEMENTS; i++) {
            if (gsl_min_fminimizer_iterate(search) != GSL_SUCCESS)
                break;
            found = gsl_min_fminimizer_x_minimum(search);
            status = gsl_min_test_interval(gsl_min_fminimizer_x_lower(search),
                                           gsl_min_fminimizer_x_upper(search), 1e-9, 0);
        }
    }
    gsl_min_fminimizer_free(search);
    return found;
}

struct solution {
    double u, base_ns, residual_ns, capacity_per_s;
    double chi_square, dof;
    double low_per_s, high_per_s; /* of the capacity */
};

/* Where the profile leaves the region of @limit, from the best outwards, by halving. */
static double leaves(struct problem *problem, double inside, double outside,
                     double limit)
{
    if (profile(outside, problem) <= limit)
        return NAN;
    for (int i = 0; i < REFINEMENTS; i++) {
        double middle = (inside + outside) / 2;
        if (profile(middle, problem) <= limit)
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

static int solve(struct problem *problem, struct solution *out_solution)
{
    const double step = (most_u - least_u) / (GRID - 1);
    double best_u = NAN;
    double best = INFINITY;
    for (int i = 0; i < GRID; i++) {
        double u = least_u + i * step;
        double value = profile(u, problem);
        if (value < best) {
            best = value;
            best_u = u;
        }
    }
    if (!isfinite(best))
        return IPM_RATE_UNIDENTIFIED;
    best_u = refine(problem, fmax(best_u - step, least_u), best_u,
                    fmin(best_u + step, most_u));

    struct solution solution = {.u = best_u,
                                .dof = (double)problem->n - PARAMETERS,
                                .capacity_per_s = capacity_at(problem, best_u)};
    solution.chi_square = profile(best_u, problem);
    solution.base_ns = gsl_vector_get(problem->constants, 0);
    solution.residual_ns = gsl_vector_get(problem->constants, 1);
    double limit = solution.chi_square *
                   (1 + gsl_cdf_fdist_Pinv(level, 1, solution.dof) / solution.dof);
    double low = leaves(problem, best_u, least_u, limit);
    double high = leaves(problem, best_u, most_u, limit);
    /* Below, the highest rate itself is a bound: it was achieved. */
    solution.low_per_s = isnan(low) ? highest(problem) : capacity_at(problem, low);
    solution.high_per_s = isnan(high) ? INFINITY : capacity_at(problem, high);
    *out_solution = solution;
    return 0;
}

static struct ipm_interval on_logarithm(double value, double relative_variance,
                                        double quantile)
{
    double factor = exp(quantile * sqrt(fmax(relative_variance, 0)));
    return (struct ipm_interval){value, value / factor, value * factor};
}

/*
 * Covariance of ln R_0, ln a and v = ln(mu - highest) from the model linearised at the
 * solution; the knee's from its gradient.
 */
static int spread_out(const struct ipm_rate_point *points, size_t n,
                      const struct solution *solution, struct ipm_rate_fit *fit)
{
    struct problem linear;
    double mu = solution->capacity_per_s;
    double a = solution->residual_ns;
    double base = solution->base_ns;
    double above = mu - points[n - 1].offered_per_s;
    int error = problem_init(&linear, points, n, PARAMETERS);
    double chi_square = 0;
    for (size_t i = 0; error == 0 && i < n; i++) {
        double lambda = points[i].offered_per_s;
        double left = mu - lambda;
        gsl_matrix_set(linear.design, i, 0, base);
        gsl_matrix_set(linear.design, i, 1, a * lambda / left);
        gsl_matrix_set(linear.design, i, 2, -a * lambda * above / (left * left));
    }
    if (error == 0 &&
        gsl_multifit_wlinear(linear.design, linear.weights, linear.values,
                             linear.constants, linear.covariance, &chi_square,
                             linear.workspace) != GSL_SUCCESS)
        error = IPM_RATE_UNIDENTIFIED;
    if (error == 0) {
        double scale = solution->chi_square / solution->dof;
        double quantile = gsl_cdf_tdist_Pinv((1 + level) / 2, solution->dof);
        const gsl_matrix *c = linear.covariance;
        fit->base_ns = on_logarithm(base, gsl_matrix_get(c, 0, 0) * scale, quantile);
        fit->residual_ns = on_logarithm(a, gsl_matrix_get(c, 1, 1) * scale, quantile);
        double root = sqrt(a / base);
        /* d ln knee by ln R_0, ln a and v */
        const double gradient[PARAMETERS] = {root / (1 + root) / 2,
                                             -root / (1 + root) / 2, above / mu};
        double variance = 0;
        for (size_t i = 0; i < PARAMETERS; i++) {
            for (size_t k = 0; k < PARAMETERS; k++)
                variance += gradient[i] * gradient[k] * gsl_matrix_get(c, i, k);
        }
        fit->knee_per_s = on_logarithm(mu / (1 + root), variance * scale, quantile);
        if (!(fit->knee_per_s.high <= IPM_RATE_KNEE * fit->knee_per_s.low))
            fit->knee_per_s = (struct ipm_interval){NAN, NAN, fit->capacity_per_s.high};
    }
    problem_fini(&linear);
    return error;
}

/* Residuals against the error that repeating an invocation shows. */
static void judge(const struct ipm_rate_point *points, size_t n,
                  const struct solution *solution, struct ipm_rate_fit *fit)
{
    double residual = 0;
    double pure = 0;
    double dof_pure = 0;
    size_t counted = 0;
    fit->worst_residual = 0;
    fit->n_used = n;
    fit->out_of_line = 0;
    for (size_t i = 0; i < n; i++) {
        double predicted =
            ipm_rate_predict(points[i].offered_per_s, solution->base_ns,
                             solution->residual_ns, solution->capacity_per_s);
        double off = points[i].mean_ns / predicted - 1;
        residual += (double)points[i].n * off * off;
        fit->worst_residual = fmax(fit->worst_residual, fabs(off));
        fit->out_of_line += fabs(off) > IPM_RATE_TOLERANCE;
        if (isfinite(points[i].spread) && points[i].n > 1) {
            pure += points[i].spread * points[i].spread * (double)points[i].n;
            dof_pure += (double)points[i].n - 1;
            counted++;
        }
    }
    bool known = counted > 0 && pure > 0;
    fit->dof_fit = solution->dof;
    fit->dof_pure = dof_pure;
    fit->f = known ? residual / solution->dof / (pure / (double)counted) : NAN;
    fit->p = known ? gsl_cdf_fdist_Q(fit->f, fit->dof_fit, fit->dof_pure) : NAN;
}

static void mark(struct ipm_rate_point *points, size_t n,
                 const struct solution *solution, double low)
{
    for (size_t i = 0; i < n; i++) {
        points[i].used = points[i].offered_per_s >= low;
        points[i].predicted_ns =
            ipm_rate_predict(points[i].offered_per_s, solution->base_ns,
                             solution->residual_ns, solution->capacity_per_s);
    }
}

/* The points from @from up.  Return: 0, when they are described. */
static int fit_from(struct ipm_rate_point *points, size_t n, size_t from,
                    struct ipm_rate_fit *fit)
{
    struct problem problem;
    struct solution solution = {.dof = 0};
    int error = problem_init(&problem, points + from, n - from, PARAMETERS - 1);
    if (error == 0)
        error = solve(&problem, &solution);
    problem_fini(&problem);
    if (error != 0)
        return error;
    judge(points + from, n - from, &solution, fit);
    if (fit->worst_residual > IPM_RATE_TOLERANCE && !(fit->p >= IPM_RATE_ALPHA))
        return IPM_RATE_REJECTED;
    if (fit->worst_residual > IPM_RATE_MOST)
        return IPM_RATE_NOISY;
    fit->low = points[from].offered_per_s;
    fit->high = points[n - 1].offered_per_s;
    fit->rejected_below = from > 0 ? points[from - 1].offered_per_s : 0;
    fit->base_ns.value = solution.base_ns;
    fit->residual_ns.value = solution.residual_ns;
    fit->capacity_per_s = (struct ipm_interval){
        solution.capacity_per_s, solution.low_per_s, solution.high_per_s};
    mark(points, n, &solution, fit->low);
    if (isinf(solution.high_per_s) || !(solution.residual_ns > 0))
        return IPM_RATE_UNIDENTIFIED;
    return spread_out(points + from, n - from, &solution, fit);
}

#endif

int ipm_rate_fit(struct ipm_rate_point *points, size_t n, struct ipm_rate_fit *out_fit)
{
    clear(out_fit);
    for (size_t i = 0; i < n; i++) {
        points[i].used = false;
        points[i].predicted_ns = NAN;
    }
#if IPM_HAVE_GSL
    /* Every return code is looked at instead. */
    (void)gsl_set_error_handler_off();
    if (n < IPM_RATE_POINTS)
        return IPM_RATE_TOO_FEW;
    int result = IPM_RATE_REJECTED;
    for (size_t from = 0; (result == IPM_RATE_REJECTED || result == IPM_RATE_NOISY) &&
                          n - from >= IPM_RATE_POINTS;
         from++)
        result = fit_from(points, n, from, out_fit);
    if (result == IPM_RATE_REJECTED || result == IPM_RATE_NOISY)
        out_fit->rejected_below = points[n - 1].offered_per_s;
    return result;
#else
    return IPM_RATE_NO_GSL;
#endif
}
