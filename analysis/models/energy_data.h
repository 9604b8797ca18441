/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_data: blocks of energy windows with what happened in them, out of a run's rows.
 *
 * A block is at rest, load, load, at rest at one point.  Its rates are counts of the windows
 * under load by their time.  Switches are those that the roles made, of both kinds (getrusage).
 * Which of them ended in an idle CPU is told by
 *
 *   the placement   between two CPUs a role that waits leaves its CPU idle, and is woken there
 *                   from the other: all are E_cs.wake.  On one CPU in a closed loop the other
 *                   role goes on: all are E_cs.local.
 *   the kernel      on one CPU at a given rate a pacer sleeps, too.  Every switch to idle is
 *                   followed by one from idle, which only the system's count has: those beyond
 *                   the roles' own, beyond the rate at rest, are E_cs.wake, the others local.
 */
#ifndef IPM_ANALYSIS_ENERGY_DATA_H
#define IPM_ANALYSIS_ENERGY_DATA_H

#include "analysis/energy_windows.h"
#include "analysis/models/energy_fit.h"
#include "analysis/summary.h"

enum { IPM_ENERGY_KEY = 320, IPM_ENERGY_NOTE = 160 };

struct ipm_energy_block {
    const struct ipm_row *row; /* the first window under load; its point, its factors */
    int64_t block;
    size_t line; /* of that window: the order of time */
    double rest_w, load_w;
    double switches_per_message;
    /* `used` until somebody says otherwise; `group` counts points. */
    struct ipm_energy_observation observed;
    char reason[IPM_ENERGY_NOTE]; /* why it is not used; else "" */
};

struct ipm_energy_cell;

/* Does a point's row of blocks begin at @index? */
bool ipm_energy_is_first(const struct ipm_energy_cell *cell, size_t index);

/* Windows that may be explained by the same figures: one mechanism, its copies and options,
 * wait, touch, scheduling class, and one domain of the meter. */
struct ipm_energy_cell {
    char key[IPM_ENERGY_KEY];
    char domain[IPM_ENERGY_DOMAIN];
    const struct ipm_factors *factors; /* of the first block that has a wait */
    const char *provenance, *source;
    /* At rest a role that spins does so, too: what these roles draw at no rate beyond what
     * sleeping ones do, by the means of their windows at rest, and the variance of that.
     * 0 of wait block; NaN: nobody slept in this run, or nothing was counted. */
    double standing_w, standing_variance;
    bool mixed; /* blocks of another provenance or source were left out */
    struct ipm_energy_block *blocks; /* sorted by point, block */
    size_t n_blocks;
};

struct ipm_energy_data {
    struct ipm_energy_cell *cells; /* sorted by key */
    size_t n_cells;
};

/**
 * ipm_energy_gather() - all blocks of a run by cell
 *
 * A self-loop waits for nobody: its blocks are in every cell of its mechanism, whatever the
 * wait.  Borrows from the table.
 *
 * Return: 0, also when there are none; -ENOMEM.  Always call ipm_energy_data_fini().
 */
int ipm_energy_gather(const struct ipm_table *table, struct ipm_energy_data *data);

/* Fills `standing_w` and its variance in every cell; done by ipm_energy_gather(). */
void ipm_energy_find_standing(struct ipm_energy_data *data);

void ipm_energy_data_fini(struct ipm_energy_data *data);

#define ipm_auto_energy_data __attribute__((cleanup(ipm_energy_data_fini)))

#endif
