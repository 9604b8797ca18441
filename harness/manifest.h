/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest: what stands beside the records of a run - what was asked for, of which build,
 * on what kind of machine in what state, and what was left out.
 *
 * Results are made to be shared: no host name, user, serial number or path.
 */
#ifndef IPM_HARNESS_MANIFEST_H
#define IPM_HARNESS_MANIFEST_H

#include "base/json.h"
#include "harness/plan.h"

#include <stdint.h>

/**
 * ipm_manifest_new() - the manifest of a run that begins
 * @run: its token
 *
 * Returns a new reference; NULL: no memory.
 */
json_t *ipm_manifest_new(const struct ipm_spec *spec, const struct ipm_plan *plan,
                         const json_t *describe, const char *run, uint64_t seed,
                         const char *sysroot);

/* The run of @found goes on under @manifest: its seed, token, start, first environment and
 * drift; how the machine looks as it goes on becomes `environment_resumed`. */
void ipm_manifest_adopt(json_t *manifest, const json_t *found);

/* The end of it: when, how, how the machine looks now, and what drifted (drift.h). */
void ipm_manifest_finish(json_t *manifest, bool interrupted, const char *sysroot);

/**
 * ipm_manifest_resumable() - may a run go on under this manifest?
 * @now: the manifest a fresh run would begin with
 *
 * The config must be the same, and so must the class of the machine and its kernel: figures
 * of two machines never share a folder.
 *
 * Return: 0; -EXDEV with what differs in @why; -EINVAL it is no manifest.
 */
int ipm_manifest_resumable(const json_t *manifest, const json_t *now,
                           struct ipm_why *why);

#endif
