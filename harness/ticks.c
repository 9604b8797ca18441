/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/ticks.h"

#include "harness/sysroot.h"

#include <inttypes.h>
#include <stdio.h>

struct ipm_ticks ipm_ticks_read(const char *sysroot)
{
    char text[512];
    int64_t f[8] = {0};
    struct ipm_ticks ticks = {.known = false};
    if (ipm_sysroot_text(sysroot, "proc/stat", text, sizeof(text)) != 0)
        return ticks;
    int n = sscanf(text,
                   "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
                   " %" SCNd64 " %" SCNd64 " %" SCNd64,
                   &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7]);
    /* A tree that somebody sends may hold anything: no machine comes near 2^50. */
    bool sane = n == 8;
    for (int i = 0; i < n; i++)
        sane = sane && f[i] >= 0 && f[i] < INT64_C(1) << 50;
    if (!sane)
        return ticks;
    ticks.known = true;
    ticks.busy = (double)(f[0] + f[1] + f[2] + f[5] + f[6]);
    ticks.steal = (double)f[7];
    ticks.all = ticks.busy + ticks.steal + (double)(f[3] + f[4]);
    return ticks;
}
