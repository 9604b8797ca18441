/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_ladder: the ladder as a picture - every mechanism's round trip on one logarithmic
 * axis, above the floors of the machine.
 */
#ifndef IPM_ANALYSIS_PLOT_LADDER_H
#define IPM_ANALYSIS_PLOT_LADDER_H

#include "analysis/ladder.h"
#include "base/json.h"
#include "base/why.h"

/**
 * ipm_plot_ladder() - write plots/ladder.{dat,gp,svg} under a directory
 * @out_json: as ipm_plot_write() makes it
 *
 * One row of the picture per (mechanism, copies, wait, variant), fastest on top: a filled
 * mark for one CPU, an open one for ladder->away, each with a line to its p99.  Marks and
 * colours tell the wait strategies apart.  Other placements are counted in the picture and
 * shown in the words only.
 *
 * Return: 0; -errno of writing the script or the data.
 */
int ipm_plot_ladder(const struct ipm_ladder *ladder, const char *directory,
                    json_t **out_json, struct ipm_why *why);

#endif
