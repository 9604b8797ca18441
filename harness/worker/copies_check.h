/* SPDX-License-Identifier: MIT */
/*
 * copies_check: bytes copied as a mechanism declares them, and what the kernel was seen to
 * copy.
 */
#ifndef IPM_WORKER_COPIES_CHECK_H
#define IPM_WORKER_COPIES_CHECK_H

#include "base/metric.h"
#include "harness/worker/point.h"
#include "harness/worker/switches_check.h"

/* bytes_copied: the declared k x @payload_bytes, source "declared"; missing where k varies. */
struct ipm_metric ipm_copies_declared(const struct ipm_point *point,
                                      double payload_bytes);

struct ipm_copies_verdict {
    enum ipm_agreement agreement;
    int declared; /* k; IPM_VARIES */
    /* Whole copies across the border of the kernel; < 0: no number fits, or the framing
     * leaves open which. */
    int seen;
    char reason[152]; /* unless they agree */
};

/**
 * ipm_copies_check() - does what crossed the border of the kernel fit the declared copies?
 * @metrics: sums over roles and helpers, bytes_through_kernel and syscalls among them
 *
 * It fits when the bytes are a whole number of payloads, give or take 1 % and the framing - 16
 * bytes a call, 256 where a library or a broker puts a protocol on top, which may also miss what
 * is in flight at either end of the window - and that number is at most k: the other copies are made in user space, or deep in the kernel.  Where each side
 * copies in one call by what the mechanism is (family stream or message) it is at least two.
 */
void ipm_copies_check(const struct ipm_point *point, double payload_bytes,
                      const struct ipm_metric *metrics, size_t n,
                      struct ipm_copies_verdict *out_verdict);

#endif
