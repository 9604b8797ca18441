/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seed_text: the seed model's document as a page for a lecture. */
#ifndef IPM_ANALYSIS_SEED_TEXT_H
#define IPM_ANALYSIS_SEED_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* Equations, parameters with intervals, range, lack of fit, prediction, and R(s) as a
 * drawing of characters.  Nothing when the document holds no data. */
void ipm_seed_text(const json_t *document, FILE *out);

#endif
