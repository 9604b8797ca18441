/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_json: report.json, everything a reader of a run can see, as one document.
 */
#ifndef IPM_ANALYSIS_REPORT_JSON_H
#define IPM_ANALYSIS_REPORT_JSON_H

#include "analysis/report.h"

#include <jansson.h>

enum { IPM_REPORT_SCHEMA = 1 };

/**
 * ipm_report_json() - a worked-out run as a document
 * @plots: what became of the pictures, by name; the document takes it over
 *
 * Keys and elements come in a fixed order: the same records give the same text.
 *
 *   schema, name, started, finished, version, build, seed, config, host
 *   commands    what to type to measure it again, the config being config.json
 *   sandbox     what the worker was granted
 *   passes      {name, available, reason, cost}
 *   workloads   {name, family, summary, metrics} of those that were measured
 *   environment {grade, top_warning, checks, changed, drift}: changed by the end of the
 *               run, drift during it
 *   health      counts of records by status, regime_changed, repeated, builds, bad_lines,
 *               torn, interrupted, quick (a first look, not for publication)
 *   answer      {fastest, effect, limits, rate}: the sentences; rate null without an open loop
 *   ladder      {size, touch, away, away_class, points, unmeasured, floors}: ids, in order
 *   percentiles whole distributions of a few points (analysis/percentiles.h)
 *   run_order   what each invocation found in its turn (analysis/run_order.h)
 *   rates       series of an open loop by rising offered rate (analysis/rate_series.h)
 *   energy      what a message takes beyond rest (analysis/energy.h)
 *   floors, points   {id, factors, passes, regime_changed, sample, timing_batch, figures}
 *   failures, invalid, skips, dropped, bad_lines   each with its reason
 *   stops       {point: {reason, invocations, half_width, wanted}}, where a run was precise
 *   unavailable {metric: {unit, reason}}: no invocation has it, so no point lists it
 *   winners     {margin, level, unfit, cells}: who is best at what (analysis/winner.h)
 *   models      what each found, or why it found nothing
 *   plots       {script, data, picture, reason} by name
 *
 * docs/report.schema.json says the same in full.
 *
 * A figure is {value, low, high, level, n, unit, pass, reason}; value null with a reason
 * when it is missing, low, high and level null with a reason when there is no interval.
 *
 * Return: the caller's; NULL when out of memory.
 */
json_t *ipm_report_json(const struct ipm_report *report, json_t *plots);

/* A figure as it says above; a new reference. */
json_t *ipm_figure_json(const struct ipm_figure *figure);

#endif
