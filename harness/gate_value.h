/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_value: the one figure of a record that a gate compares, and whether it may be used. */
#ifndef IPM_HARNESS_GATE_VALUE_H
#define IPM_HARNESS_GATE_VALUE_H

#include "base/json.h"
#include "base/why.h"

/* A point's metric, of the first of these that its record has. */
enum ipm_gate_metric {
    IPM_GATE_RESPONSE,  /* median time from planned to received (open loops) */
    IPM_GATE_OPERATION, /* median time of an operation */
    IPM_GATE_MESSAGE,   /* mean time of a message, where none is timed alone */
    IPM_GATE_METRICS,   /* none of them */
};

/* "response_p50_ns", "operation_p50_ns", "message_ns" */
extern const char *const ipm_gate_metric_names[IPM_GATE_METRICS];

/* Which one a record has; IPM_GATE_METRICS: it has measured nothing. */
enum ipm_gate_metric ipm_gate_metric_of(const json_t *record);

/* Nanoseconds; NaN: the record has no such figure above 0. */
double ipm_gate_value(const json_t *record, enum ipm_gate_metric metric);

/**
 * ipm_gate_usable() - is this the record of that point, and was anything measured?
 * @point: what the worker was given
 * @build: of the worker when it was described; "unknown": it did not say
 *
 * Return: 0; 1 the worker says that it cannot measure this here, and trying again would not
 *         help; -EIO the invocation failed; -EBADMSG it is a record of something else;
 *         -ENODATA nothing was measured.  Of all but 0 @why says which.
 */
int ipm_gate_usable(const json_t *record, const json_t *point, const char *build,
                    struct ipm_why *why);

#endif
