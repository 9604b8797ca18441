/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_json: a gate and its verdict as one document, with every value that it stands on. */
#ifndef IPM_ANALYSIS_GATE_JSON_H
#define IPM_ANALYSIS_GATE_JSON_H

#include "analysis/gate.h"

#include <jansson.h>

/**
 * ipm_gate_json() - schema 1, kind "gate"
 *
 * Effects, margins and noise are logarithms of the cost of B over that of A; a share is given
 * beside an effect.  Each block has its values in the order of time, that order ("abba" or
 * "baab") and the number of its first invocation in the whole gate: with the seed and the
 * parameters the verdict can be made again.
 *
 * Return: the caller's reference; NULL: no memory.
 */
json_t *ipm_gate_json(const struct ipm_gate *gate,
                      const struct ipm_gate_result *result);

/* Those that are of the statistics alone.  The caller's; NULL: no memory. */
json_t *ipm_gate_params_json(const struct ipm_gate_params *params);

/* All of it but `params` and `points`, and one of these but its blocks: for whoever comes to
 * findings in another way.  The caller's; NULL: no memory. */
json_t *ipm_gate_result_json(const struct ipm_gate_result *result);
json_t *ipm_gate_point_json(const struct ipm_gate_point *point,
                            const struct ipm_gate_finding *finding);

#endif
