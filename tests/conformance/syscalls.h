/* SPDX-License-Identifier: MIT */
/* syscalls: counts the system calls of a forked process between two marks, by ptrace. */
#ifndef IPM_TESTS_SYSCALLS_H
#define IPM_TESTS_SYSCALLS_H

#include "base/why.h"

#include <stdint.h>
#include <sys/types.h>

/* In the traced process: where counting starts and where it ends. */
void ipm_syscalls_mark(void);

/* In the child, before its first mark: lets the parent trace it.  -errno. */
int ipm_syscalls_offer(struct ipm_why *why);

/**
 * ipm_syscalls_count() - follow a child that offered itself to its end
 * @out_calls:  system calls entered between the first mark and the second
 * @out_status: as waitpid() fills it
 *
 * Return: 0; -errno of ptrace; -EPROTO when the child ended before its second mark.
 */
int ipm_syscalls_count(pid_t pid, uint64_t *out_calls, int *out_status,
                       struct ipm_why *why);

#endif
