/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * overhead: what the harness's own clock reads and loop add to a median.  Part of summary.
 *
 * A sample holds one clock read, so an operation a batch's share of it; and an operation of m
 * messages m times the send and receive of a mechanism that does nothing, which is what
 * floor_null takes.  Both are medians and come off medians alone: in a tail the same read may
 * have cost anything.  The raw figure stays.
 */
#ifndef IPM_ANALYSIS_OVERHEAD_H
#define IPM_ANALYSIS_OVERHEAD_H

#include "analysis/summary.h"

/* A correction of more than this share of the raw median is said: the figure is bound by it. */
#define IPM_OVERHEAD_SHARE 0.1

/* A row's median less its share of a clock read; NaN where either is not known. */
double ipm_overhead_unclocked(const struct ipm_row *row);

/**
 * ipm_overhead_apply() - the loop's part, once all points are there
 *
 * Takes floor_null's clock-corrected median off every p50_corrected_ns of a latency (also off
 * its own, which is then 0), as often as an operation has messages, and fills each point's
 * overhead.  Without floor_null in the run only the clock comes off.
 */
void ipm_overhead_apply(struct ipm_point *points, size_t n);

#endif
