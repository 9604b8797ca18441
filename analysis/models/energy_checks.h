/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_checks: what would show that the energy model is wrong, tried on every fit.
 *
 *   self_loop       e0 from windows without any switch agrees with that of all windows: the
 *                   difference has the variance of the one less that of the other (Hausman,
 *                   Econometrica 46, 1978, 2.6)
 *   shuffled        switches of other windows explain nothing: over permutations of the rates
 *                   of switches among the blocks, beside a constant, their cost is 0 on
 *                   average, and the real one is beyond 95 % of them
 *   half_sizes      a fit to every other size predicts the blocks of the others: Chow's
 *                   forecast test (Econometrica 28, 1960, 3)
 *   reversed_order  blocks after one of a lower rate and blocks after one of a higher rate give
 *                   the same coefficients: Chow's test of equality (the same, 2)
 *   rest            with a constant beside the terms, the constant is 0: load without messages
 *                   would be rest
 *
 * A probability below IPM_ENERGY_CHECK_P fails, so that one check in a hundred fails by chance.
 */
#ifndef IPM_ANALYSIS_ENERGY_CHECKS_H
#define IPM_ANALYSIS_ENERGY_CHECKS_H

#include "analysis/models/energy_data.h"

#include <stdint.h>

#define IPM_ENERGY_CHECK_P 0.01

enum { IPM_ENERGY_CHECKS = 5, IPM_ENERGY_SHUFFLES = 400 };

enum ipm_energy_verdict { IPM_ENERGY_HOLDS, IPM_ENERGY_FAILS, IPM_ENERGY_NOT_TESTED };

/* "holds", "fails", "not_tested" */
extern const char *const ipm_energy_verdict_names[];

struct ipm_energy_check {
    const char *name;
    enum ipm_energy_verdict verdict;
    char reason[IPM_ENERGY_NOTE]; /* why it was not tested, or what was seen */
    double p;                     /* NaN: not tested, or it has none */
    double found, expected;       /* the two that are compared, in @unit; NaN: none */
    const char *unit;             /* "" */
};

/**
 * ipm_energy_check() - all checks of one cell's fit
 * @fit:  of all its used blocks, with switches and messages
 * @seed: of the permutations
 *
 * Return: 0; -ENOMEM.
 */
int ipm_energy_check(const struct ipm_energy_cell *cell,
                     const struct ipm_energy_fit *fit, uint64_t seed,
                     struct ipm_energy_check out_checks[IPM_ENERGY_CHECKS]);

#endif
