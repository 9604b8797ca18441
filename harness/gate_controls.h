/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_controls: points without code under test, which move only when the machine does. */
#ifndef IPM_HARNESS_GATE_CONTROLS_H
#define IPM_HARNESS_GATE_CONTROLS_H

#include "harness/spec.h"

/**
 * ipm_gate_controls_add() - a sweep of floors behind those of a config that has none
 *
 * A system call and a copy of 4 KiB: what the kernel's speed and the memory's would show in.
 *
 * Return: 0; 1 the config has floors of its own, or the worker has not these; -ENOMEM.
 */
int ipm_gate_controls_add(struct ipm_spec *spec, const json_t *describe);

#endif
