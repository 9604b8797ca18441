/* SPDX-License-Identifier: MIT */
/*
 * pfm: event names by libpfm4, which knows the PMUs of most CPUs.
 *
 * The library is loaded when the first name is asked for and stays loaded: to link it would
 * cost every exec of the worker 0.75 ms, the relocation of its tables.  A worker that cannot
 * load anything is built with IPM_PFM=link.
 */
#ifndef IPM_WORKER_PFM_H
#define IPM_WORKER_PFM_H

#include "base/why.h"
#include "harness/worker/sensors/event_name.h"

/**
 * ipm_pfm_encode() - from a libpfm4 string to what perf_event_open() takes
 * @text: "DTLB_LOAD_MISSES:WALK_ACTIVE", "skl::...", "perf::CYCLES"; not of one side alone
 *
 * Return: 0; -ENOENT libpfm4 is not there or does not know the name; -EINVAL it knows the
 *         event, but not so (umask, modifier), or the string asks for one side alone.
 */
int ipm_pfm_encode(const char *text, struct ipm_event_code *out_code,
                   struct ipm_why *why);

/* Whether PMU @name is one of the library's, present here or not.  For tests, which set
 * LIBPFM_ENCODE_INACTIVE and encode the events of machines that they do not run on. */
int ipm_pfm_knows(const char *name, struct ipm_why *why);

#endif
