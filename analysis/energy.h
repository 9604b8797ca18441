/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy: what a message costs in joules beyond a machine at rest.
 *
 * Windows come in blocks (harness/schedule.h): at rest, load, load, at rest.  Of each block
 *
 *     P_load = E_load / T_load        P_rest = E_rest / T_rest
 *     e = (E_load - P_rest T_load) / messages
 *
 * so that a linear drift cancels; a block is one value, and what is reported is the mean over
 * blocks with Student's interval (energy.md 3, statistics.md 2.9 "Energy": (E - idle t) / N
 * with rest inside each block).  The windows of one block are not independent of each other,
 * so they are no replicates.
 *
 * A cost stands only where load stands out: it must be three of its standard errors, and its
 * interval must not hold 0.  The power beyond rest would be a worse judge: where others use
 * the CPUs, too, it varies with the rate of messages.  Windows of different provenance, source or set of domains are never averaged, an
 * estimate never becomes a cost, and the words "simulated", "attributed" ... stand beside
 * every figure.
 */
#ifndef IPM_ANALYSIS_ENERGY_H
#define IPM_ANALYSIS_ENERGY_H

#include "analysis/energy_windows.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "base/json.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IPM_ENERGY_SIGMAS        3.0
#define IPM_ENERGY_LEAST_COST_NS INT64_C(1000000000) /* shorter windows give no cost */

enum ipm_energy_status {
    IPM_ENERGY_COST,        /* all figures stand */
    IPM_ENERGY_BELOW_NOISE, /* powers alone; the same holds for the next three */
    IPM_ENERGY_TOO_FEW,     /* blocks: the noise is not known */
    IPM_ENERGY_SHORT,       /* windows below a second */
    IPM_ENERGY_ESTIMATED,   /* it would be CPU time in other units */
    IPM_ENERGY_MIXED,       /* no figure at all */
    IPM_ENERGY_STATUSES,
};

/* "ok", "below_noise", "too_few", "too_short", "estimated", "mixed" */
extern const char *const ipm_energy_status_names[IPM_ENERGY_STATUSES];

enum { IPM_ENERGY_WHY = 200 };

/* One domain of one point.  An estimate that does not stand has the value NaN. */
struct ipm_energy_row {
    const struct ipm_point *point; /* of the summary */
    char domain
        [IPM_ENERGY_DOMAIN]; /* "package", "dram" ...: the metric energy_DOMAIN_uj */
    const char *provenance, *source; /* of the table; "" when mixed */
    size_t blocks;                   /* that count */
    size_t windows;                  /* of these, at rest and under load */
    size_t left_out;                 /* windows of blocks that are not whole */
    struct ipm_estimate load_w, rest_w, beyond_w;
    struct ipm_estimate message_uj, operation_uj;
    enum ipm_energy_status status;
    char reason[IPM_ENERGY_WHY]; /* "CLASS: text" unless status is IPM_ENERGY_COST */
};

struct ipm_energy {
    struct ipm_energy_row *rows; /* in the order of the summary's points */
    size_t n_rows;
    const char *provenance; /* of all rows; "mixed"; "" when there are none */
    const char *source;     /* the same */
};

/**
 * ipm_energy_make() - costs of all points of which there are energy windows
 *
 * Borrows from both: it must not outlive them.
 *
 * Return: 0; -ENOMEM.  @out_energy needs fini only after 0.
 */
int ipm_energy_make(const struct ipm_table *table, const struct ipm_summary *summary,
                    struct ipm_energy *out_energy, struct ipm_why *why);

/* Idempotent. */
void ipm_energy_fini(struct ipm_energy *energy);

/* {provenance, source, points}, as docs/report.schema.json has it. */
json_t *ipm_energy_json(const struct ipm_energy *energy);

/* The costs as a table of words; nothing when there are none. */
void ipm_energy_text(const struct ipm_energy *energy, FILE *out);

#endif
