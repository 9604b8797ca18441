/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_grants: what this machine must grant a point besides CPUs - its scheduling policy and
 * the node that its memory lies on, as the worker's document tells.  For ipm_rules_check().
 */
#ifndef IPM_HARNESS_PLAN_GRANTS_H
#define IPM_HARNESS_PLAN_GRANTS_H

#include "harness/plan_rules.h"

/**
 * ipm_grants_check() - after the CPUs have been found
 *
 * Fills factors->memory_node.
 *
 * Return: 0; 1 no, and @why says why.
 */
int ipm_grants_check(const struct ipm_rules *rules, struct ipm_factors *factors,
                     struct ipm_why *why);

#endif
