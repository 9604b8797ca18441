/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * precision: how well the median of a point is known while a run goes on, and who is
 * measured next for it.
 *
 * The interval is that of the report (ipm_median_place() of analysis/stats.h) at 95 %, which
 * needs no GSL: a run takes the same course whatever was linked.  A point
 * stops on the width of its interval, on the budget or on the most invocations; never on
 * what a comparison would say (statistics.md 2.4).
 *
 * Each point begins with a pilot of at least 6 invocations: fewer have no interval.
 * Invocations whose core was slow against the point's others are left out, as the report sets
 * them aside (analysis/slow_core.h), where six others are there; and what is left must be a
 * sixth of the pilot, since a handful of many can be alike by chance.
 *
 * From its width comes a planned count, n (width / wanted)^2, at most twice n since the pilot's
 * width is itself uncertain; the interval is looked at again when that count is reached.
 */
#ifndef IPM_HARNESS_PRECISION_H
#define IPM_HARNESS_PRECISION_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPM_PRECISION_SHARE = 6,  /* of the pilot so many-th part must make the interval */
    IPM_PRECISION_PILOT = 6,  /* least n with a 95 % interval of a median */
    IPM_PRECISION_FACTOR = 10 /* most invocations of a point, in pilots */
};

/* Half the width of the 95 % interval of a median over the median.  INFINITY: there is none.  Sorts
 * @values. */
double ipm_precision_half_width(double *values, size_t n);

/* Values needed in all when @n > 0 give @half_width: n + 1 .. 2 n. */
size_t ipm_precision_planned(size_t n, double half_width, double wanted);

/* What an invocation says. */
struct ipm_precision_sample {
    /* The figure that is to be precise: the median time of an operation where single ones
     * were timed, else the mean time of a message.  NaN: the record has neither. */
    double value;
    double step_ns; /* of its slowest core, the longer of both ends; NaN: not known */
};

struct ipm_precision_sample ipm_precision_sample(const json_t *record);

enum ipm_stop {
    IPM_STOP_NONE,    /* not stopped: interrupted */
    IPM_STOP_PRECISE, /* its interval is narrow enough */
    IPM_STOP_BUDGET,  /* the next invocation does not fit */
    IPM_STOP_MOST,    /* IPM_PRECISION_FACTOR pilots were made */
    IPM_STOP_FAILED,  /* a pilot's worth of invocations failed, and most of all */
};

extern const char *const ipm_stop_names[]; /* "interrupted", "precise" ... NULL */

/* One point.  Zeroed, but for what init sets. */
struct ipm_precise {
    double wanted;        /* relative half-width */
    int64_t cost_ns;      /* of an invocation, as planned */
    size_t pilot, most;   /* invocations */
    size_t given, failed; /* jobs that are out; that came back without a value */
    size_t n, room;
    struct ipm_precision_sample *samples;
    double *values;    /* room for as many: those that are looked at */
    size_t planned;    /* look at the width at so many values */
    double half_width; /* at the last look; INFINITY before */
    enum ipm_stop stop;
};

/* @invocations: of the config; the pilot when it is more than 6. */
void ipm_precise_init(struct ipm_precise *precise, double wanted, int64_t invocations,
                      int64_t cost_ns);

void ipm_precise_fini(struct ipm_precise *precise);

/* A job came back; its value NaN: without one.  Return: 0; -ENOMEM. */
int ipm_precise_take(struct ipm_precise *precise, struct ipm_precision_sample sample);

/* A value of an earlier run: no job was given for it.  Return: 0; -ENOMEM. */
int ipm_precise_recall(struct ipm_precise *precise, struct ipm_precision_sample sample);

/* Invocations still planned, those that are out not among them. */
size_t ipm_precise_left(const struct ipm_precise *precise);

/**
 * ipm_precise_block() - the next block: which points get one more invocation
 * @points:      all of them; those done are given their reason to stop
 * @left_ns:     of the budget; INFINITY: none
 * @pace:        time that a planned nanosecond takes, > 0
 * @out_chosen:  room for n_points; indices, widest interval first
 *
 * While all that is planned fits, every open point is in the block.  When it does not, the
 * wider half of them is, as far as it fits: the budget goes to the widest.
 *
 * Returns how many were chosen; 0: all have stopped.
 */
size_t ipm_precise_block(struct ipm_precise *points, size_t n_points, double left_ns,
                         double pace, size_t *out_chosen);

/* {reason, invocations, half_width (null: no interval), wanted} */
json_t *ipm_precise_json(const struct ipm_precise *precise);

#endif
