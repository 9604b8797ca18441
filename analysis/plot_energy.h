/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_energy: what a message costs in joules, as a picture - a mark and its interval for
 * each point that has a cost, and whose joules they are in the title and the file's name.
 */
#ifndef IPM_ANALYSIS_PLOT_ENERGY_H
#define IPM_ANALYSIS_PLOT_ENERGY_H

#include "base/json.h"
#include "base/why.h"

enum {
    IPM_PLOT_ENERGY_ROWS = 60
}; /* of more, the first so many are drawn; it says so */

/**
 * ipm_plot_energy() - write plots/energy-WORD.{dat,gp,svg}, WORD being the provenance
 * @document: report.json's content
 * @out_json: as ipm_plot_write() makes it; NULL when the report has no energy at all
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_energy(const json_t *document, const char *directory, json_t **out_json,
                    struct ipm_why *why);

#endif
