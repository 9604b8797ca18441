/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_place: on which CPUs the roles of a combination and the load beside them run.  The part
 * of plan_rules that asks the topology, and what the two share.
 */
#ifndef IPM_HARNESS_PLAN_PLACE_H
#define IPM_HARNESS_PLAN_PLACE_H

#include "harness/plan_rules.h"

/**
 * ipm_rules_place() - CPUs for canonical factors, and how many roles spin on one
 *
 * Return: 0; 1 there are none, or too many roles spin on one: @why says which.
 */
int ipm_rules_place(const struct ipm_rules *rules, struct ipm_factors *factors,
                    struct ipm_why *why);

/* Return: 1, with the text in @why. */
int ipm_rules_refuse(struct ipm_why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The default of an axis of integers; @otherwise where there is no such axis. */
int64_t ipm_rules_axis_integer(const json_t *describe, const char *name,
                               int64_t otherwise);

/* Does a shared axis mean something to the workload? */
bool ipm_rules_has_axis(const struct ipm_rules *rules, const char *axis);

#endif
