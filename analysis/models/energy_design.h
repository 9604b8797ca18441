/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_design: do the points of a run tell a rate from the others, or only its noise?
 *
 * On a loaded machine switches per message vary from block to block of one and the same point.
 * Such a variation makes a column that is no multiple of another one, and an ordinary VIF falls
 * for it; but what made the switches vary there drew power, too, so that no coefficient may
 * rest on it.  Only what a message of one point takes beyond one of another counts - how many
 * messages there were in a block may be as it likes.
 *
 * Let e be what is left of a rate after its weighted regression on the other rates in the
 * fit.  The sum of its squares, which the VIF has below the line, is split: in each point e is
 * regressed on the messages, and what that explains is between points, the rest within.  With
 * the mean squares s^2 within each point
 *
 *     VIF by design = sum of squares of the rate / (between - sum s^2)
 *
 * (the component of variance between groups), infinite where F = between / sum s^2 is not
 * significant at IPM_ENERGY_DESIGN_P with (sum s^2)^2 / sum s^4 and (sum s^2)^2 / sum(s^4 /
 * freedom) degrees of freedom, since the s^2 differ by much (Brown and Forsythe, 1974;
 * Mehrotra, 1997).  Points of one block say nothing about noise and count as nothing.
 */
#ifndef IPM_ANALYSIS_ENERGY_DESIGN_H
#define IPM_ANALYSIS_ENERGY_DESIGN_H

#include "analysis/models/energy_fit.h"

#define IPM_ENERGY_DESIGN_P 0.01

/**
 * ipm_energy_designed_vif() - of one term of a fit
 * @fit: of these observations, by ipm_energy_solve()
 *
 * The ordinary VIF where no point was repeated, or repeats it exactly: nothing is known of its
 * noise then.
 *
 * Return: >= 1, may be infinite; NaN when the term is not in the fit, or without memory.
 */
double ipm_energy_designed_vif(const struct ipm_energy_observation *all, size_t n,
                               const struct ipm_energy_fit *fit, int term);

#endif
