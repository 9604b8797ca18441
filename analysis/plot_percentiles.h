/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_percentiles: whole distributions, on an axis that gives every further nine as much room.
 */
#ifndef IPM_ANALYSIS_PLOT_PERCENTILES_H
#define IPM_ANALYSIS_PLOT_PERCENTILES_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_plot_percentiles() - write plots/percentiles.{dat,gp,svg}
 * @document: report.json's content; "percentiles" of it is drawn
 * @out_json: as ipm_plot_write() makes it
 *
 * x is 1 / (1 - q), logarithmic.  A line is thin and dotted beyond the percentile that its
 * samples can tell, which a mark ends.
 *
 * Return: 0; -errno of writing the script or the data.
 */
int ipm_plot_percentiles(const json_t *document, const char *directory,
                         json_t **out_json, struct ipm_why *why);

#endif
