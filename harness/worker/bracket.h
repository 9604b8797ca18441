/* SPDX-License-Identifier: MIT */
/*
 * bracket: the round trip of a cache line between two CPUs, taken right before and right
 * after a window, because a virtual machine's CPUs move (reference figures jump between
 * about 50, 110 and 510 ns within seconds).
 *
 * Two lines, one written by each side, no pause in the loop.
 */
#ifndef IPM_WORKER_BRACKET_H
#define IPM_WORKER_BRACKET_H

#include "base/region.h"

#include <stdatomic.h>
#include <stdint.h>

enum { IPM_BRACKET_BATCHES = 40, IPM_BRACKET_ROUNDS = 50 };

struct ipm_bracket {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t ping; /* written by the caller's side */
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t pong; /* written by the answering side */
};

/* Largest ratio of after to before (or before to after) that is one regime. */
#define IPM_BRACKET_SAME 1.25

/**
 * ipm_bracket_ask() - time the round trips; the other side runs ipm_bracket_answer()
 *
 * Spins: both sides must be on CPUs of their own.  Both must start within seconds of each
 * other; the leader's watchdog ends a side whose peer died.
 *
 * Return: nanoseconds of one round trip, median over batches.
 */
double ipm_bracket_ask(struct ipm_bracket *bracket);
void ipm_bracket_answer(struct ipm_bracket *bracket);

#endif
