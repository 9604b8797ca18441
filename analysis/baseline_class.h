/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * baseline_class: may sessions be gated against each other, and what differs between them all the
 * same?
 */
#ifndef IPM_ANALYSIS_BASELINE_CLASS_H
#define IPM_ANALYSIS_BASELINE_CLASS_H

#include "base/json.h"

/**
 * ipm_baseline_class() - the machines of a baseline's sessions and of a candidate's
 * @baseline, @candidate: [{directory, manifest, build, boot, ...}], one or more of each, by time
 *
 * Hard keys (analysis/machine_keys.h) must be alike in all sessions; one that only some tell is
 * not alike.  Of soft ones the difference is told; of the doctor's checks before a session and of
 * what drifted during it, what was worse at the candidate than at every session of the baseline.
 *
 * Return: {hard: [{key, session, baseline, candidate}], soft: [{key, baseline, candidate}],
 * notes: [text]}, the caller's; NULL: no memory.  Of hard keys, `session` is the first that is
 * not like the first of the candidate, `baseline` its value.
 */
json_t *ipm_baseline_class(const json_t *baseline, const json_t *candidate);

enum { IPM_BASELINE_VALUE = 120 };

/* A value for people, in short: texts as they are, null as "?". */
const char *ipm_baseline_value(char text[IPM_BASELINE_VALUE], const json_t *value);

#endif
