/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker_copy: fresh copies of our own worker.  The file that is copied lies elsewhere in
 * memory each time, which moves figures by a little in all invocations alike: gates between
 * copies have that in them.
 */
#ifndef IPM_HARNESS_WORKER_COPY_H
#define IPM_HARNESS_WORKER_COPY_H

#include "harness/describe.h"

enum { IPM_SCRATCH = 256 };

/* A folder of one's own under $TMPDIR or /tmp.  Return: 0; -errno. */
int ipm_scratch_make(char path[IPM_SCRATCH], struct ipm_why *why);

/* Removes it with all that is in it; "" is none. */
void ipm_scratch_remove(const char *path);

/**
 * ipm_worker_copy() - a copy of @worker's program in @folder/@name, with its modules
 *
 * Changes @worker->path to the copy's; where there was an older one, it is replaced.
 *
 * Return: 0; -ENAMETOOLONG; -errno.
 */
int ipm_worker_copy(struct ipm_worker *worker, const char *folder, const char *name,
                    struct ipm_why *why);

#endif
