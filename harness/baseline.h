/* SPDX-License-Identifier: GPL-3.0-or-later */
/* baseline: new sessions against kept ones, from the command line to the verdict. */
#ifndef IPM_HARNESS_BASELINE_H
#define IPM_HARNESS_BASELINE_H

#include "analysis/gate.h"
#include "harness/leave.h"

#include <stdbool.h>
#include <stddef.h>

struct ipm_baseline_request {
    const char *const *baselines; /* result folders, or folders of such */
    size_t n_baselines;
    const char *const *results; /* result folders */
    size_t n_results;
    const char *noise;      /* a calibration's file; NULL: none */
    const char *out;        /* file for the document; NULL: none */
    struct ipm_leave leave; /* for a pipeline */
    bool json, all;         /* what is printed: the document; also points that pass */
};

/**
 * ipm_baseline_gate() - read, judge and print
 *
 * The document is analysis/gate_baseline_json.h's with
 *     environment           what ipm_baseline_class() says
 *     baseline, candidate   [{directory, run, started, build}], in the order of time
 *     new_points            [name], measured by none of the baseline, and not judged
 *     calibrated            whether a calibration held
 * Where nothing can be judged it has no points, and the verdict is "error".
 *
 * Return: 0 and @out_verdict; IPM_EXIT_NOTHING another class of machine, no session, nothing
 *         measured, or no point that both have; IPM_EXIT_USAGE a folder is not there, a session
 *         is given twice, or a config contradicts itself; IPM_EXIT_INTERNAL something cannot
 *         be read or written; IPM_EXIT_ENVIRONMENT built without GSL.
 */
int ipm_baseline_gate(const struct ipm_baseline_request *request,
                      enum ipm_gate_verdict *out_verdict);

#endif
