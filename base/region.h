/* SPDX-License-Identifier: MIT */
/*
 * region: a piece of shared memory that says what it is.
 *
 * Life cycle: create (one process) -> map (others, by the descriptor) -> unmap -> close.
 * A region starts with a header of IPM_REGION_HEADER bytes {magic, version, size}; what
 * the owner asked for follows, zeroed.  The memory is a sealed memfd: nobody can shrink
 * it under a reader, and nothing outlives its last descriptor and mapping.
 */
#ifndef IPM_BASE_REGION_H
#define IPM_BASE_REGION_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { IPM_REGION_HEADER = 128, IPM_CACHE_LINE = 64, IPM_LINE_PAIR = 128 };

struct ipm_region {
    void *base;  /* first usable byte, 128-byte aligned; NULL: not mapped */
    size_t size; /* usable bytes */
    int fd;      /* -1: none */
};

#ifdef __cplusplus
#define IPM_REGION_NONE (ipm_region{nullptr, 0, -1})
#else
#define IPM_REGION_NONE ((struct ipm_region){.base = NULL, .size = 0, .fd = -1})
#endif

/**
 * ipm_region_create() - new shared memory, mapped here
 * @magic, @version: what ipm_region_map() will insist on
 * @size:            usable bytes, > 0
 *
 * Return: 0; -EINVAL when @size is 0 or beyond what can be addressed; -errno of
 *         memfd_create, ftruncate, seal or mmap.
 */
int ipm_region_create(struct ipm_region *out_region, uint64_t magic, uint32_t version,
                      size_t size, struct ipm_why *why);

/**
 * ipm_region_map() - map a region by its descriptor, which stays the caller's
 *
 * Return: 0; -EPROTO when magic, version or size disagree; -errno of mmap or fstat.
 */
int ipm_region_map(struct ipm_region *out_region, int fd, uint64_t magic,
                   uint32_t version, struct ipm_why *why);

/* Makes every page present and writable now, so that no first touch is timed. */
void ipm_region_prefault(const struct ipm_region *region);

/* The same for any memory that this process may write. */
void ipm_prefault(void *base, size_t size);

/* Unmaps and closes; idempotent. */
void ipm_region_fini(struct ipm_region *region);

#ifdef __cplusplus
}
#endif

#endif
