/* SPDX-License-Identifier: MIT */
/*
 * ring: a single-producer single-consumer ring in shared memory.
 *
 * Three layouts share the waiting, the way back and the geometry of this header:
 *
 *   slots  fixed slots; each has one word that holds the message's lap and length,
 *          so that a message which fits a line costs one line on its way (the idea of
 *          FastForward, with a lap number instead of an empty value: every payload is
 *          legal).  The words of longer messages lie side by side, and their payloads on
 *          lines that nobody looks at before the word says so
 *   bytes  records of their own length, one behind the other, each with its word in front;
 *          the word behind the last record is cleared before that record is announced.  The
 *          densest, for lengths that vary; but a receiver who waits for the next word
 *          disturbs the line that the sender is about to fill
 *   slab   slots of one line that name a buffer; buffers that came back last go out first,
 *          so that a receiver who keeps up sees the same few again and again, in the cache
 *
 * In all of them the receiver looks at the message's own word alone: there is no shared
 * tail, nothing to publish late and no flush that could be forgotten.  Messages that are
 * handed over together become visible together, by the word of the first, stored last.
 *
 * The way back is a counter, `head`: messages given back.  The sender keeps a private copy
 * of it and looks at the shared one only when its copy says full, once per lap when the
 * receiver keeps up.
 *
 * A side that sleeps says so in `sleeps` and then looks once more; the other publishes and
 * then looks at `sleeps`.  That is the one place where a store must be seen before a later
 * load (Dekker's pattern): a full fence on both sides, paid only when wait may sleep.
 *
 * What the peer writes - words, buffer numbers and head - is read once and checked before
 * use, unless `trust` says otherwise.
 *
 * Formatting the memory, mapping it and choosing the geometry are the caller's.
 */
#ifndef IPM_MECHANISMS_RING_H
#define IPM_MECHANISMS_RING_H

#include "base/region.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/sync.h"
#include "mechanisms/wait.h"

#include <errno.h>

enum {
    IPM_RING_SPAN = 64, /* most messages that become visible together */
    /* Looks of a spinner before it begins to pause: about a microsecond, several line round
     * trips even between sockets.  A pause would add its own length to the answer. */
    IPM_EAGER_LOOKS = 2048,
};

/* The shared memory; all zero at first. */
struct ipm_ring_shared {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t head; /* messages given back */
    struct {
        _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps; /* 1: wants a wake-up */
        _Atomic uint32_t closed;                         /* 1: has detached */
        _Atomic int64_t woken_ns; /* when the peer last woke this side */
    } sides[IPM_SIDES];
    _Alignas(IPM_LINE_PAIR) unsigned char data[];
};

/* How long spin_then_block spins, from what waiting has cost this side so far. */
struct ipm_ring_patience {
    int64_t fixed_ns; /* > 0: so long, whatever is measured */
    int64_t wake_ns;  /* a sleep's wake-up takes so long: running mean */
    int64_t wait_ns;  /* a wait lasts so long: running mean */
    uint32_t skipped; /* waits in a row that slept at once */
};

/* One side's view, private to its process.  What the short way of slots touches is in front,
 * within two lines. */
struct ipm_ring {
    unsigned char *next;    /* slots: where the word of message `mine` goes */
    unsigned char *payload; /* slots: where its payload goes */
    uint64_t tag;           /* slots: upper half of that word, its lap */
    uint64_t mine;          /* messages published, or given back, by this side */
    uint64_t head_seen;     /* sender: head when last looked at; <= mine */
    uint64_t capacity;      /* messages, in [1, 1 << slots_log2] */
    uint64_t until_wrap;    /* slots: messages before the next lap, >= 1 */
    struct ipm_ring_shared *shared;
    size_t word_stride; /* slots: bytes from word to word; slab: of a line */
    size_t stride;      /* slots, slab: bytes from payload to payload */
    size_t payload_at;  /* slots, slab: offset of the first payload */
    size_t max_message; /* bytes, < 2^32 */
    bool wakes;         /* the peer may be asleep: look after publishing */
    bool trust;         /* the peer's figures are not checked */
    bool lends;         /* slab, sender: the uppermost are placed, not yet published */
    enum ipm_wait wait;
    int slots_log2;
    uint32_t lengths[IPM_RING_SPAN]; /* sender: of the messages placed */

    struct ipm_sync sync;
    _Atomic uint32_t *own_sleeps, *peer_sleeps; /* of shared->sides */
    const _Atomic uint32_t *peer_closed;
    _Atomic int64_t *own_woken_ns, *peer_woken_ns;
    size_t size;       /* bytes: of the records */
    uint64_t at, base; /* bytes: this side's place, and that of offset 0 in its lap */
    uint64_t free_to;  /* bytes, sender: the receiver has left everything below */
    uint64_t
        *places; /* bytes, slab, sender, by slot: a record's end, a buffer's number */
    uint32_t *stack; /* slab, sender: numbers of free buffers */
    size_t n_stack;
    struct ipm_ring_patience patience;
    struct ipm_endpoint_stats stats;
    uint64_t ends[IPM_RING_SPAN]; /* bytes: where what was placed, or looked at, ends */
};

/* Binds @ring to one side of @shared; it sleeps on the futex.  The geometry, and another
 * sleep, are the caller's to set. */
void ipm_ring_attach(struct ipm_ring *ring, struct ipm_ring_shared *shared,
                     enum ipm_side side, const struct ipm_channel_config *config);

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

/* After something was published or given back: is the peer asleep over it? */
static inline void ipm_ring_notify(struct ipm_ring *ring)
{
    if (!ring->wakes)
        return;
    ipm_full_fence();
    if (atomic_load_explicit(ring->peer_sleeps, memory_order_relaxed) != 0)
        ipm_ring_wake(ring);
}

/* Sender: takes note of what came back.  The counter may only grow, and not past ours. */
static inline int ipm_ring_refresh(struct ipm_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);
    if (!ring->trust && head - ring->head_seen > ring->mine - ring->head_seen)
        return -EPROTO;
    ring->head_seen = head;
    return 0;
}

/**
 * ipm_ring_wait_room() - cold, sender: wait until something comes back
 *
 * A spinner waits a little longer for a quarter of the ring to be free: who writes into each
 * place as it comes free fights the receiver for every line.
 */
int ipm_ring_wait_room(struct ipm_ring *ring, int64_t deadline_ns);

static inline uint64_t ipm_ring_mask(const struct ipm_ring *ring)
{
    return (UINT64_C(1) << ring->slots_log2) - 1;
}

/* Lap of message @number, in the upper half of a slot's word; the first lap is 1, so that
 * a fresh slot is behind.  It may wrap: a slot is never more than one lap behind. */
static inline uint64_t ipm_ring_lap(const struct ipm_ring *ring, uint64_t number)
{
    return ((number >> ring->slots_log2) + 1) << 32;
}

/* Receiver: gives back @n messages. */
static inline void ipm_ring_release(struct ipm_ring *ring, size_t n)
{
    ring->mine += n;
    atomic_store_explicit(&ring->shared->head, ring->mine, memory_order_release);
}

#endif
