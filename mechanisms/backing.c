/* SPDX-License-Identifier: MIT */
#include "mechanisms/backing.h"

#include "base/process.h"
#include "base/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statfs.h>
#include <unistd.h>

enum {
    HUGE_PAGE = 2 << 20
}; /* bytes; sizes are rounded up to it, whatever the CPU has */

struct kind {
    /* A descriptor for @backing->size bytes or, without one, @backing->inherited. */
    int (*open)(struct ipm_backing *backing, const struct ipm_channel_config *config,
                struct ipm_why *why);
    size_t page; /* bytes that the size is a multiple of; 0: a plain page */
    bool has_fd;
};

static int set_size(int fd, size_t size, struct ipm_why *why)
{
    if (ftruncate(fd, (off_t)size) == 0)
        return fd;
    int error = ipm_why_set(why, -errno, "ftruncate to %zu bytes: ", size);
    (void)close(fd);
    return error;
}

static int seal(int fd, struct ipm_why *why)
{
    /* Nobody can shrink it under a reader. */
    if (fd < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    int error = ipm_why_set(why, -errno, "seal memfd: ");
    (void)close(fd);
    return error;
}

static int memfd_open(struct ipm_backing *backing,
                      const struct ipm_channel_config *config, struct ipm_why *why)
{
    (void)config;
    int fd = memfd_create("ipcmeter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ipm_why_set(why, -errno, "memfd_create: ");
    return seal(set_size(fd, backing->size, why), why);
}

static int hugetlb_open(struct ipm_backing *backing,
                        const struct ipm_channel_config *config, struct ipm_why *why)
{
    (void)config;
    char pages[32] = "?";
    int fd = memfd_create("ipcmeter", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
    if (fd < 0)
        return ipm_why_set(why, -EOPNOTSUPP, "memfd_create(MFD_HUGETLB): error %d",
                           errno);
    fd = seal(set_size(fd, backing->size, why), why);
    if (fd < 0)
        return fd;
    /* The pool is charged here, not by ftruncate(). */
    void *base = mmap(NULL, backing->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base != MAP_FAILED) {
        (void)munmap(base, backing->size);
        return fd;
    }
    (void)close(fd);
    (void)ipm_read_file("/proc/sys/vm/nr_hugepages", pages, sizeof(pages));
    return ipm_why_set(why, -EOPNOTSUPP,
                       "%zu bytes of huge pages are not free: vm.nr_hugepages is %s",
                       backing->size, pages);
}

static int tmpfs_open(struct ipm_backing *backing,
                      const struct ipm_channel_config *config, struct ipm_why *why)
{
    struct statfs status;
    if (config->directory[0] == '\0' || statfs(config->directory, &status) != 0 ||
        status.f_type != TMPFS_MAGIC)
        return ipm_why_set(why, -EOPNOTSUPP, "the sandbox has no private tmpfs");
    int fd = open(config->directory, O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ipm_why_set(why, -errno, "open a nameless file in tmpfs: ");
    return set_size(fd, backing->size, why);
}

static int posix_open(struct ipm_backing *backing,
                      const struct ipm_channel_config *config, struct ipm_why *why)
{
    char name[sizeof(config->token) + 8];
    (void)snprintf(name, sizeof(name), "/ipm-%s", config->token);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ipm_why_set(why, -errno, "shm_open: ");
    (void)shm_unlink(name);
    return set_size(fd, backing->size, why);
}

static int sysv_open(struct ipm_backing *backing,
                     const struct ipm_channel_config *config, struct ipm_why *why)
{
    (void)config;
    int id = shmget(IPC_PRIVATE, backing->size, IPC_CREAT | 0600);
    if (id < 0)
        return ipm_why_set(why, -errno, "shmget of %zu bytes: ", backing->size);
    void *base = shmat(id, NULL, 0);
    int error = base == (void *)-1 ? -errno : 0;
    /* It stays, and can be attached by its id, as long as somebody is attached. */
    (void)shmctl(id, IPC_RMID, NULL);
    if (error != 0)
        return ipm_why_set(why, error, "shmat: ");
    backing->id_plus_one = id + 1;
    backing->inherited = (uintptr_t)base;
    return 0;
}

static int anon_open(struct ipm_backing *backing,
                     const struct ipm_channel_config *config, struct ipm_why *why)
{
    (void)config;
    void *base = mmap(NULL, backing->size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", backing->size);
    backing->inherited = (uintptr_t)base;
    return 0;
}

const char *const ipm_backing_names[] = {
    "memfd", "memfd_hugetlb", "tmpfs_huge", "posix", "sysv", "anon", NULL};

static const struct kind kinds[] = {
    {memfd_open, 0, true},         {hugetlb_open, HUGE_PAGE, true},
    {tmpfs_open, HUGE_PAGE, true}, {posix_open, 0, true},
    {sysv_open, 0, false},         {anon_open, 0, false},
};

int ipm_backing_create(struct ipm_backing *backing, int kind, size_t size,
                       struct ipm_channel *channel, struct ipm_why *why)
{
    size_t page =
        kinds[kind].page != 0 ? kinds[kind].page : (size_t)sysconf(_SC_PAGESIZE);
    if (size == 0 || __builtin_add_overflow(size, page - 1, &backing->size))
        return ipm_why_set(why, -EINVAL, "no shared memory of %zu bytes", size);
    backing->kind = kind;
    backing->size -= backing->size % page;
    int result = kinds[kind].open(backing, &channel->config, why);
    if (result < 0 || !kinds[kind].has_fd)
        return result;
    ipm_channel_own(channel, result, IPM_OWNER_BOTH);
    backing->fd_plus_one = result + 1;
    return 0;
}

void ipm_backing_destroy(struct ipm_backing *backing)
{
    void *base = (void *)backing->inherited;
    if (base != NULL && backing->id_plus_one != 0)
        (void)shmdt(base);
    else if (base != NULL)
        (void)munmap(base, backing->size);
    backing->inherited = 0;
}

int ipm_backing_map(const struct ipm_backing *backing, void **out_base,
                    struct ipm_why *why)
{
    void *base = (void *)backing->inherited;
    if (backing->id_plus_one != 0) {
        base = shmat(backing->id_plus_one - 1, NULL, 0);
        if (base == (void *)-1)
            return ipm_why_set(why, -errno, "shmat: ");
    } else if (backing->fd_plus_one != 0) {
        base = mmap(NULL, backing->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                    backing->fd_plus_one - 1, 0);
        if (base == MAP_FAILED)
            return ipm_why_set(why, -errno, "mmap %zu bytes: ", backing->size);
    }
    ipm_prefault(base, backing->size);
    (void)mlock(base, backing->size); /* RLIMIT_MEMLOCK may say no: present is enough */
    *out_base = base;
    return 0;
}

void ipm_backing_unmap(const struct ipm_backing *backing, void *base)
{
    if (backing->id_plus_one != 0)
        (void)shmdt(base);
    else if (backing->fd_plus_one != 0)
        (void)munmap(base, backing->size);
    /* An inherited mapping is the process's, and may serve the other end as well. */
}
