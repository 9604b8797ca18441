/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot_power: power against rate, and what the energy model leaves of each block. */
#ifndef IPM_ANALYSIS_PLOT_POWER_H
#define IPM_ANALYSIS_PLOT_POWER_H

#include "base/json.h"
#include "base/why.h"

enum { IPM_PLOT_POWER_SERIES = 6, IPM_PLOT_POWER_CELLS = 4 };

/**
 * ipm_plot_power() - write plots/power_rate-PROVENANCE.{dat,gp,svg} under a directory
 * @document: report.json's content; its model "energy" is drawn
 * @out_json: as ipm_plot_write() makes it; NULL when there were no windows with joules
 *
 * Above, the power of the package beyond rest by achieved rate, with its interval, a line for
 * each series of given rates, and the model's straight line where one stands.  Below, a panel
 * for each cell that was fitted or rejected: the residual of each block over its predicted
 * power.  Joules of several provenances share no picture: there is none, and it says so.
 *
 * Return: 0; -errno of writing the script or the data.
 */
int ipm_plot_power(const json_t *document, const char *directory, json_t **out_json,
                   struct ipm_why *why);

#endif
