/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * time_fit: straight pieces over sizes, and how many copies are in them.
 *
 * Rows are invocations.  The pieces are chosen on the medians by size (analysis/models/
 * segments.h), then fitted robustly to all rows.  The bootstrap resamples invocations within
 * each size and repeats the choice: a break stands when IPM_TIME_FREQUENCY of the draws have one
 * within a size of it, and an interval is
 *
 *     value -+ q95 |draw - value| t(dof) / z sqrt(n / (n - 1)) widening
 *
 * with the freedom of the rows that it rests on: those of its piece, for a piece's line (Hall,
 * 1988; Davison and Hinkley, Bootstrap Methods, section 2.3: the root makes up for the smaller
 * spread of n resampled values).  Lack of fit: the mean square of the medians' way off
 * against that within sizes, F (Draper and Smith, section 2.1); where it is significant at
 * IPM_TIME_ALPHA, intervals are sqrt(F) times as wide (Birge, 1932), since repeating then says too
 * little about how wrong a line is.
 *
 * Copies: T(s) = k s c_copy(s) + m c_sync ceil(s / C) + p c_page ceil(s / 4096).  s c_copy(s) is
 * what floor_memcpy takes at that size, so k is the slope of T over it; its resampling takes part
 * in the bootstrap.  A payload that is written and read has those floors' times taken off first.
 */
#ifndef IPM_ANALYSIS_TIME_FIT_H
#define IPM_ANALYSIS_TIME_FIT_H

#include "analysis/models/regress.h"
#include "analysis/models/seed_fit.h"
#include "analysis/models/segments.h"
#include "analysis/models/time_data.h"

#include <stdint.h>

enum {
    IPM_TIME_DRAWS = 200,
    IPM_TIME_PIECES = IPM_SEGMENTS_BREAKS + 1,
    IPM_TIME_TESTS = IPM_TIME_PIECES + 3,
};

#define IPM_TIME_LEVEL     0.95
#define IPM_TIME_FREQUENCY 0.8
#define IPM_TIME_ALPHA     0.01
#define IPM_TIME_VIF       10.0 /* columns more alike than that are not told apart */

/* Conditions of ipm_time_fit(): those of analysis/models/regress.h. */

struct ipm_time_lack {
    double f, dof_fit, dof_pure, p; /* NaN: no degree of freedom */
    double widening;                /* >= 1 */
};

struct ipm_time_piece {
    double from, to;                 /* sizes, bytes */
    struct ipm_interval level;       /* ns, of its line at `from` */
    struct ipm_interval slope;       /* ns per byte */
    double plain_level, plain_slope; /* by least squares */
    double dof;                      /* its own rows without its own line's two */
};

struct ipm_time_shape {
    struct ipm_segments_shape shape; /* names: the series' */
    double frequency[IPM_SEGMENTS_BREAKS];
};

struct ipm_time_line {
    struct ipm_time_shape chosen;
    struct ipm_time_shape refused; /* asked for by the medians, not by enough draws;
                                    * n_breaks 0: there was none */
    struct ipm_segments_shape runner_up;
    struct ipm_segments_score score, straight, second;
    struct ipm_regress_fit robust, plain;
    struct ipm_time_lack lack;
    size_t n_rows;
    double *weights; /* by row, as the series' times; the caller frees them */
    struct ipm_time_piece pieces[IPM_TIME_PIECES];
    size_t n_pieces;
    /* The first piece's line at size 0, ns.  Those of later pieces are continued far out of
     * where anything was measured and mean nothing there. */
    struct ipm_interval constant;
    double plain_constant;
};

enum ipm_time_verdict {
    IPM_TIME_CONFIRMED,
    IPM_TIME_REJECTED,
    IPM_TIME_UNDECIDED,
    IPM_TIME_VERDICTS,
};

extern const char *const ipm_time_verdicts[]; /* by enum, NULL-terminated */

/* The copies over one range of sizes. */
struct ipm_time_test {
    double from, to; /* bytes */
    size_t n_sizes;
    struct ipm_interval copies;   /* k */
    double plain_copies;          /* by least squares */
    struct ipm_interval constant; /* m c_sync, ns */
    struct ipm_interval chunk; /* what each further chunk takes, as part of the first;
                                   * NaN: one chunk throughout */
    double vif;                /* of copying; NaN: nothing it could be mistaken for */
    struct ipm_time_lack lack;
    enum ipm_time_verdict verdict;
    char reason[160];
};

struct ipm_time_copies {
    struct ipm_time_test tests[IPM_TIME_TESTS]; /* the whole range first */
    size_t n_tests;
    enum ipm_time_verdict verdict;
    char reason[320];
};

/**
 * ipm_time_fit() - the pieces of a series
 * @seed: of the draws; the same seed gives the same figures
 *
 * Return: 0; a condition; -ENOMEM.  On anything but 0 no weights are left to free.
 */
int ipm_time_fit(const struct ipm_time_series *series, uint64_t seed,
                 struct ipm_time_line *out_line);

/**
 * ipm_time_copies() - are the declared copies there?
 * @data: for the floors
 * @line: the series' pieces, which bound the regimes
 *
 * confirmed: the interval of k holds the declared number, and no other whole number.
 * rejected: it does not hold it.  undecided: it holds others too, or there is none; the reason
 * says why.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_time_copies(const struct ipm_time_data *data,
                    const struct ipm_time_series *series,
                    const struct ipm_time_line *line, uint64_t seed,
                    struct ipm_time_copies *out_copies);

#endif
