/* SPDX-License-Identifier: MIT */
/*
 * confined: run a function as the leader of a sandbox and take home what it wrote.
 */
#ifndef IPM_WORKER_CONFINED_H
#define IPM_WORKER_CONFINED_H

#include "base/why.h"
#include "harness/worker/sandbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the leader writes what goes home; stdin, stdout and stderr stay as they are. */
enum { IPM_CONFINED_OUTPUT = 3, IPM_CONFINED_LIMIT = 8 << 20 };

/* The function: its return value is the leader's exit status. */
typedef int ipm_confined_main(void *context, const struct ipm_sandbox *sandbox,
                              int64_t sandbox_ns);

/**
 * ipm_confined_run() - fork a leader into fresh namespaces and wait for its end
 * @wanted:     false: no namespaces
 * @out_text:   what it wrote to IPM_CONFINED_OUTPUT, at most IPM_CONFINED_LIMIT bytes,
 *              NUL-terminated; the caller frees it
 * @out_status: as waitpid() fills it
 *
 * The leader has no descriptor above IPM_CONFINED_OUTPUT and dies with the caller.
 */
int ipm_confined_run(bool wanted, ipm_confined_main *function, void *context,
                     char **out_text, int *out_status, struct ipm_why *why);

#endif
