/* SPDX-License-Identifier: MIT */
/*
 * ring_layout: the three layouts of a ring (mechanisms/ring.h), one constant table each.
 *
 * The hooks of a mechanism are written once over such a table; called through a constant
 * one they inline to the layout's own code.
 */
#ifndef IPM_MECHANISMS_RING_LAYOUT_H
#define IPM_MECHANISMS_RING_LAYOUT_H

#include "mechanisms/ring.h"

struct ipm_ring_layout {
    /*
     * Sender: where message @i of the span under way goes; @i counts from 0 and each call
     * follows that for @i - 1.  0; 1 no room, for @i = 0 after a fresh look; -EPROTO.
     */
    int (*place)(struct ipm_ring *ring, size_t i, size_t length, unsigned char **out);
    /* Sender: hands over the first @n placed. */
    void (*publish)(struct ipm_ring *ring, size_t n);
    /*
     * Receiver: message @i behind those given back, in the same order.  0; 1 it is not
     * there yet, and *@out_word, *@out_seen are what to wait on; -EPROTO nonsense.
     */
    int (*look)(struct ipm_ring *ring, size_t i, unsigned char **out,
                size_t *out_length, _Atomic uint64_t **out_word, uint64_t *out_seen);
    /* Receiver: gives back the first @n looked at. */
    void (*release)(struct ipm_ring *ring, size_t n);
};

/* --- slots ------------------------------------------------------------------------------ */

static inline _Atomic uint64_t *ipm_slots_word(const struct ipm_ring *ring,
                                               uint64_t number)
{
    uint64_t slot = number & ipm_ring_mask(ring);
    return (_Atomic uint64_t *)(void *)(ring->shared->data + slot * ring->word_stride);
}

static inline unsigned char *ipm_slots_payload(const struct ipm_ring *ring,
                                               uint64_t number)
{
    uint64_t slot = number & ipm_ring_mask(ring);
    return ring->shared->data + ring->payload_at + slot * ring->stride;
}

/* Where this side goes on, worked out ahead: off the way of the next message. */
static inline void ipm_slots_advance(struct ipm_ring *ring, size_t n)
{
    ring->mine += n;
    ring->next = (unsigned char *)ipm_slots_word(ring, ring->mine);
    ring->payload = ipm_slots_payload(ring, ring->mine);
    ring->tag = ipm_ring_lap(ring, ring->mine);
    ring->until_wrap = ipm_ring_mask(ring) + 1 - (ring->mine & ipm_ring_mask(ring));
}

/* The same for one message. */
static inline void ipm_slots_step(struct ipm_ring *ring)
{
    if (__builtin_expect(ring->until_wrap == 1, 0)) {
        ipm_slots_advance(ring, 1);
        return;
    }
    ring->until_wrap--;
    ring->mine++;
    ring->next += ring->word_stride;
    ring->payload += ring->stride;
}

static inline int ipm_slots_place(struct ipm_ring *ring, size_t i, size_t length,
                                  unsigned char **out)
{
    uint64_t number = ring->mine + i;
    if (number - ring->head_seen >= ring->capacity) {
        int error = i > 0 ? 1 : ipm_ring_refresh(ring);
        if (error != 0)
            return error;
        if (number - ring->head_seen >= ring->capacity)
            return 1;
    }
    ring->lengths[i] = (uint32_t)length;
    *out = ipm_slots_payload(ring, number);
    return 0;
}

static inline void ipm_slots_publish(struct ipm_ring *ring, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        uint64_t number = ring->mine + i;
        uint64_t word = ipm_ring_lap(ring, number) | ring->lengths[i];
        atomic_store_explicit(ipm_slots_word(ring, number), word, memory_order_release);
    }
    ipm_slots_advance(ring, n);
}

static inline int ipm_slots_look(struct ipm_ring *ring, size_t i, unsigned char **out,
                                 size_t *out_length, _Atomic uint64_t **out_word,
                                 uint64_t *out_seen)
{
    uint64_t number = ring->mine + i;
    _Atomic uint64_t *slot = ipm_slots_word(ring, number);
    uint64_t word = atomic_load_explicit(slot, memory_order_acquire);
    uint64_t length = word & UINT32_MAX;
    if (word - length != ipm_ring_lap(ring, number)) {
        *out_word = slot;
        *out_seen = word;
        return 1;
    }
    if (!ring->trust && length > ring->max_message)
        return -EPROTO;
    *out = ipm_slots_payload(ring, number);
    *out_length = (size_t)length;
    return 0;
}

static inline void ipm_slots_release(struct ipm_ring *ring, size_t n)
{
    ipm_ring_release(ring, n);
    ipm_slots_advance(ring, 0);
}

/*
 * The short way of one message, which is nearly always all there is: the same as place(),
 * publish(), look() and release() of one, from what step() left ready.
 */
static inline bool ipm_slots_has_room(const struct ipm_ring *ring)
{
    return ring->mine - ring->head_seen < ring->capacity;
}

static inline void ipm_slots_publish_one(struct ipm_ring *ring, uint64_t length)
{
    atomic_store_explicit((_Atomic uint64_t *)(void *)ring->next, ring->tag | length,
                          memory_order_release);
    ipm_slots_step(ring);
}

/* Length of the next message; "not yet" comes out larger than any length. */
static inline uint64_t ipm_slots_look_one(const struct ipm_ring *ring)
{
    return atomic_load_explicit((_Atomic uint64_t *)(void *)ring->next,
                                memory_order_acquire) -
           ring->tag;
}

static inline void ipm_slots_release_one(struct ipm_ring *ring)
{
    atomic_store_explicit(&ring->shared->head, ring->mine + 1, memory_order_release);
    ipm_slots_step(ring);
}

static const struct ipm_ring_layout ipm_ring_slots = {
    ipm_slots_place, ipm_slots_publish, ipm_slots_look, ipm_slots_release};

/* --- bytes ------------------------------------------------------------------------------ */

enum {
    IPM_BYTES_ALIGN = 8,
    IPM_BYTES_HEADER = 8,
    IPM_BYTES_LARGE =
        512, /* bytes; payloads from here on begin on a line of their own */
};

static const uint64_t ipm_bytes_padding = UINT32_MAX; /* a length: go on at offset 0 */

/* Where a record lies. */
struct ipm_bytes_record {
    uint64_t start; /* of its word: @at, or the begin of the next lap */
    uint64_t lead;  /* bytes from its word to its payload */
    uint64_t end;
};

static inline uint64_t ipm_bytes_offset(const struct ipm_ring *ring, uint64_t at)
{
    uint64_t offset = at - ring->base; /* less than two laps */
    return offset >= ring->size ? offset - ring->size : offset;
}

static inline _Atomic uint64_t *ipm_bytes_word(const struct ipm_ring *ring, uint64_t at)
{
    return (_Atomic uint64_t *)(void *)(ring->shared->data +
                                        ipm_bytes_offset(ring, at));
}

static inline uint64_t ipm_bytes_lead(uint64_t offset, uint64_t length)
{
    uint64_t behind = offset + IPM_BYTES_HEADER;
    return IPM_BYTES_HEADER + (length < IPM_BYTES_LARGE ? 0 : -behind % IPM_CACHE_LINE);
}

static inline uint64_t ipm_bytes_whole(uint64_t bytes)
{
    return (bytes + IPM_BYTES_ALIGN - 1) / IPM_BYTES_ALIGN * IPM_BYTES_ALIGN;
}

/* The record of @length bytes that follows @at. */
static inline struct ipm_bytes_record ipm_bytes_record(const struct ipm_ring *ring,
                                                       uint64_t at, uint64_t length)
{
    uint64_t offset = ipm_bytes_offset(ring, at);
    uint64_t lead = ipm_bytes_lead(offset, length);
    uint64_t record = ipm_bytes_whole(lead + length);
    if (offset + record > ring->size) {
        at += ring->size - offset;
        lead = ipm_bytes_lead(0, length);
        record = ipm_bytes_whole(lead + length);
    }
    return (struct ipm_bytes_record){at, lead, at + record};
}

/* Bytes that any record of @length takes at the most. */
static inline uint64_t ipm_bytes_most(uint64_t length)
{
    return ipm_bytes_whole(IPM_BYTES_HEADER + IPM_CACHE_LINE + length);
}

/* Upper half of a record's word: never 0, which says "not yet". */
static inline uint64_t ipm_bytes_tag(uint64_t number)
{
    return ((number & INT32_MAX) | UINT64_C(0x80000000)) << 32;
}

static inline int ipm_bytes_place(struct ipm_ring *ring, size_t i, size_t length,
                                  unsigned char **out)
{
    uint64_t number = ring->mine + i;
    uint64_t at = i == 0 ? ring->at : ring->ends[i - 1];
    struct ipm_bytes_record record = ipm_bytes_record(ring, at, length);
    for (int looked = 0;; looked++) {
        /* The word behind it will be cleared, so there must be room for that as well. */
        if (number - ring->head_seen < ring->capacity &&
            record.end + IPM_BYTES_HEADER - ring->free_to <= ring->size)
            break;
        int error = i > 0 || looked > 0 ? 1 : ipm_ring_refresh(ring);
        if (error != 0)
            return error;
        if (ring->head_seen > 0)
            ring->free_to = ring->places[(ring->head_seen - 1) & ipm_ring_mask(ring)];
    }
    ring->lengths[i] = (uint32_t)length;
    ring->ends[i] = record.end;
    *out = (unsigned char *)ipm_bytes_word(ring, record.start) + record.lead;
    return 0;
}

/* Where both sides go on: behind the @n > 0 records of the span. */
static inline void ipm_bytes_advance(struct ipm_ring *ring, size_t n)
{
    ring->at = ring->ends[n - 1];
    if (ring->at - ring->base >= ring->size)
        ring->base += ring->size;
}

static inline void ipm_bytes_publish(struct ipm_ring *ring, size_t n)
{
    if (n == 0)
        return;
    /* Before anything is announced, what follows must say "not yet". */
    atomic_store_explicit(ipm_bytes_word(ring, ring->ends[n - 1]), 0,
                          memory_order_relaxed);
    for (size_t i = n; i-- > 0;) {
        uint64_t number = ring->mine + i;
        uint64_t at = i == 0 ? ring->at : ring->ends[i - 1];
        uint64_t start = ipm_bytes_record(ring, at, ring->lengths[i]).start;
        ring->places[number & ipm_ring_mask(ring)] = ring->ends[i];
        atomic_store_explicit(ipm_bytes_word(ring, start),
                              ipm_bytes_tag(number) | ring->lengths[i],
                              memory_order_release);
        if (start != at)
            atomic_store_explicit(ipm_bytes_word(ring, at),
                                  ipm_bytes_tag(number) | ipm_bytes_padding,
                                  memory_order_release);
    }
    ring->mine += n;
    ipm_bytes_advance(ring, n);
}

static inline int ipm_bytes_look(struct ipm_ring *ring, size_t i, unsigned char **out,
                                 size_t *out_length, _Atomic uint64_t **out_word,
                                 uint64_t *out_seen)
{
    uint64_t tag = ipm_bytes_tag(ring->mine + i);
    uint64_t at = i == 0 ? ring->at : ring->ends[i - 1];
    _Atomic uint64_t *place = ipm_bytes_word(ring, at);
    uint64_t word = atomic_load_explicit(place, memory_order_acquire);
    if (word == (tag | ipm_bytes_padding)) {
        at += ring->size - ipm_bytes_offset(ring, at);
        place = ipm_bytes_word(ring, at);
        word = atomic_load_explicit(place, memory_order_acquire);
    }
    if (word == 0) {
        *out_word = place;
        *out_seen = word;
        return 1;
    }
    uint64_t length = word & UINT32_MAX;
    struct ipm_bytes_record record = ipm_bytes_record(ring, at, length);
    if (!ring->trust &&
        (word - length != tag || length > ring->max_message || record.start != at))
        return -EPROTO;
    ring->ends[i] = record.end;
    *out = (unsigned char *)place + record.lead;
    *out_length = (size_t)length;
    return 0;
}

static inline void ipm_bytes_release(struct ipm_ring *ring, size_t n)
{
    if (n == 0)
        return;
    ipm_bytes_advance(ring, n);
    ipm_ring_release(ring, n);
}

static const struct ipm_ring_layout ipm_ring_bytes = {
    ipm_bytes_place, ipm_bytes_publish, ipm_bytes_look, ipm_bytes_release};

/* --- slab ------------------------------------------------------------------------------- */

/* One line that names a buffer. */
struct ipm_slab_line {
    _Alignas(IPM_CACHE_LINE) _Atomic uint64_t word; /* lap and length, as in slots */
    _Atomic uint32_t buffer;                        /* number, < slots */
};

static inline struct ipm_slab_line *ipm_slab_line(const struct ipm_ring *ring,
                                                  uint64_t number)
{
    struct ipm_slab_line *lines = (void *)ring->shared->data;
    return &lines[number & ipm_ring_mask(ring)];
}

static inline unsigned char *ipm_slab_buffer(const struct ipm_ring *ring,
                                             uint32_t number)
{
    return ring->shared->data + ring->payload_at + number * ring->stride;
}

static inline int ipm_slab_place(struct ipm_ring *ring, size_t i, size_t length,
                                 unsigned char **out)
{
    /* Not while buffers are lent: what comes back goes on top of them. */
    if (i == 0 && !ring->lends) {
        uint64_t seen = ring->head_seen;
        int error = ipm_ring_refresh(ring);
        if (error != 0)
            return error;
        for (; seen != ring->head_seen; seen++)
            ring->stack[ring->n_stack++] =
                (uint32_t)ring->places[seen & ipm_ring_mask(ring)];
    }
    if (i >= ring->n_stack)
        return 1;
    ring->lends = true;
    ring->lengths[i] = (uint32_t)length;
    *out = ipm_slab_buffer(ring, ring->stack[ring->n_stack - 1 - i]);
    return 0;
}

static inline void ipm_slab_publish(struct ipm_ring *ring, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        uint64_t number = ring->mine + i;
        struct ipm_slab_line *line = ipm_slab_line(ring, number);
        uint32_t buffer = ring->stack[ring->n_stack - 1 - i];
        ring->places[number & ipm_ring_mask(ring)] = buffer;
        atomic_store_explicit(&line->buffer, buffer, memory_order_relaxed);
        atomic_store_explicit(&line->word,
                              ipm_ring_lap(ring, number) | ring->lengths[i],
                              memory_order_release);
    }
    ring->n_stack -= n;
    ring->lends = false;
    ring->mine += n;
}

static inline int ipm_slab_look(struct ipm_ring *ring, size_t i, unsigned char **out,
                                size_t *out_length, _Atomic uint64_t **out_word,
                                uint64_t *out_seen)
{
    uint64_t number = ring->mine + i;
    struct ipm_slab_line *line = ipm_slab_line(ring, number);
    uint64_t word = atomic_load_explicit(&line->word, memory_order_acquire);
    uint64_t length = word & UINT32_MAX;
    if (word - length != ipm_ring_lap(ring, number)) {
        *out_word = &line->word;
        *out_seen = word;
        return 1;
    }
    uint32_t buffer = atomic_load_explicit(&line->buffer, memory_order_relaxed);
    if (!ring->trust && (length > ring->max_message || buffer >= ring->capacity))
        return -EPROTO;
    *out = ipm_slab_buffer(ring, buffer);
    *out_length = (size_t)length;
    return 0;
}

static const struct ipm_ring_layout ipm_ring_slab = {ipm_slab_place, ipm_slab_publish,
                                                     ipm_slab_look, ipm_ring_release};

#endif
