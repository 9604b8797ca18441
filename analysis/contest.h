/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contest: whose figure is best, by what factor, and whether that can be told.
 *
 * Two entrants are compared by the ratio of their costs: that of a median over invocations is
 * estimated on logarithms, with the exact interval of ipm_estimate_shift(), since machines
 * and mechanisms differ by factors (statistics.md 5).  A mean, as energy has, brings its
 * standard error along instead: log(b / a) -+ t sqrt(error_a^2 / a^2 + error_b^2 / b^2),
 * which is the delta method (Casella and Berger, Statistical Inference, section 5.5.4).
 *
 * An entrant TIES with the best when the interval of their ratio holds 1, when there is no
 * interval, or when the ratio is below 1 + margin.  Who has too few values for any interval is
 * not compared where others have enough: neither the best nor tied, and it keeps no one from
 * winning, since one value says nothing either way.  Each comparison has its own level:
 * nothing is corrected for the number of entrants.
 */
#ifndef IPM_ANALYSIS_CONTEST_H
#define IPM_ANALYSIS_CONTEST_H

#include "analysis/stats.h"

#include <stdbool.h>
#include <stddef.h>

#define IPM_CONTEST_MARGIN 0.05 /* a lead below it decides nothing */
#define IPM_CONTEST_LEVEL  0.95 /* of each ratio's interval */

enum { IPM_CONTEST_VALUES = 4 /* a side, the least that can have that interval */ };

struct ipm_point;

struct ipm_entrant {
    const struct ipm_point *point;
    const struct ipm_point *upper; /* interpolated towards this one; NULL: measured */
    struct ipm_estimate figure;    /* in the metric's unit, value above 0 */
    const double
        *costs; /* log of the cost of each invocation; NULL: @figure is a mean */
    size_t n_costs;
    double *owned; /* freed by fini: costs, where they are its own */
    /* Filled by ipm_contest_judge(): its cost over that of the best, 1 for the best. */
    struct ipm_estimate behind;
    bool tied; /* with the best; the best itself is */
};

enum ipm_verdict {
    IPM_VERDICT_NONE,  /* nobody entered */
    IPM_VERDICT_ALONE, /* one was judged: it won against nobody */
    IPM_VERDICT_TIE,
    IPM_VERDICT_WINNER,
    IPM_VERDICTS,
};

/* "none", "alone", "tie", "winner" */
extern const char *const ipm_verdict_names[IPM_VERDICTS];

struct ipm_contest {
    struct ipm_entrant *entrants; /* after judging: the best first, by rising cost */
    size_t n;
    size_t n_judged; /* the first so many; behind them those with too few values */
    size_t n_tied;   /* with the best, itself counted; they need not stand together */
    enum ipm_verdict verdict;
};

/**
 * ipm_contest_judge() - put the entrants in order and compare each with the best
 * @more_is_better: the cost is 1 / figure
 *
 * Return: 0; -ENOMEM.
 */
int ipm_contest_judge(struct ipm_contest *contest, bool more_is_better);

/* The entrant that the best is told to be ahead of: the second that was judged; NULL: none. */
const struct ipm_entrant *ipm_contest_runner_up(const struct ipm_contest *contest);

/* Idempotent. */
void ipm_contest_fini(struct ipm_contest *contest);

#endif
