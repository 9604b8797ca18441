/* SPDX-License-Identifier: MIT */
/*
 * twin: the system calls of a process, counted by ptrace in an invocation made for it.
 *
 * Every system call of a traced process stops twice.  What is counted - calls and bytes per
 * message - does not depend on time; times, switches and rates of such an invocation are
 * worth nothing, which is why it is a twin of the measured ones and never one of them.
 *
 *     ipm_twin_open(pid)     a tracer is forked and follows @pid and the threads it will start
 *     ipm_twin_count(true)   calls entered from here on are counted ...
 *     ipm_twin_count(false)  ... to here: both are stores to shared memory, no system call
 *     ipm_twin_read()
 *     ipm_twin_close()       the tracer is gone, and @pid goes on untraced
 *
 * A role opens a twin of itself, before any library starts a thread; the leader one of each
 * helper.  The tracer holds no descriptor of anybody's and dies with whoever opened it; then
 * the kernel lets the traced one go.  A death or a hang of the traced process looks to its
 * parent as it always does.
 */
#ifndef IPM_WORKER_TWIN_H
#define IPM_WORKER_TWIN_H

#include "base/why.h"
#include "harness/worker/calls.h"

#include <stdbool.h>
#include <sys/types.h>

struct ipm_twin_page;

struct ipm_twin {
    struct ipm_twin_page *page; /* shared with the tracer; NULL: not open */
    pid_t tracer;
};

/* Is tracing allowed here?  Really traces a child that is forked for it.  Leaves nothing.
 * 0; -errno with the reason in @why: -EPERM where a seccomp filter, Yama or another tracer is
 * in the way. */
int ipm_twin_probe(struct ipm_why *why);

/**
 * ipm_twin_open() - have a process traced by a child of the caller
 * @pid:  the caller itself or one of its children
 * @proc: directory /proc/PID of a process that may have several threads by now, else -1
 *
 * On return the process is followed; on failure it is not, and @twin is closed.
 * Return: 0; -ETIMEDOUT the tracer did not get ready; -errno.
 */
int ipm_twin_open(struct ipm_twin *out_twin, pid_t pid, int proc, struct ipm_why *why);

void ipm_twin_count(struct ipm_twin *twin, bool on);

/**
 * ipm_twin_read() - what was counted, after ipm_twin_count(false)
 *
 * Return: 0; -ECHILD the tracer ended early; -EOVERFLOW there were more threads than it can
 *         follow.
 */
int ipm_twin_read(const struct ipm_twin *twin, struct ipm_calls *out_calls,
                  struct ipm_why *why);

/* Idempotent. */
void ipm_twin_close(struct ipm_twin *twin);

#endif
