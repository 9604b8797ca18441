/* SPDX-License-Identifier: MIT */
/*
 * tracefs: the kernel's tracepoints, as far as they are mounted and readable.  Nothing is
 * mounted here.
 */
#ifndef IPM_WORKER_TRACEFS_H
#define IPM_WORKER_TRACEFS_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

/**
 * ipm_tracefs_read() - read one file of a tracepoint: "id", "format"
 * @sysroot:  prefix of /sys; "": the machine itself
 * @subsystem, @name: of the tracepoint, "tlb" and "tlb_flush"
 * @out_text: at most @room bytes with the NUL, without the last line feed
 *
 * Return: 0; -ENOENT neither /sys/kernel/tracing nor /sys/kernel/debug/tracing has any
 *         event (not mounted), or not this one; -EACCES; another -errno.
 */
int ipm_tracefs_read(const char *sysroot, const char *subsystem, const char *name,
                     const char *file, char *out_text, size_t room,
                     struct ipm_why *why);

/* The config of a PERF_TYPE_TRACEPOINT event.  Returns as ipm_tracefs_read(), or -EPROTO
 * for an id that is no number. */
int ipm_tracefs_id(const char *sysroot, const char *subsystem, const char *name,
                   uint64_t *out_id, struct ipm_why *why);

#endif
