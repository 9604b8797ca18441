/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contest_json: contests as documents, and entrants by name.
 */
#ifndef IPM_ANALYSIS_CONTEST_JSON_H
#define IPM_ANALYSIS_CONTEST_JSON_H

#include "analysis/contest.h"
#include "base/json.h"

#include <stdio.h>

/* {point, upper, mechanism, copies, wait, depth, options, value, low, high, n, reason,
 * behind: {ratio, low, high, reason}, tied}; upper null where it was measured. */
json_t *ipm_entrant_json(const struct ipm_entrant *entrant);

/* {verdict, entrants, best, runner_up, tied, ratios}: entrants their number, best and runner_up
 * entrants or null, tied the ids of all that tie, the best first, [] without a tie; ratios
 * by id the cost of each over that of the best. */
json_t *ipm_contest_json(const struct ipm_contest *contest);

/* By id how far each is behind the best, as an entrant's member behind. */
json_t *ipm_contest_behind(const struct ipm_contest *contest);

/* "shm_ring (1 copy, wait spin)", with options where there are any; of an
 * ipm_entrant_json() or of anything else with these members. */
void ipm_entrant_name(const json_t *entrant, FILE *out);

#endif
