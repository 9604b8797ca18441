/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ladder: the points that answer "what does a round trip cost here, by mechanism".
 *
 * All ping-pong points of one message size and one touch, sorted by time; floors apart.
 * Text, picture and JSON show the same ladder.
 */
#ifndef IPM_ANALYSIS_LADDER_H
#define IPM_ANALYSIS_LADDER_H

#include "analysis/summary.h"
#include "base/json.h"
#include "base/why.h"

#include <stddef.h>

enum { IPM_LADDER_SIZE = 64 /* bytes; wanted, when the run has it */ };

/* One point of the ladder; every figure is one of the point's, never NULL. */
struct ipm_rung {
    const struct ipm_point *point;
    const struct ipm_figure *p50, *p99, *cpu, *rate;
    char variant[160]; /* what differs from the defaults, "a=1 b=2"; "": nothing */
};

struct ipm_ladder {
    int64_t size;           /* bytes; -1: the run has no ping-pong point */
    const char *touch;      /* of every rung */
    const char *away;       /* the placement on two CPUs; "" when there is none */
    const char *away_class; /* what that is here */
    struct ipm_rung *rungs; /* fastest first */
    size_t n_rungs;
    size_t n_unmeasured;     /* points of the ladder without a time */
    struct ipm_rung *floors; /* fastest first; of any size */
    size_t n_floors;
};

/**
 * ipm_ladder_make() - pick the ladder out of a summary, which must outlive it
 *
 * The size is IPM_LADDER_SIZE if the run has it, else the one with the most points, the
 * smaller on a tie; mechanisms that carry no payload belong to every size.  Of the touches
 * the one with the most points, "none" on a tie.
 *
 * Return: 0; -ENOMEM.  @out_ladder needs fini only after 0.
 */
int ipm_ladder_make(const struct ipm_summary *summary, const json_t *manifest,
                    struct ipm_ladder *out_ladder, struct ipm_why *why);

/* Idempotent. */
void ipm_ladder_fini(struct ipm_ladder *ladder);

#define ipm_auto_ladder __attribute__((cleanup(ipm_ladder_fini)))

/* Whether two rungs differ in placement alone, or in the wait strategy alone. */
bool ipm_rungs_same_but_placement(const struct ipm_rung *a, const struct ipm_rung *b);
bool ipm_rungs_same_but_wait(const struct ipm_rung *a, const struct ipm_rung *b);

/* Floor of that mechanism whose size is nearest to the ladder's; the one on two CPUs where
 * it has the choice.  NULL when there is none. */
const struct ipm_rung *ipm_ladder_floor(const struct ipm_ladder *ladder,
                                        const char *mechanism);

/* "k copies" as tables show it: "0", "1", "2", "-". */
const char *ipm_copies_text(int64_t copies);

#endif
