/* SPDX-License-Identifier: MIT */
/*
 * point_parts: members of a point that depend on others - the mix of sizes, the load in the
 * background, the batch, the memory node - and whether what they say together can be measured.
 * For ipm_point_parse() alone; docs/protocol.md has the rules.
 */
#ifndef IPM_WORKER_POINT_PARTS_H
#define IPM_WORKER_POINT_PARTS_H

#include "harness/worker/point.h"

/* After the traffic.  Return: 0; -EINVAL no mix, or a size that contradicts it. */
int ipm_point_parse_mix(const json_t *json, struct ipm_point *point,
                        struct ipm_why *why);

/* After the CPUs.  Return: 0; -EINVAL load without CPUs, CPUs without load, or a CPU that
 * cannot be. */
int ipm_point_parse_background(const json_t *json, struct ipm_point *point,
                               struct ipm_why *why);

/* Return: 0; -EINVAL no node, or "remote" without the number that it means here. */
int ipm_point_parse_memory(const json_t *json, struct ipm_point *point,
                           struct ipm_why *why);

/* Fills the table of lengths, where there is a mix; after the seed. */
void ipm_point_draw_mix(struct ipm_point *point);

/* Messages handed over by one call: what was asked for, within what can be in flight and
 * within 256 KiB, so that the senders' own buffers never become the measurement. */
int64_t ipm_point_granted_batch(const struct ipm_point *point);

/* Return: 0; 1 the point is understood, but cannot be measured: the reason in @why. */
int ipm_point_impossible(const struct ipm_point *point, struct ipm_why *why);

#endif
