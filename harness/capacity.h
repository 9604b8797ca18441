/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * capacity: what 100 % is, for rates that are given as a share.
 *
 * A share makes machines comparable: half of what a mechanism can carry is half of it
 * everywhere.  The capacity of a point is the rate at which a stream of the same messages,
 * handed over one by one, arrives: the median of three windows before the run's first one.
 */
#ifndef IPM_HARNESS_CAPACITY_H
#define IPM_HARNESS_CAPACITY_H

#include "base/json.h"
#include "base/why.h"
#include "harness/plan.h"

enum { IPM_CAPACITY_WINDOWS = 3 };

/* Is the point's rate a share? */
bool ipm_capacity_share(const struct ipm_factors *factors, double *out_share);

/* Under which name the capacity of a point is kept: points that differ in rate and arrivals
 * alone share one. */
void ipm_capacity_key(const struct ipm_factors *factors, char key[IPM_HASH_TEXT]);

/* Is the rate a share of a capacity that @known has not yet?  Then @key names it. */
bool ipm_capacity_missing(const struct ipm_factors *factors, const json_t *known,
                          char key[IPM_HASH_TEXT]);

/**
 * ipm_capacity_measure() - the capacity of every point whose rate is a share
 * @capacities: key to {messages_per_s, windows: [messages_per_s]} or {reason}; those that
 *              are there stay
 * @measure:    measures one point: 0 with a record; 1 interrupted; -errno
 *
 * Return: 0; 1 interrupted; -ENOMEM; what @measure returned.
 */
int ipm_capacity_measure(const struct ipm_plan *plan, json_t *capacities,
                         int (*measure)(void *context, const struct ipm_point *point,
                                        json_t **out_record, struct ipm_why *why),
                         void *context, struct ipm_why *why);

/**
 * ipm_capacity_resolve() - the messages per second that a point's share is
 *
 * Return: >= 1; 0: its rate is no share; -1: its capacity is not known.
 */
int64_t ipm_capacity_resolve(const json_t *capacities,
                             const struct ipm_factors *factors);

#endif
