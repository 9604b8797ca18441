/* SPDX-License-Identifier: MIT */
/*
 * token_ring: announces messages whose payload lies elsewhere.
 *
 * A ring of bare slots (mechanisms/ring.h) in a region of its own: a token is the length of
 * one message, and its number says where the message lies - in slot `number % tokens` of
 * memory that the two sides agreed upon.  No address ever comes out of the shared memory.
 * The ring lends waiting, waking, the count of what was given back, and the mark that a side
 * is gone; a sender that got room() may write that slot.
 *
 * This is the only file that knows the ring's insides.
 */
#ifndef IPM_MECHANISMS_TOKEN_RING_H
#define IPM_MECHANISMS_TOKEN_RING_H

#include "mechanisms/ring.h"

/* Part of a channel's state, filled by create. */
struct ipm_token_ring_channel {
    int fd_plus_one; /* of the region; 0: none */
    int slots_log2;
    uint64_t tokens; /* messages in flight at most, >= 1 */
};

struct ipm_token_ring {
    struct ipm_ring ring;
    struct ipm_region region;
};

/**
 * ipm_token_ring_tokens() - how many messages to have in flight
 * @stride: bytes that one message takes, > 0
 * @most:   bytes that they may take together; two messages are allowed at any rate
 *
 * Return: config.depth, or 2 in lock-step; less when @most asks for it, at least 2.
 */
uint64_t ipm_token_ring_tokens(const struct ipm_channel_config *config, size_t stride,
                               size_t most);

int ipm_token_ring_create(struct ipm_channel *channel,
                          struct ipm_token_ring_channel *state, uint64_t tokens,
                          struct ipm_why *why);

/* @spin_ns: how long spin_then_block spins. */
int ipm_token_ring_attach(struct ipm_token_ring *ring,
                          const struct ipm_token_ring_channel *state,
                          const struct ipm_endpoint *endpoint, int64_t spin_ns,
                          struct ipm_why *why);

/* Tells the peer that this side is gone, and wakes it.  Idempotent, accepts zeroes. */
void ipm_token_ring_detach(struct ipm_token_ring *ring, enum ipm_side side);

static inline bool ipm_token_ring_peer_closed(const struct ipm_token_ring *ring)
{
    return atomic_load(ring->ring.peer_closed) != 0;
}

/* Slot of the message @ahead of the next one to be put or taken. */
static inline size_t ipm_token_ring_slot(const struct ipm_token_ring *ring,
                                         uint64_t ahead)
{
    return (size_t)((ring->ring.mine + ahead) % ring->ring.capacity);
}

/* Sender: messages that may be written now, at least one; waits for room. */
static inline int ipm_token_ring_room(struct ipm_token_ring *ring, int64_t deadline_ns,
                                      uint64_t *out_room)
{
    return ipm_ring_room(&ring->ring, deadline_ns, out_room);
}

/* Sender: announces the next message; notify() after the last of a span. */
static inline void ipm_token_ring_put(struct ipm_token_ring *ring, size_t length)
{
    uint64_t number = ring->ring.mine++;
    atomic_store_explicit(ipm_ring_slot(&ring->ring, number),
                          ipm_ring_lap(&ring->ring, number) | length,
                          memory_order_release);
}

static inline void ipm_token_ring_notify(struct ipm_token_ring *ring)
{
    ipm_ring_notify(&ring->ring);
}

/* Sender: announced and, as far as anybody can tell, not given back. */
uint64_t ipm_token_ring_outstanding(const struct ipm_token_ring *ring);

/* Receiver: length of the next message, at most config.max_message; waits for it. */
static inline int ipm_token_ring_next(struct ipm_token_ring *ring, int64_t deadline_ns,
                                      size_t *out_length)
{
    return ipm_ring_next(&ring->ring, deadline_ns, out_length);
}

/* Receiver: the same for the message @ahead of the next; 1: not there yet. */
static inline int ipm_token_ring_look(const struct ipm_token_ring *ring, uint64_t ahead,
                                      size_t *out_length)
{
    uint64_t word = 0;
    return ipm_ring_look(&ring->ring, ring->ring.mine + ahead, &word, out_length);
}

/* Receiver: gives the next @n messages back. */
void ipm_token_ring_done(struct ipm_token_ring *ring, size_t n);

#endif
