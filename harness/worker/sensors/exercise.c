/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/exercise.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PAGES = 8192, /* the largest TLB of note (Zen 5) holds 4096 */
    CODE_PAGES = 4096,
    VECTORS = 1024, /* of one writev(); as many bytes fit into any pipe */
    LEAST_BYTES = 64 << 20,
    MOST_BYTES = 256 << 20,
    LINE = 64,
};

struct area {
    unsigned char *bytes; /* NULL: could not be had */
    size_t length;
};

static void unmap(struct area *area)
{
    if (area->bytes != NULL)
        (void)munmap(area->bytes, area->length);
}

/* Small pages, each there already. */
static struct area map(size_t length)
{
    void *memory =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return (struct area){NULL, 0};
    (void)madvise(memory, length, MADV_NOHUGEPAGE);
    (void)memset(memory, 1, length);
    return (struct area){memory, length};
}

static size_t page_size(void)
{
    long bytes = sysconf(_SC_PAGESIZE);
    return bytes > 0 ? (size_t)bytes : 4096;
}

static void spin(void)
{
    for (volatile int i = 0; i < 1000000; i = i + 1)
        ;
    for (int i = 0; i < 2000; i++)
        (void)syscall(SYS_getppid);
}

/* The kernel copies a byte of each page through a pipe: into it, which loads from the pages,
 * or, with @store, out of it again. */
static bool kernel_walk(const struct area *area, bool store)
{
    int ends[2];
    size_t page = page_size();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    ipm_auto_fd int reader = ends[0];
    ipm_auto_fd int writer = ends[1];
    static struct iovec vectors[VECTORS];
    static char bulk[VECTORS];
    for (size_t first = 0; first < area->length / page; first += VECTORS) {
        int n = 0;
        for (; n < VECTORS && first + (size_t)n < area->length / page; n++)
            vectors[n] = (struct iovec){area->bytes + (first + (size_t)n) * page, 1};
        ssize_t moved =
            store ? write(writer, bulk, (size_t)n) : writev(writer, vectors, n);
        if (moved <= 0)
            return false;
        moved = store ? readv(reader, vectors, n) : read(reader, bulk, sizeof(bulk));
        if (moved <= 0)
            return false;
    }
    return true;
}

static void user_loads(const struct area *area, size_t step)
{
    unsigned sum = 0;
    for (size_t i = 0; i < area->length; i += step)
        sum += *(volatile unsigned char *)(area->bytes + i);
    __asm__ volatile("" : : "r"(sum));
}

static void user_stores(const struct area *area, size_t step)
{
    for (size_t i = 0; i < area->length; i += step)
        *(volatile unsigned char *)(area->bytes + i) = 2;
}

static bool walk(bool store)
{
    __attribute__((cleanup(unmap))) struct area area = map(PAGES * page_size());
    if (area.bytes == NULL)
        return false;
    for (int round = 0; round < 4; round++)
        (store ? user_stores : user_loads)(&area, page_size());
    return kernel_walk(&area, store);
}

/* Beyond what the last level of cache holds, as far as the C library knows it. */
static bool memory(void)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t length = cache > 0 ? 2 * (size_t)cache : 0;
    length = length < LEAST_BYTES ? LEAST_BYTES : length;
    if (length > MOST_BYTES)
        return false; /* too small a walk would prove nothing */
    __attribute__((cleanup(unmap))) struct area area = map(length);
    if (area.bytes == NULL)
        return false;
    for (int round = 0; round < 2; round++)
        user_loads(&area, LINE);
    return kernel_walk(&area, false);
}

#if defined(__x86_64__)
static const unsigned char return_instruction[] = {0xc3};
#elif defined(__aarch64__)
static const unsigned char return_instruction[] = {0xc0, 0x03, 0x5f, 0xd6};
#elif defined(__riscv)
static const unsigned char return_instruction[] = {0x67, 0x80, 0x00, 0x00};
#endif

#if defined(__x86_64__) || defined(__aarch64__) || defined(__riscv)
/* The called code is data to the compiler: its own checks of calls find nothing there. */
#ifdef __clang__
__attribute__((no_sanitize("undefined")))
#endif
static void
call_pages(const struct area *area, size_t page)
{
    for (size_t i = 0; i < area->length / page; i++) {
        void (*function)(void);
        void *at = area->bytes + i * page;
        memcpy(&function, &at, sizeof(function));
        function();
    }
}

static bool code(void)
{
    size_t page = page_size();
    __attribute__((cleanup(unmap))) struct area area = map(CODE_PAGES * page);
    if (area.bytes == NULL)
        return false;
    for (size_t i = 0; i < area.length; i += page)
        memcpy(area.bytes + i, return_instruction, sizeof(return_instruction));
    if (mprotect(area.bytes, area.length, PROT_READ | PROT_EXEC) != 0)
        return false;
    __builtin___clear_cache((char *)area.bytes, (char *)area.bytes + area.length);
    for (int round = 0; round < 4; round++)
        call_pages(&area, page);
    return true;
}
#else
static bool code(void)
{
    return false;
}
#endif

unsigned ipm_exercise(unsigned wanted)
{
    unsigned ran = 0;
    if ((wanted & IPM_EXERCISE_SPIN) != 0) {
        spin();
        ran |= IPM_EXERCISE_SPIN;
    }
    if ((wanted & IPM_EXERCISE_LOADS) != 0 && walk(false))
        ran |= IPM_EXERCISE_LOADS;
    if ((wanted & IPM_EXERCISE_STORES) != 0 && walk(true))
        ran |= IPM_EXERCISE_STORES;
    if ((wanted & IPM_EXERCISE_CODE) != 0 && code())
        ran |= IPM_EXERCISE_CODE;
    if ((wanted & IPM_EXERCISE_MEMORY) != 0 && memory())
        ran |= IPM_EXERCISE_MEMORY;
    return ran;
}
