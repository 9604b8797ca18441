/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * junit: JUnit XML of verdicts, as Jenkins' junit-4.xsd and junit-10.xsd both take it.
 *
 * Every text may hold anything.  The counts are written before the cases, and so are known first:
 *
 *     { count }* -> open -> { suite -> { case -> outcome -> text }* -> end }* -> close
 */
#ifndef IPM_ANALYSIS_JUNIT_H
#define IPM_ANALYSIS_JUNIT_H

#include "base/json.h"

#include <stdio.h>

enum ipm_junit_outcome {
    IPM_JUNIT_PASSED,
    IPM_JUNIT_FAILURE,
    IPM_JUNIT_ERROR,
    IPM_JUNIT_SKIPPED,
    IPM_JUNIT_OUTCOMES,
};

/* Of a suite, or of all.  Begin with .seconds = NAN. */
struct ipm_junit_counts {
    size_t outcomes[IPM_JUNIT_OUTCOMES];
    double seconds; /* NaN: of no case it is known */
};

/* @seconds: NaN: not known */
void ipm_junit_count(struct ipm_junit_counts *counts, enum ipm_junit_outcome outcome,
                     double seconds);

void ipm_junit_add(struct ipm_junit_counts *counts,
                   const struct ipm_junit_counts *more);

/* @all: of all suites. */
void ipm_junit_open(FILE *out, const struct ipm_junit_counts *all);
void ipm_junit_close(FILE *out);

/* Properties, if any, stand first in a suite. */
void ipm_junit_suite(FILE *out, const char *name,
                     const struct ipm_junit_counts *counts);
void ipm_junit_end(FILE *out);

/* A property; nothing for null, lists and objects. */
void ipm_junit_property(FILE *out, const char *name, const json_t *value);

/**
 * ipm_junit_case() - begin a test case
 * @label: "WORKLOAD/MECHANISM/...", whose first two words are its class; NULL: @name is the whole
 *         of a verdict, and its class the verdict's @kind
 */
void ipm_junit_case(FILE *out, const char *kind, const char *label, const char *name,
                    double seconds);

/* What became of it; nothing where it passed. */
void ipm_junit_outcome(FILE *out, enum ipm_junit_outcome outcome, const char *type,
                       const char *reason);

/* Ends a case with the text that is written between the two: ipm_html_put() is for it. */
void ipm_junit_text(FILE *out);
void ipm_junit_text_end(FILE *out);

#endif
