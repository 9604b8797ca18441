/* SPDX-License-Identifier: MIT */
/*
 * open_loop: what the sender and the receiver of an open loop share, and what becomes of it.
 *
 * A closed loop waits for its answer: while the receiver stalls, nothing is sent and nothing
 * is seen (coordinated omission).  An open loop has a plan of send times that nothing moves:
 * a late message goes at once, and its delay counts from when it was due.
 *
 *     response = received - planned     what a user of the system waits
 *     service  = received - sent        what the channel and the receiver take
 *     lag      = sent - planned         what the sender was late
 *
 * Sender and receiver write times into arrays of their own, which are put together after
 * the window: nothing is shared in it but the channel.
 */
#ifndef IPM_WORKLOADS_OPEN_LOOP_H
#define IPM_WORKLOADS_OPEN_LOOP_H

#include "base/histogram.h"
#include "base/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_open_time {
    IPM_OPEN_RESPONSE,
    IPM_OPEN_SERVICE,
    IPM_OPEN_LAG,
    IPM_OPEN_TIMES,
};

enum { IPM_OPEN_MESSAGES = 1 << 22 }; /* most in one window: 96 MiB of times */

/* What became of the planned messages. */
struct ipm_open_counts {
    uint64_t planned;  /* due in the round */
    uint64_t sent;     /* of them, before its time was over; the rest is the backlog */
    uint64_t received; /* of those */
};

struct ipm_open_times {
    struct ipm_histogram histograms[IPM_OPEN_TIMES]; /* ns, by enum ipm_open_time */
    struct ipm_open_counts counts;
};

struct ipm_open_loop {
    uint64_t room;                            /* of each array below */
    int64_t start_ns;                         /* of the round: offsets count from it */
    struct ipm_open_counts counts;            /* of the round */
    struct ipm_open_times window;             /* as ipm_open_loop_keep() left it */
    _Alignas(IPM_CACHE_LINE) int64_t times[]; /* offsets, sent, received: room each */
};

/* Bytes for a window of that length at that rate; 0: more than IPM_OPEN_MESSAGES. */
size_t ipm_open_loop_size(double rate_per_s, int64_t window_ns);

/**
 * ipm_open_loop_plan() - the send times, as offsets from the window's start
 * @open:       zeroed, of ipm_open_loop_size() bytes for the same rate and window
 * @poisson:    exponential gaps, else equal ones
 * @seed:       of the gaps; and of the first offset, which is within one gap
 *
 * Offsets rise and lie in [0, window_ns), but for the last, which ends the plan beyond it.
 */
void ipm_open_loop_plan(struct ipm_open_loop *open, double rate_per_s,
                        int64_t window_ns, bool poisson, uint64_t seed);

/* Keeps the times of the round that both roles have just ended, as the window's. */
void ipm_open_loop_keep(struct ipm_open_loop *open);

/* Adds what one pair kept to @into. */
void ipm_open_loop_merge(struct ipm_open_times *into, const struct ipm_open_loop *open);

/* Messages due before @duration_ns; at least 1. */
uint64_t ipm_open_loop_due(const struct ipm_open_loop *open, int64_t duration_ns);

#endif
