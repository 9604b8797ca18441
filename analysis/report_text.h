/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_text: the answer of a run for a terminal, 100 columns wide.
 */
#ifndef IPM_ANALYSIS_REPORT_TEXT_H
#define IPM_ANALYSIS_REPORT_TEXT_H

#include "analysis/report.h"

#include <stdio.h>

enum {
    IPM_TEXT_RUNGS = 16,   /* a ladder up to this long is printed whole */
    IPM_TEXT_FAILURES = 5, /* failures told in words; the rest is counted */
};

/**
 * ipm_report_text_put() - print the answer
 * @directory: of the run: which of its files exist is looked up there
 *
 * A longer ladder shows the fastest wait of each (mechanism, copies, placement) and the
 * fastest blocking rung of each (mechanism, copies), and says how many it left out.
 */
void ipm_report_text_put(const struct ipm_report *report, const char *directory,
                         FILE *out);

#endif
