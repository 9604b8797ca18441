/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * environment: the machine and its state as one document, for manifest.json and doctor.
 */
#ifndef IPM_HARNESS_ENVIRONMENT_H
#define IPM_HARNESS_ENVIRONMENT_H

#include "harness/doctor.h"

/**
 * ipm_environment_json() - what this machine is, and how fit it is now
 * @sysroot: prefix of sysfs and proc; "" or NULL: this machine
 *
 * {grade, checks: [{name, topic, status, text, mend}], state: {...}, host: {...}}; checks
 * worst first (harness/doctor.h), state as harness/state.h says, host as harness/host.h.
 * Takes 0.4 s on this machine.
 *
 * Return: a new reference.
 */
json_t *ipm_environment_json(const char *sysroot);

/* The same from an examination that was made already. */
json_t *ipm_environment_examined(const struct ipm_doctor *doctor, const char *sysroot);

#endif
