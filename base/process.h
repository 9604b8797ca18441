/* SPDX-License-Identifier: MIT */
/*
 * process: pinning, pidfds, waiting with a deadline, and dying with one's parent.
 */
#ifndef IPM_BASE_PROCESS_H
#define IPM_BASE_PROCESS_H

#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Pins the calling thread to one CPU.  -EINVAL: no such CPU, or outside the cpuset. */
int ipm_pin_self(int cpu, struct ipm_why *why);

/* Kernel sends SIGKILL to the caller when the thread that forked it ends. */
int ipm_die_with_parent(struct ipm_why *why);

/* A descriptor that becomes readable when @pid ends.  -ENOSYS before Linux 5.3. */
int ipm_pidfd_open(pid_t pid, struct ipm_why *why);

/**
 * ipm_wait_until() - wait for a child's end, by its pidfd
 * @deadline_ns: absolute CLOCK_MONOTONIC, or IPM_FOREVER
 * @out_status:  as waitpid() fills it
 *
 * Return: 0 reaped; 1 the deadline passed, the child lives; -errno.
 */
int ipm_wait_until(pid_t pid, int pidfd, int64_t deadline_ns, int *out_status);

enum { IPM_STATUS_TEXT = 64 };

/* "exited with status 3", "killed by signal 9 (SIGKILL)". */
const char *ipm_status_text(int status, char text[IPM_STATUS_TEXT]);

/* write(2) until all is written; EINTR is retried.  -errno. */
int ipm_write_all(int fd, const void *bytes, size_t length);

/**
 * ipm_read_all() - read to the end of a descriptor
 * @limit:    most bytes accepted
 * @out_text: NUL-terminated, the caller frees it
 *
 * Return: 0; -EFBIG when more than @limit bytes came; -errno.
 */
int ipm_read_all(int fd, size_t limit, char **out_text, size_t *out_length);

/* Reads a small file (a sysfs or proc attribute) into @text, NUL-terminated, without its
 * last line feed.  Return: 0; -errno of open or read. */
int ipm_read_file(const char *path, char *text, size_t room);

/* The same, @path relative to an open directory. */
int ipm_read_file_at(int directory, const char *path, char *text, size_t room);

#endif
