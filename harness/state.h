/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state: how a machine is set right now; what it is, harness/host.h says.
 */
#ifndef IPM_HARNESS_STATE_H
#define IPM_HARNESS_STATE_H

#include "base/json.h"

/**
 * ipm_state_json() - the settings and counts that can change between two looks
 *
 * {online, allowed, governor, driver, energy_preference, turbo, lowest_khz, highest_khz,
 * frequency_mhz: {CPU: MHz}, frequency_held, smt, idle: {driver, governor, deepest,
 * latency_us}, huge_pages, aslr, numa_balancing, clocksource, nmi_watchdog,
 * perf_event_paranoid, capabilities, limits: {...}, cgroup_version, quota_cpus, powercap:
 * {rights, counters, readable, readers}, energy_filtering, temperatures: [{name, celsius}],
 * since_boot: {all_ticks, busy_ticks, steal_ticks, throttled_periods, heat_throttles,
 * suspended_ns, own_cpu_ns}}
 *
 * What cannot be told is null.  `since_boot` counts: its members mean something against
 * those of another look by the same process.  own_cpu_ns is this process with what it has
 * waited for; suspended_ns is what CLOCK_BOOTTIME has over CLOCK_MONOTONIC; both are null
 * below another root.
 *
 * Return: a new reference.
 */
json_t *ipm_state_json(const char *sysroot);

#endif
