/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_sentence: verdicts of a gate in words.  Part of gate_judge. */
#ifndef IPM_ANALYSIS_GATE_SENTENCE_H
#define IPM_ANALYSIS_GATE_SENTENCE_H

#include "analysis/gate_parts.h"

enum {
    IPM_GATE_ONE_SIDED = 6 /* changes all the same way: by chance 2^-5 of the time */
};

/* Fills reasons, sentence and warnings of a result that is judged otherwise. */
void ipm_gate_say(const struct ipm_gate *gate, struct ipm_gate_result *result);

enum { IPM_GATE_PERCENT = 24 };

/* A logarithm as "+5.1 %"; "?" of NaN. */
const char *ipm_gate_percent(char text[IPM_GATE_PERCENT], double logarithm);

#endif
