/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods: a paragraph for the methods section of a paper, from what a run really did.
 *
 * It is made from the document of report.json alone.  A sentence stands in it only where the
 * document has what it says: no interval is described where no figure has one, and what was
 * not measured is named with its reason.  Nothing is escaped: words of the run stand in it as
 * they are.
 */
#ifndef IPM_ANALYSIS_METHODS_H
#define IPM_ANALYSIS_METHODS_H

#include "base/why.h"

#include <jansson.h>
#include <stdio.h>

/* One paragraph without a line feed of its own; members may be absent or null.  The caller's;
 * NULL: no memory. */
char *ipm_methods_text(const json_t *report);

/**
 * ipm_methods_put() - the paragraph of a result directory, for a terminal
 *
 * Control characters are replaced; the line is not broken, since it is to be pasted.  Writes
 * nothing into the directory.
 *
 * Return: 0; as ipm_report_load(); -EIO when @out cannot be written.
 */
int ipm_methods_put(const char *directory, FILE *out, struct ipm_why *why);

#endif
