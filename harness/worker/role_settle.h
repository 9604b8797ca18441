/* SPDX-License-Identifier: MIT */
/*
 * role_settle: what a forked process does to become a role, before it touches a channel.
 * Part of role.
 */
#ifndef IPM_WORKER_ROLE_SETTLE_H
#define IPM_WORKER_ROLE_SETTLE_H

#include "harness/worker/point.h"
#include "harness/worker/wiring.h"

/* Its end with the leader's, its descriptors, its CPU and its policy.  Return: 0; -errno. */
int ipm_role_settle(const struct ipm_point *point, struct ipm_wiring *wiring, int seat,
                    struct ipm_why *why);

/* Makes the calling task one of that policy.  0; -EPERM ...: @why names the policy. */
int ipm_role_set_policy(enum ipm_policy policy, struct ipm_why *why);

/* Memory of its own that it reads between messages; until it exits.
 * Return: 0, with NULL where the point has no working set; -errno. */
int ipm_role_working_set(const struct ipm_point *point, unsigned char **out_set,
                         struct ipm_why *why);

#endif
