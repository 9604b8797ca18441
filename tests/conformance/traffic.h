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

/*
 * A receiver that may miss messages (LOSSY) misses none while it is no more than
 * capacity.messages behind.  ipm_keep_pace() is the sender's side of that: it waits until
 * message number @at may be sent and returns how many of @n may be; with any other
 * mechanism all of them, at once.  ipm_paced() is the receiver's: it has @taken in all.
 */
size_t ipm_keep_pace(struct ipm_end *end, uint64_t at, size_t n);
void ipm_paced(struct ipm_end *end, uint64_t taken);

/* LOSSY: messages that this endpoint has missed, by its own account. */
uint64_t ipm_missed(const struct ipm_end *end);

/* Where a receiver that may miss messages stands. */
struct ipm_lossy {
    uint64_t next;  /* lowest number that may still come */
    uint64_t taken; /* messages received */
};

/**
 * ipm_lossy_get() - receive and check that each message is one of those sent, whole, and
 *                   later than those before
 * @sent: no message has this number or a higher one; all have config.max_message bytes
 * @out:  as recv_n() returned
 *
 * Return: 0; the value of IPM_CHECK().
 */
int ipm_lossy_get(struct ipm_end *end, struct ipm_lossy *lossy, uint64_t sent,
                  int64_t deadline_ns, int *out);

/* Parts for LOSSY: side A sends a struct ipm_stream as fast as it can, never waiting, and
 * sets stage 1; each reader takes what it can get, and checks it and its own account. */
int ipm_lossy_send(struct ipm_end *end, void *stream);
int ipm_lossy_receive(struct ipm_end *end, void *stream);

#endif
