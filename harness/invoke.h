/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * invoke: one invocation - a point in, a record out, whatever becomes of the worker.
 */
#ifndef IPM_HARNESS_INVOKE_H
#define IPM_HARNESS_INVOKE_H

#include "base/json.h"
#include "base/why.h"
#include "harness/describe.h"

#include <signal.h>
#include <stdbool.h>

/**
 * ipm_invoke() - let a worker measure a point (docs/protocol.md)
 * @build:       of that worker, for a record that it did not make itself
 * @interrupted: see struct ipm_spawn; may be NULL
 * @out_record:  the caller's reference.  A worker that died, hung or babbled is a failed
 *               record in the driver's words
 *
 * Return: 0; 1 interrupted, there is no record; -errno the worker cannot be started.
 */
int ipm_invoke(const struct ipm_worker *worker, const char *build, const json_t *point,
               const volatile sig_atomic_t *interrupted, json_t **out_record,
               struct ipm_why *why);

/* Is it the record of a worker that hung until the driver killed it?  That takes a minute and
 * more, of a worker that has limits of its own and did not keep them. */
bool ipm_invoke_killed(const json_t *record);

#endif
