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

static inline bool place_one(struct ipm_ring_io *own, size_t n, size_t length,
                             unsigned char **out)
{
    if (n != 1)
        return false;
    if (own->layout == IPM_LAYOUT_SLOTS)
        return ipm_slots_place_one(&own->ring, length, out);
    return own->layout == IPM_LAYOUT_BYTES &&
           ipm_bytes_place_one(&own->ring, length, out);
}

static inline bool publish_one(struct ipm_ring_io *own, size_t n)
{
    if (n != 1 || own->ring.wakes)
        return false;
    if (own->layout == IPM_LAYOUT_SLOTS)
        ipm_slots_publish_one(&own->ring);
    else if (own->layout == IPM_LAYOUT_BYTES && own->ring.straight)
        ipm_bytes_publish_one(&own->ring);
    else
        return false;
    return true;
}

static inline bool look_one(struct ipm_ring_io *own, size_t n, unsigned char **out,
                            size_t *out_length)
{
    if (n != 1)
        return false;
    if (own->layout == IPM_LAYOUT_SLOTS)
        return ipm_slots_look_one(&own->ring, out, out_length);
    return own->layout == IPM_LAYOUT_BYTES &&
           ipm_bytes_look_one(&own->ring, out, out_length);
}

/* A spinner looks again here, without a pause: what comes is then two branches away. */
static inline bool look_eagerly(struct ipm_ring_io *own, size_t n, int64_t deadline_ns,
                                unsigned char **out, size_t *out_length)
{
    bool eager = own->ring.wait == IPM_WAIT_SPIN && deadline_ns != 0 && n == 1 &&
                 own->layout != IPM_LAYOUT_SLAB;
    for (int looks = eager ? IPM_EAGER_LOOKS : 1; looks > 0; looks--) {
        if (look_one(own, n, out, out_length))
            return true;
    }
    return false;
}

static inline bool release_one(struct ipm_ring_io *own, size_t n)
{
    if (n != 1 || own->ring.wakes || own->layout == IPM_LAYOUT_SLAB)
        return false;
    if (own->layout == IPM_LAYOUT_SLOTS)
        ipm_slots_release_one(&own->ring);
    else
        ipm_bytes_release_one(&own->ring);
    return true;
}

int ipm_ring_io_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                          struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                          size_t *out_n)
{
    unsigned char *payload;
    if (!place_one(endpoint->state, n, length, &payload))
        return reserve_long(endpoint, length, out_spans, n, deadline_ns, out_n);
    out_spans[0] = (struct ipm_span){payload, length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    return publish_one(endpoint->state, n) ? 0 : publish_long(endpoint, n);
}

int ipm_ring_io_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *own = endpoint->state;
    unsigned char *payload;
    if (own->ring.wakes || !place_one(own, n, messages[0].length, &payload))
        return send_long(endpoint, messages, n, deadline_ns, out_n);
    copy_in(own, payload, messages[0].data, messages[0].length);
    (void)publish_one(own, n);
    *out_n = 1;
    return 0;
}

int ipm_ring_io_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    unsigned char *payload;
    size_t length;
    if (!look_eagerly(endpoint->state, n, deadline_ns, &payload, &length))
        return peek_long(endpoint, out_spans, n, deadline_ns, out_n);
    out_spans[0] = (struct ipm_span){payload, length};
    *out_n = 1;
    return 0;
}

int ipm_ring_io_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    return release_one(endpoint->state, n) ? 0 : consume_long(endpoint, n);
}

int ipm_ring_io_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring_io *own = endpoint->state;
    unsigned char *payload;
    size_t length;
    if (own->ring.wakes || !look_eagerly(own, n, deadline_ns, &payload, &length) ||
        length > messages[0].length)
        return recv_long(endpoint, messages, n, deadline_ns, out_n);
    copy_out(own, messages[0].data, payload, length);
    messages[0].length = length;
    (void)release_one(own, n);
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
