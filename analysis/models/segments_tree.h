/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * segments_tree: the sum of squares of every shape, each from that of the shape without its
 * last break.  Part of segments.
 *
 * A break adds a column or two to a design.  With r the residuals of the design without it,
 * and u, j what its columns (s - knot)+ and [s > knot] have at right angles to that design,
 *
 *     RSS(with a hinge) = RSS - (u r)^2 / u^2
 *     RSS(with a jump)  = RSS(with a hinge) - (j' r)^2 / j'^2,   j' = j - (j u) / u^2 u
 *
 * (Draper and Smith, Applied Regression Analysis, section 6.2).  r is at right angles to the
 * design already, so that u r and j r are those of the whole columns: sums of r and s r over
 * the sizes beyond the knot.  These follow from those of the design without its own last
 * break, so that a shape costs a few operations instead of a fit.
 */
#ifndef IPM_ANALYSIS_SEGMENTS_TREE_H
#define IPM_ANALYSIS_SEGMENTS_TREE_H

#include "analysis/models/segments.h"

#include <stddef.h>

enum {
    /* Shapes by their breaks and how many of them are jumps. */
    IPM_SEGMENTS_CLASSES = (IPM_SEGMENTS_BREAKS + 1) * (IPM_SEGMENTS_BREAKS + 1),
};

struct ipm_segments_tree;

/* By class: the shape with the least sum of squares. */
struct ipm_segments_best {
    double squares[IPM_SEGMENTS_CLASSES]; /* infinite: no such shape */
    size_t shapes[IPM_SEGMENTS_CLASSES];
};

/* Index into ipm_segments_best. */
size_t ipm_segments_class(const struct ipm_segments_shape *shape);

/**
 * ipm_segments_tree_new() - prepare sums of squares
 * @shapes: the straight line first, each one before those that add a break to it, and a
 *          hinge before the jump at its place
 * @sizes, @errors: of @n values
 *
 * Return: 0; -ENOMEM.
 */
int ipm_segments_tree_new(const struct ipm_segments_shape *shapes, size_t n_shapes,
                          const double *sizes, const double *errors, size_t n,
                          struct ipm_segments_tree **out_tree);

void ipm_segments_tree_free(struct ipm_segments_tree *tree);

/**
 * ipm_segments_tree_fit() - sums of squares of values
 * @scaled:      values over errors
 * @most_breaks: no shape with more is looked at
 * @floor:       a sum below it counts as that: it is rounding
 * @out_squares: by shape, or NULL; those not looked at are left as they are
 */
void ipm_segments_tree_fit(struct ipm_segments_tree *tree, const double *scaled,
                           size_t most_breaks, double floor,
                           struct ipm_segments_best *out_best, double *out_squares);

#endif
