/* SPDX-License-Identifier: MIT */
#include "harness/worker/bracket.h"

#include "base/clock.h"

#include <stdlib.h>

enum { ROUNDS_IN_ALL = IPM_BRACKET_BATCHES * IPM_BRACKET_ROUNDS };

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

double ipm_bracket_ask(struct ipm_bracket *bracket)
{
    int64_t elapsed_ns[IPM_BRACKET_BATCHES];
    /* The counters go on where the last bracket ended: nobody has to reset them. */
    uint64_t number = atomic_load_explicit(&bracket->ping, memory_order_relaxed);
    for (int batch = 0; batch < IPM_BRACKET_BATCHES; batch++) {
        int64_t start_ns = ipm_now_ns();
        for (int i = 0; i < IPM_BRACKET_ROUNDS; i++) {
            number++;
            atomic_store_explicit(&bracket->ping, number, memory_order_release);
            while (atomic_load_explicit(&bracket->pong, memory_order_acquire) != number)
                ;
        }
        elapsed_ns[batch] = ipm_now_ns() - start_ns;
    }
    qsort(elapsed_ns, IPM_BRACKET_BATCHES, sizeof(elapsed_ns[0]), compare_ns);
    return (double)elapsed_ns[IPM_BRACKET_BATCHES / 2] / IPM_BRACKET_ROUNDS;
}

void ipm_bracket_answer(struct ipm_bracket *bracket)
{
    uint64_t number = atomic_load_explicit(&bracket->pong, memory_order_relaxed);
    for (int i = 0; i < ROUNDS_IN_ALL; i++) {
        number++;
        while (atomic_load_explicit(&bracket->ping, memory_order_acquire) != number)
            ;
        atomic_store_explicit(&bracket->pong, number, memory_order_release);
    }
}
