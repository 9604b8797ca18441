/* SPDX-License-Identifier: MIT */
#include "mechanisms/ring_any.h"

#define OVER_LAYOUT static inline __attribute__((always_inline)) int

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
            ipm_ring_copy_in(own, payload, message->data, message->length);
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
        ipm_ring_copy_out(own, messages[taken].data, payload, length);
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

int ipm_ring_any_reserve(struct ipm_endpoint *endpoint, size_t length,
                         struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                         size_t *out_n)
{
    DISPATCH(over_reserve, length, out_spans, n, deadline_ns, out_n);
}

int ipm_ring_any_publish(struct ipm_endpoint *endpoint, size_t n)
{
    DISPATCH(over_publish, n);
}

int ipm_ring_any_send(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_send, messages, n, deadline_ns, out_n);
}

int ipm_ring_any_peek(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_peek, out_spans, n, deadline_ns, out_n);
}

int ipm_ring_any_consume(struct ipm_endpoint *endpoint, size_t n)
{
    DISPATCH(over_consume, n);
}

int ipm_ring_any_recv(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    DISPATCH(over_recv, messages, n, deadline_ns, out_n);
}
