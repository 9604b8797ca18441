/* SPDX-License-Identifier: MIT */
#include "harness/worker/offset.h"

#include "base/clock.h"

#include <math.h>

struct ipm_offset ipm_offset_ask(struct ipm_offset_line *line)
{
    int64_t low_ns = INT64_MIN;
    int64_t high_ns = INT64_MAX;
    uint64_t number = atomic_load_explicit(&line->ping, memory_order_relaxed);
    for (int i = 0; i < IPM_OFFSET_ROUNDS; i++) {
        number++;
        int64_t asked_ns = ipm_now_ns();
        atomic_store_explicit(&line->ping, number, memory_order_release);
        while (atomic_load_explicit(&line->pong, memory_order_acquire) != number)
            ;
        int64_t replied_ns = ipm_now_ns();
        int64_t answered_ns = line->answered_ns;
        if (answered_ns - replied_ns > low_ns)
            low_ns = answered_ns - replied_ns;
        if (answered_ns - asked_ns < high_ns)
            high_ns = answered_ns - asked_ns;
    }
    return (struct ipm_offset){(double)low_ns, (double)high_ns};
}

void ipm_offset_answer(struct ipm_offset_line *line)
{
    uint64_t number = atomic_load_explicit(&line->pong, memory_order_relaxed);
    for (int i = 0; i < IPM_OFFSET_ROUNDS; i++) {
        number++;
        while (atomic_load_explicit(&line->ping, memory_order_acquire) != number)
            ;
        line->answered_ns = ipm_now_ns();
        atomic_store_explicit(&line->pong, number, memory_order_release);
    }
}

double ipm_offset_bound(const struct ipm_offset *offset)
{
    if (isnan(offset->low_ns) || isnan(offset->high_ns))
        return NAN;
    return fmax(fabs(offset->low_ns), fabs(offset->high_ns));
}

bool ipm_one_way_ok(double bound_ns, double one_way_ns)
{
    return bound_ns <= IPM_OFFSET_SHARE * one_way_ns;
}
