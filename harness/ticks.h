/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticks: what the CPUs have done since boot, from proc/stat.
 */
#ifndef IPM_HARNESS_TICKS_H
#define IPM_HARNESS_TICKS_H

#include <stdbool.h>

/* Ticks of all CPUs together, 1/sysconf(_SC_CLK_TCK) s each. */
struct ipm_ticks {
    bool known;
    double all, busy, steal; /* all: with idle time */
};

struct ipm_ticks ipm_ticks_read(const char *sysroot);

#endif
