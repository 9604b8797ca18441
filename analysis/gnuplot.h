/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gnuplot: text that gnuplot takes literally, and running it as a process.
 *
 * Words of a result directory reach gnuplot as data or as single-quoted strings only, where
 * it substitutes and executes nothing; a script must set `noenhanced` for its labels.  No
 * shell is involved.
 */
#ifndef IPM_ANALYSIS_GNUPLOT_H
#define IPM_ANALYSIS_GNUPLOT_H

#include "base/why.h"

#include <stdio.h>

enum { IPM_GNUPLOT_ABSENT = 1 };

/* @text as a single-quoted string of a script, quotes included; an apostrophe becomes U+2019. */
void ipm_gnuplot_string(FILE *out, const char *text);

/* @text as a double-quoted column of a data file, quotes included. */
void ipm_gnuplot_column(FILE *out, const char *text);

/**
 * ipm_gnuplot_run() - run a script
 * @directory: gnuplot's working directory: relative names in the script are under it
 * @script:    file name, relative to @directory
 *
 * The user's own start-up files are not read.  Takes at most a minute.
 *
 * Return: 0; IPM_GNUPLOT_ABSENT there is no gnuplot on the PATH; -EIO it failed, with its
 *         first message in @why; -ETIMEDOUT it was killed; -errno.
 */
int ipm_gnuplot_run(const char *directory, const char *script, struct ipm_why *why);

#endif
