/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_ratio: the seed model's R(s) as a picture - measured against predicted, and below it
 * what the prediction misses.
 */
#ifndef IPM_ANALYSIS_PLOT_RATIO_H
#define IPM_ANALYSIS_PLOT_RATIO_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_plot_ratio() - write plots/ratio.{dat,gp,svg} under a directory
 * @document: report.json's content; its first model "seed" is drawn
 * @out_json: as ipm_plot_write() makes it
 *
 * Measured points with their intervals, filled where the fit used them; the prediction where
 * there is one; s_half with its interval; the end of the accepted range; the touched points;
 * residuals of both mechanisms.  A model that was not fitted shows the points alone and why.
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_ratio(const json_t *document, const char *directory, json_t **out_json,
                   struct ipm_why *why);

#endif
