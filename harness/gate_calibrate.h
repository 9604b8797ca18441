/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_calibrate: gates between equal arms, for how far apart those come out. */
#ifndef IPM_HARNESS_GATE_CALIBRATE_H
#define IPM_HARNESS_GATE_CALIBRATE_H

#include "harness/gate_setup.h"

enum { IPM_CALIBRATION_DAYS = 90 /* that it holds */ };

/* Of what a calibration holds for: class of machine, kernel and version of the driver. */
void ipm_gate_fingerprint(const char *sysroot, char text[IPM_HASH_TEXT]);

/* The same of a session, by its manifest's members. */
void ipm_gate_fingerprint_of(const json_t *host, const char *version,
                             char text[IPM_HASH_TEXT]);

/**
 * ipm_gate_noise_load() - a calibration from its file
 *
 * Return: 0; 1 it may not be used for that fingerprint now, and @why says why; -EINVAL it is no
 *         calibration; -ENOMEM.  After 0 and 1 the caller ends @out_noise.
 */
int ipm_gate_noise_load(const char *path, const char *fingerprint,
                        struct ipm_gate_noise *out_noise, struct ipm_why *why);

/**
 * ipm_gate_calibrate() - so many null sessions, and their noise into the file words.run.out
 *
 * Where the command line names no arm B, each session has two fresh copies of our own worker
 * (harness/worker_copy.h), or arm A against itself where that is another program; else the
 * caller says that A and B are the same but for their build.  Every point gets the confirming
 * blocks.  A session that is no verdict about its points is left out, and said.
 *
 * Says on stderr what is wrong.  Return: exit status.
 */
int ipm_gate_calibrate(struct ipm_gate_setup *setup, int64_t sessions);

#endif
