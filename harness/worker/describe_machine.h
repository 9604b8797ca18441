/* SPDX-License-Identifier: MIT */
/*
 * describe_machine: what axes of the worker's own this machine grants it, found by trying:
 * scheduling policies and memory nodes; and under which kernel.  For ipm_describe() alone.
 */
#ifndef IPM_WORKER_DESCRIBE_MACHINE_H
#define IPM_WORKER_DESCRIBE_MACHINE_H

#include "base/json.h"

/* List of {name, available, reason}; the calling task ends as SCHED_OTHER. */
json_t *ipm_describe_policies(void);

/* {available, reason, nodes}: numbers of the nodes that memory may be bound to; the calling
 * task ends without a memory policy. */
json_t *ipm_describe_memory_nodes(void);

/* {architecture, kernel, boot}: what two workers must share to be measured turn by turn.  `boot`
 * is a hash of the kernel's number of this boot; null: there is none. */
json_t *ipm_describe_kernel(void);

#endif
