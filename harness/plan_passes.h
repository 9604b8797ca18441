/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_passes: which passes of the worker a run has, and why it has not the others.  Part of
 * plan.
 */
#ifndef IPM_HARNESS_PLAN_PASSES_H
#define IPM_HARNESS_PLAN_PASSES_H

#include "harness/plan.h"

/**
 * ipm_plan_passes() - fill the passes of a plan that has none yet
 *
 * The pass "timing" comes first and is used.  Energy is measured with its baseline "idle" or
 * not at all.
 *
 * Return: 0; -EINVAL the worker has too many passes, or no timing in first place.
 */
int ipm_plan_passes(struct ipm_plan *plan, const struct ipm_spec *spec,
                    const json_t *describe, struct ipm_why *why);

#endif
