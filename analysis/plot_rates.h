/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_rates: what a user waits against the rate at which messages are due.
 */
#ifndef IPM_ANALYSIS_PLOT_RATES_H
#define IPM_ANALYSIS_PLOT_RATES_H

#include "analysis/rate_series.h"
#include "base/json.h"
#include "base/why.h"

enum { IPM_PLOT_RATES = 7 /* series that can be told apart; more are counted only */ };

/**
 * ipm_plot_rates() - write plots/rate.{dat,gp,svg} under a directory
 * @out_json: as ipm_plot_write() makes it; NULL when the run has no open loop
 *
 * Median and 99th percentile of response, both axes logarithmic; where the rate was not kept
 * the mark is crossed out.
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_rates(const struct ipm_rate_set *set, const char *directory,
                   json_t **out_json, struct ipm_why *why);

#endif
