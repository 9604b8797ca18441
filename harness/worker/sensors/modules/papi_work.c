/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/modules/papi_work.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* One return instruction; none for an instruction set not known here. */
#if defined(__x86_64__) || defined(__i386__)
static const unsigned char instruction[] = {0xc3};
#define INSTRUCTION_KNOWN true
#elif defined(__aarch64__)
static const unsigned char instruction[] = {0xc0, 0x03, 0x5f, 0xd6};
#define INSTRUCTION_KNOWN true
#elif defined(__riscv)
static const unsigned char instruction[] = {0x67, 0x80, 0x00, 0x00};
#define INSTRUCTION_KNOWN true
#else
static const unsigned char instruction[] = {0};
#define INSTRUCTION_KNOWN false
#endif

enum { PAGES = 4096 };

void ipm_papi_spin(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        __asm__ volatile("nop");
}

static void run(char *memory, size_t page)
{
    for (size_t i = 0; i < PAGES; i++) {
        void (*entry)(void);
        char *at = memory + i * page;
        memcpy(&entry, &at, sizeof(entry));
        entry();
    }
}

void ipm_papi_walk(bool *out_data, bool *out_code)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t length = PAGES * page;
    *out_data = *out_code = false;
    char *memory =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    (void)madvise(memory, length, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++)
        memcpy(memory + i * page, instruction, sizeof(instruction));
    *out_data = true;
    /* Never writable and executable at once; a policy may refuse all the same. */
    if (INSTRUCTION_KNOWN && mprotect(memory, length, PROT_READ | PROT_EXEC) == 0) {
        __builtin___clear_cache(memory, memory + length);
        run(memory, page);
        *out_code = true;
    }
    (void)munmap(memory, length);
}

void ipm_papi_sleep(int times)
{
    /* A shorter one may be over before the task has left its CPU: no switch at all. */
    for (int i = 0; i < times; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}
