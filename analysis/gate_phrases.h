/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_phrases: what the words of both gates, in turns and against a baseline, have in common. */
#ifndef IPM_ANALYSIS_GATE_PHRASES_H
#define IPM_ANALYSIS_GATE_PHRASES_H

#include "analysis/gate.h"

enum {
    IPM_GATE_PERCENT = 24,
    IPM_GATE_EFFECT = 80,
    IPM_GATE_ONE_SIDED = 6 /* changes all the same way: by chance 2^-5 of the time */
};

/* A logarithm as "+5.1 %"; "?" of NaN. */
const char *ipm_gate_percent(char text[IPM_GATE_PERCENT], double logarithm);

/* "+5.1 % [+4.2 %, +6 %]", "+5.1 % [?]" without an interval, "-" of NaN. */
const char *ipm_gate_effect_text(char text[IPM_GATE_EFFECT], double value, double low,
                                 double high);

/* snprintf() that may cut: reasons and labels may be of any length. */
void ipm_gate_put(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One more, as long as there is room. */
void ipm_gate_warn(struct ipm_gate_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The smallest effect of interest of a point, a logarithm. */
double ipm_gate_interest(const struct ipm_gate_params *params,
                         const struct ipm_gate_point *point);

/* The reason of a point that is an error, for @failure, or under @verdict a control point or a
 * pass.  Return: whether it is one of these. */
bool ipm_gate_say_plain(const struct ipm_gate_point *point, double interest,
                        enum ipm_gate_verdict verdict, const char *failure,
                        struct ipm_gate_finding *finding);

/* The reason of one that was not settled, though it has an interval.  @more: what could be done;
 * "": nothing is said of it */
void ipm_gate_say_open(double interest, const char *more,
                       struct ipm_gate_finding *finding);

/* Points that are too noisy, and changes that are all the same way. */
void ipm_gate_warn_plain(const struct ipm_gate_params *params,
                         const struct ipm_gate_point *points,
                         struct ipm_gate_result *result);

/* The point that the sentence names: of those with the suite's verdict, the one with the
 * largest effect; n_findings: none has it. */
size_t ipm_gate_worst(const struct ipm_gate_result *result);

/* Points under test. */
size_t ipm_gate_tested(const struct ipm_gate_result *result);

#endif
