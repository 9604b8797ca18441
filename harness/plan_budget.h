/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_budget: how long a plan takes, and what a budget leaves of it.
 */
#ifndef IPM_HARNESS_PLAN_BUDGET_H
#define IPM_HARNESS_PLAN_BUDGET_H

#include "harness/plan.h"

/* Nanoseconds for every invocation of every point in every pass. */
int64_t ipm_plan_estimate(const struct ipm_plan *plan);

/**
 * ipm_plan_budget() - fit a plan into its budget_ns, and set its estimate_ns
 *
 * First fewer invocations, though never below IPM_BUDGET_INVOCATIONS where a point has as
 * many; then whole points are dropped from the end.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_plan_budget(struct ipm_plan *plan, struct ipm_why *why);

#endif
