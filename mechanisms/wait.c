/* SPDX-License-Identifier: MIT */
#include "mechanisms/wait.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

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
