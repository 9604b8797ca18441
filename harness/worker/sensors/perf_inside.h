/* SPDX-License-Identifier: MIT */
/*
 * perf_inside: what perf.c, which opens and switches counters, lends to perf_read.c, which
 * judges what they counted.  Nobody else includes it.
 */
#ifndef IPM_WORKER_PERF_INSIDE_H
#define IPM_WORKER_PERF_INSIDE_H

#include "harness/worker/sensors/perf.h"

/* The places of an event's counters: user, or both sides in one; kernel. */
enum { IPM_PERF_FIRST, IPM_PERF_SECOND };

/* How many counters of event @i there are to read: 1, or 2 where the sides are apart. */
int ipm_perf_counters_of(const struct ipm_perf *perf, int i);

/* PERF_EVENT_IOC_ENABLE or _DISABLE to every counter, of a group to its leader. */
void ipm_perf_control(struct ipm_perf *perf, unsigned long request);

/* Reads a counter; what goes wrong is remembered in it. */
void ipm_perf_sample(struct ipm_perf_counter *counter,
                     struct ipm_perf_sample *out_sample);

#endif
