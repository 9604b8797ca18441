/* SPDX-License-Identifier: MIT */
/*
 * shm_ring: a single-producer single-consumer ring of fixed slots in shared memory.
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
 */
#include "base/region.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
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

struct ring_shared {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t head; /* messages given back */
    struct {
        _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps; /* 1: wants a wake-up */
        _Atomic uint32_t closed;                         /* 1: has detached */
    } sides[IPM_SIDES];
    _Alignas(IPM_LINE_PAIR) unsigned char slots[];
};

struct shm_ring_channel {
    int fd_plus_one; /* of the memfd; 0: none */
    int slots_log2;
    uint64_t capacity; /* messages, in [1, slots] */
    uint64_t stride;   /* bytes from slot to slot */
    uint64_t header;   /* bytes before the payload */
};

struct shm_ring_endpoint {
    struct ring_shared *shared;
    uint64_t mine; /* messages published, or given back, by this side */
    uint64_t
        head_seen; /* sender: head when last looked at; mine - head_seen in flight */
    uint64_t capacity;
    size_t stride, header;
    size_t max_message;
    size_t reserved; /* length of the messages last lent by reserve_n() */
    int slots_log2;
    enum ipm_wait wait;
    bool wakes; /* the peer may be asleep: look after publishing */
    int64_t spin_ns;
    struct ipm_region region;
    struct ipm_endpoint_stats stats;
};

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
        sizeof(struct ring_shared) + (state->stride << state->slots_log2), why);
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
    struct shm_ring_endpoint *ring = endpoint->state;
    ring->region = IPM_REGION_NONE;
    int error = ipm_region_map(&ring->region, state->fd_plus_one - 1, ring_magic,
                               RING_VERSION, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&ring->region);
    ring->shared = ring->region.base;
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

static enum ipm_side peer_of(const struct ipm_endpoint *endpoint)
{
    return endpoint->side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
}

static void wake(struct shm_ring_endpoint *ring, enum ipm_side side)
{
    _Atomic uint32_t *sleeps = &ring->shared->sides[side].sleeps;
    if (atomic_exchange_explicit(sleeps, 0, memory_order_relaxed) != 0) {
        ipm_futex_wake(sleeps, 1);
        ring->stats.wakes++;
    }
}

static void shm_ring_detach(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    if (ring->shared != NULL) {
        atomic_store(&ring->shared->sides[endpoint->side].closed, 1);
        wake(ring, peer_of(endpoint));
        ring->shared = NULL;
        ipm_region_fini(&ring->region);
    }
}

/* Sleeps unless *@word has moved.  0 look again; IPM_AGAIN; -errno. */
static int ring_sleep(struct ipm_endpoint *endpoint, const _Atomic uint64_t *word,
                      uint64_t unwanted, int64_t deadline_ns)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    _Atomic uint32_t *sleeps = &ring->shared->sides[endpoint->side].sleeps;
    int result = 0;
    atomic_store_explicit(sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    if (atomic_load_explicit(word, memory_order_acquire) == unwanted &&
        atomic_load(&ring->shared->sides[peer_of(endpoint)].closed) == 0) {
        ring->stats.sleeps++;
        result = ipm_futex_wait(sleeps, 1, deadline_ns);
    }
    atomic_store_explicit(sleeps, 0, memory_order_relaxed);
    return result;
}

/*
 * Cold: wait until *@word is no longer @unwanted.  0; IPM_AGAIN; IPM_CLOSED when the peer
 * has detached and the word has not moved since; -errno.
 */
static __attribute__((noinline)) int ring_wait(struct ipm_endpoint *endpoint,
                                               const _Atomic uint64_t *word,
                                               uint64_t unwanted, int64_t deadline_ns)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    const _Atomic uint32_t *closed = &ring->shared->sides[peer_of(endpoint)].closed;
    int64_t spin_until_ns = 0;
    uint32_t turns = 0;
    while (atomic_load_explicit(word, memory_order_acquire) == unwanted) {
        bool look = turns % IPM_SPINS_PER_CLOCK == 0;
        if (look && atomic_load(closed) != 0)
            return atomic_load(word) != unwanted ? 0 : IPM_CLOSED;
        bool sleep = ring->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
        if (ring->wait == IPM_WAIT_SPIN_THEN_BLOCK && look && deadline_ns != 0) {
            int64_t now_ns = ipm_now_ns();
            if (spin_until_ns == 0)
                spin_until_ns = now_ns + ring->spin_ns;
            sleep = now_ns >= spin_until_ns;
        }
        int result = sleep ? ring_sleep(endpoint, word, unwanted, deadline_ns)
                           : ipm_wait_turn(ring->wait, &turns, deadline_ns);
        if (result != 0 && atomic_load_explicit(word, memory_order_acquire) == unwanted)
            return result;
        /* After a sleep look at `closed` at once: that may be what woke us. */
        turns = sleep ? 0 : turns + (deadline_ns == IPM_FOREVER);
    }
    return 0;
}

static inline _Atomic uint64_t *slot_at(const struct shm_ring_endpoint *ring,
                                        uint64_t number)
{
    uint64_t slot = number & ((UINT64_C(1) << ring->slots_log2) - 1);
    return (_Atomic uint64_t *)(void *)(ring->shared->slots + slot * ring->stride);
}

static inline unsigned char *payload_at(const struct shm_ring_endpoint *ring,
                                        _Atomic uint64_t *slot)
{
    return (unsigned char *)slot + ring->header;
}

/* Lap of message @number, in the upper half of a slot word; the first lap is 1, so that a
 * fresh slot is behind.  It may wrap: a slot is never more than one lap behind. */
static inline uint64_t lap_of(const struct shm_ring_endpoint *ring, uint64_t number)
{
    return ((number >> ring->slots_log2) + 1) << 32;
}

/* Messages that may be written now, at least one; waits for room. */
static inline int ring_room(struct ipm_endpoint *endpoint, int64_t deadline_ns,
                            uint64_t *out_room)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    const _Atomic uint64_t *head = &ring->shared->head;
    if (ring->mine - ring->head_seen >= ring->capacity) {
        uint64_t full = ring->mine - ring->capacity;
        ring->head_seen = atomic_load_explicit(head, memory_order_acquire);
        if (ring->head_seen == full) {
            int result = ring_wait(endpoint, head, full, deadline_ns);
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
static inline void ring_notify(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    if (!ring->wakes)
        return;
    enum ipm_side peer = peer_of(endpoint);
    ipm_full_fence();
    if (atomic_load_explicit(&ring->shared->sides[peer].sleeps, memory_order_relaxed) !=
        0)
        wake(ring, peer);
}

static int shm_ring_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                              struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                              size_t *out_n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    *out_n = 0;
    if (length > ring->max_message)
        return -EMSGSIZE;
    uint64_t room = 0;
    int result = ring_room(endpoint, deadline_ns, &room);
    if (result != 0)
        return result;
    size_t lent = n < room ? n : (size_t)room;
    for (size_t i = 0; i < lent; i++)
        out_spans[i] =
            (struct ipm_span){payload_at(ring, slot_at(ring, ring->mine + i)), length};
    ring->reserved = length;
    *out_n = lent;
    return 0;
}

static int shm_ring_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = lap_of(ring, ring->mine) | ring->reserved;
        atomic_store_explicit(slot_at(ring, ring->mine), word, memory_order_release);
        ring->mine++;
    }
    ring_notify(endpoint);
    return 0;
}

static int shm_ring_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    *out_n = 0;
    while (*out_n < n) {
        uint64_t room = 0;
        int result = ring_room(endpoint, deadline_ns, &room);
        if (result != 0)
            return result;
        size_t left = n - *out_n;
        size_t span = left < room ? left : (size_t)room;
        for (size_t i = 0; i < span; i++) {
            const struct ipm_span *message = &messages[*out_n];
            if (message->length > ring->max_message) {
                ring_notify(endpoint);
                return -EMSGSIZE;
            }
            _Atomic uint64_t *slot = slot_at(ring, ring->mine);
            memcpy(payload_at(ring, slot), message->data, message->length);
            atomic_store_explicit(slot, lap_of(ring, ring->mine) | message->length,
                                  memory_order_release);
            ring->mine++;
            (*out_n)++;
        }
        ring_notify(endpoint);
    }
    return 0;
}

/* Length of message @number if it is there: 0; 1 not yet; -EPROTO no sane length. */
static inline int ring_look(const struct shm_ring_endpoint *ring, uint64_t number,
                            uint64_t *out_word, size_t *out_length)
{
    uint64_t word = atomic_load_explicit(slot_at(ring, number), memory_order_acquire);
    uint64_t length = word & UINT32_MAX;
    *out_word = word;
    if (word - length != lap_of(ring, number))
        return 1;
    if (length > ring->max_message)
        return -EPROTO;
    *out_length = (size_t)length;
    return 0;
}

/* The same for the next message; waits for it. */
static inline int ring_next(struct ipm_endpoint *endpoint, int64_t deadline_ns,
                            size_t *out_length)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    uint64_t word = 0;
    int result = ring_look(ring, ring->mine, &word, out_length);
    if (result == 1) {
        result = ring_wait(endpoint, slot_at(ring, ring->mine), word, deadline_ns);
        if (result == 0)
            result = ring_look(ring, ring->mine, &word, out_length);
        else
            return result;
    }
    return result == 1 ? -EPROTO : result; /* the slot changed, but to no next lap */
}

static int shm_ring_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    size_t length = 0;
    uint64_t word = 0;
    *out_n = 0;
    int result = ring_next(endpoint, deadline_ns, &length);
    for (size_t i = 0; result == 0;
         result = ring_look(ring, ring->mine + i, &word, &length)) {
        out_spans[i] =
            (struct ipm_span){payload_at(ring, slot_at(ring, ring->mine + i)), length};
        *out_n = ++i;
        if (i == n)
            return 0;
    }
    return *out_n > 0 && result > 0 ? 0 : result;
}

static int shm_ring_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    ring->mine += n;
    atomic_store_explicit(&ring->shared->head, ring->mine, memory_order_release);
    ring_notify(endpoint);
    return 0;
}

static int shm_ring_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct shm_ring_endpoint *ring = endpoint->state;
    size_t length = 0;
    uint64_t word = 0;
    size_t taken = 0;
    *out_n = 0;
    int result = ring_next(endpoint, deadline_ns, &length);
    while (result == 0) {
        if (length > messages[taken].length) {
            result = -EMSGSIZE;
            break;
        }
        memcpy(messages[taken].data,
               payload_at(ring, slot_at(ring, ring->mine + taken)), length);
        messages[taken].length = length;
        if (++taken == n)
            break;
        result = ring_look(ring, ring->mine + taken, &word, &length);
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
    const struct shm_ring_endpoint *ring = endpoint->state;
    *out_stats = ring->stats;
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
