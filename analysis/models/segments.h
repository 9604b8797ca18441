/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * segments: how many straight pieces do times over sizes have, and where do they meet?
 *
 * Candidates: one knot between each two neighbouring sizes - at a capacity that lies there and
 * has a name (a cache, a page, a pipe's room), else in the middle of the gap.  A break is a
 * hinge (the slope changes: every further byte costs otherwise) or a jump (all bytes cost
 * otherwise from there on: another protocol).  Every combination of at most IPM_SEGMENTS_BREAKS
 * breaks that leaves each piece IPM_SEGMENTS_SIZES sizes is fitted by weighted least squares;
 * the sums of squares of all of them come out of one walk (analysis/models/segments_tree.h),
 * so that a bootstrap can repeat the whole search.  Of so many sizes that this would be more than
 * IPM_SEGMENTS_SHAPES - three breaks in 33 sizes and more, two in 81 - fewer breaks are looked at.
 *
 * A break must pay twice: AICc = n ln(RSS / n) + 2 K + 2 K (K + 1) / (n - K - 1) falls by
 * IPM_SEGMENTS_GAIN (Hurvich and Tsai, 1989; n counts sizes, K coefficients, knots and the
 * variance), and the error of predicting each size from the others falls (residual / (1 -
 * leverage), Allen 1974).
 */
#ifndef IPM_ANALYSIS_SEGMENTS_H
#define IPM_ANALYSIS_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    IPM_SEGMENTS_BREAKS = 3,
    IPM_SEGMENTS_SIZES = 4,
    IPM_SEGMENTS_SHAPES = 10000,
    IPM_SEGMENTS_NAME = 32,
};

#define IPM_SEGMENTS_GAIN 4.0

/* A capacity at which times may break. */
struct ipm_segments_capacity {
    double bytes;
    char name[IPM_SEGMENTS_NAME];
};

struct ipm_segments_break {
    size_t gap; /* the break lies between sizes[gap - 1] and sizes[gap] */
    bool jump;
    double knot;      /* bytes */
    const char *name; /* of the capacity; "" none lies in the gap.  The search's. */
};

struct ipm_segments_shape {
    size_t n_breaks;
    struct ipm_segments_break breaks[IPM_SEGMENTS_BREAKS]; /* ascending */
};

struct ipm_segments_score {
    double aicc;
    double left_out; /* sum over sizes of (error of predicting it / its error)^2 */
};

struct ipm_segments_choice {
    size_t chosen, runner_up; /* indices into the search's shapes; equal: no other */
    struct ipm_segments_score score, straight, second;
};

struct ipm_segments_tree;

struct ipm_segments_search {
    size_t n, n_shapes, room;
    const double *sizes;
    double *errors;
    struct ipm_segments_shape *shapes; /* the straight line first */
    struct ipm_segments_tree *tree;
    double *
        *bases; /* by shape: n times p, orthonormal columns, then the n leverages they
                     * give; NULL until it is asked for */
    double *scaled, *squares; /* work */
};

/* Columns of a shape: constant, size, and one or two per break. */
size_t ipm_segments_columns(const struct ipm_segments_shape *shape);

/* A size's row of the design: 1, s, then per break [s > knot] of a jump and (s - knot)+. */
void ipm_segments_row(const struct ipm_segments_shape *shape, double size, double *row);

/* d T / d s at a size, of that design's coefficients. */
double ipm_segments_slope(const struct ipm_segments_shape *shape, const double *c,
                          double size);

/**
 * ipm_segments_open() - prepare all shapes
 * @sizes:  ascending, different, >= 1 of them; must outlive the search, as @capacities
 * @errors: of each size's value, > 0
 *
 * Where several capacities lie in one gap the first of them stands.
 *
 * Return: 0; IPM_REGRESS_NO_GSL; -ENOMEM.  @out_search needs close only after 0.
 */
int ipm_segments_open(const double *sizes, const double *errors, size_t n,
                      const struct ipm_segments_capacity *capacities,
                      size_t n_capacities, struct ipm_segments_search *out_search);

/* Idempotent. */
void ipm_segments_close(struct ipm_segments_search *search);

#define ipm_auto_segments __attribute__((cleanup(ipm_segments_close)))

/**
 * ipm_segments_choose() - the shape that the values ask for
 * @values:      by size
 * @most_breaks: no shape with more is chosen; the runner-up may have more
 *
 * Return: 0; -ENOMEM.
 */
int ipm_segments_choose(struct ipm_segments_search *search, const double *values,
                        size_t most_breaks, struct ipm_segments_choice *out_choice);

/* The index of that shape alone, for draws.  Return: 0; -ENOMEM. */
int ipm_segments_again(struct ipm_segments_search *search, const double *values,
                       size_t most_breaks, size_t *out_chosen);

#endif
