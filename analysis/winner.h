/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * winner: the winner map - who is best at what was measured, over size, rate and placement.
 *
 * A cell is all points of which the same was asked (analysis/rivals.h).  In each cell a
 * contest is held by every figure that its workload has, among all, and where a winner keeps a
 * CPU busy while it waits, among those that sleep as well: the two are never mixed in
 * silence.  Floors, tokens, lossy channels and points that missed their rate never enter.
 */
#ifndef IPM_ANALYSIS_WINNER_H
#define IPM_ANALYSIS_WINNER_H

#include "analysis/contest.h"
#include "analysis/rivals.h"
#include "base/why.h"

#include <stdio.h>

/* Who may enter. */
enum ipm_field {
    IPM_FIELD_ANY,
    IPM_FIELD_SLEEPING, /* wait block and spin_then_block */
    IPM_FIELDS,
};

/* "any", "sleeping" */
extern const char *const ipm_field_names[IPM_FIELDS];

struct ipm_winner_cell {
    const struct ipm_point *asked; /* any of its points: what was asked of all */
    /* IPM_VERDICT_NONE where nobody has the figure; of the sleeping also where nobody busy
     * entered, since it would be the same contest. */
    struct ipm_contest contests[IPM_BYS][IPM_FIELDS];
};

struct ipm_winners {
    struct ipm_winner_cell *cells; /* by workload, placement, touch, rate ..., size */
    size_t n_cells;
    size_t unfit[IPM_UNFITS]; /* points that never enter, by the first reason */
    const char *provenance;   /* of all joules; "" when there are none */
};

/**
 * ipm_winners_make() - hold all contests
 *
 * Borrows from all of them: it must not outlive them.
 *
 * Return: 0; -ENOMEM.  @out_winners needs fini only after 0.
 */
int ipm_winners_make(const struct ipm_table *table, const struct ipm_summary *summary,
                     const struct ipm_energy *energy, const json_t *manifest,
                     struct ipm_winners *out_winners, struct ipm_why *why);

/* Idempotent. */
void ipm_winners_fini(struct ipm_winners *winners);

#define ipm_auto_winners __attribute__((cleanup(ipm_winners_fini)))

/* {margin, level, unfit, cells}, as docs/report.schema.json has it. */
json_t *ipm_winners_json(const struct ipm_winners *winners);

/* Three lines at most: by each figure who won how many of the contests that had rivals, among
 * all and among those whose wait sleeps; what has no room is in the page.  Nothing when nobody
 * had a rival.
 * @winners: ipm_winners_json() */
void ipm_winners_text(const json_t *winners, FILE *out);

#endif
