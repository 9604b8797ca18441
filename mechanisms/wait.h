/* SPDX-License-Identifier: MIT */
/*
 * wait: the building blocks of the wait strategies.
 */
#ifndef IPM_MECHANISMS_WAIT_H
#define IPM_MECHANISMS_WAIT_H

#include "base/clock.h"
#include "base/relax.h"
#include "mechanisms/mechanism.h"

#include <sched.h>
#include <stdint.h>

/* _Atomic is not C++; std::atomic of a machine word has the same size and layout. */
#ifdef __cplusplus
#include <atomic>
#define IPM_ATOMIC(type) std::atomic<type>
extern "C" {
#else
#include <stdatomic.h>
#define IPM_ATOMIC(type) _Atomic(type)
#endif

/* A store before it is seen by everybody before a load after it is made.  ThreadSanitizer
 * models no fences and gcc says so: the words on both sides are atomic all the same. */
static inline void ipm_full_fence(void)
{
#if defined(__SANITIZE_THREAD__) && defined(__x86_64__)
    __asm__ volatile("mfence" ::: "memory");
#elif defined(__SANITIZE_THREAD__) && defined(__aarch64__)
    __asm__ volatile("dmb ish" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

enum { IPM_SPINS_PER_CLOCK = 256 }; /* turns between two looks at the deadline */

/**
 * ipm_wait_turn() - one turn of waiting without sleeping
 * @wait:        IPM_WAIT_YIELD yields; every other strategy spins
 * @turns:       the caller's counter, 0 at first
 * @deadline_ns: 0: do not wait; IPM_FOREVER: never look at the clock
 *
 * Return: 0 look again; IPM_AGAIN the deadline has passed.
 */
static inline int ipm_wait_turn(enum ipm_wait wait, uint32_t *turns,
                                int64_t deadline_ns)
{
    if (deadline_ns == 0)
        return IPM_AGAIN;
    if (deadline_ns != IPM_FOREVER && ++*turns % IPM_SPINS_PER_CLOCK == 0 &&
        ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    if (wait == IPM_WAIT_YIELD)
        (void)sched_yield();
    else
        ipm_relax();
    return 0;
}

/**
 * ipm_wait_nap() - one turn of waiting for what nobody can wake us for
 *
 * For conditions without a queue to sleep in: under a strategy that sleeps it naps for a
 * fixed, short time instead; spin and yield take a turn as ever.
 *
 * Return: as ipm_wait_turn().
 */
int ipm_wait_nap(enum ipm_wait wait, uint32_t *turns, int64_t deadline_ns,
                 struct ipm_endpoint_stats *stats);

/**
 * ipm_futex_wait() - sleep while *@word is @expected
 *
 * Return: 0 woken, or it was not @expected, or a signal came: look again; IPM_AGAIN the
 *         deadline (absolute CLOCK_MONOTONIC) has passed; -errno.
 */
int ipm_futex_wait(IPM_ATOMIC(uint32_t) * word, uint32_t expected, int64_t deadline_ns);

/* Wakes at most @count sleepers, in any process that maps the word. */
void ipm_futex_wake(IPM_ATOMIC(uint32_t) * word, int count);

#ifdef __cplusplus
}
#endif

#endif
