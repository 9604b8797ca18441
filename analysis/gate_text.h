/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_text: a gate's verdict for people. */
#ifndef IPM_ANALYSIS_GATE_TEXT_H
#define IPM_ANALYSIS_GATE_TEXT_H

#include "analysis/gate.h"

#include <jansson.h>
#include <stdio.h>

/**
 * ipm_gate_text() - the verdict with its sentence, then what stands behind it
 *
 * Every point under test with its own sentence, the worst verdict first; those that pass are
 * counted alone unless @all.  Then the control points, the changes of the list that are no
 * regressions, the warnings, and what was tested how.
 */
void ipm_gate_text(const struct ipm_gate *gate, const struct ipm_gate_result *result,
                   bool all, FILE *out);

/* What there is to print. */
struct ipm_gate_words {
    const struct ipm_gate_point *points; /* those of the findings */
    const struct ipm_gate_result *result;
    const json_t *warnings; /* [text], behind those of the result; NULL: none */
    double q;               /* of the list of changes */
    const char *method;     /* how it was tested */
};

/* The same for findings that were come to in another way. */
void ipm_gate_text_put(const struct ipm_gate_words *words, bool all, FILE *out);

#endif
