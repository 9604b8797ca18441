/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text: printing figures and foreign words for people.
 *
 * Words out of a result directory may hold anything: every one goes through here on its way
 * to a terminal.
 */
#ifndef IPM_ANALYSIS_TEXT_H
#define IPM_ANALYSIS_TEXT_H

#include "analysis/stats.h"

#include <stdio.h>

enum { IPM_TEXT_WIDTH = 100, IPM_ESTIMATE_TEXT = 104, IPM_TEXT_COUNT = 80 };

/* @text with control characters (C0, DEL, C1) as '?'. */
void ipm_text_put(FILE *out, const char *text);

/* The same, broken between words to IPM_TEXT_WIDTH columns; the first line is expected to
 * stand at column @indent already, the others are indented by it.  Ends with a line feed.
 * One column per character is assumed. */
void ipm_text_wrap(FILE *out, int indent, const char *text);

/* "1 point is", "3 points are": the number, and what is said of one or of many. */
const char *ipm_text_count(char text[IPM_TEXT_COUNT], double n, const char *one,
                           const char *many);

/* "12.3 us [12.1, 12.9]": the value with its unit, the interval in the same unit; "[?]" in
 * its place when there is none.  "-" without a value. */
const char *ipm_estimate_text(char text[IPM_ESTIMATE_TEXT],
                              const struct ipm_estimate *estimate);

#endif
