/* SPDX-License-Identifier: MIT */
#include "mechanisms/ring_io.h"

#include <stdio.h>

/* --- the hooks, over a layout ------------------------------------------------------------ */

#define OVER_LAYOUT static inline __attribute__((always_inline)) int

static inline void copy_in(struct ipm_ring_io *own, void *to, const void *from,
                           size_t length)
{
    if (length <= IPM_CACHE_LINE) {
        ipm_copy_small(to, from, length);
        return;
    }
    if (own->choice.open && length >= IPM_LEAST_CHOICE)
        ipm_copy_choice_step(&own->choice, length);
    if (own->choice.kernel == 0)
        memcpy(to, from, length);
    else
        ipm_copies[own->choice.kernel].copy(to, from, length);
}

static inline void copy_out(const struct ipm_ring_io *own, void *to, const void *from,
                            size_t length)
{
    if (length <= IPM_CACHE_LINE)
        ipm_copy_small(to, from, length);
    else
        own->copy_out(to, from, length);
}

OVER_LAYOUT over_reserve(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                         size_t length, struct ipm_span *out_spans, size_t n,
                         int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring *ring = &own->ring;
    unsigned char *payload = NULL;
    *out_n = 0;
    if (length > ring->max_message)
        return -EMSGSIZE;
    n = n < IPM_RING_SPAN ? n : IPM_RING_SPAN;
    int result = layout->place(ring, 0, length, &payload);
    while (result == 1) {
        result = ipm_ring_wait_room(ring, deadline_ns);
        if (result != 0)
            return result;
        result = layout->place(ring, 0, length, &payload);
    }
    if (result != 0)
        return result;
    out_spans[0] = (struct ipm_span){payload, length};
    size_t lent = 1;
    while (lent < n && layout->place(ring, lent, length, &payload) == 0)
        out_spans[lent++] = (struct ipm_span){payload, length};
    *out_n = lent;
    return 0;
}

OVER_LAYOUT over_publish(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                         size_t n)
{
    layout->publish(&own->ring, n);
    ipm_ring_notify(&own->ring);
    return 0;
}

OVER_LAYOUT over_send(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                      const struct ipm_span *messages, size_t n, int64_t deadline_ns,
                      size_t *out_n)
{
    struct ipm_ring *ring = &own->ring;
    size_t sent = 0;
    size_t placed = 0;
    int end = 0; /* what the call ends with */
    while (sent + placed < n && end == 0) {
        const struct ipm_span *message = &messages[sent + placed];
        unsigned char *payload = NULL;
        int result = message->length > ring->max_message
                         ? -EMSGSIZE
                         : layout->place(ring, placed, message->length, &payload);
        if (result == 0) {
            copy_in(own, payload, message->data, message->length);
            placed++;
        }
        if (placed > 0 && (placed == own->publish || result != 0)) {
            layout->publish(ring, placed);
            sent += placed;
            placed = 0;
        } else if (result == 1) {
            ipm_ring_notify(ring);
            end = ipm_ring_wait_room(ring, deadline_ns);
        }
        if (result < 0)
            end = result;
    }
    if (placed > 0)
        layout->publish(ring, placed);
    *out_n = sent + placed;
    ipm_ring_notify(ring);
    return end;
}

/* The first message; waits for it. */
OVER_LAYOUT over_first(struct ipm_ring *ring, const struct ipm_ring_layout *layout,
                       int64_t deadline_ns, unsigned char **out, size_t *out_length)
{
    _Atomic uint64_t *word = NULL;
    uint64_t seen = 0;
    int result = layout->look(ring, 0, out, out_length, &word, &seen);
    if (__builtin_expect(result == 1, 0)) {
        result = ipm_ring_wait(ring, word, seen, deadline_ns);
        if (result != 0)
            return result;
        result = layout->look(ring, 0, out, out_length, &word, &seen);
        if (result == 1) /* the word moved, but to no next message */
            return -EPROTO;
    }
    return result;
}

OVER_LAYOUT over_peek(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                      struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                      size_t *out_n)
{
    struct ipm_ring *ring = &own->ring;
    _Atomic uint64_t *word = NULL;
    unsigned char *payload = NULL;
    uint64_t seen = 0;
    size_t length = 0;
    *out_n = 0;
    n = n < IPM_RING_SPAN ? n : IPM_RING_SPAN;
    int result = over_first(ring, layout, deadline_ns, &payload, &length);
    if (result != 0)
        return result;
    out_spans[0] = (struct ipm_span){payload, length};
    size_t shown = 1;
    while (shown < n && layout->look(ring, shown, &payload, &length, &word, &seen) == 0)
        out_spans[shown++] = (struct ipm_span){payload, length};
    *out_n = shown;
    return 0;
}

OVER_LAYOUT over_consume(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                         size_t n)
{
    layout->release(&own->ring, n);
    ipm_ring_notify(&own->ring);
    return 0;
}

OVER_LAYOUT over_recv(struct ipm_ring_io *own, const struct ipm_ring_layout *layout,
                      struct ipm_span *messages, size_t n, int64_t deadline_ns,
                      size_t *out_n)
{
    struct ipm_ring *ring = &own->ring;
    _Atomic uint64_t *word = NULL;
    unsigned char *payload = NULL;
    uint64_t seen = 0;
    size_t length = 0;
    size_t taken = 0;
    *out_n = 0;
    n = n < IPM_RING_SPAN ? n : IPM_RING_SPAN;
    int result = over_first(ring, layout, deadline_ns, &payload, &length);
    while (result == 0) {
        if (length > messages[taken].length) {
            result = -EMSGSIZE;
            break;
        }
        copy_out(own, messages[taken].data, payload, length);
        messages[taken].length = length;
        if (++taken == n)
            break;
        result = layout->look(ring, taken, &payload, &length, &word, &seen);
    }
    /* What was taken is delivered first; the next call meets the obstacle again. */
    if (taken == 0)
        return result;
    *out_n = taken;
    return over_consume(own, layout, taken);
}

/* Calls a hook over the endpoint's layout. */
#define DISPATCH(hook, ...)                                                            \
    do {                                                                               \
        struct ipm_ring_io *own = endpoint->state;                                     \
        if (own->layout == IPM_LAYOUT_SLOTS)                                           \
            return hook(own, &ipm_ring_slots, __VA_ARGS__);                            \
        if (own->layout == IPM_LAYOUT_BYTES)                                           \
            return hook(own, &ipm_ring_bytes, __VA_ARGS__);                            \
        return hook(own, &ipm_ring_slab, __VA_ARGS__);                                 \
    } while (0)

/*
 * The hooks themselves: first the short way of one message in slots, which the long way,
 * out of line, would burden with the saving of its registers.
 */
#define LONG_WAY static __attribute__((noinline)) int

LONG_WAY reserve_long(struct ipm_endpoint *endpoint, size_t length,
                      struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                      size_t *out_n)
{
    DISPATCH(over_reserve, length, out_spans, n, deadline_ns, out_n);
}

LONG_WAY publish_long(struct ipm_endpoint *endpoint, size_t n)
{
    DISPATCH(over_publish, n);
}

LONG_WAY send_long(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                   size_t n, int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_send, messages, n, deadline_ns, out_n);
}

LONG_WAY peek_long(struct ipm_endpoint *endpoint, struct ipm_span *out_spans, size_t n,
                   int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_peek, out_spans, n, deadline_ns, out_n);
}

LONG_WAY consume_long(struct ipm_endpoint *endpoint, size_t n)
{
    DISPATCH(over_consume, n);
}

LONG_WAY recv_long(struct ipm_endpoint *endpoint, struct ipm_span *messages, size_t n,
                   int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_recv, messages, n, deadline_ns, out_n);
}

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

int ipm_ring_io_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                          struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                          size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (n != 1 || !io->quick || length > io->ring.max_message ||
        !ipm_slots_has_room(&io->ring))
        return reserve_long(endpoint, length, out_spans, n, deadline_ns, out_n);
    io->ring.lengths[0] = (uint32_t)length;
    out_spans[0] = (struct ipm_span){io->ring.payload, length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (n != 1 || !io->quick)
        return publish_long(endpoint, n);
    ipm_slots_publish_one(&io->ring, io->ring.lengths[0]);
    return 0;
}

/* One message that a call has to copy. */
static __attribute__((noinline)) int
send_larger(struct ipm_ring_io *io, const struct ipm_span *message, size_t *out_n)
{
    copy_in(io, io->ring.payload, message->data, message->length);
    ipm_slots_publish_one(&io->ring, message->length);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    size_t length = messages[0].length;
    if (n != 1 || !io->quick || length > io->ring.max_message ||
        !ipm_slots_has_room(&io->ring))
        return send_long(endpoint, messages, n, deadline_ns, out_n);
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
    uint64_t length = UINT64_MAX;
    if (n == 1 && io->quick)
        length = look_eagerly(io, deadline_ns);
    if (length > io->ring.max_message)
        return peek_long(endpoint, out_spans, n, deadline_ns, out_n);
    out_spans[0] = (struct ipm_span){io->ring.payload, (size_t)length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring_io *io = endpoint->state;
    if (n != 1 || !io->quick)
        return consume_long(endpoint, n);
    ipm_slots_release_one(&io->ring);
    return 0;
}

static __attribute__((noinline)) int recv_larger(struct ipm_ring_io *io,
                                                 struct ipm_span *message,
                                                 size_t length, size_t *out_n)
{
    copy_out(io, message->data, io->ring.payload, length);
    message->length = length;
    ipm_slots_release_one(&io->ring);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *io = endpoint->state;
    uint64_t length = UINT64_MAX;
    if (n == 1 && io->quick)
        length = look_eagerly(io, deadline_ns);
    if (length > io->ring.max_message || length > messages[0].length)
        return recv_long(endpoint, messages, n, deadline_ns, out_n);
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
