/* SPDX-License-Identifier: MIT */
/*
 * switches_check: do the independent counts of context switches agree, and which lies?
 *
 * Three sources count the same event: getrusage (the process, its dead threads included), the
 * status of each living thread, and perf's software event (pass counters:software).  They are
 * started one after the other, so that a few switches may fall between them.
 */
#ifndef IPM_WORKER_SWITCHES_CHECK_H
#define IPM_WORKER_SWITCHES_CHECK_H

#include "base/metric.h"

#include <stddef.h>

enum { IPM_SWITCHES_SOURCES = 3, IPM_SWITCHES_SLACK = 3 };

#define IPM_SWITCHES_TOLERANCE 0.01

enum ipm_agreement {
    IPM_AGREE,
    IPM_DISAGREE,
    IPM_UNTESTED, /* too little is known; @reason says what */
};

struct ipm_switches_verdict {
    enum ipm_agreement agreement;
    const char *odd; /* the metric that lies; NULL: none does, or nothing tells which */
    double
        difference; /* of @odd from the median of all; of two the second from the first */
    char reason[152]; /* unless they agree */
};

/**
 * ipm_switches_check() - compare switches_rusage, switches_task and context_switches
 * @metrics: of one process, or sums over @processes of them; a missing one does not count
 *
 * A source lies when it differs from the median of all three by more than 1 % of it, and by
 * more than IPM_SWITCHES_SLACK per process.  Of two sources that differ so nothing tells which
 * lies.
 */
void ipm_switches_check(const struct ipm_metric *metrics, size_t n, int processes,
                        struct ipm_switches_verdict *out_verdict);

#endif
