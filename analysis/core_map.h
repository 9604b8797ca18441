/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * core_map: what every two CPUs take to reach each other, out of points whose placement names
 * two CPUs.
 *
 * A map holds points that differ in the placement alone.  One named pair is no map, unless
 * the config asked for all pairs and there are no more.  The points of a map with several
 * pairs stand in the map, not in the ladder, whose rungs they would bury.
 */
#ifndef IPM_ANALYSIS_CORE_MAP_H
#define IPM_ANALYSIS_CORE_MAP_H

#include "analysis/summary.h"
#include "base/json.h"

#include <stdio.h>

/**
 * ipm_core_map_json() - the maps of a run, for report.json
 *
 * {topology, topology_reason, maps: [{workload, mechanism, size, copies, wait, ..., unit,
 * figure, cpus: [numbers, rising], pairs: [{cpus: [a, b], class, point, value, low, high, n,
 * reason}], classes: [{class, pairs, measured, value, low, high}]}]}.
 *
 * A pair's value is its figure p50_ns with that figure's interval.  A class's value is the
 * median of its pairs' values, low and high the least and the greatest: a range, no interval.
 *
 * Sets the points' member mapped where they belong to a map with several pairs.
 *
 * Return: a new reference; NULL no memory.
 */
json_t *ipm_core_map_json(struct ipm_summary *summary, const json_t *manifest);

/* A sentence per map, its classes nearest first; nothing when there is no map.  Each is put
 * by @put with a heading, "" after the first. */
void ipm_core_map_text(const json_t *core_to_core,
                       void (*put)(FILE *out, const char *heading, const char *text),
                       FILE *out);

#endif
