/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_run_order: how the machine drifted during a run.
 */
#ifndef IPM_ANALYSIS_PLOT_RUN_ORDER_H
#define IPM_ANALYSIS_PLOT_RUN_ORDER_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_plot_run_order() - write plots/run_order.{dat,gp,svg}
 * @document: report.json's content; "run_order" of it is drawn
 * @out_json: as ipm_plot_write() makes it
 *
 * A panel each for times, cache-line round trips and steps of the core, all as parts of their
 * point's median; a panel that the run has nothing for is left out.  Where the machine changed
 * a vertical line stands in all of them.
 *
 * Return: 0; -errno of writing the script or the data.
 */
int ipm_plot_run_order(const json_t *document, const char *directory, json_t **out_json,
                       struct ipm_why *why);

#endif
