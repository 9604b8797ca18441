/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_text: a gate's verdict for people. */
#ifndef IPM_ANALYSIS_GATE_TEXT_H
#define IPM_ANALYSIS_GATE_TEXT_H

#include "analysis/gate.h"

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

#endif
