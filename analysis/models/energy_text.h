/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy_text: the energy model's document for people. */
#ifndef IPM_ANALYSIS_ENERGY_TEXT_H
#define IPM_ANALYSIS_ENERGY_TEXT_H

#include <jansson.h>
#include <stdio.h>

void ipm_energy_model_text(const json_t *document, FILE *out);

#endif
