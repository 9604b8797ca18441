/* SPDX-License-Identifier: MIT */
/*
 * relax: what a turn of spinning does: it tells the CPU that nothing happens here.
 */
#ifndef IPM_BASE_RELAX_H
#define IPM_BASE_RELAX_H

static inline void ipm_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif
