/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_junit: the document of a gate as JUnit XML.
 *
 * A test case "the gate" for the whole, one for each point, and a suite of their own for the
 * control points.  What a point counts for (analysis/gate_page.h) makes it
 *
 *     pass         a passed case
 *     regression   a failure
 *     error        an error
 *     others       skipped, with the reason: there is no verdict on the point
 *
 * The whole is never skipped, since readers show a suite of skipped cases as green: where
 * there is no verdict (environment, inconclusive) it is an error, of that type.
 *
 * The grammar is that of export's junit; properties are the suite's: verdict, run, method,
 * and what `params` and `measured` of the document hold, seeds and builds among it.
 */
#ifndef IPM_ANALYSIS_GATE_JUNIT_H
#define IPM_ANALYSIS_GATE_JUNIT_H

#include "base/json.h"

#include <stdio.h>

/* Return: 0; -EINVAL it is no document of a gate, and nothing was written; -ENOMEM. */
int ipm_gate_junit(const json_t *document, FILE *out, struct ipm_why *why);

#endif
