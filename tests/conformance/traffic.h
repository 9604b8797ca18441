/* SPDX-License-Identifier: MIT */
/*
 * traffic: sends and receives messages through an end in whichever mode its rig has, with
 * contents that are checked byte by byte.
 *
 * Message number i of a stream with seed s is ipm_payload_fill(.., s + i); its length comes
 * from a SCRIPT that both ends play, so neither has to tell the other.
 */
#ifndef IPM_TESTS_TRAFFIC_H
#define IPM_TESTS_TRAFFIC_H

#include "tests/conformance/harness.h"

/**
 * ipm_put() - send @n messages of @length bytes each, by copy or in place
 * @n:      in [1, config.batch]
 * @seed:   of the first one's payload; the next has @seed + 1
 * @out_n:  messages accepted
 *
 * Return: as send_n() and reserve_n() do.  In place, fewer than @n may be accepted
 *         with 0: as many as there was room for.
 */
int ipm_put(struct ipm_end *end, size_t length, size_t n, uint64_t seed,
            int64_t deadline_ns, size_t *out_n);

/* What ipm_get() found out; printed by the caller. */
struct ipm_got {
    size_t n;       /* messages taken */
    bool wrong;     /* a length, a byte or the canary behind it was not as expected */
    char text[160]; /* what was wrong */
};

/**
 * ipm_get() - receive 1 to @n messages and verify them
 * @lengths: of the next @n messages
 *
 * Return: as recv_n() and peek_n() do.
 */
int ipm_get(struct ipm_end *end, const size_t *lengths, size_t n, uint64_t seed,
            int64_t deadline_ns, struct ipm_got *out_got);

/* Deterministic mix of lengths in [min, max], mostly short; whole spans share one. */
struct ipm_script {
    uint64_t state;
    size_t min, max;
    size_t batch; /* longest span */
    size_t left;  /* messages left in the span under way */
    size_t length;
};

struct ipm_script ipm_script_new(const struct ipm_end *end, uint64_t seed);

/* Length of the next message.  @out_span (may be NULL): how many messages the span has
 * that this one begins, 0 when it does not begin one. */
size_t ipm_script_next(struct ipm_script *script, size_t *out_span);

/* A stream of @count messages. */
struct ipm_stream {
    uint64_t seed;
    size_t count;
};

/* Parts: side A sends a struct ipm_stream by script, side B receives and verifies it. */
int ipm_stream_send(struct ipm_end *end, void *stream);
int ipm_stream_receive(struct ipm_end *end, void *stream);

#endif
