/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pace: is a core slow right now, against what the same CPUs have shown so far?
 *
 * The rule of analysis/slow_core.h while it goes on: the longer core step of an invocation
 * against the fastest seen on the same CPUs, which is the quantile IPM_SLOW_CORE_ODD of all.
 * It never looks at what was measured.
 */
#ifndef IPM_HARNESS_PACE_H
#define IPM_HARNESS_PACE_H

#include <stdbool.h>
#include <stddef.h>

/* One set of CPUs.  Zeroed is empty. */
struct ipm_pace {
    double *steps_ns; /* ascending */
    size_t n, room;
};

/* Takes the core step of an invocation, NaN: not known, which changes nothing.  Return: 0;
 * -ENOMEM. */
int ipm_pace_take(struct ipm_pace *pace, double step_ns);

/* A step that is not known is not slow. */
bool ipm_pace_is_slow(const struct ipm_pace *pace, double step_ns);

/* Idempotent. */
void ipm_pace_fini(struct ipm_pace *pace);

#endif
