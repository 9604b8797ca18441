/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_sentence: verdicts of a gate in words.  Part of gate_judge. */
#ifndef IPM_ANALYSIS_GATE_SENTENCE_H
#define IPM_ANALYSIS_GATE_SENTENCE_H

#include "analysis/gate_parts.h"

/* Fills reasons, sentence and warnings of a result that is judged otherwise. */
void ipm_gate_say(const struct ipm_gate *gate, struct ipm_gate_result *result);

#endif
