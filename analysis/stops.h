/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stops: why each point stopped where a run was to be precise, from its manifest.
 */
#ifndef IPM_ANALYSIS_STOPS_H
#define IPM_ANALYSIS_STOPS_H

#include "base/json.h"

#include <stddef.h>

enum { IPM_STOPS_TEXT = 320 };

/* The stops of a manifest: {point: {reason, invocations, half_width, wanted}}; an empty
 * object when it has none.  New; NULL: no memory. */
json_t *ipm_stops_json(const json_t *manifest);

/* "24 points: 20 precise, 3 most, 1 budget; ...": counts by reason and the widest interval.
 * "" when there are none.  Returns @text. */
const char *ipm_stops_text(const json_t *stops, char text[IPM_STOPS_TEXT]);

#endif
