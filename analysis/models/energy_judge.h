/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_judge: what may be said of a cell's coefficients.
 *
 * They are printed apart only where the windows separate them: every VIF below 5, the ordinary
 * one and that by design (energy_design.h), and the condition number below 30 (conventions), no
 * lack of fit, and of each coefficient an interval
 * of less than half its value to either side.  Otherwise the sum alone is printed, with the
 * correlation that hides them.  A coefficient whose own interval is wider - of a message that
 * costs nothing beyond its switches it always is - is told as that interval, and takes the
 * others not with it.
 *
 * Refused before any of that: estimated joules (they are CPU time in other units), attributed
 * ones (the host's energy by CPU time), CPUs whose frequency was not held (energy per event
 * is not one figure there), waits that spin (they draw power at no rate at all).
 */
#ifndef IPM_ANALYSIS_ENERGY_JUDGE_H
#define IPM_ANALYSIS_ENERGY_JUDGE_H

#include "analysis/models/energy_data.h"

#include <jansson.h>

#define IPM_ENERGY_MOST_VIF       5.0
#define IPM_ENERGY_MOST_CONDITION 30.0
#define IPM_ENERGY_MOST_WIDTH     0.5   /* half the interval by the value */
#define IPM_ENERGY_LACK_P         0.001 /* below: rejected */
#define IPM_ENERGY_SAME           0.05  /* of rates that count as proportional */

enum ipm_energy_finding {
    IPM_ENERGY_FITTED,
    IPM_ENERGY_SUM_ONLY,
    IPM_ENERGY_REJECTED,
    IPM_ENERGY_REFUSED,
    IPM_ENERGY_NOT_ENOUGH,
    IPM_ENERGY_FINDINGS,
};

/* "fitted", "sum_only", "rejected", "refused", "too_few" */
extern const char *const ipm_energy_finding_names[];

enum { IPM_ENERGY_PARAMETERS = 4 }; /* by enum ipm_energy_term, without the constant */

struct ipm_energy_parameter {
    const char *name, *unit;
    double value, low,
        high;    /* as fitted, whether it may be printed or not; NaN: not fitted */
    bool stands; /* it may be printed as a figure */
    char reason[IPM_ENERGY_NOTE]; /* why not; else "" */
};

struct ipm_energy_judgement {
    enum ipm_energy_finding finding;
    char reason[2 * IPM_ENERGY_NOTE]; /* "" when fitted */
    size_t used;
    int result; /* of ipm_energy_solve() */
    struct ipm_energy_fit fit;
    double designed_vif[IPM_ENERGY_TERMS]; /* NaN where a term is not in the fit */
    struct ipm_energy_lack lack;
    struct ipm_estimate rest_w; /* P_idle: mean over the used blocks */
    struct ipm_energy_parameter parameters[IPM_ENERGY_PARAMETERS];
    double correlation; /* of switches and messages */
    /* Of a message with its switches and bytes; NaN where these are not in proportion. */
    double sum_uj, sum_low, sum_high;
    double switches_per_message; /* over all used blocks */
};

/**
 * ipm_energy_judge_cell() - fit a cell and judge the fit
 *
 * Fills in what the fit predicts for each block.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_energy_judge_cell(struct ipm_energy_cell *cell, const json_t *manifest,
                          struct ipm_energy_judgement *out_judgement);

#endif
