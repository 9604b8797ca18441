/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * idle: how deep the CPUs that we may use are allowed to sleep, and how hot they are.
 */
#ifndef IPM_HARNESS_IDLE_H
#define IPM_HARNESS_IDLE_H

#include "base/json.h"

#include <stdint.h>

struct ipm_idle {
    char driver[32];    /* of cpuidle; "": unknown, "none": there is none */
    char governor[32];  /* "" unknown */
    int states;         /* of the CPU with the most; 0: none is shown */
    int disabled;       /* of them, on that CPU */
    char deepest[32];   /* name of the enabled state that takes longest to leave */
    int64_t latency_us; /* of that one */
};

/* @allowed: CPU list; "": all.  0; -ENODATA: the kernel shows no cpuidle. */
int ipm_idle_read(const char *sysroot, const char *allowed, struct ipm_idle *out_idle);

struct ipm_heat {
    char name[32];
    double celsius;
    double limit; /* where the kernel begins to slow the CPUs down; 0: unknown */
};

/**
 * ipm_heat_list() - the temperature zones that are told, those of the CPUs first
 * @out_heat: at most @room
 *
 * From thermal zones and the CPUs' own sensors in hwmon.  What reads below 1 or above 150
 * degrees is left out: it is no reading.
 *
 * Return: how many; 0: none.
 */
int ipm_heat_list(const char *sysroot, struct ipm_heat *out_heat, int room);

/* The hottest of the CPUs' zones, else of all.  0; -ENODATA: none is told. */
int ipm_heat_hottest(const char *sysroot, struct ipm_heat *out_heat);

/* How often the CPUs slowed down because of heat since boot; -1: not told. */
int64_t ipm_heat_throttles(const char *sysroot);

#endif
