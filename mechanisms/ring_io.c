/* SPDX-License-Identifier: MIT */
#include "mechanisms/ring_any.h"

#include <stdio.h>

void ipm_ring_io_ready(struct ipm_ring_io *io)
{
    struct ipm_ring *ring = &io->ring;
    if (io->layout == IPM_LAYOUT_SLOTS)
        ipm_slots_advance(ring, 0);
    io->quick = io->layout == IPM_LAYOUT_SLOTS && !ring->wakes;
    io->eager = ring->wait == IPM_WAIT_SPIN;
    io->quick_length =
        ring->max_message < IPM_CACHE_LINE ? ring->max_message : IPM_CACHE_LINE;
}

/* Length of the next message, or one that no message has.  A spinner looks again and again
 * here, without a pause: what comes is then two branches away. */
static inline uint64_t look_eagerly(const struct ipm_ring_io *io, int64_t deadline_ns)
{
    const struct ipm_ring *ring = &io->ring;
    uint64_t length = ipm_slots_look_one(ring);
    if (!io->eager || deadline_ns == 0)
        return length;
    for (int i = 0; i < IPM_EAGER_LOOKS && length > ring->max_message; i++)
        length = ipm_slots_look_one(ring);
    return length;
}

/*
 * Several messages in slots that lie side by side, up to the end of the lap: no slot has to
 * be worked out.  Each gives the number of messages done; 0 sends the caller the long way.
 */
#define SPAN_WAY static __attribute__((noinline)) size_t

static inline size_t span_of(const struct ipm_ring *ring, size_t n)
{
    return n < ring->until_wrap ? n : (size_t)ring->until_wrap;
}

static inline size_t span_with_room(const struct ipm_ring *ring, size_t n)
{
    uint64_t room = ring->capacity - (ring->mine - ring->head_seen);
    n = span_of(ring, n);
    return n < room ? n : (size_t)room;
}

static inline _Atomic uint64_t *span_word(const struct ipm_ring *ring, size_t i)
{
    return (_Atomic uint64_t *)(void *)(ring->next + i * ring->word_stride);
}

/* All that were asked for must lie before the lap's end: whoever reserves or peeks again is
 * to find the same messages. */
SPAN_WAY reserve_span(struct ipm_ring *ring, size_t length, struct ipm_span *out_spans,
                      size_t n)
{
    if (n > ring->until_wrap || n > IPM_RING_SPAN)
        return 0;
    n = span_with_room(ring, n);
    for (size_t i = 0; i < n; i++) {
        ring->lengths[i] = (uint32_t)length;
        out_spans[i] = (struct ipm_span){ring->payload + i * ring->stride, length};
    }
    return n;
}

SPAN_WAY publish_span(struct ipm_ring *ring, size_t n)
{
    if (n > ring->until_wrap)
        return 0;
    for (size_t i = n; i-- > 0;)
        atomic_store_explicit(span_word(ring, i), ring->tag | ring->lengths[i],
                              memory_order_release);
    ipm_slots_advance(ring, n);
    return n;
}

SPAN_WAY peek_span(const struct ipm_ring *ring, struct ipm_span *out_spans, size_t n)
{
    if (n > ring->until_wrap || n > IPM_RING_SPAN)
        return 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t length =
            atomic_load_explicit(span_word(ring, i), memory_order_acquire) - ring->tag;
        if (length > ring->max_message)
            return i;
        out_spans[i] =
            (struct ipm_span){ring->payload + i * ring->stride, (size_t)length};
    }
    return n;
}

/* One by one: what is written early is read early. */
SPAN_WAY send_span(struct ipm_ring_io *io, const struct ipm_span *messages, size_t n)
{
    struct ipm_ring *ring = &io->ring;
    n = span_with_room(ring, n);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > io->quick_length)
            return i;
        ipm_copy_small(ring->payload, messages[i].data, messages[i].length);
        ipm_slots_publish_one(ring, messages[i].length);
    }
    return n;
}

SPAN_WAY recv_span(struct ipm_ring_io *io, struct ipm_span *messages, size_t n)
{
    struct ipm_ring *ring = &io->ring;
    size_t taken = 0;
    for (n = span_of(ring, n); taken < n; taken++) {
        uint64_t length =
            atomic_load_explicit(span_word(ring, taken), memory_order_acquire) -
            ring->tag;
        if (length > io->quick_length || length > messages[taken].length)
            break;
        ipm_copy_small(messages[taken].data, ring->payload + taken * ring->stride,
                       (size_t)length);
        messages[taken].length = (size_t)length;
    }
    if (taken > 0)
        ipm_slots_release(ring, taken);
    return taken;
}

int ipm_ring_io_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                          struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                          size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (!io->quick || length > io->ring.max_message || !ipm_slots_has_room(&io->ring))
        return ipm_ring_any_reserve(endpoint, length, out_spans, n, deadline_ns, out_n);
    if (n != 1) {
        *out_n = reserve_span(&io->ring, length, out_spans, n);
        return *out_n > 0 ? 0
                          : ipm_ring_any_reserve(endpoint, length, out_spans, n,
                                                 deadline_ns, out_n);
    }
    io->ring.lengths[0] = (uint32_t)length;
    out_spans[0] = (struct ipm_span){io->ring.payload, length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (!io->quick || n == 0 || (n != 1 && publish_span(&io->ring, n) == 0))
        return ipm_ring_any_publish(endpoint, n);
    if (n == 1)
        ipm_slots_publish_one(&io->ring, io->ring.lengths[0]);
    return 0;
}

/* One message that a call has to copy. */
static __attribute__((noinline)) int
send_larger(struct ipm_ring_io *io, const struct ipm_span *message, size_t *out_n)
{
    ipm_ring_copy_in(io, io->ring.payload, message->data, message->length);
    ipm_slots_publish_one(&io->ring, message->length);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    size_t length = messages[0].length;
    if (!io->quick || length > io->ring.max_message || !ipm_slots_has_room(&io->ring))
        return ipm_ring_any_send(endpoint, messages, n, deadline_ns, out_n);
    if (n != 1) {
        size_t sent = io->publish == 1 ? send_span(io, messages, n) : 0;
        *out_n = sent;
        if (sent == n)
            return 0;
        int result =
            ipm_ring_any_send(endpoint, messages + sent, n - sent, deadline_ns, out_n);
        *out_n += sent;
        return result;
    }
    if (length > io->quick_length)
        return send_larger(io, messages, out_n);
    ipm_copy_small(io->ring.payload, messages[0].data, length);
    ipm_slots_publish_one(&io->ring, length);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    uint64_t length = io->quick ? look_eagerly(io, deadline_ns) : UINT64_MAX;
    if (length > io->ring.max_message)
        return ipm_ring_any_peek(endpoint, out_spans, n, deadline_ns, out_n);
    if (n != 1) {
        *out_n = peek_span(&io->ring, out_spans, n);
        return *out_n > 0
                   ? 0
                   : ipm_ring_any_peek(endpoint, out_spans, n, deadline_ns, out_n);
    }
    out_spans[0] = (struct ipm_span){io->ring.payload, (size_t)length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (!io->quick)
        return ipm_ring_any_consume(endpoint, n);
    if (n == 1)
        ipm_slots_release_one(&io->ring);
    else
        ipm_slots_release(&io->ring, n);
    return 0;
}

static __attribute__((noinline)) int recv_larger(struct ipm_ring_io *io,
                                                 struct ipm_span *message,
                                                 size_t length, size_t *out_n)
{
    ipm_ring_copy_out(io, message->data, io->ring.payload, length);
    message->length = length;
    ipm_slots_release_one(&io->ring);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    uint64_t length = io->quick ? look_eagerly(io, deadline_ns) : UINT64_MAX;
    if (length > io->ring.max_message || length > messages[0].length)
        return ipm_ring_any_recv(endpoint, messages, n, deadline_ns, out_n);
    if (n != 1) {
        *out_n = recv_span(io, messages, n);
        return *out_n > 0
                   ? 0
                   : ipm_ring_any_recv(endpoint, messages, n, deadline_ns, out_n);
    }
    if (length > io->quick_length)
        return recv_larger(io, messages, (size_t)length, out_n);
    ipm_copy_small(messages[0].data, io->ring.payload, (size_t)length);
    messages[0].length = (size_t)length;
    ipm_slots_release_one(&io->ring);
    *out_n = 1;
    return 0;
}

void ipm_ring_io_stats(const struct ipm_endpoint *endpoint,
                       struct ipm_endpoint_stats *out_stats)
{
    const struct ipm_ring_io *own = endpoint->state;
    *out_stats = own->ring.stats;
    if (endpoint->sends && own->chooses && !own->choice.open)
        (void)snprintf(out_stats->dispatch, sizeof(out_stats->dispatch), "%s",
                       ipm_copies[own->choice.kernel].name);
}
