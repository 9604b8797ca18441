/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_sections: the parts of the report page.  Part of report_html.
 *
 * Each writes one part from the report's document, and says so when there is nothing to
 * show.  Members may be absent or null: a report of another version must not break a page.
 */
#ifndef IPM_ANALYSIS_HTML_SECTIONS_H
#define IPM_ANALYSIS_HTML_SECTIONS_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Run, machine, health, environment and the answer. */
void ipm_html_top(FILE *out, const json_t *report);

/* The points of the ladder, in its order: a new list. */
json_t *ipm_html_rungs(const json_t *report);
void ipm_html_ladder(FILE *out, const json_t *report);

/* What the models found, with what they rest on; the pictures stand elsewhere. */
void ipm_html_models(FILE *out, const json_t *report);

/* Of those, the document of the model "time". */
void ipm_html_time(FILE *out, const json_t *model);

/* The same of the model "rate": its series; nothing without any. */
void ipm_html_rate_model(FILE *out, const json_t *model);

/* The machine, what it was doing, and what the sandbox could not have. */
void ipm_html_machine(FILE *out, const json_t *report);

/* Messages at planned times: what they waited, at which rate. */
void ipm_html_rates(FILE *out, const json_t *report);

/* Joules beyond rest, and whose they are. */
void ipm_html_energy(FILE *out, const json_t *report);

/* What joules come from, where there are none: processor time, switches, calls, copies. */
void ipm_html_costs(FILE *out, const json_t *report);

/* Misses of the TLBs, or why there are none. */
void ipm_html_tlb(FILE *out, const json_t *report);

/**
 * ipm_html_has_workload() - has a workload a part of the page to itself?
 * @i: in report.json's "workloads"; beyond their number: false
 *
 * One that names metrics of its own has, and one that is no plain traffic, a scenario, if
 * any of its points was measured.
 */
bool ipm_html_has_workload(const json_t *report, size_t i);

/* Its name, and its part; for those that have one. */
const char *ipm_html_workload_title(const json_t *report, size_t i);
void ipm_html_workload(FILE *out, const json_t *report, size_t i);

/* What they come from: switches, messages, bytes; batteries and the least power. */
void ipm_html_energy_model(FILE *out, const json_t *report);

/* What every two CPUs take to reach each other. */
void ipm_html_core_map(FILE *out, const json_t *report);

/* Who is best at what, and by how much. */
void ipm_html_winners(FILE *out, const json_t *report);

void ipm_html_floors(FILE *out, const json_t *report);
void ipm_html_points(FILE *out, const json_t *report);

/* Whatever was not measured, each with its reason. */
void ipm_html_gaps(FILE *out, const json_t *report);

/* Config, seed and command lines. */
void ipm_html_repeat(FILE *out, const json_t *report);

#endif
