/* SPDX-License-Identifier: MIT */
/*
 * registry: the workloads that this worker has, and the axes that several plug-ins share.
 */
#ifndef IPM_WORKLOADS_REGISTRY_H
#define IPM_WORKLOADS_REGISTRY_H

#include "workloads/workload.h"

/* The workloads of list.def, NULL-terminated. */
extern const struct ipm_workload *const ipm_workloads[];

/* By name; NULL when there is none. */
const struct ipm_workload *ipm_workload_find(const char *name);

/* Axes with bare names, as rows over struct ipm_traffic: name NULL ends the table. */
extern const struct ipm_option ipm_traffic_options[];

/* Whether a shared axis means something to it. */
bool ipm_workload_lists(const struct ipm_workload *workload, const char *axis);

/**
 * ipm_workload_check() - do roles, edges and hooks agree?
 *
 * Return: 0; -EINVAL with the first contradiction in @why.
 */
int ipm_workload_check(const struct ipm_workload *workload, struct ipm_why *why);

#endif
