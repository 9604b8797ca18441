/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tally: what went wrong or was left out, by reason: {reason: {mechanism: count}}.
 *
 * A sweep that cannot run here fails some hundred times for one reason: people want the
 * reason once, and how often.
 */
#ifndef IPM_HARNESS_TALLY_H
#define IPM_HARNESS_TALLY_H

#include "base/json.h"
#include "harness/plan.h"

#include <stdio.h>

void ipm_tally_add(json_t *tally, const char *reason, const char *mechanism);

/* "PHASE: REASON" of a record that failed. */
void ipm_tally_failure(json_t *tally, const json_t *record);

/* The skips and the dropped points of a plan.  New; NULL: no memory. */
json_t *ipm_tally_left_out(const struct ipm_plan *plan);

/* "WHAT: 12" and a line per reason, the most frequent first; nothing when there is none. */
void ipm_tally_print(const json_t *tally, const char *what, FILE *out);

#endif
