/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest: what a run knows about itself, read leniently.
 *
 * Any member of manifest.json may be absent: every look-up has an answer for that.  Texts
 * belong to the document.
 */
#ifndef IPM_ANALYSIS_MANIFEST_H
#define IPM_ANALYSIS_MANIFEST_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>

enum {
    IPM_MANIFEST_SCHEMA = 1,
    IPM_MANIFEST_UNREAD = 1, /* result of ipm_manifest_read() */
};

/**
 * ipm_manifest_read() - a run's manifest.json
 * @directory:    of the run
 * @out_manifest: the caller's; an empty object when there is none that this build reads
 *
 * Return: 0; IPM_MANIFEST_UNREAD it is missing, no JSON object or of another schema, and @why
 *         says which; -ENOMEM; -errno of reading.
 */
int ipm_manifest_read(const char *directory, json_t **out_manifest,
                      struct ipm_why *why);

/* Text at a path of keys separated by dots, or @fallback. */
const char *ipm_manifest_text(const json_t *manifest, const char *path,
                              const char *fallback);

/* The config's `repeat.between_runs`; 0 when it names none. */
double ipm_manifest_between_runs(const json_t *manifest);

/* Whether a mechanism is a floor: by the worker's description, else by its name. */
bool ipm_manifest_is_floor(const json_t *manifest, const char *mechanism);

bool ipm_manifest_has_capability(const json_t *manifest, const char *mechanism,
                                 const char *capability);

/* Whether one message takes system calls even when nobody has to wait.
 * Return: 1 it does; 0 it does not; -1 the worker's description does not say. */
int ipm_manifest_in_kernel(const json_t *manifest, const char *mechanism,
                           int64_t copies);

/* Whether the machine that measured was an emulated one: its figures show that things are
 * counted, not what hardware does. */
bool ipm_manifest_is_emulated(const json_t *manifest);

/* Why a pass is not available here; NULL when it is, or when nothing is known. */
const char *ipm_manifest_pass_reason(const json_t *manifest, const char *pass);

/* Default of a shared axis as text; "" when unknown. */
const char *ipm_manifest_axis_default(const json_t *manifest, const char *axis);

/* The doctor's gravest check before the run: the first that failed, else the first
 * warning, else the first unknown.  NULL when all is well or nothing was checked. */
const json_t *ipm_manifest_top_warning(const json_t *manifest);

#endif
