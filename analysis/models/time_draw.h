/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * time_draw: resampling the invocations of a series within its sizes, and what both fits over
 * it share.  Part of time_fit.
 */
#ifndef IPM_ANALYSIS_TIME_DRAW_H
#define IPM_ANALYSIS_TIME_DRAW_H

#include "analysis/models/time_data.h"
#include "analysis/models/time_fit.h"

#include <stdint.h>

/* A draw of a series: how often each invocation was drawn, and the medians that gives. */
struct ipm_time_draw {
    const struct ipm_time_series *series;
    double *times;   /* by row */
    double *medians; /* by size, of the drawn rows that are no outliers */
    double *sorted;  /* work */
    size_t *usable,
        *n_usable; /* rows by size that a median may rest on, by their times; how many */
};

struct ipm_time_random; /* a generator; one for all draws of a fit */

/* Return: 0; IPM_REGRESS_NO_GSL; -ENOMEM. */
int ipm_time_random_new(uint64_t seed, struct ipm_time_random **out_random);
void ipm_time_random_free(struct ipm_time_random *random);

/* @draw holds the series itself at first.  Return: 0; -ENOMEM, with nothing to fini. */
int ipm_time_draw_init(const struct ipm_time_series *series,
                       struct ipm_time_draw *draw);
void ipm_time_draw_fini(struct ipm_time_draw *draw);

void ipm_time_draw_next(struct ipm_time_draw *draw, struct ipm_time_random *random);

/* The same without medians: they stay what they are. */
void ipm_time_draw_times(struct ipm_time_draw *draw, struct ipm_time_random *random);

/* All rows of the series: its number. */
size_t ipm_time_rows(const struct ipm_time_series *series);

/* What the draws made of one figure. */
struct ipm_time_spread {
    double values[IPM_TIME_DRAWS];
    size_t n;
};

/* Adds a draw's figure; one that is not finite says nothing. */
void ipm_time_spread_add(struct ipm_time_spread *spread, double value);

/**
 * ipm_time_half() - half the interval's width that these draws give, without widening
 * @spread: is sorted by how far its draws are off
 * @value:  the figure of the fit, which the interval is put around
 * @dof:    degrees of freedom of what the figure rests on, >= 1
 *
 * The distance that 95 % of the draws keep from @value (the symmetric interval of Hall, On
 * symmetric bootstrap confidence intervals, 1988), times Student's quantile by the normal one
 * and sqrt(n / (n - 1)).  No standard deviation: a draw in twenty chooses another shape, its
 * line is another, and those few would set the width of all.
 *
 * Return: NaN with fewer than half of the draws, or without GSL.
 */
double ipm_time_half(const struct ipm_time_series *series,
                     struct ipm_time_spread *spread, double value, double dof);

/**
 * ipm_time_lack_of_fit() - how far medians of sizes are off, against what repeating shows
 * @rows:    the divided rows, those of one size side by side
 * @weights: rows of weight 0 are left out
 * @counts:  rows per size, @n_sizes of them
 * @columns: what the fit had free, knots included
 *
 * The line it judges is that of least squares over the rows that count.
 *
 * Return: 0; a condition; -ENOMEM.
 */
int ipm_time_lack_of_fit(const struct ipm_regress_rows *rows, const double *weights,
                         const size_t *counts, size_t n_sizes, size_t columns,
                         struct ipm_time_lack *out_lack);

#endif
