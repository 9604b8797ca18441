/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_annotations: the document of a gate as annotations (analysis/annotations.h).
 *
 * First the whole, unless it passes; then points that do not, by what they count for
 * (analysis/gate_page.h).  Errors: regression, error.  Warnings: environment, inconclusive.
 * Notices: what was found to cost less, and the warnings of the document.
 */
#ifndef IPM_ANALYSIS_GATE_ANNOTATIONS_H
#define IPM_ANALYSIS_GATE_ANNOTATIONS_H

#include "base/json.h"

#include <stdio.h>

/* Return: 0; -EINVAL it is no document of a gate, and nothing was written; -ENOMEM. */
int ipm_gate_annotate(const json_t *document, FILE *out, struct ipm_why *why);

#endif
