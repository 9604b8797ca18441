/* SPDX-License-Identifier: MIT */
/*
 * offset: how far apart the clocks of two CPUs can be, by a cache line that goes to and fro
 * with time stamps.
 *
 * The asking side reads its clock (t1) and writes the line, the answering side sees it, reads
 * its own clock (t2) and writes it back, the asking side sees that and reads its clock (t4).
 * The answer lies between question and reply, so theta, the answering clock minus the asking
 * one, lies in [t2 - t4, t2 - t1].  Over many rounds the tightest of both ends holds: an
 * interval no wider than the least round trip.
 */
#ifndef IPM_WORKER_OFFSET_H
#define IPM_WORKER_OFFSET_H

#include "base/region.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { IPM_OFFSET_ROUNDS = 512 };

/* Largest share of a one-way latency that the clocks may be apart. */
#define IPM_OFFSET_SHARE 0.1

struct ipm_offset_line {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t ping;
    _Alignas(
        IPM_LINE_PAIR) _Atomic uint64_t pong; /* written after the stamp beside it */
    int64_t answered_ns;                      /* t2 */
};

/* What is known of theta.  low > high: the clocks moved against each other meanwhile. */
struct ipm_offset {
    double low_ns, high_ns; /* NaN: not measured */
};

/* Spins on both sides, as a bracket does, and goes on where the last call ended. */
struct ipm_offset ipm_offset_ask(struct ipm_offset_line *line);
void ipm_offset_answer(struct ipm_offset_line *line);

/* By how much a difference of the two clocks may be wrong: the larger end, which is half the
 * least round trip where both ways are as long and the clocks agree.  NaN: not known. */
double ipm_offset_bound(const struct ipm_offset *offset);

/**
 * ipm_one_way_ok() - may a one-way latency be told from two CPUs' clocks?
 * @bound_ns:   ipm_offset_bound()
 * @one_way_ns: the latency measured, its median say
 *
 * False when the bound is more than IPM_OFFSET_SHARE of it, and where either is not known.
 */
bool ipm_one_way_ok(double bound_ns, double one_way_ns);

#endif
