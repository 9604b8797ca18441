/* SPDX-License-Identifier: MIT */
/* describe: what this worker has, as one JSON document (docs/protocol.md). */
#ifndef IPM_WORKER_DESCRIBE_H
#define IPM_WORKER_DESCRIBE_H

#include "base/json.h"
#include "harness/worker/sandbox.h"

/* Probes everything: call it inside the sandbox.  @sensing is what is asked of the sensors,
 * as in a point; NULL: nothing.  The caller owns the document. */
json_t *ipm_describe(const char *sysroot, const json_t *sensing,
                     const struct ipm_sandbox *sandbox);

#endif
