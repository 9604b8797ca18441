/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot_time: what the time model leaves - residuals over sizes, a panel per series. */
#ifndef IPM_ANALYSIS_PLOT_TIME_H
#define IPM_ANALYSIS_PLOT_TIME_H

#include "base/json.h"
#include "base/why.h"

enum { IPM_PLOT_TIME_PANELS = 8 };

/**
 * ipm_plot_time() - write plots/time_residuals.{dat,gp,svg} under a directory
 * @document: report.json's content; its model "time" is drawn
 * @out_json: as ipm_plot_write() makes it; NULL when no series was fitted
 *
 * Medians over the fit in percent with two standard errors, open where invocations were left
 * out, and where pieces meet.  The first IPM_PLOT_TIME_PANELS series; the title says of how
 * many.
 *
 * Return: 0; -errno of writing the script or the data.
 */
int ipm_plot_time(const json_t *document, const char *directory, json_t **out_json,
                  struct ipm_why *why);

#endif
