/* SPDX-License-Identifier: MIT */
/* invocation: one point in, one record out. */
#ifndef IPM_WORKER_INVOCATION_H
#define IPM_WORKER_INVOCATION_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_invocation_run() - measure a point
 * @begun_ns: CLOCK_MONOTONIC when the worker started
 * @out_line: the record, whatever came of it, as one line of JSON; the caller frees it
 *
 * Return: 0; -EINVAL the point cannot be understood, there is no record.
 */
int ipm_invocation_run(const json_t *json, int64_t begun_ns, char **out_line,
                       struct ipm_why *why);

#endif
