/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * drift: what happened to the machine between two looks at it, for manifest.json.
 */
#ifndef IPM_HARNESS_DRIFT_H
#define IPM_HARNESS_DRIFT_H

#include "base/json.h"

/**
 * ipm_drift_json() - how two states of one machine differ
 * @first:  state (harness/state.h) when the run began, perhaps days ago
 * @before: state when this process began, whose counts go on; often @first
 * @after:  state now
 *
 * [{name, before, after, status, text}], only what drifted: settings that changed between
 * @first and @after; other work, stolen time, sleep, throttling between @before and @after;
 * a CPU that is 10 degrees warmer or, though held, more than 1 % off its frequency.  status
 * is "warn" or "fail"; before and after are texts.  What either state does not tell has not
 * drifted.
 *
 * Return: a new reference.
 */
json_t *ipm_drift_json(const json_t *first, const json_t *before, const json_t *after);

#endif
