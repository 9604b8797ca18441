/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rate_text: what the rate model says, for people; struct ipm_model's text(). */
#ifndef IPM_ANALYSIS_RATE_TEXT_H
#define IPM_ANALYSIS_RATE_TEXT_H

#include <jansson.h>
#include <stdio.h>

void ipm_rate_model_text(const json_t *document, FILE *out);

#endif
