/* SPDX-License-Identifier: MIT */
/*
 * task_status: what the text of /proc/PID/status or /proc/PID/task/TID/status says.
 */
#ifndef IPM_WORKER_TASK_STATUS_H
#define IPM_WORKER_TASK_STATUS_H

#include <stdint.h>
#include <sys/types.h>

/* Enough for the text: what we look for stands behind the list of groups, which may be
 * hundreds. */
enum { IPM_TASK_STATUS_ROOM = 16384 };

/* Context switches of the task since its birth.  0; -EPROTO there is no such line. */
int ipm_task_status_switches(const char *text, int64_t *out_voluntary,
                             int64_t *out_involuntary);

/* The task's number in its own PID namespace, which /proc need not show: it may be that of
 * an outer one.  0: the kernel does not say. */
pid_t ipm_task_status_number(const char *text);

#endif
