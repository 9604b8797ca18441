/* SPDX-License-Identifier: MIT */
/*
 * shm_ring: a ring of slots in a sealed memfd (mechanisms/ring.h), one way.
 *
 * Geometry: a message that fits a cache line together with its slot word shares that line;
 * a larger one begins on a line of its own, so that copies are aligned.
 */
#include "mechanisms/ring.h"

#include <string.h>

enum {
    RING_VERSION = 1,
    SLOT_ALIGN = 64,
    SMALL_HEADER = 8,        /* slot word and payload share a line */
    OWN_CAPACITY = 32 << 10, /* bytes, when the plan leaves the choice */
    OWN_SLOTS = 64,
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
};

static const uint64_t ring_magic = UINT64_C(0x676e69725f6d7069); /* "ipm_ring" */

struct shm_ring_options {
    int64_t backing;
    int64_t sync;
    int64_t capacity_bytes; /* 0: from depth */
    int64_t spin_ns;        /* spin_then_block: how long to spin */
};

struct shm_ring_channel {
    int fd_plus_one; /* of the memfd; 0: none */
    int slots_log2;
    uint64_t capacity; /* messages, in [1, slots] */
    uint64_t stride;   /* bytes from slot to slot */
    uint64_t header;   /* bytes before the payload */
};

struct shm_ring_endpoint {
    struct ipm_ring ring;
    struct ipm_region region;
};

static struct ipm_ring *ring_of(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *own = endpoint->state;
    return &own->ring;
}

static int log2_up(uint64_t least)
{
    int bits = 0;
    while (UINT64_C(1) << bits < least)
        bits++;
    return bits;
}

static void shm_ring_layout(struct ipm_channel *channel, struct shm_ring_channel *state)
{
    const struct shm_ring_options *options = channel->config.options;
    size_t message = channel->config.max_message;
    state->header = message + SMALL_HEADER <= SLOT_ALIGN ? SMALL_HEADER : SLOT_ALIGN;
    state->stride =
        (state->header + message + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;

    bool free_choice = channel->config.depth == 0;
    uint64_t most = options->capacity_bytes > 0 ? (uint64_t)options->capacity_bytes
                    : free_choice               ? OWN_CAPACITY
                                                : MOST_CAPACITY;
    uint64_t fitting = most / state->stride > 2 ? most / state->stride : 2;
    uint64_t wanted = options->capacity_bytes > 0 ? fitting
                      : free_choice               ? OWN_SLOTS
                                                  : channel->config.depth;
    state->capacity = wanted < fitting ? wanted : fitting;
    state->slots_log2 = log2_up(state->capacity);
}

static int shm_ring_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct shm_ring_channel *state = channel->state;
    shm_ring_layout(channel, state);
    struct ipm_region region = IPM_REGION_NONE;
    int error = ipm_region_create(
        &region, ring_magic, RING_VERSION,
        sizeof(struct ipm_ring_shared) + (state->stride << state->slots_log2), why);
    if (error != 0)
        return error;
    ipm_channel_own(channel, region.fd, IPM_OWNER_BOTH);
    state->fd_plus_one = region.fd + 1;
    region.fd = -1;
    ipm_region_fini(&region);
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(state->capacity * channel->config.max_message),
        .messages = (int64_t)state->capacity,
    };
    return 0;
}

static void shm_ring_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int shm_ring_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel *channel = endpoint->channel;
    const struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    struct shm_ring_endpoint *own = endpoint->state;
    struct ipm_ring *ring = &own->ring;
    own->region = IPM_REGION_NONE;
    int error = ipm_region_map(&own->region, state->fd_plus_one - 1, ring_magic,
                               RING_VERSION, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&own->region);
    enum ipm_side peer = endpoint->side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    ring->shared = own->region.base;
    ring->own_sleeps = &ring->shared->sides[endpoint->side].sleeps;
    ring->peer_sleeps = &ring->shared->sides[peer].sleeps;
    ring->peer_closed = &ring->shared->sides[peer].closed;
    ring->slots_log2 = state->slots_log2;
    ring->capacity = state->capacity;
    ring->stride = state->stride;
    ring->header = state->header;
    ring->max_message = channel->config.max_message;
    ring->wait = channel->config.wait;
    ring->wakes =
        ring->wait == IPM_WAIT_BLOCK || ring->wait == IPM_WAIT_SPIN_THEN_BLOCK;
    ring->spin_ns = options->spin_ns;
    return 0;
}

static void shm_ring_detach(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *own = endpoint->state;
    if (own->ring.shared == NULL)
        return;
    ipm_ring_close(&own->ring, endpoint->side);
    own->ring.shared = NULL;
    ipm_region_fini(&own->region);
}

static int shm_ring_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                              struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                              size_t *out_n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    *out_n = 0;
    if (length > ring->max_message)
        return -EMSGSIZE;
    uint64_t room = 0;
    int result = ipm_ring_room(ring, deadline_ns, &room);
    if (result != 0)
        return result;
    size_t lent = n < room ? n : (size_t)room;
    for (size_t i = 0; i < lent; i++)
        out_spans[i] = (struct ipm_span){
            ipm_ring_payload(ring, ipm_ring_slot(ring, ring->mine + i)), length};
    ring->reserved = length;
    *out_n = lent;
    return 0;
}

static int shm_ring_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    for (size_t i = 0; i < n; i++) {
        uint64_t word = ipm_ring_lap(ring, ring->mine) | ring->reserved;
        atomic_store_explicit(ipm_ring_slot(ring, ring->mine), word,
                              memory_order_release);
        ring->mine++;
    }
    ipm_ring_notify(ring);
    return 0;
}

static int shm_ring_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    *out_n = 0;
    while (*out_n < n) {
        uint64_t room = 0;
        int result = ipm_ring_room(ring, deadline_ns, &room);
        if (result != 0)
            return result;
        size_t left = n - *out_n;
        size_t span = left < room ? left : (size_t)room;
        for (size_t i = 0; i < span; i++) {
            const struct ipm_span *message = &messages[*out_n];
            if (message->length > ring->max_message) {
                ipm_ring_notify(ring);
                return -EMSGSIZE;
            }
            _Atomic uint64_t *slot = ipm_ring_slot(ring, ring->mine);
            memcpy(ipm_ring_payload(ring, slot), message->data, message->length);
            atomic_store_explicit(slot,
                                  ipm_ring_lap(ring, ring->mine) | message->length,
                                  memory_order_release);
            ring->mine++;
            (*out_n)++;
        }
        ipm_ring_notify(ring);
    }
    return 0;
}

static int shm_ring_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    size_t length = 0;
    uint64_t word = 0;
    *out_n = 0;
    int result = ipm_ring_next(ring, deadline_ns, &length);
    for (size_t i = 0; result == 0;
         result = ipm_ring_look(ring, ring->mine + i, &word, &length)) {
        out_spans[i] = (struct ipm_span){
            ipm_ring_payload(ring, ipm_ring_slot(ring, ring->mine + i)), length};
        *out_n = ++i;
        if (i == n)
            return 0;
    }
    return *out_n > 0 && result > 0 ? 0 : result;
}

static int shm_ring_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    ring->mine += n;
    atomic_store_explicit(&ring->shared->head, ring->mine, memory_order_release);
    ipm_ring_notify(ring);
    return 0;
}

static int shm_ring_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_ring *ring = ring_of(endpoint);
    size_t length = 0;
    uint64_t word = 0;
    size_t taken = 0;
    *out_n = 0;
    int result = ipm_ring_next(ring, deadline_ns, &length);
    while (result == 0) {
        if (length > messages[taken].length) {
            result = -EMSGSIZE;
            break;
        }
        memcpy(messages[taken].data,
               ipm_ring_payload(ring, ipm_ring_slot(ring, ring->mine + taken)), length);
        messages[taken].length = length;
        if (++taken == n)
            break;
        result = ipm_ring_look(ring, ring->mine + taken, &word, &length);
    }
    /* What was taken is delivered first; the next call meets the obstacle again. */
    if (taken == 0)
        return result;
    *out_n = taken;
    return shm_ring_consume_n(endpoint, taken);
}

static void shm_ring_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct shm_ring_endpoint *own = endpoint->state;
    *out_stats = own->ring.stats;
}

#define OPTION(field) IPM_OPTION_FIELD(struct shm_ring_options, field)

static const struct ipm_option shm_ring_option_rows[] = {
    {.name = "backing",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(backing),
     .fallback = "memfd",
     .choices = (const char *const[]){"memfd", NULL},
     .unit = "",
     .help = "where the shared memory comes from"},
    {.name = "sync",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(sync),
     .fallback = "futex",
     .choices = (const char *const[]){"futex", NULL},
     .unit = "",
     .help = "what a blocked side sleeps on"},
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
     .fallback = "20us",
     .min = 0,
     .max = IPM_NS_PER_SECOND,
     .unit = "ns",
     .help = "spin_then_block: how long to spin before sleeping"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_shm_ring = {
    .abi = IPM_PLUGIN_ABI,
    .name = "shm_ring",
    .version = 1,
    .family = "shared memory",
    .summary = "single-producer ring of slots in shared memory",
    .options = shm_ring_option_rows,
    .options_size = sizeof(struct shm_ring_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_TIMED | IPM_CAP_SHARED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK),
    .limits = {.max_length = UINT32_MAX},
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
