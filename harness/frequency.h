/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frequency: what drives the clocks of the CPUs that we may use, from cpufreq.
 */
#ifndef IPM_HARNESS_FREQUENCY_H
#define IPM_HARNESS_FREQUENCY_H

#include "base/json.h"

#include <stdint.h>

enum ipm_turbo {
    IPM_TURBO_UNKNOWN, /* neither a switch nor a base frequency is shown */
    IPM_TURBO_OFF,
    IPM_TURBO_ON,
};

/* A domain is a cpufreq policy; those without a CPU in the caller's list do not count. */
struct ipm_frequency {
    int domains;
    int fixed;  /* of them: lowest = highest */
    int steady; /* of them: fixed, or under the performance governor */
    int held;   /* of them: what is steady and also cannot be lifted by turbo */
    int with_preference; /* of them: have an energy performance preference */
    int saving;        /* of them: whose preference is not performance, and not fixed */
    char driver[32];   /* "" unknown */
    char governor[32]; /* of the first domain that is not steady, else of the first */
    char preference[32]; /* of the first that saves, else of the first; "": none */
    int64_t low_khz;     /* lowest and highest allowed of all domains; 0: unknown */
    int64_t high_khz;
    int64_t base_khz; /* what it holds for ever; 0: unknown */
    enum ipm_turbo turbo;
    const char *turbo_switch; /* path without leading slash; NULL: there is none */
    int turbo_off;            /* what to write there */
};

/* @allowed: CPU list; "": all.  Without cpufreq `domains` is 0. */
void ipm_frequency_read(const char *sysroot, const char *allowed,
                        struct ipm_frequency *out_frequency);

/* {CPU: MHz} as of now for each CPU with cpufreq, or null; a new reference. */
json_t *ipm_frequency_now(const char *sysroot);

extern const char *const ipm_turbo_names[]; /* "unknown", "off", "on" */

#endif
