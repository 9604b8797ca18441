/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/segments.h"

#include "analysis/models/regress.h"
#include "analysis/models/segments_shapes.h"
#include "analysis/models/segments_tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#endif

void ipm_segments_close(struct ipm_segments_search *search)
{
    for (size_t i = 0; search->bases != NULL && i < search->n_shapes; i++)
        free(search->bases[i]);
    free(search->bases);
    ipm_segments_tree_free(search->tree);
    free(search->scaled);
    free(search->squares);
    free(search->shapes);
    free(search->errors);
    *search = (struct ipm_segments_search){0};
}

#if IPM_HAVE_GSL

/* Orthonormal columns of the divided design (Householder), and the leverage they give. */
static int prepare(struct ipm_segments_search *search, size_t index)
{
    if (search->bases[index] != NULL)
        return 0;
    const struct ipm_segments_shape *shape = &search->shapes[index];
    size_t n = search->n;
    size_t p = ipm_segments_columns(shape);
    double row[IPM_REGRESS_MOST];
    double *basis = calloc(n * (p + 1), sizeof(*basis));
    gsl_matrix *design = gsl_matrix_alloc(n, p);
    gsl_vector *tau = gsl_vector_alloc(p);
    gsl_vector *column = gsl_vector_calloc(n);
    search->bases[index] = basis;
    int error =
        basis == NULL || design == NULL || tau == NULL || column == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < n; i++) {
        ipm_segments_row(shape, search->sizes[i], row);
        for (size_t k = 0; k < p; k++)
            gsl_matrix_set(design, i, k, row[k] / search->errors[i]);
    }
    if (error == 0 && gsl_linalg_QR_decomp(design, tau) != GSL_SUCCESS)
        error = -ENOMEM;
    for (size_t k = 0; error == 0 && k < p; k++) {
        gsl_vector_set_basis(column, k);
        if (gsl_linalg_QR_Qvec(design, tau, column) != GSL_SUCCESS)
            error = -ENOMEM;
        for (size_t i = 0; i < n; i++) {
            double q = gsl_vector_get(column, i);
            basis[i * p + k] = q;
            basis[n * p + i] += q * q;
        }
    }
    gsl_vector_free(column);
    gsl_vector_free(tau);
    gsl_matrix_free(design);
    return error;
}

int ipm_segments_open(const double *sizes, const double *errors, size_t n,
                      const struct ipm_segments_capacity *capacities,
                      size_t n_capacities, struct ipm_segments_search *out_search)
{
    (void)gsl_set_error_handler_off();
    struct ipm_segments_search ipm_auto_segments search = {.n = n, .sizes = sizes};
    search.errors = calloc(n + 1, sizeof(*search.errors));
    if (search.errors == NULL)
        return -ENOMEM;
    memcpy(search.errors, errors, n * sizeof(*errors));
    int error = ipm_segments_list_shapes(&search, capacities, n_capacities);
    if (error == 0) {
        search.bases = calloc(search.n_shapes + 1, sizeof(*search.bases));
        search.scaled = calloc(2 * n + 1, sizeof(*search.scaled));
        search.squares = calloc(search.n_shapes + 1, sizeof(*search.squares));
        error = search.bases == NULL || search.scaled == NULL || search.squares == NULL
                    ? -ENOMEM
                    : ipm_segments_tree_new(search.shapes, search.n_shapes, sizes,
                                            search.errors, n, &search.tree);
    }
    if (error == 0) {
        *out_search = search;
        search = (struct ipm_segments_search){0};
    }
    return error;
}

/* A sum of squares below it is rounding. */
static double least_square(const struct ipm_segments_search *search)
{
    return 1e-12 * (double)search->n;
}

static double aicc_of(const struct ipm_segments_search *search, size_t index,
                      double square)
{
    const struct ipm_segments_shape *shape = &search->shapes[index];
    double count = (double)search->n;
    double known = (double)(ipm_segments_columns(shape) + shape->n_breaks + 1);
    return count * log(fmax(square, least_square(search)) / count) + 2 * known +
           2 * known * (known + 1) / (count - known - 1);
}

/* Of the values that are scaled. */
static int score_of(struct ipm_segments_search *search, size_t index,
                    struct ipm_segments_score *out_score)
{
    size_t n = search->n;
    size_t p = ipm_segments_columns(&search->shapes[index]);
    double inner[IPM_REGRESS_MOST] = {0};
    double square = 0;
    if (prepare(search, index) != 0)
        return -ENOMEM;
    const double *basis = search->bases[index];
    *out_score = (struct ipm_segments_score){0};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < p; k++)
            inner[k] += basis[i * p + k] * search->scaled[i];
    }
    for (size_t i = 0; i < n; i++) {
        double residual = search->scaled[i];
        for (size_t k = 0; k < p; k++)
            residual -= basis[i * p + k] * inner[k];
        square += residual * residual;
        double error = residual / fmax(1 - basis[n * p + i], 1e-9);
        out_score->left_out += error * error;
    }
    out_score->aicc = aicc_of(search, index, square);
    return 0;
}

static void scale(struct ipm_segments_search *search, const double *values)
{
    for (size_t i = 0; i < search->n; i++)
        search->scaled[i] = values[i] / search->errors[i];
}

/* The best shape with so many breaks, by AICc; 0: there is none. */
static size_t best_with(const struct ipm_segments_search *search,
                        const struct ipm_segments_best *best, size_t breaks,
                        double *out_aicc)
{
    size_t found = 0;
    for (size_t i = 0; i < IPM_SEGMENTS_CLASSES; i++) {
        size_t shape = best->shapes[i];
        if (isinf(best->squares[i]) || search->shapes[shape].n_breaks != breaks)
            continue;
        double aicc = aicc_of(search, shape, best->squares[i]);
        if (found == 0 || aicc < *out_aicc) {
            found = shape;
            *out_aicc = aicc;
        }
    }
    return found;
}

/* Of the best with each number of breaks, of the values that are scaled. */
static int choose(struct ipm_segments_search *search,
                  const struct ipm_segments_best *best, size_t most_breaks,
                  size_t *out_chosen, struct ipm_segments_score *out_score)
{
    size_t chosen = 0;
    double aicc = aicc_of(search, 0, best->squares[0]);
    bool scored = false; /* most draws end before a score is needed */
    for (size_t breaks = 1; breaks <= most_breaks; breaks++) {
        struct ipm_segments_score score;
        double tried;
        size_t at = best_with(search, best, breaks, &tried);
        if (at == 0 || tried + IPM_SEGMENTS_GAIN > aicc)
            continue;
        if ((!scored && score_of(search, chosen, out_score) != 0) ||
            score_of(search, at, &score) != 0)
            return -ENOMEM;
        scored = true;
        if (score.left_out < out_score->left_out) {
            chosen = at;
            aicc = tried;
            *out_score = score;
        }
    }
    *out_chosen = chosen;
    return scored ? 0 : score_of(search, chosen, out_score);
}

int ipm_segments_again(struct ipm_segments_search *search, const double *values,
                       size_t most_breaks, size_t *out_chosen)
{
    struct ipm_segments_best best;
    struct ipm_segments_score score;
    scale(search, values);
    ipm_segments_tree_fit(search->tree, search->scaled, most_breaks,
                          least_square(search), &best, NULL);
    return choose(search, &best, most_breaks, out_chosen, &score);
}

int ipm_segments_choose(struct ipm_segments_search *search, const double *values,
                        size_t most_breaks, struct ipm_segments_choice *out_choice)
{
    struct ipm_segments_best best;
    struct ipm_segments_choice choice;
    scale(search, values);
    ipm_segments_tree_fit(search->tree, search->scaled, IPM_SEGMENTS_BREAKS,
                          least_square(search), &best, search->squares);
    int error = choose(search, &best, most_breaks, &choice.chosen, &choice.score);
    if (error != 0)
        return error;
    size_t second = choice.chosen;
    double aicc = INFINITY;
    for (size_t i = 0; i < search->n_shapes; i++) {
        double other = aicc_of(search, i, search->squares[i]);
        if (i != choice.chosen && other < aicc) {
            second = i;
            aicc = other;
        }
    }
    choice.runner_up = second;
    error = score_of(search, 0, &choice.straight);
    if (error == 0)
        error = score_of(search, second, &choice.second);
    if (error == 0)
        *out_choice = choice;
    return error;
}

#else

int ipm_segments_open(const double *sizes, const double *errors, size_t n,
                      const struct ipm_segments_capacity *capacities,
                      size_t n_capacities, struct ipm_segments_search *out_search)
{
    (void)sizes;
    (void)errors;
    (void)n;
    (void)capacities;
    (void)n_capacities;
    (void)out_search;
    return IPM_REGRESS_NO_GSL;
}

int ipm_segments_again(struct ipm_segments_search *search, const double *values,
                       size_t most_breaks, size_t *out_chosen)
{
    (void)search;
    (void)values;
    (void)most_breaks;
    (void)out_chosen;
    return IPM_REGRESS_NO_GSL;
}

int ipm_segments_choose(struct ipm_segments_search *search, const double *values,
                        size_t most_breaks, struct ipm_segments_choice *out_choice)
{
    (void)search;
    (void)values;
    (void)most_breaks;
    (void)out_choice;
    return IPM_REGRESS_NO_GSL;
}

#endif
