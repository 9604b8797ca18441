/* SPDX-License-Identifier: MIT */
/* leftovers: what a mechanism could leave behind - descriptors, names, ids. */
#ifndef IPM_TESTS_LEFTOVERS_H
#define IPM_TESTS_LEFTOVERS_H

#include <stdbool.h>

/**
 * ipm_isolate() - private IPC, network and mount namespaces for this process
 *
 * Then nobody else's objects can be mistaken for ours, and queue limits can be raised.
 *
 * Return: NULL; else what could not be had (text that lives for ever), and the comparison
 *         of names then sees those of other processes too.
 */
const char *ipm_isolate(void);

/* Where names that are paths go: the private tmpfs, else /tmp. */
const char *ipm_isolated_directory(void);

/**
 * ipm_leftovers() - one line of text per thing that exists now
 *
 * Open descriptors of this process, files in the shared memory and message queue file
 * systems and in /tmp (those that carry the suite's token), SysV ids, named sockets.
 * Sorted.  The caller frees it.
 */
char *ipm_leftovers(void);

#endif
