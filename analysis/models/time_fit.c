/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_fit.h"

#include "analysis/models/time_draw.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a fit of one series works on. */
struct work {
    const struct ipm_time_series *series;
    struct ipm_segments_search search;
    struct ipm_time_draw draw;
    struct ipm_time_random *random;
    double *sizes, *median_errors, *size_errors; /* by size */
    double *medians;                             /* by size */
    double *values, *errors;                     /* by row */
    double *design;                              /* by row, of the shape at hand */
    double *small;                               /* the same by size */
    size_t *counts;                              /* rows by size */
    size_t n_rows;
};

static void work_fini(struct work *work)
{
    ipm_segments_close(&work->search);
    ipm_time_draw_fini(&work->draw);
    ipm_time_random_free(work->random);
    free(work->sizes);
    free(work->median_errors);
    free(work->size_errors);
    free(work->medians);
    free(work->values);
    free(work->errors);
    free(work->design);
    free(work->small);
    free(work->counts);
}

static int work_init(const struct ipm_time_series *series, uint64_t seed,
                     struct work *work)
{
    size_t n = series->n_sizes;
    size_t rows = ipm_time_rows(series);
    *work = (struct work){
        .series = series,
        .n_rows = rows,
        .sizes = calloc(n + 1, sizeof(double)),
        .median_errors = calloc(n + 1, sizeof(double)),
        .size_errors = calloc(n + 1, sizeof(double)),
        .medians = calloc(n + 1, sizeof(double)),
        .values = calloc(rows + 1, sizeof(double)),
        .errors = calloc(rows + 1, sizeof(double)),
        .design = calloc(rows * IPM_REGRESS_MOST + 1, sizeof(double)),
        .small = calloc(n * IPM_REGRESS_MOST + 1, sizeof(double)),
        .counts = calloc(n + 1, sizeof(size_t)),
    };
    if (work->sizes == NULL || work->median_errors == NULL || work->medians == NULL ||
        work->values == NULL || work->errors == NULL || work->design == NULL ||
        work->small == NULL || work->counts == NULL || work->size_errors == NULL)
        return -ENOMEM;
    for (size_t i = 0, row = 0; i < n; i++) {
        const struct ipm_time_size *size = &series->sizes[i];
        work->sizes[i] = size->size;
        work->medians[i] = size->median;
        work->median_errors[i] = size->error / sqrt((double)size->n);
        work->size_errors[i] = size->error;
        work->counts[i] = size->n;
        for (size_t k = 0; k < size->n; k++, row++) {
            work->values[row] = size->times[k];
            work->errors[row] = size->error;
        }
    }
    int error = ipm_time_draw_init(series, &work->draw);
    if (error == 0)
        error = ipm_time_random_new(seed, &work->random);
    if (error == 0)
        error =
            ipm_segments_open(work->sizes, work->median_errors, n, series->capacities,
                              series->n_capacities, &work->search);
    return error == 0 && work->search.n_shapes == 0 ? IPM_REGRESS_SINGULAR : error;
}

/* Writes the shape's design by row. */
static struct ipm_regress_rows rows_of(struct work *work,
                                       const struct ipm_segments_shape *shape)
{
    size_t p = ipm_segments_columns(shape);
    size_t row = 0;
    for (size_t i = 0; i < work->series->n_sizes; i++) {
        for (size_t k = 0; k < work->series->sizes[i].n; k++)
            ipm_segments_row(shape, work->sizes[i], &work->design[p * row++]);
    }
    return (struct ipm_regress_rows){.n = work->n_rows,
                                     .p = p,
                                     .design = work->design,
                                     .values = work->values,
                                     .errors = work->errors};
}

/* Coefficients of a draw, from its own medians when its shape is another. */
static int fit_draw(struct work *work, const struct ipm_segments_shape *shape,
                    const struct ipm_regress_fit *start, bool same, double *c)
{
    struct ipm_regress_groups groups = {.n = work->series->n_sizes,
                                        .p = ipm_segments_columns(shape),
                                        .design = work->small,
                                        .values = work->draw.medians,
                                        .errors = work->median_errors};
    for (size_t i = 0; i < groups.n; i++)
        ipm_segments_row(shape, work->sizes[i], &work->small[groups.p * i]);
    memcpy(c, start->c, sizeof(start->c));
    if (!same) {
        memset(c, 0, sizeof(start->c));
        int error = ipm_regress_again(&groups, INFINITY, c);
        if (error != 0)
            return error;
    }
    groups.values = work->values;
    groups.errors = work->size_errors;
    groups.counts = work->counts;
    groups.times = work->draw.times;
    return ipm_regress_again(&groups, start->converged ? start->sigma : INFINITY, c);
}

static bool is_near(const struct ipm_segments_break *a,
                    const struct ipm_segments_break *b)
{
    return a->gap + 1 >= b->gap && b->gap + 1 >= a->gap;
}

struct spreads {
    struct ipm_time_spread slope[IPM_TIME_PIECES], level[IPM_TIME_PIECES];
    struct ipm_time_spread constant;
};

/* Where piece @i of a shape is looked at: inside it by two sizes, so that a knot one size
 * off does not reach there. */
static double middle_of(const struct work *work, const struct ipm_segments_shape *shape,
                        size_t i)
{
    size_t first = i == 0 ? 0 : shape->breaks[i - 1].gap;
    size_t end = i < shape->n_breaks ? shape->breaks[i].gap : work->series->n_sizes;
    return work->sizes[(first + end) / 2];
}

/* The line of a shape through that size. */
static void line_at(const struct ipm_segments_shape *shape, const double *c,
                    double size, double *out_slope, double *out_intercept)
{
    double row[IPM_REGRESS_MOST];
    size_t p = ipm_segments_columns(shape);
    double value = 0;
    ipm_segments_row(shape, size, row);
    for (size_t k = 0; k < p; k++)
        value += c[k] * row[k];
    *out_slope = ipm_segments_slope(shape, c, size);
    *out_intercept = value - *out_slope * size;
}

static void set_pieces(const struct work *work, struct ipm_time_line *line)
{
    const struct ipm_segments_shape *shape = &line->chosen.shape;
    line->n_pieces = shape->n_breaks + 1;
    for (size_t i = 0; i < line->n_pieces; i++) {
        struct ipm_time_piece *piece = &line->pieces[i];
        size_t first = i == 0 ? 0 : shape->breaks[i - 1].gap;
        size_t end = i < shape->n_breaks ? shape->breaks[i].gap : work->series->n_sizes;
        piece->from = work->sizes[first];
        piece->to = work->sizes[end - 1];
        double middle = middle_of(work, shape, i);
        double at_zero;
        double plain_at_zero;
        line_at(shape, line->robust.c, middle, &piece->slope.value, &at_zero);
        line_at(shape, line->plain.c, middle, &piece->plain_slope, &plain_at_zero);
        piece->level.value = at_zero + piece->slope.value * piece->from;
        piece->plain_level = plain_at_zero + piece->plain_slope * piece->from;
        piece->dof = -2;
        for (size_t k = first; k < end; k++)
            piece->dof += (double)work->counts[k];
        if (i > 0)
            continue;
        line->constant.value = at_zero;
        line->plain_constant = plain_at_zero;
    }
}

/* Draws; counts how often each break comes, and how the pieces' lines vary. */
static int draw_all(struct work *work, size_t most_breaks, size_t chosen,
                    struct ipm_time_line *line, struct spreads *spreads)
{
    const struct ipm_segments_shape *shape = &line->chosen.shape;
    *spreads = (struct spreads){0};
    memset(line->chosen.frequency, 0, sizeof(line->chosen.frequency));
    for (size_t draw = 0; draw < IPM_TIME_DRAWS; draw++) {
        size_t found_shape;
        double c[IPM_REGRESS_MOST];
        ipm_time_draw_next(&work->draw, work->random);
        int error = ipm_segments_again(&work->search, work->draw.medians, most_breaks,
                                       &found_shape);
        if (error != 0)
            return error;
        const struct ipm_segments_shape *drawn = &work->search.shapes[found_shape];
        for (size_t i = 0; i < shape->n_breaks; i++) {
            bool found = false;
            for (size_t k = 0; k < drawn->n_breaks; k++)
                found = found || is_near(&drawn->breaks[k], &shape->breaks[i]);
            line->chosen.frequency[i] += found ? 1.0 / IPM_TIME_DRAWS : 0;
        }
        if (fit_draw(work, drawn, &line->robust, found_shape == chosen, c) != 0)
            continue; /* a draw that lacks the rows for a piece says nothing */
        for (size_t i = 0; i < line->n_pieces; i++) {
            double slope;
            double at_zero;
            line_at(drawn, c, middle_of(work, shape, i), &slope, &at_zero);
            ipm_time_spread_add(&spreads->slope[i], slope);
            ipm_time_spread_add(&spreads->level[i],
                                at_zero + slope * line->pieces[i].from);
            if (i == 0)
                ipm_time_spread_add(&spreads->constant, at_zero);
        }
    }
    return 0;
}

static void set_interval(const struct work *work, struct ipm_time_spread *spread,
                         double dof, double widening, struct ipm_interval *interval)
{
    double half = ipm_time_half(work->series, spread, interval->value, dof) * widening;
    interval->low = interval->value - half;
    interval->high = interval->value + half;
}

static int fit_shape(struct work *work, struct ipm_time_line *line)
{
    struct ipm_regress_rows rows = rows_of(work, &line->chosen.shape);
    int error = ipm_regress_robust(&rows, &line->robust, line->weights);
    if (error == 0)
        error = ipm_regress_least_squares(&rows, &line->plain);
    if (error == 0)
        error = ipm_time_lack_of_fit(&rows, line->weights, work->counts,
                                     work->series->n_sizes,
                                     rows.p + line->chosen.shape.n_breaks, &line->lack);
    if (error == 0)
        set_pieces(work, line);
    return error;
}

static bool is_stable(const struct ipm_time_shape *shape)
{
    bool stable = true;
    for (size_t i = 0; i < shape->shape.n_breaks; i++)
        stable = stable && shape->frequency[i] >= IPM_TIME_FREQUENCY;
    return stable;
}

static int fit(struct work *work, struct ipm_time_line *line)
{
    struct spreads spreads;
    size_t most = IPM_SEGMENTS_BREAKS;
    for (;;) {
        struct ipm_segments_choice choice;
        int error = ipm_segments_choose(&work->search, work->medians, most, &choice);
        if (error != 0)
            return error;
        line->chosen.shape = work->search.shapes[choice.chosen];
        line->runner_up = work->search.shapes[choice.runner_up];
        line->score = choice.score;
        line->straight = choice.straight;
        line->second = choice.second;
        error = fit_shape(work, line);
        if (error == 0)
            error = draw_all(work, most, choice.chosen, line, &spreads);
        if (error != 0)
            return error;
        if (is_stable(&line->chosen))
            break;
        if (line->refused.shape.n_breaks == 0)
            line->refused = line->chosen;
        most = line->chosen.shape.n_breaks - 1;
    }
    for (size_t i = 0; i < line->n_pieces; i++) {
        struct ipm_time_piece *piece = &line->pieces[i];
        double widening = line->lack.widening;
        set_interval(work, &spreads.slope[i], piece->dof, widening, &piece->slope);
        set_interval(work, &spreads.level[i], piece->dof, widening, &piece->level);
        if (i == 0)
            set_interval(work, &spreads.constant, piece->dof, widening,
                         &line->constant);
    }
    return 0;
}

int ipm_time_fit(const struct ipm_time_series *series, uint64_t seed,
                 struct ipm_time_line *out_line)
{
    struct work work;
    struct ipm_time_line line = {0};
    int error = work_init(series, seed, &work);
    line.n_rows = work.n_rows;
    line.weights = calloc(work.n_rows + 1, sizeof(*line.weights));
    if (error == 0)
        error = line.weights == NULL ? -ENOMEM : fit(&work, &line);
    work_fini(&work);
    if (error == 0)
        *out_line = line;
    else
        free(line.weights);
    return error;
}
