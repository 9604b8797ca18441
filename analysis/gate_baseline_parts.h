/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_baseline_parts: what the files of gate_baseline and nobody else share. */
#ifndef IPM_ANALYSIS_GATE_BASELINE_PARTS_H
#define IPM_ANALYSIS_GATE_BASELINE_PARTS_H

#include "analysis/gate_baseline.h"

struct ipm_baseline_case {
    const struct ipm_gate_params *params;
    const struct ipm_gate_point *points;
    const struct ipm_baseline_series *series;
    size_t n_points, n, m;
};

/* Logarithm. */
double ipm_baseline_smallest(const struct ipm_baseline_case *given, size_t point);

/* Degrees of the test for a candidate of @m sessions, of so many. */
double ipm_baseline_freedom(double freedom, size_t m);

/* Drifts of all points and of their mean; no drift is a verdict.  Return: 0; -ENOMEM. */
int ipm_baseline_drift(const struct ipm_baseline_case *given,
                       struct ipm_baseline_result *result);

/* What could be seen, and what it would take: least_effect, needs_n and needs_m of all points
 * that have an error.  After adjustment, since it depends on the size of the family. */
void ipm_baseline_power(const struct ipm_baseline_case *given,
                        struct ipm_baseline_result *result);

/* Reasons, sentence and warnings of a result that is judged otherwise. */
void ipm_baseline_say(const struct ipm_baseline_case *given,
                      struct ipm_baseline_result *result);

#endif
