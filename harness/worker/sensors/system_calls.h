/* SPDX-License-Identifier: MIT */
/*
 * system_calls: which source counts them, and what counts become as metrics.
 *
 * The pass is counters:syscalls.  The point's sensors.syscalls chooses: "tracepoint"
 * (raw_syscalls:sys_enter by perf: an ordinary invocation with ordinary times, a total without
 * names or bytes), "twin" (harness/worker/twin.h), or "auto", the default: the tracepoint
 * where it may be opened, else the twin.
 */
#ifndef IPM_WORKER_SYSTEM_CALLS_H
#define IPM_WORKER_SYSTEM_CALLS_H

#include "harness/worker/calls.h"
#include "harness/worker/sensors/sensor.h"

#include <stdbool.h>

#define IPM_SYSTEM_CALLS_PASS "counters:syscalls"
#define IPM_SOURCE_TWIN       "traced twin"

/* Metrics of one process: the sensor's rows and at most IPM_CALLS_NAMED by name. */
enum { IPM_CALLS_ROWS = 4, IPM_CALLS_NAMED = 8 };
enum { IPM_CALLS_METRICS = IPM_CALLS_ROWS + IPM_CALLS_NAMED };

/* Will roles and helpers be traced in this invocation? */
bool ipm_system_calls_twin(const struct ipm_sensor_context *context);

/* Counts of a twin as metrics, at most @room: syscalls, syscalls_retried,
 * bytes_through_kernel, bytes_spliced, and syscalls_NAME of the most frequent calls.  Returns
 * how many. */
size_t ipm_system_calls_metrics(const struct ipm_calls *calls,
                                struct ipm_metric *out_metrics, size_t room);

/* The rows of a twin that could not count, and why. */
size_t ipm_system_calls_missing(int error, const struct ipm_why *why,
                                struct ipm_metric *out_metrics, size_t room);

#endif
