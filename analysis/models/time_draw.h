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

/* Half the interval's width that draws with this spread give, without widening. */
double ipm_time_half(const struct ipm_time_series *series, double deviation,
                     double dof);

struct ipm_time_spread {
    double sum, square;
    size_t n;
};
void ipm_time_spread_add(struct ipm_time_spread *spread, double value);
double ipm_time_spread_deviation(const struct ipm_time_spread *spread);

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
