/* SPDX-License-Identifier: MIT */
#include "harness/worker/core_step.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>

enum { BATCHES = 15, STEPS = 8192 };

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int64_t batch_ns(void)
{
    uint64_t a = 1;
    uint64_t b = 2;
    uint64_t c = 3;
    uint64_t d = 4;
    int64_t start_ns = ipm_now_ns();
    for (uint64_t i = 0; i < STEPS; i++) {
        a += i;
        b ^= a;
        c += b;
        d += c;
        /* Each step is done, as written, and none of them as part of a vector. */
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
    return ipm_now_ns() - start_ns;
}

double ipm_core_step_measure(void)
{
    int64_t elapsed_ns[BATCHES];
    for (int batch = 0; batch < BATCHES; batch++)
        elapsed_ns[batch] = batch_ns();
    qsort(elapsed_ns, BATCHES, sizeof(elapsed_ns[0]), compare_ns);
    return (double)elapsed_ns[BATCHES / 2] / STEPS;
}
