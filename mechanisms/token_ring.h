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

#include "mechanisms/ring_layout.h"

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
static inline int ipm_token_ring_room(struct ipm_token_ring *tokens,
                                      int64_t deadline_ns, uint64_t *out_room)
{
    struct ipm_ring *ring = &tokens->ring;
    while (ring->mine - ring->head_seen >= ring->capacity) {
        int result = ipm_ring_refresh(ring);
        if (result == 0 && ring->mine - ring->head_seen >= ring->capacity)
            result = ipm_ring_wait_room(ring, deadline_ns);
        if (result != 0)
            return result;
    }
    *out_room = ring->capacity - (ring->mine - ring->head_seen);
    return 0;
}

/* Sender: announces the next message; notify() after the last of a span. */
static inline void ipm_token_ring_put(struct ipm_token_ring *tokens, size_t length)
{
    tokens->ring.lengths[0] = (uint32_t)length;
    ipm_slots_publish(&tokens->ring, 1);
}

static inline void ipm_token_ring_notify(struct ipm_token_ring *ring)
{
    ipm_ring_notify(&ring->ring);
}

/* Sender: announced and, as far as anybody can tell, not given back. */
uint64_t ipm_token_ring_outstanding(const struct ipm_token_ring *ring);

/* Receiver: length of the message @ahead of the next, at most config.max_message; 1: it is
 * not there yet. */
static inline int ipm_token_ring_look(struct ipm_token_ring *tokens, uint64_t ahead,
                                      size_t *out_length)
{
    unsigned char *payload;
    _Atomic uint64_t *word;
    uint64_t seen;
    return ipm_slots_look(&tokens->ring, ahead, &payload, out_length, &word, &seen);
}

/* Receiver: the same for the next message; waits for it. */
static inline int ipm_token_ring_next(struct ipm_token_ring *tokens,
                                      int64_t deadline_ns, size_t *out_length)
{
    unsigned char *payload;
    _Atomic uint64_t *word = NULL;
    uint64_t seen = 0;
    int result = ipm_slots_look(&tokens->ring, 0, &payload, out_length, &word, &seen);
    if (result != 1)
        return result;
    result = ipm_ring_wait(&tokens->ring, word, seen, deadline_ns);
    if (result != 0)
        return result;
    result = ipm_slots_look(&tokens->ring, 0, &payload, out_length, &word, &seen);
    return result == 1 ? -EPROTO : result; /* the word moved, but to no next message */
}

/* Receiver: gives the next @n messages back. */
void ipm_token_ring_done(struct ipm_token_ring *ring, size_t n);

#endif
