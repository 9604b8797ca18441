/* SPDX-License-Identifier: MIT */
#include "mechanisms/wait.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAP_NS = 50000 }; /* about what being woken from sleep costs anyway */

int ipm_wait_nap(enum ipm_wait wait, uint32_t *turns, int64_t deadline_ns,
                 struct ipm_endpoint_stats *stats)
{
    if (wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD || deadline_ns == 0)
        return ipm_wait_turn(wait, turns, deadline_ns);
    if (deadline_ns != IPM_FOREVER && ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    stats->sleeps++;
    (void)nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    return 0;
}

int ipm_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec until = ipm_timespec(deadline_ns);
    /* The BITSET form takes an absolute deadline on CLOCK_MONOTONIC. */
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
                          deadline_ns == IPM_FOREVER ? NULL : &until, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    if (result == 0 || errno == EAGAIN || errno == EINTR)
        return 0;
    return errno == ETIMEDOUT ? IPM_AGAIN : -errno;
}

void ipm_futex_wake(_Atomic uint32_t *word, int count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}
