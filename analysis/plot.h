/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot: what every picture has in common - a data file, a gnuplot script beside it that
 * anyone can run again, and the SVG that it draws.
 */
#ifndef IPM_ANALYSIS_PLOT_H
#define IPM_ANALYSIS_PLOT_H

#include "base/json.h"
#include "base/why.h"

#include <stdio.h>

/* Writes one of the files.  Return: 0; -errno. */
typedef int ipm_plot_put(const void *context, FILE *out, struct ipm_why *why);

struct ipm_plot {
    const char *name; /* [a-z0-9_-]+: plots/NAME.{dat,gp,svg} */
    ipm_plot_put *data;
    /* Reads NAME.dat, writes NAME.svg, both in its directory; not called with @nothing. */
    ipm_plot_put *script;
    const char *nothing; /* why there is nothing to draw; NULL: there is */
};

/**
 * ipm_plot_write() - write plots/NAME.{dat,gp,svg} under a directory
 * @out_json: {script, data, picture, reason}: relative names; picture null with a reason
 *            when there is none, because gnuplot is absent, failed, or has nothing to draw
 *
 * Return: 0; -errno of writing the data or the script.
 */
int ipm_plot_write(const struct ipm_plot *plot, const void *context,
                   const char *directory, json_t **out_json, struct ipm_why *why);

#endif
