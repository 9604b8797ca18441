/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_markdown: the document of a gate as the summary of a job, always below 1 MiB.
 *
 * The verdict and its sentence, the points the worst first, those that passed folded away, the
 * control points, warnings, and how it is repeated.
 */
#ifndef IPM_ANALYSIS_GATE_MARKDOWN_H
#define IPM_ANALYSIS_GATE_MARKDOWN_H

#include "base/json.h"

#include <stdio.h>

/* Return: 0; -EINVAL it is no document of a gate, and nothing was written; -ENOMEM. */
int ipm_gate_markdown(const json_t *document, FILE *out, struct ipm_why *why);

#endif
