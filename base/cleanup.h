/* SPDX-License-Identifier: MIT */
/*
 * cleanup: scope-bound owners.
 *
 *     ipm_auto_fd int fd = open(...);      closed when the scope ends
 *     *out_fd = ipm_steal_fd(&fd);         ownership moved out, nothing closed
 */
#ifndef IPM_BASE_CLEANUP_H
#define IPM_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ipm_auto_fd   __attribute__((cleanup(ipm_cleanup_fd)))
#define ipm_auto_free __attribute__((cleanup(ipm_cleanup_free)))
#define ipm_auto_file __attribute__((cleanup(ipm_cleanup_file)))

static inline void ipm_cleanup_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static inline void ipm_cleanup_free(void *pointer)
{
    void *owned = *(void **)pointer;
    free(owned);
}

static inline void ipm_cleanup_file(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

static inline int ipm_steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

static inline void *ipm_steal(void *pointer)
{
    void **slot = pointer;
    void *stolen = *slot;
    *slot = NULL;
    return stolen;
}

#endif
