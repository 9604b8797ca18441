/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <limits.h>
#include <stdlib.h>

enum { BATCHES = 64, READS = 64 };

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void ipm_clock_measure(struct ipm_clock_cost *out_cost)
{
    int64_t elapsed_ns[BATCHES];
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t start_ns = ipm_now_ns();
        int64_t end_ns = start_ns;
        for (int i = 0; i < READS; i++)
            end_ns = ipm_now_ns();
        elapsed_ns[batch] = end_ns - start_ns;
    }
    qsort(elapsed_ns, BATCHES, sizeof(elapsed_ns[0]), compare_ns);

    struct timespec resolution;
    (void)clock_getres(CLOCK_MONOTONIC, &resolution);
    double median_ns = (double)elapsed_ns[BATCHES / 2] / READS;
    *out_cost = (struct ipm_clock_cost){
        .median_ns = median_ns > 0 ? median_ns : 1,
        .worst_ns = (double)elapsed_ns[BATCHES - 1] / READS,
        .resolution_ns = resolution.tv_nsec > 0 ? resolution.tv_nsec : 1,
    };
}

int ipm_poll_timeout_ms(int64_t deadline_ns)
{
    if (deadline_ns == IPM_FOREVER)
        return -1;
    if (deadline_ns <= 0)
        return 0;
    int64_t left_ns = deadline_ns - ipm_now_ns();
    if (left_ns <= 0)
        return 0;
    int64_t left_ms = (left_ns + 999999) / 1000000;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
