/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/segments_shapes.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

size_t ipm_segments_columns(const struct ipm_segments_shape *shape)
{
    size_t columns = 2;
    for (size_t i = 0; i < shape->n_breaks; i++)
        columns += shape->breaks[i].jump ? 2 : 1;
    return columns;
}

void ipm_segments_row(const struct ipm_segments_shape *shape, double size, double *row)
{
    *row++ = 1;
    *row++ = size;
    for (size_t i = 0; i < shape->n_breaks; i++) {
        const struct ipm_segments_break *at = &shape->breaks[i];
        if (at->jump)
            *row++ = size > at->knot ? 1 : 0;
        *row++ = size > at->knot ? size - at->knot : 0;
    }
}

double ipm_segments_slope(const struct ipm_segments_shape *shape, const double *c,
                          double size)
{
    double slope = c[1];
    size_t column = 2;
    for (size_t i = 0; i < shape->n_breaks; i++) {
        column += shape->breaks[i].jump ? 1 : 0;
        slope += size > shape->breaks[i].knot ? c[column] : 0;
        column++;
    }
    return slope;
}

static struct ipm_segments_break
break_in(const double *sizes, size_t gap,
         const struct ipm_segments_capacity *capacities, size_t n_capacities)
{
    for (size_t i = 0; i < n_capacities; i++) {
        double bytes = capacities[i].bytes;
        if (bytes >= sizes[gap - 1] && bytes < sizes[gap])
            return (struct ipm_segments_break){
                .gap = gap, .knot = bytes, .name = capacities[i].name};
    }
    return (struct ipm_segments_break){
        .gap = gap, .knot = sqrt(sizes[gap - 1] * sizes[gap]), .name = ""};
}

static int add_shape(struct ipm_segments_search *search,
                     const struct ipm_segments_shape *shape)
{
    /* Coefficients, knots, variance: AICc needs one size more than that. */
    size_t known = ipm_segments_columns(shape) + shape->n_breaks + 1;
    if (search->n < known + 2)
        return 0;
    if (search->n_shapes == search->room) {
        size_t room = 2 * search->room + 16;
        struct ipm_segments_shape *larger =
            reallocarray(search->shapes, room, sizeof(*larger));
        if (larger == NULL)
            return -ENOMEM;
        search->shapes = larger;
        search->room = room;
    }
    search->shapes[search->n_shapes++] = *shape;
    return 0;
}

/* Shapes with exactly so many breaks: places for them where every piece keeps its sizes,
 * times hinge or jump for each. */
static double count_shapes(size_t n_sizes, size_t n_breaks)
{
    double count = 1;
    size_t taken = IPM_SEGMENTS_SIZES * (n_breaks + 1);
    if (n_sizes < taken)
        return 0;
    for (size_t k = 1; k <= n_breaks; k++)
        count *= 2 * (double)(n_sizes - taken + k) / (double)k;
    return count;
}

/* Shapes grow with the third power of sizes, and each is fitted in every draw. */
static size_t breaks_for(size_t n_sizes)
{
    size_t most = 0;
    double shapes = 1;
    while (most < IPM_SEGMENTS_BREAKS) {
        shapes += count_shapes(n_sizes, most + 1);
        if (shapes > IPM_SEGMENTS_SHAPES)
            break;
        most++;
    }
    return most;
}

/* Adds every shape that has those breaks as its first ones. */
static int add_all(struct ipm_segments_search *search,
                   const struct ipm_segments_break *candidates, size_t most,
                   struct ipm_segments_shape *shape)
{
    int error = add_shape(search, shape);
    size_t n = shape->n_breaks;
    if (n == most)
        return error;
    size_t from = n == 0 ? 0 : shape->breaks[n - 1].gap;
    for (size_t gap = from + IPM_SEGMENTS_SIZES;
         error == 0 && gap + IPM_SEGMENTS_SIZES <= search->n; gap++) {
        for (int jump = 0; jump < 2 && error == 0; jump++) {
            shape->breaks[n] = candidates[gap];
            shape->breaks[n].jump = jump == 1;
            shape->n_breaks = n + 1;
            error = add_all(search, candidates, most, shape);
        }
    }
    shape->n_breaks = n;
    return error;
}

int ipm_segments_list_shapes(struct ipm_segments_search *search,
                             const struct ipm_segments_capacity *capacities,
                             size_t n_capacities)
{
    struct ipm_segments_shape shape = {0};
    ipm_auto_free struct ipm_segments_break *candidates =
        calloc(search->n + 1, sizeof(*candidates));
    if (candidates == NULL)
        return -ENOMEM;
    for (size_t gap = 1; gap < search->n; gap++)
        candidates[gap] = break_in(search->sizes, gap, capacities, n_capacities);
    return add_all(search, candidates, breaks_for(search->n), &shape);
}
