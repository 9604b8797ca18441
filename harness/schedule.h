/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schedule: which point is measured next.
 *
 * Two exist.  `fixed`: round r visits, in a fresh random order, every point in every
 * pass that has an invocation r.  A slow drift of the machine then falls on all points
 * alike.  An order depends on the seed and the round alone, so that an interrupted run goes
 * on in the order it would have had.
 *
 * Energy is visited four windows at a time, one behind the other: at rest, under load, under
 * load, at rest (ABBA), invocations 2r and 2r + 1 of both passes in round r.  A drift that is
 * linear over the four falls on load and rest alike, and cancels in their difference.  An odd
 * last window under load has one at rest before it.
 *
 * `precision`: the same for all passes but timing, and for the pilot of timing; then one
 * more block after the other of the points that harness/precision.h chooses, each block in a
 * fresh random order, until all have stopped.  Points for which no precision is asked keep
 * their fixed count.
 *
 * A failed invocation is tried again at the end of its block.
 */
#ifndef IPM_HARNESS_SCHEDULE_H
#define IPM_HARNESS_SCHEDULE_H

#include "base/json.h"
#include "base/why.h"
#include "harness/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPM_TRIES = 3 /* of an invocation during which the regime changed */ };

/* One invocation to be made. */
struct ipm_job {
    const struct ipm_point *point; /* of the plan */
    const struct ipm_pass *pass;   /* of the plan */
    int64_t invocation;            /* from 0, within point and pass */
    int64_t block;                 /* the round, from 0 */
    int try;                       /* from 0; > 0: it was made before and failed, or its
                                      regime changed: those records are no ok ones */
    int failures;                  /* of these tries, failed ones */
    uint64_t seed;                 /* below 2^53 */
};

struct ipm_progress {
    int64_t jobs;    /* of the plan, those marked done included */
    int64_t left;    /* not handed out yet */
    int64_t left_ns; /* estimate for them */
};

struct ipm_schedule;

/**
 * ipm_schedule_fixed() - a fixed schedule over a plan, which must outlive it
 *
 * Return: 0; -ENOMEM.
 */
int ipm_schedule_fixed(const struct ipm_plan *plan, uint64_t seed,
                       struct ipm_schedule **out_schedule, struct ipm_why *why);

/* The same with what is asked of precision (repeat.precision); as fixed where none is. */
int ipm_schedule_precision(const struct ipm_plan *plan, uint64_t seed,
                           struct ipm_schedule **out_schedule, struct ipm_why *why);

void ipm_schedule_free(struct ipm_schedule *schedule);

/* Before the first job: how often a failed invocation is tried again; 0 without this. */
void ipm_schedule_retries(struct ipm_schedule *schedule, int retries);

/**
 * ipm_schedule_mark() - before the first job: a record of an earlier run
 * @build: of the worker that will measure
 *
 * Return: 0 its job is done and will not come; 1 it is no ok record of a job of this plan
 *         by this build.
 */
int ipm_schedule_mark(struct ipm_schedule *schedule, const json_t *record,
                      const char *build);

/**
 * ipm_schedule_next() - the next job
 * @last_record: of the job before; NULL: there was none, or it left none
 *
 * The same job comes again, with a higher try: at once when the last record is ok and
 * flagged `regime_changed`, at the end of the block when it failed.
 *
 * The plan's budget holds by the clock.  No round begins that it has no time for, once every
 * point has its IPM_BUDGET_INVOCATIONS; and where the pace of the jobs before says that not
 * every point will have them, points are dropped from the end of the plan.  The first stays.
 *
 * Return: 0; 1 all is done.
 */
int ipm_schedule_next(struct ipm_schedule *schedule, const json_t *last_record,
                      struct ipm_job *out_job);

/* Whether the last job comes again if this is its record. */
bool ipm_schedule_again(const struct ipm_schedule *schedule, const json_t *record);

/* After a job: the time it really took, which counts against the budget. */
void ipm_schedule_spent(struct ipm_schedule *schedule, int64_t spent_ns);

/* Time that went by without a job: the budget feels it. */
void ipm_schedule_charge(struct ipm_schedule *schedule, int64_t spent_ns);

/* Was the point, of the plan, dropped by the clock? */
bool ipm_schedule_dropped(const struct ipm_schedule *schedule,
                          const struct ipm_point *point);

/* Why points stopped: {point: {reason, invocations, half_width, wanted}}, for those with a
 * precision, and {reason: "budget" or "dropped", invocations} for others that it cut short.
 * Invocations are ok ones of the timing pass.  NULL: no memory. */
json_t *ipm_schedule_stops(const struct ipm_schedule *schedule);

/* With `precision`, left is what is planned now: it may grow. */
void ipm_schedule_progress(const struct ipm_schedule *schedule,
                           struct ipm_progress *out_progress);

/* What the job's point has in common with all others of a run. */
struct ipm_job_context {
    const char *run;     /* run token, [a-z0-9-]+ */
    const char *sysroot; /* NULL: none */
    bool no_sandbox;
    const json_t *sensing; /* what is asked of the sensors; NULL or empty: nothing */
};

/* The point that a worker reads (docs/protocol.md); the caller's reference. */
json_t *ipm_job_json(const struct ipm_job *job, const struct ipm_job_context *context);

#endif
