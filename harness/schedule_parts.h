/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schedule_parts: what schedule.c and schedule_make.c share, and nobody else.
 */
#ifndef IPM_HARNESS_SCHEDULE_PARTS_H
#define IPM_HARNESS_SCHEDULE_PARTS_H

#include "harness/precision.h"
#include "harness/schedule.h"

enum { IPM_ABBA = 4 /* windows of a visit to a point for its energy */ };

/* A point in a pass; for energy, in both of its passes. */
struct entry {
    const struct ipm_point *point;
    const struct ipm_pass *pass;
    const struct ipm_pass
        *rest;           /* of energy: the pass of its windows at rest; else NULL */
    int64_t invocations; /* of each pass, in the rounds */
    int64_t room;        /* invocations that may be; more where precision is asked */
    struct ipm_precise *precise; /* NULL: no precision is asked of this pass */
    double needed_ns; /* of what no budget cuts: planned, not handed out yet */
    bool dropped;     /* with its point, by the clock */
    bool *done; /* by invocation, then those at rest; into the schedule's one array */
};

/* One invocation of an entry. */
struct step {
    const struct ipm_pass *pass;
    int64_t invocation;
    bool *done;
};

/* A job to be tried again. */
struct again {
    struct ipm_job job;
    const struct entry *entry;
};

struct ipm_schedule {
    const struct ipm_plan *plan;
    uint64_t seed;
    size_t n_entries;
    struct entry *entries;
    struct ipm_precise *precise; /* by entry; wanted 0: none; NULL: a fixed schedule */
    bool *done;
    size_t *order; /* of the entries in this round */
    size_t n_order;
    int64_t rounds; /* most of an entry */
    int64_t round;
    size_t at;      /* in order: what comes next */
    size_t step;    /* of that entry in this round */
    int64_t blocks; /* the first that no earlier part of the run can have used */
    int retries;
    struct again *again; /* failed ones of this block: a ring */
    size_t first_again, n_again, room_again;
    bool beyond; /* the rounds: blocks for precision */
    struct ipm_job last;
    const struct entry *last_entry;
    bool has_last;
    struct ipm_progress progress;
    double planned_ns, spent_ns; /* of the jobs done: what was thought, what it was */
    double needed_ns;            /* sum of the entries' */
    size_t settled;              /* jobs whose real time is known */
    bool cut;                    /* the budget ended it */
};

/* How much of the budget is left; INFINITY without one. */
double ipm_schedule_left_ns(const struct ipm_schedule *schedule);

/* Real time over planned, of the jobs done; 1 before. */
double ipm_schedule_pace(const struct ipm_schedule *schedule);

/* Is there time for another round beyond the first IPM_BUDGET_INVOCATIONS? */
bool ipm_schedule_has_time(const struct ipm_schedule *schedule, int64_t round);

/* Before each job: drops points from the end of the plan that the budget has no time for. */
void ipm_schedule_drop(struct ipm_schedule *schedule);

/* When the rounds are over: takes points back, from the front, for which there is time left.
 * Return: there were such, and the rounds are to begin again for what they miss. */
bool ipm_schedule_restore(struct ipm_schedule *schedule);

/* Begins a round of all entries, in the order that the seed gives it. */
void ipm_schedule_begin(struct ipm_schedule *schedule, int64_t round);

#endif
