/* SPDX-License-Identifier: MIT */
/*
 * shm_ring: a ring in shared memory (mechanisms/ring.h), one way, as a matrix of choices:
 * where the memory comes from (backing.h), what a blocked side sleeps on (sync.h), who
 * copies (the modes) and by which kernel (copy.h), how records lie (ring_layout.h), and how
 * many become visible together.
 *
 * The hooks are written once over a layout's constant table and inline to its code.
 */
#include "mechanisms/backing.h"
#include "mechanisms/copy.h"
#include "mechanisms/ring_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALL_HEADER = 8, /* a slot's word and its payload share a line */
    LARGEST_SMALL = IPM_CACHE_LINE - SMALL_HEADER,
    LEAST_SLAB = 64 << 10,   /* bytes; shorter messages lie in slots */
    OWN_CAPACITY = 32 << 10, /* bytes, when the plan leaves the choice */
    OWN_SLOTS = 64,
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
    COPY_AUTO = IPM_COPY_KERNELS,
    LEAST_CHOICE = 1024, /* bytes; shorter messages are memcpy's */
};

enum layout { LAYOUT_AUTO, LAYOUT_SLOTS, LAYOUT_BYTES, LAYOUT_SLAB };

struct shm_ring_options {
    int64_t backing;
    int64_t sync;
    int64_t copy; /* index into ipm_copies, or COPY_AUTO */
    int64_t layout;
    int64_t publish;        /* messages that become visible together, at most */
    int64_t capacity_bytes; /* 0: from depth */
    int64_t spin_ns;        /* spin_then_block; 0: from what waking costs */
    int64_t trust;
};

struct shm_ring_channel {
    struct ipm_backing backing;
    struct ipm_sync_channel sync;
    int layout; /* enum layout, but not AUTO */
    int slots_log2;
    uint64_t capacity;             /* messages, in [1, slots] */
    uint64_t stride, header, size; /* as in struct ipm_ring */
};

struct shm_ring_endpoint {
    struct ipm_ring ring;
    int layout;
    uint32_t publish;
    void (*copy_out)(void *to, const void *from, size_t length); /* receiver's */
    struct ipm_copy_choice choice;                               /* sender's */
    bool chooses;                                                /* by measuring */
    void *base; /* the mapping; NULL: none */
};

static int log2_up(uint64_t least)
{
    int bits = 0;
    while (UINT64_C(1) << bits < least)
        bits++;
    return bits;
}

static uint64_t round_up(uint64_t bytes, uint64_t multiple)
{
    return (bytes + multiple - 1) / multiple * multiple;
}

/* Bytes of shared memory behind the control block. */
static uint64_t shm_ring_layout(struct ipm_channel *channel)
{
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    size_t message = channel->config.max_message;
    state->layout = (int)options->layout;
    if (state->layout == LAYOUT_AUTO)
        state->layout = message < LEAST_SLAB ? LAYOUT_SLOTS : LAYOUT_SLAB;
    /* Slots that do not fit a line have their payload on lines of its own: aligned. */
    state->header = message <= LARGEST_SMALL ? SMALL_HEADER : IPM_CACHE_LINE;
    uint64_t each = state->layout == LAYOUT_SLOTS
                        ? round_up(state->header + message, IPM_CACHE_LINE)
                    : state->layout == LAYOUT_BYTES
                        ? ipm_bytes_most(message)
                        : round_up(message > 0 ? message : 1, IPM_LINE_PAIR);
    bool free_choice = channel->config.depth == 0;
    uint64_t most = options->capacity_bytes > 0 ? (uint64_t)options->capacity_bytes
                    : free_choice               ? OWN_CAPACITY
                                                : MOST_CAPACITY;
    uint64_t fitting = most / each > 2 ? most / each : 2;
    uint64_t wanted = options->capacity_bytes > 0 ? fitting
                      : free_choice               ? OWN_SLOTS
                                                  : channel->config.depth;
    state->capacity = wanted < fitting ? wanted : fitting;
    state->slots_log2 = log2_up(state->capacity);
    state->stride = each;
    if (state->layout == LAYOUT_SLOTS)
        return each << state->slots_log2;
    if (state->layout == LAYOUT_SLAB) {
        state->size = each * state->capacity;
        return state->size + (sizeof(struct ipm_slab_line) << state->slots_log2);
    }
    /* One more record than may be in flight: the gap in front of a lap's end. */
    state->size =
        round_up((state->capacity + 1) * each + IPM_BYTES_HEADER, IPM_CACHE_LINE);
    return state->size;
}

static int shm_ring_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    size_t longest = channel->config.max_message;
    if (options->layout == LAYOUT_SLAB && longest == 0)
        longest = 1;
    int error = 0;
    if (options->copy != COPY_AUTO)
        error = ipm_copy_check((int)options->copy, why);
    if (error == 0)
        error = ipm_backing_create(
            &state->backing, (int)options->backing,
            sizeof(struct ipm_ring_shared) + shm_ring_layout(channel), channel, why);
    if (error == 0)
        error = ipm_sync_create(&state->sync, (int)options->sync, channel, why);
    if (error != 0)
        return error;
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(state->capacity * longest),
        .messages = (int64_t)state->capacity,
    };
    return 0;
}

static void shm_ring_destroy(struct ipm_channel *channel)
{
    struct shm_ring_channel *state = channel->state;
    ipm_backing_destroy(&state->backing);
    ipm_channel_close(channel);
}

/* The sender's own books. */
static int shm_ring_books(struct shm_ring_endpoint *own, struct ipm_why *why)
{
    struct ipm_ring *ring = &own->ring;
    size_t slots = (size_t)1 << ring->slots_log2;
    ring->places = calloc(slots, sizeof(ring->places[0]));
    ring->stack = calloc(slots, sizeof(ring->stack[0]));
    if (ring->places == NULL || ring->stack == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for %zu messages", slots);
    /* Lowest numbers on top: a ring that is used little touches little. */
    while (ring->n_stack < ring->capacity) {
        ring->stack[ring->n_stack] = (uint32_t)(ring->capacity - ring->n_stack - 1);
        ring->n_stack++;
    }
    ipm_prefault(ring->places, slots * sizeof(ring->places[0]));
    ipm_prefault(ring->stack, slots * sizeof(ring->stack[0]));
    return 0;
}

static int shm_ring_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct ipm_channel *channel = endpoint->channel;
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    struct shm_ring_endpoint *own = endpoint->state;
    struct ipm_ring *ring = &own->ring;
    int error = ipm_backing_map(&state->backing, &own->base, why);
    if (error != 0)
        return error;
    ipm_ring_attach(ring, own->base, endpoint->side, &channel->config);
    ipm_sync_attach(&ring->sync, &state->sync, endpoint->side, ring->own_sleeps,
                    ring->peer_sleeps);
    ring->slots_log2 = state->slots_log2;
    ring->capacity = state->capacity;
    ring->stride = state->stride;
    ring->header = state->header;
    ring->size = state->size;
    ring->trust = options->trust != 0;
    ring->patience.fixed_ns = options->spin_ns;
    own->layout = state->layout;
    if (own->layout == LAYOUT_BYTES)
        ipm_bytes_advance(ring, 0);
    else
        ipm_slots_advance(ring, 0);
    own->publish = (uint32_t)options->publish;
    ipm_copy_choice_init(&own->choice);
    int kernel = options->copy == COPY_AUTO ? 0 : (int)options->copy;
    own->chooses =
        options->copy == COPY_AUTO && channel->config.max_message >= LEAST_CHOICE;
    if (!own->chooses)
        own->choice = (struct ipm_copy_choice){.kernel = kernel};
    /* Streaming stores are for lines that another CPU will read: not the receiver's. */
    own->copy_out =
        ipm_copies[strcmp(ipm_copies[kernel].name, "nontemporal") == 0 ? 0 : kernel]
            .copy;
    return endpoint->sends ? shm_ring_books(own, why) : 0;
}

static void shm_ring_detach(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *own = endpoint->state;
    const struct shm_ring_channel *state = endpoint->channel->state;
    free(own->ring.places);
    free(own->ring.stack);
    own->ring.places = NULL;
    own->ring.stack = NULL;
    if (own->base == NULL)
        return;
    ipm_ring_close(&own->ring, endpoint->side);
    ipm_backing_unmap(&state->backing, own->base);
    own->base = NULL;
}

/* --- the hooks, over a layout ------------------------------------------------------------ */

#define OVER_LAYOUT static inline __attribute__((always_inline)) int

static inline void copy_in(struct shm_ring_endpoint *own, void *to, const void *from,
                           size_t length)
{
    if (length <= IPM_CACHE_LINE) {
        ipm_copy_small(to, from, length);
        return;
    }
    if (own->choice.open && length >= LEAST_CHOICE)
        ipm_copy_choice_step(&own->choice, length);
    ipm_copies[own->choice.kernel].copy(to, from, length);
}

static inline void copy_out(const struct shm_ring_endpoint *own, void *to,
                            const void *from, size_t length)
{
    if (length <= IPM_CACHE_LINE)
        ipm_copy_small(to, from, length);
    else
        own->copy_out(to, from, length);
}

OVER_LAYOUT over_reserve(struct shm_ring_endpoint *own,
                         const struct ipm_ring_layout *layout, size_t length,
                         struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                         size_t *out_n)
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

OVER_LAYOUT over_publish(struct shm_ring_endpoint *own,
                         const struct ipm_ring_layout *layout, size_t n)
{
    layout->publish(&own->ring, n);
    ipm_ring_notify(&own->ring);
    return 0;
}

OVER_LAYOUT over_send(struct shm_ring_endpoint *own,
                      const struct ipm_ring_layout *layout,
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

OVER_LAYOUT over_peek(struct shm_ring_endpoint *own,
                      const struct ipm_ring_layout *layout, struct ipm_span *out_spans,
                      size_t n, int64_t deadline_ns, size_t *out_n)
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

OVER_LAYOUT over_consume(struct shm_ring_endpoint *own,
                         const struct ipm_ring_layout *layout, size_t n)
{
    layout->release(&own->ring, n);
    ipm_ring_notify(&own->ring);
    return 0;
}

OVER_LAYOUT over_recv(struct shm_ring_endpoint *own,
                      const struct ipm_ring_layout *layout, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
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
        struct shm_ring_endpoint *own = endpoint->state;                               \
        if (own->layout == LAYOUT_SLOTS)                                               \
            return hook(own, &ipm_ring_slots, __VA_ARGS__);                            \
        if (own->layout == LAYOUT_BYTES)                                               \
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

static inline bool place_one(struct shm_ring_endpoint *own, size_t n, size_t length,
                             unsigned char **out)
{
    if (n != 1)
        return false;
    if (own->layout == LAYOUT_SLOTS)
        return ipm_slots_place_one(&own->ring, length, out);
    return own->layout == LAYOUT_BYTES && ipm_bytes_place_one(&own->ring, length, out);
}

static inline bool publish_one(struct shm_ring_endpoint *own, size_t n)
{
    if (n != 1 || own->ring.wakes)
        return false;
    if (own->layout == LAYOUT_SLOTS)
        ipm_slots_publish_one(&own->ring);
    else if (own->layout == LAYOUT_BYTES && own->ring.straight)
        ipm_bytes_publish_one(&own->ring);
    else
        return false;
    return true;
}

static inline bool look_one(struct shm_ring_endpoint *own, size_t n,
                            unsigned char **out, size_t *out_length)
{
    if (n != 1)
        return false;
    if (own->layout == LAYOUT_SLOTS)
        return ipm_slots_look_one(&own->ring, out, out_length);
    return own->layout == LAYOUT_BYTES &&
           ipm_bytes_look_one(&own->ring, out, out_length);
}

/* A spinner looks again here, without a pause: what comes is then two branches away. */
static inline bool look_eagerly(struct shm_ring_endpoint *own, size_t n,
                                int64_t deadline_ns, unsigned char **out,
                                size_t *out_length)
{
    bool eager = own->ring.wait == IPM_WAIT_SPIN && deadline_ns != 0 && n == 1 &&
                 own->layout != LAYOUT_SLAB;
    for (int looks = eager ? IPM_EAGER_LOOKS : 1; looks > 0; looks--) {
        if (look_one(own, n, out, out_length))
            return true;
    }
    return false;
}

static inline bool release_one(struct shm_ring_endpoint *own, size_t n)
{
    if (n != 1 || own->ring.wakes || own->layout == LAYOUT_SLAB)
        return false;
    if (own->layout == LAYOUT_SLOTS)
        ipm_slots_release_one(&own->ring);
    else
        ipm_bytes_release_one(&own->ring);
    return true;
}

static int shm_ring_reserve_n(struct ipm_endpoint *endpoint, size_t length,
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

static int shm_ring_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    return publish_one(endpoint->state, n) ? 0 : publish_long(endpoint, n);
}

static int shm_ring_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct shm_ring_endpoint *own = endpoint->state;
    unsigned char *payload;
    if (own->ring.wakes || !place_one(own, n, messages[0].length, &payload))
        return send_long(endpoint, messages, n, deadline_ns, out_n);
    copy_in(own, payload, messages[0].data, messages[0].length);
    (void)publish_one(own, n);
    *out_n = 1;
    return 0;
}

static int shm_ring_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
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

static int shm_ring_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    return release_one(endpoint->state, n) ? 0 : consume_long(endpoint, n);
}

static int shm_ring_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct shm_ring_endpoint *own = endpoint->state;
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

static void shm_ring_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct shm_ring_endpoint *own = endpoint->state;
    *out_stats = own->ring.stats;
    if (endpoint->sends && own->chooses && !own->choice.open)
        (void)snprintf(out_stats->dispatch, sizeof(out_stats->dispatch), "%s",
                       ipm_copies[own->choice.kernel].name);
}

#define OPTION(field) IPM_OPTION_FIELD(struct shm_ring_options, field)

static const char *const copy_names[] = {"memcpy",      "rep",  "avx",
                                         "nontemporal", "auto", NULL};
static const char *const layout_names[] = {"auto", "slots", "bytes", "slab", NULL};

static const struct ipm_option shm_ring_option_rows[] = {
    {.name = "backing",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(backing),
     .fallback = "memfd",
     .choices = ipm_backing_names,
     .unit = "",
     .help = "where the shared memory comes from"},
    {.name = "sync",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(sync),
     .fallback = "futex",
     .choices = ipm_sync_names,
     .unit = "",
     .help = "what a blocked side sleeps on"},
    {.name = "copy",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(copy),
     .fallback = "auto",
     .choices = copy_names,
     .unit = "",
     .help = "copy kernel; auto: the fastest on the first messages of 1 KiB and more"},
    {.name = "layout",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(layout),
     .fallback = "auto",
     .choices = layout_names,
     .unit = "",
     .help = "how records lie; auto: slots, from 64 KiB slab; bytes is the densest"},
    {.name = "publish",
     .type = IPM_OPTION_INTEGER,
     .offset = OPTION(publish),
     .fallback = "1",
     .min = 1,
     .max = IPM_RING_SPAN,
     .unit = "messages",
     .help = "of the messages of one send call so many become visible together"},
    {.name = "capacity",
     .type = IPM_OPTION_SIZE,
     .offset = OPTION(capacity_bytes),
     .fallback = "0",
     .min = 0,
     .max = INT64_C(1) << 32,
     .unit = "bytes",
     .help = "size of the ring; 0: from depth, at most 4 MiB"},
    {.name = "spin",
     .type = IPM_OPTION_DURATION,
     .offset = OPTION(spin_ns),
     .fallback = "0ns",
     .min = 0,
     .max = IPM_NS_PER_SECOND,
     .unit = "ns",
     .help = "spin_then_block: how long to spin; 0: as long as a wake-up takes"},
    {.name = "trust",
     .type = IPM_OPTION_FLAG,
     .offset = OPTION(trust),
     .fallback = "false",
     .unit = "",
     .help = "believe lengths and indices that the peer wrote, unchecked"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_shm_ring = {
    .abi = IPM_PLUGIN_ABI,
    .name = "shm_ring",
    .version = 2,
    .family = "shared memory",
    .summary = "single-producer ring in shared memory",
    .options = shm_ring_option_rows,
    .options_size = sizeof(struct shm_ring_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_TIMED | IPM_CAP_SHARED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK),
    .limits = {.max_length = UINT32_MAX - 1},
    .modes =
        {
            [0] = {.supported = true,
                   .send_in_place = true,
                   .receive_in_place = true,
                   .facts = {.copies = 0, .syncs = 2, .wakeups = 1}},
            [1] = {.supported = true,
                   .receive_in_place = true,
                   .facts = {.copies = 1, .syncs = 2, .wakeups = 1}},
            [2] = {.supported = true, .facts = {.copies = 2, .syncs = 2, .wakeups = 1}},
        },
    .default_copies = 2,
    .channel_size = sizeof(struct shm_ring_channel),
    .endpoint_size = sizeof(struct shm_ring_endpoint),
    .create = shm_ring_create,
    .destroy = shm_ring_destroy,
    .attach = shm_ring_attach,
    .detach = shm_ring_detach,
    .send_n = shm_ring_send_n,
    .recv_n = shm_ring_recv_n,
    .reserve_n = shm_ring_reserve_n,
    .publish_n = shm_ring_publish_n,
    .peek_n = shm_ring_peek_n,
    .consume_n = shm_ring_consume_n,
    .stats = shm_ring_stats,
};
