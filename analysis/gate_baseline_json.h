/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_baseline_json: the verdict on a session against those that are kept, as a document. */
#ifndef IPM_ANALYSIS_GATE_BASELINE_JSON_H
#define IPM_ANALYSIS_GATE_BASELINE_JSON_H

#include "analysis/gate_baseline.h"

#include <jansson.h>

/**
 * ipm_baseline_json() - schema 1, kind "gate", method "baseline"
 * @n, @m: sessions, as given to ipm_baseline_judge()
 *
 * Members as in analysis/gate_json.h.  Of a point `stage` is null, `blocks` is empty and
 * effect.blocks is the number of sessions of the baseline; instead of blocks it has `sessions`:
 * {baseline: [value], candidate: [value], scatter, error, freedom, least_effect, needs:
 * {baseline, candidate} or null, would_be, advisory, drift, p_drift}, logarithms but for the values.
 *
 * Return: the caller's; NULL: no memory.
 */
json_t *ipm_baseline_json(const struct ipm_gate_params *params,
                          const struct ipm_gate_point *points,
                          const struct ipm_baseline_series *series, size_t n, size_t m,
                          const struct ipm_baseline_result *result);

/* The same of what came to no findings: verdict "error" with @sentence, and no points. */
json_t *ipm_baseline_error_json(const char *sentence);

#endif
