/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_core_map: the core-to-core maps as pictures - a square of cells, coloured by the time
 * that two CPUs take to reach each other.
 */
#ifndef IPM_ANALYSIS_PLOT_CORE_MAP_H
#define IPM_ANALYSIS_PLOT_CORE_MAP_H

#include "base/json.h"
#include "base/why.h"

enum {
    IPM_PLOT_CORE_MAPS = 6,  /* of more, the first so many are drawn; it says so */
    IPM_PLOT_CORE_CPUS = 128 /* of a map with more the data are written, not drawn */
};

/**
 * ipm_plot_core_map() - write plots/core_to_core.{dat,gp,svg}
 * @document: report.json's content
 * @out_json: as ipm_plot_write() makes it; NULL when the report has no map at all
 *
 * A cell's row is side a, its column side b; a pair that was measured in one direction alone
 * fills both cells.
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_core_map(const json_t *document, const char *directory, json_t **out_json,
                      struct ipm_why *why);

#endif
