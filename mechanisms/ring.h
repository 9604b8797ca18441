/* SPDX-License-Identifier: MIT */
/*
 * ring: a single-producer single-consumer ring of fixed slots in shared memory.
 *
 * A slot begins with one word that holds the message's length and its lap: the receiver
 * looks at that word alone, so a message that fits a line costs one line on its way, and no
 * shared tail exists (the idea of FastForward, with a lap number instead of an empty value,
 * so that every payload is legal).  The way back is a counter, `head`: messages given back.
 * The sender keeps a private copy of it and looks at the shared one only when its copy says
 * full, once per lap at the most when the receiver keeps up.
 *
 * A side that sleeps says so in `sleeps` and then looks once more; the other publishes and
 * then looks at `sleeps`.  That is the one place where a store must be seen before a later
 * load (Dekker's pattern): a full fence on both sides, paid only when wait may sleep.
 *
 * What the peer writes - slot words and head - is read once and checked before use.
 *
 * Formatting the memory, mapping it and choosing the geometry are the caller's.
 */
#ifndef IPM_MECHANISMS_RING_H
#define IPM_MECHANISMS_RING_H

#include "base/region.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>

/* The shared memory; all zero at first. */
struct ipm_ring_shared {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t head; /* messages given back */
    struct {
        _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps; /* 1: wants a wake-up */
        _Atomic uint32_t closed;                         /* 1: has detached */
    } sides[IPM_SIDES];
    _Alignas(IPM_LINE_PAIR) unsigned char slots[]; /* stride << slots_log2 bytes */
};

/* One side's view, private to its process. */
struct ipm_ring {
    struct ipm_ring_shared *shared;
    _Atomic uint32_t *own_sleeps, *peer_sleeps; /* of shared->sides */
    const _Atomic uint32_t *peer_closed;
    uint64_t mine;      /* messages published, or given back, by this side */
    uint64_t head_seen; /* sender: head when last looked at; <= mine */
    uint64_t capacity;  /* messages, in [1, 1 << slots_log2] */
    size_t stride;      /* bytes from slot to slot */
    size_t header;      /* bytes of a slot before the payload, >= 8 */
    size_t max_message; /* bytes, < 2^32 */
    size_t reserved;    /* sender: length of the messages last lent */
    int slots_log2;
    enum ipm_wait wait;
    bool wakes;      /* the peer may be asleep: look after publishing */
    int64_t spin_ns; /* spin_then_block: how long to spin */
    struct ipm_endpoint_stats stats;
};

/**
 * ipm_ring_wait() - cold: wait until *@word is no longer @unwanted
 *
 * Return: 0; IPM_AGAIN; IPM_CLOSED the peer has detached and the word has not moved since;
 *         -errno.
 */
int ipm_ring_wait(struct ipm_ring *ring, const _Atomic uint64_t *word,
                  uint64_t unwanted, int64_t deadline_ns);

/* Cold: wakes the peer when it sleeps. */
void ipm_ring_wake(struct ipm_ring *ring);

/* Says that this side is gone, and wakes the peer over it. */
void ipm_ring_close(struct ipm_ring *ring, enum ipm_side side);

static inline _Atomic uint64_t *ipm_ring_slot(const struct ipm_ring *ring,
                                              uint64_t number)
{
    uint64_t slot = number & ((UINT64_C(1) << ring->slots_log2) - 1);
    return (_Atomic uint64_t *)(void *)(ring->shared->slots + slot * ring->stride);
}

static inline unsigned char *ipm_ring_payload(const struct ipm_ring *ring,
                                              _Atomic uint64_t *slot)
{
    return (unsigned char *)slot + ring->header;
}

/* Lap of message @number, in the upper half of a slot word; the first lap is 1, so that a
 * fresh slot is behind.  It may wrap: a slot is never more than one lap behind. */
static inline uint64_t ipm_ring_lap(const struct ipm_ring *ring, uint64_t number)
{
    return ((number >> ring->slots_log2) + 1) << 32;
}

/* Messages that may be written now, at least one; waits for room. */
static inline int ipm_ring_room(struct ipm_ring *ring, int64_t deadline_ns,
                                uint64_t *out_room)
{
    const _Atomic uint64_t *head = &ring->shared->head;
    if (ring->mine - ring->head_seen >= ring->capacity) {
        uint64_t full = ring->mine - ring->capacity;
        ring->head_seen = atomic_load_explicit(head, memory_order_acquire);
        if (ring->head_seen == full) {
            int result = ipm_ring_wait(ring, head, full, deadline_ns);
            if (result != 0)
                return result;
            ring->head_seen = atomic_load_explicit(head, memory_order_acquire);
        }
        if (ring->mine - ring->head_seen >= ring->capacity)
            return -EPROTO; /* the peer's counter went backwards or past ours */
    }
    *out_room = ring->capacity - (ring->mine - ring->head_seen);
    return 0;
}

/* After something was published or given back: is the peer asleep over it? */
static inline void ipm_ring_notify(struct ipm_ring *ring)
{
    if (!ring->wakes)
        return;
    ipm_full_fence();
    if (atomic_load_explicit(ring->peer_sleeps, memory_order_relaxed) != 0)
        ipm_ring_wake(ring);
}

/* Length of message @number if it is there: 0; 1 not yet; -EPROTO no sane length. */
static inline int ipm_ring_look(const struct ipm_ring *ring, uint64_t number,
                                uint64_t *out_word, size_t *out_length)
{
    uint64_t word =
        atomic_load_explicit(ipm_ring_slot(ring, number), memory_order_acquire);
    uint64_t length = word & UINT32_MAX;
    *out_word = word;
    if (word - length != ipm_ring_lap(ring, number))
        return 1;
    if (length > ring->max_message)
        return -EPROTO;
    *out_length = (size_t)length;
    return 0;
}

/* The same for the next message; waits for it. */
static inline int ipm_ring_next(struct ipm_ring *ring, int64_t deadline_ns,
                                size_t *out_length)
{
    uint64_t word = 0;
    int result = ipm_ring_look(ring, ring->mine, &word, out_length);
    if (result == 1) {
        result =
            ipm_ring_wait(ring, ipm_ring_slot(ring, ring->mine), word, deadline_ns);
        if (result == 0)
            result = ipm_ring_look(ring, ring->mine, &word, out_length);
        else
            return result;
    }
    return result == 1 ? -EPROTO : result; /* the slot changed, but to no next lap */
}

#endif
