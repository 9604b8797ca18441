/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * advise: which mechanism, by what margin, on what evidence.
 *
 * A question is answered out of one run, once for each placement, touch and traffic that was
 * measured.  At a size that was measured its points are compared, between two sizes those
 * that can be interpolated, and beyond them nobody: what was not measured is said, with the
 * command that measures it.
 *
 * A rate is answered by points of open_loop at that very rate.  Where there are none, by round
 * trips on an idle channel, of those that can carry the rate: by their stream, else by the round
 * trips alone, of which one way is a lower bound of what a channel carries.
 */
#ifndef IPM_ANALYSIS_ADVISE_H
#define IPM_ANALYSIS_ADVISE_H

#include "analysis/report.h"
#include "analysis/rivals.h"
#include "base/json.h"

#include <stdio.h>

struct ipm_question {
    int64_t size;          /* bytes, > 0 */
    int64_t rate;          /* messages per second; 0: as they come */
    int64_t p99_ns;        /* the 99th percentile at most; 0: any */
    const char *placement; /* of the config, or a class; NULL: each that was measured */
    const char *wait;      /* NULL: any */
    enum ipm_by by;
};

/**
 * ipm_advise_json() - the advice as a document
 *
 *   schema, question {size, rate, p99_ns, placement, wait, by}, unit, margin, level,
 *   provenance  of joules; else null
 *   answers  [{workload, placement, placement_class, touch, rate, batch, policy, traffic,
 *            idle_channel: the rate was asked for and not measured,
 *            verdict, entrants, best, runner_up, tied, ratios: as ipm_contest_json(),
 *            candidates: all, the best first, with p99_ns and capacity_per_s where asked
 *            sleeping: the same contest among those that sleep, null where no other
 *            left_out: [{mechanism, copies, wait, options, reason}]}]
 *   tokens [mechanism]: measured, and out of the question without a payload
 *   unmeasured [mechanism]: they are there, and no point of the workload has them
 *   unavailable [{mechanism, reason}]
 *   reason   null, or why there is no answer
 *   command  what measures what is missing; null when nothing is
 *
 * Return: the caller's; NULL when out of memory.
 */
json_t *ipm_advise_json(const struct ipm_report *report,
                        const struct ipm_question *question);

/* The same in words, at most 100 columns wide. */
void ipm_advise_text(const json_t *advice, FILE *out);

#endif
