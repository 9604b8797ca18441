/* SPDX-License-Identifier: MIT */
/*
 * probe: asks a mechanism whether it is available, in a process that is thrown away.
 *
 * A probe really tries, so it may start a library, install a filter, or crash: none of it
 * may touch the process that goes on to fork roles.
 */
#ifndef IPM_MECHANISMS_PROBE_H
#define IPM_MECHANISMS_PROBE_H

#include "mechanisms/mechanism.h"

enum { IPM_PROBE_SECONDS = 5 }; /* a probe that takes longer hangs */

/**
 * ipm_probe() - run probe() and limits_here() of @mechanism in a child
 * @out_limits: those that hold here; may be NULL
 *
 * Return: 0; -errno with the reason: the probe's own, -ETIMEDOUT it hung, -ECHILD it
 *         brought its process down.
 */
int ipm_probe(const struct ipm_mechanism *mechanism, struct ipm_limits *out_limits,
              struct ipm_why *why);

#endif
