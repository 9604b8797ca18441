/* SPDX-License-Identifier: MIT */
/*
 * backing: where a channel's shared memory comes from; one table row per kind.
 *
 * Life cycle: create (leader) -> map, unmap (roles) -> destroy (leader).  No kind leaves a
 * name behind: what has one loses it inside create().
 *
 *   memfd          sealed memfd; default
 *   memfd_hugetlb  the same from the pool of huge pages (vm.nr_hugepages)
 *   tmpfs_huge     nameless file in the sandbox's tmpfs, mounted with huge=always
 *   posix          shm_open(), unlinked at once
 *   sysv           shmget(IPC_PRIVATE), marked for removal at once, attached by its id
 *   anon           MAP_SHARED | MAP_ANONYMOUS, reached by fork alone
 */
#ifndef IPM_MECHANISMS_BACKING_H
#define IPM_MECHANISMS_BACKING_H

#include "mechanisms/mechanism.h"

extern const char *const ipm_backing_names[]; /* for an option; NULL-terminated */

/* Lives in the channel state; zeroed at first. */
struct ipm_backing {
    int kind;            /* index into ipm_backing_names */
    size_t size;         /* bytes, whole pages of the kind */
    int fd_plus_one;     /* kinds with a descriptor: the channel's, both sides own it */
    int id_plus_one;     /* sysv */
    uintptr_t inherited; /* sysv, anon: the leader's own mapping, which roles inherit */
};

/**
 * ipm_backing_create() - at least @size bytes, zeroed
 *
 * Return: 0; -EOPNOTSUPP not on this machine or not in this sandbox; -errno.
 */
int ipm_backing_create(struct ipm_backing *backing, int kind, size_t size,
                       struct ipm_channel *channel, struct ipm_why *why);

/* What ipm_channel_close() does not: idempotent, accepts zeroes. */
void ipm_backing_destroy(struct ipm_backing *backing);

/* Maps all of it, present and writable, and locked in memory where the limits allow. */
int ipm_backing_map(const struct ipm_backing *backing, void **out_base,
                    struct ipm_why *why);
void ipm_backing_unmap(const struct ipm_backing *backing, void *base);

#endif
