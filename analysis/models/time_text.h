/* SPDX-License-Identifier: GPL-3.0-or-later */
/* time_text: the time model's document for people.  Part of the model "time". */
#ifndef IPM_ANALYSIS_TIME_TEXT_H
#define IPM_ANALYSIS_TIME_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* As struct ipm_model's text. */
void ipm_time_text(const json_t *document, FILE *out);

#endif
