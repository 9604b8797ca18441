/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rivals: which points of a run may be compared, and by which figures.  Part of winner and
 * advise.
 *
 * Two points are rivals where what was asked of them is the same: workload, size, reply
 * size, touch, rate, placement, batch, policy and the traffic around them (pairs, working
 * set, computing, arrivals).  What they answer it with is theirs: mechanism, copies, wait,
 * depth, and the options of the mechanism.
 */
#ifndef IPM_ANALYSIS_RIVALS_H
#define IPM_ANALYSIS_RIVALS_H

#include "analysis/contest.h"
#include "analysis/energy.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* What makes a winner. */
enum ipm_by {
    IPM_BY_LATENCY, /* median of an operation; of an open loop, from the planned time */
    IPM_BY_TAIL,    /* its 99th percentile */
    IPM_BY_THROUGHPUT, /* messages per second */
    IPM_BY_CPU,        /* CPU time of a message, of all roles and helpers */
    IPM_BY_JOULES,     /* of a message beyond rest */
    IPM_BYS,
};

/* "latency", "p99", "throughput", "cpu", "joules" */
extern const char *const ipm_by_names[IPM_BYS];
/* "ns", "ns", "1/s", "ns", "uJ" */
extern const char *const ipm_by_units[IPM_BYS];

/* Whether the workload has that figure for one mechanism to win by. */
bool ipm_by_fits(enum ipm_by by, const char *workload);

/* Why a point can never win. */
enum ipm_unfit {
    IPM_FIT,
    IPM_UNFIT_FLOOR,    /* it is no IPC */
    IPM_UNFIT_TOKEN,    /* it carries no payload */
    IPM_UNFIT_WORKLOAD, /* nothing of two processes is compared in it */
    IPM_UNFIT_SHARE, /* its rate is a share of its own capacity: others had another */
    IPM_UNFIT_LOSSY, /* it may lose messages */
    IPM_UNFIT_RATE,  /* it did not keep up with the rate */
    IPM_UNFITS,
};

/* "", "no IPC but a floor" ...: in words, for each */
extern const char *const ipm_unfit_words[IPM_UNFITS];

/* Ok rows of the timing pass that count (no repeated ones, none set aside), by point. */
struct ipm_invocations {
    const struct ipm_row **rows; /* sorted by point, then invocation */
    size_t n;
};

/* 0, and the caller finishes it; -ENOMEM.  Borrows from @table. */
int ipm_invocations_make(const struct ipm_table *table,
                         struct ipm_invocations *out_invocations);
void ipm_invocations_fini(struct ipm_invocations *invocations);

/* Those of one point; @out_n 0 when there are none. */
const struct ipm_row *const *
ipm_invocations_of(const struct ipm_invocations *invocations, const char *point,
                   size_t *out_n);

/* The first reason that holds; IPM_FIT when none does. */
enum ipm_unfit ipm_point_unfit(const struct ipm_point *point, const json_t *manifest,
                               const struct ipm_invocations *invocations);

/* What was asked of two points; ipm_rivals_compare() is 0 where that is the same, and sorts
 * sizes last, so that the sizes of one question stand together. */
int ipm_rivals_compare(const struct ipm_point *a, const struct ipm_point *b);
int ipm_rivals_compare_but_size(const struct ipm_point *a, const struct ipm_point *b);

/* 0 where two points' options say the same of the traffic; else an order of them. */
int ipm_traffic_compare(const char *left, const char *right);

/* Options of the traffic alone, as "pairs=2"; cut where @room is too small. */
const char *ipm_traffic_text(const struct ipm_point *point, char *text, size_t room);

/* Whether the same answer was given: all factors that are a mechanism's own. */
bool ipm_same_answer(const struct ipm_point *a, const struct ipm_point *b);

/* Whether the wait strategy gives the CPU back while there is nothing to do: block and
 * spin_then_block do, spin and yield do not. */
bool ipm_wait_sleeps(const char *wait);

/**
 * ipm_invocation_value() - the figure of one invocation, in ipm_by_units
 * @row: an ok row of the timing pass
 *
 * A 99th percentile is of single operations, with as many samples as the interval of one
 * needs (368).  NaN: it has none; joules are no figure of one invocation.
 */
double ipm_invocation_value(const struct ipm_row *row, enum ipm_by by);

enum { IPM_ENTRY_REASON = 120 };

/**
 * ipm_entrant_make() - a point as an entrant
 * @energy: for IPM_BY_JOULES; only the package's cost, where it stands
 *
 * A 99th percentile is the median over the invocations that can estimate one: of single
 * operations, and with as many samples as the interval of one needs (368).
 *
 * Return: 0, and the caller finishes the contest that it comes into, or frees @out_entrant's
 *         owned; 1 it has no such figure, with why in @reason; -ENOMEM.
 */
int ipm_entrant_make(const struct ipm_point *point, enum ipm_by by,
                     const struct ipm_invocations *invocations,
                     const struct ipm_energy *energy, struct ipm_entrant *out_entrant,
                     char reason[IPM_ENTRY_REASON]);

/**
 * ipm_entrant_between() - the same mechanism at a size between two measured ones
 * @lower, @upper: its entrants there, of invocations; sizes @lower < @size < @upper
 *
 * Linear in the logarithms of size and figure.  Invocation by invocation, in their order:
 * they are independent, so that each pair is one value of what is estimated.
 *
 * Return: 0, and owned as above; 1 it cannot be, with why in @reason; -ENOMEM.
 */
int ipm_entrant_between(const struct ipm_entrant *lower,
                        const struct ipm_entrant *upper, enum ipm_by by, int64_t size,
                        struct ipm_entrant *out_entrant, char reason[IPM_ENTRY_REASON]);

#endif
