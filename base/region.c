/* SPDX-License-Identifier: MIT */
#include "base/region.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct header {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    uint64_t size; /* usable bytes behind the header */
};

_Static_assert(sizeof(struct header) <= IPM_REGION_HEADER, "header outgrew its room");

int ipm_region_create(struct ipm_region *out_region, uint64_t magic, uint32_t version,
                      size_t size, struct ipm_why *why)
{
    size_t whole = 0;
    if (size == 0 || __builtin_add_overflow(size, IPM_REGION_HEADER, &whole))
        return ipm_why_set(why, -EINVAL, "no shared memory of %zu bytes", size);
    ipm_auto_fd int fd = memfd_create("ipcmeter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ipm_why_set(why, -errno, "memfd_create: ");
    if (ftruncate(fd, (off_t)whole) != 0)
        return ipm_why_set(why, -errno, "ftruncate to %zu bytes: ", whole);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return ipm_why_set(why, -errno, "seal memfd: ");
    void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", whole);
    struct header *header = start;
    *header = (struct header){.magic = magic, .version = version, .size = size};
    *out_region = (struct ipm_region){
        .base = (char *)start + IPM_REGION_HEADER,
        .size = size,
        .fd = ipm_steal_fd(&fd),
    };
    return 0;
}

int ipm_region_map(struct ipm_region *out_region, int fd, uint64_t magic,
                   uint32_t version, struct ipm_why *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return ipm_why_set(why, -errno, "fstat of shared memory: ");
    if (status.st_size <= IPM_REGION_HEADER)
        return ipm_why_set(why, -EPROTO, "shared memory has no room for a header");
    size_t whole = (size_t)status.st_size;
    void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", whole);
    struct header header;
    memcpy(&header, start, sizeof(header));
    if (header.magic != magic || header.version != version ||
        header.size != whole - IPM_REGION_HEADER) {
        (void)munmap(start, whole);
        return ipm_why_set(why, -EPROTO, "shared memory is of another kind or version");
    }
    *out_region = (struct ipm_region){
        .base = (char *)start + IPM_REGION_HEADER, .size = header.size, .fd = -1};
    return 0;
}

void ipm_prefault(void *base, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)base & ~(page - 1);
    uintptr_t end = ((uintptr_t)base + size + page - 1) & ~(page - 1);
#ifdef MADV_POPULATE_WRITE
    if (madvise((void *)first, end - first, MADV_POPULATE_WRITE) == 0)
        return;
#endif
    /* Kernels before 5.14: write one byte of each page that lies wholly or partly inside,
     * at an address that is ours. */
    for (uintptr_t at = first; at < end; at += page) {
        volatile unsigned char *byte =
            (volatile unsigned char *)(at < (uintptr_t)base ? (uintptr_t)base : at);
        *byte = *byte;
    }
}

void ipm_region_prefault(const struct ipm_region *region)
{
    if (region->base != NULL)
        ipm_prefault(region->base, region->size);
}

void ipm_region_fini(struct ipm_region *region)
{
    if (region->base != NULL)
        (void)munmap((char *)region->base - IPM_REGION_HEADER,
                     region->size + IPM_REGION_HEADER);
    if (region->fd >= 0)
        (void)close(region->fd);
    *region = IPM_REGION_NONE;
}
