/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_when: sweeps that are for some runs only ("when").  Part of plan.
 *
 * Windows of energy last seconds: a config that is to end in minutes has them for a few points,
 * and something else for machines without a meter.
 */
#ifndef IPM_HARNESS_PLAN_WHEN_H
#define IPM_HARNESS_PLAN_WHEN_H

#include "harness/plan.h"

enum { IPM_WHEN_REASON = sizeof(((struct ipm_skip *)0)->reason) };

/* Is the sweep for another kind of run?  Then @reason says of what kind, and why this is none.
 * The passes of the plan must be known. */
bool ipm_plan_left_out(const struct ipm_plan *plan, const struct ipm_sweep *sweep,
                       char reason[IPM_WHEN_REASON]);

/* What a plan that examined no meter cannot know; NULL when it depends on none. */
const char *ipm_plan_when_note(const struct ipm_plan *plan,
                               const struct ipm_spec *spec);

#endif
