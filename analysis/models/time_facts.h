/* SPDX-License-Identifier: GPL-3.0-or-later */
/* time_facts: what is known of a series before it is fitted.  Part of time_data. */
#ifndef IPM_ANALYSIS_TIME_FACTS_H
#define IPM_ANALYSIS_TIME_FACTS_H

#include "analysis/models/time_data.h"

/* Fills in what the mechanism declares, and the capacities at which its times may break: its
 * chunk, rooms that were asked for, a page, the machine's caches and half of each.  @manifest:
 * NULL: nothing is known but the page. */
void ipm_time_declare(const json_t *manifest, struct ipm_time_series *series);

#endif
