/* SPDX-License-Identifier: MIT */
/*
 * shm_broadcast: one writer, any number of readers, in a sealed memfd.  The writer never
 * waits for anybody: it overwrites.  A reader that is too slow misses messages, and counts
 * them.
 *
 * Each slot is a seqlock (mechanisms/seqlock.h).
 *
 * keep=every:  a reader takes the slots one by one.  It looks at the sequence of the slot
 *              it is at, and at nothing else, so a short message costs one line on its way.
 *              One that has been lapped goes on half a ring behind the newest message: at
 *              the oldest it would be lapped again before it had copied anything.
 * keep=latest: a reader takes the newest message, which `published` tells.  Four slots, so
 *              that the writer has to go round while a reader copies before it is in its way.
 *
 * Readers sleep on one word; the writer looks at it after publishing (Dekker's pattern, a
 * full fence on both sides) and wakes them all.  Only the writer clears the word: a reader
 * that did would take back what another one has said, and one that is killed in its sleep
 * costs one wake-up that nobody needed, not one per message.
 *
 * The writer does not know its readers: it never learns that one has gone.  There is no
 * loan: a writer that filled a slot by plain stores would race with a reader that still
 * copies what was there before, and lending a reader the slot would be lending it memory
 * that changes.
 *
 * What the writer writes - sequences, lengths, the count - is checked before use.
 */
#include "base/region.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/seqlock.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <limits.h>

enum {
    BROADCAST_VERSION = 1,
    SLOT_ALIGN = 64,
    LATEST_SLOTS = 4,
    OWN_SLOTS = 4, /* every, lock-step: nobody is ever behind */
    LEAST_SLOTS = 2,
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
    TORN_TRIES = 256,        /* failed copies between two looks at the deadline */
};

enum keep { KEEP_EVERY, KEEP_LATEST };

static const uint64_t broadcast_magic = UINT64_C(0x74736163625f6d70); /* "pm_bcast" */

struct shm_broadcast_options {
    int64_t keep;    /* enum keep */
    int64_t spin_ns; /* spin_then_block: how long to spin */
};

/* The shared memory; all zero at first. */
struct broadcast_shared {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t published; /* messages complete so far */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps;    /* 1: some reader may sleep */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t closed;    /* 1: the writer has detached */
    _Alignas(IPM_LINE_PAIR) unsigned char slots[];      /* stride << slots_log2 bytes */
};

struct shm_broadcast_channel {
    int fd_plus_one; /* of the memfd; 0: none */
    int slots_log2;
    uint64_t stride; /* bytes from slot to slot */
};

struct shm_broadcast_endpoint {
    struct broadcast_shared *shared;
    uint64_t next; /* number of the message to publish, or to read */
    uint64_t mask; /* slots - 1 */
    size_t stride;
    size_t max_message; /* bytes */
    enum ipm_wait wait;
    bool latest;
    bool wakes;      /* readers may be asleep: look after publishing */
    int64_t spin_ns; /* spin_then_block */
    struct ipm_endpoint_stats stats;
    struct ipm_region region;
};

static inline struct ipm_seqlock *
broadcast_slot(const struct shm_broadcast_endpoint *own, uint64_t number)
{
    return (struct ipm_seqlock *)(void *)(own->shared->slots +
                                          (number & own->mask) * own->stride);
}

/* As ipm_seqlock_read(). */
static inline int broadcast_read(const struct shm_broadcast_endpoint *own,
                                 uint64_t number, struct ipm_span *message,
                                 uint64_t *out_sequence)
{
    return ipm_seqlock_read(broadcast_slot(own, number), number, message,
                            own->max_message, out_sequence);
}

/* --- waiting ---------------------------------------------------------------------------- */

static bool broadcast_news(const struct shm_broadcast_endpoint *own)
{
    if (own->latest)
        return atomic_load_explicit(&own->shared->published, memory_order_acquire) !=
               own->next;
    return atomic_load_explicit(&broadcast_slot(own, own->next)->sequence,
                                memory_order_acquire) >=
           ipm_seqlock_complete(own->next);
}

/* Sleeps unless there is something.  0 look again; IPM_AGAIN; -errno. */
static int broadcast_sleep(struct shm_broadcast_endpoint *own, int64_t deadline_ns)
{
    atomic_store_explicit(&own->shared->sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    if (broadcast_news(own) || atomic_load(&own->shared->closed) != 0)
        return 0;
    own->stats.sleeps++;
    return ipm_futex_wait(&own->shared->sleeps, 1, deadline_ns);
}

/* Cold: waits for news.  0; IPM_AGAIN; IPM_CLOSED the writer has gone and there is nothing
 * left; -errno. */
static int broadcast_wait(struct shm_broadcast_endpoint *own, int64_t deadline_ns)
{
    int64_t spin_until_ns = 0;
    uint32_t turns = 0;
    while (!broadcast_news(own)) {
        bool look = turns % IPM_SPINS_PER_CLOCK == 0;
        if (look && atomic_load(&own->shared->closed) != 0)
            return broadcast_news(own) ? 0 : IPM_CLOSED;
        bool sleep = own->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
        if (own->wait == IPM_WAIT_SPIN_THEN_BLOCK && look && deadline_ns != 0) {
            int64_t now_ns = ipm_now_ns();
            if (spin_until_ns == 0)
                spin_until_ns = now_ns + own->spin_ns;
            sleep = now_ns >= spin_until_ns;
        }
        int result = sleep ? broadcast_sleep(own, deadline_ns)
                           : ipm_wait_turn(own->wait, &turns, deadline_ns);
        if (result != 0 && !broadcast_news(own))
            return result;
        /* After a sleep look at `closed` at once: that may be what woke us. */
        turns = sleep ? 0 : turns + (deadline_ns == IPM_FOREVER);
    }
    return 0;
}

static void broadcast_wake(struct shm_broadcast_endpoint *own)
{
    if (atomic_exchange_explicit(&own->shared->sleeps, 0, memory_order_relaxed) != 0) {
        ipm_futex_wake(&own->shared->sleeps, INT_MAX);
        own->stats.wakes++;
    }
}

/* After publishing: does somebody sleep over it? */
static inline void broadcast_notify(struct shm_broadcast_endpoint *own)
{
    if (!own->wakes)
        return;
    ipm_full_fence();
    if (atomic_load_explicit(&own->shared->sleeps, memory_order_relaxed) != 0)
        broadcast_wake(own);
}

/* --- messages --------------------------------------------------------------------------- */

static int shm_broadcast_send_n(struct ipm_endpoint *endpoint,
                                const struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct shm_broadcast_endpoint *own = endpoint->state;
    int result = 0;
    (void)deadline_ns;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > own->max_message) {
            result = -EMSGSIZE;
            break;
        }
        ipm_seqlock_write(broadcast_slot(own, own->next), own->next, messages[i].data,
                          messages[i].length);
        atomic_store_explicit(&own->shared->published, ++own->next,
                              memory_order_release);
        *out_n = i + 1;
    }
    broadcast_notify(own);
    return result;
}

/* Lapped: @sequence is what stands where the next message was to be. */
static void broadcast_skip(struct shm_broadcast_endpoint *own, uint64_t sequence)
{
    uint64_t published =
        atomic_load_explicit(&own->shared->published, memory_order_acquire);
    uint64_t complete = sequence / 2; /* messages, by what this slot tells */
    if (published > complete)
        complete = published;
    uint64_t behind = (own->mask + 1) / 2;
    /* At least one is lost, whatever the writer claims: no way to stand still. */
    uint64_t next =
        complete > own->next + behind + 1 ? complete - behind : own->next + 1;
    own->stats.missed += next - own->next;
    own->next = next;
}

static int broadcast_recv_every(struct shm_broadcast_endpoint *own,
                                struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    uint32_t tries = 0;
    while (*out_n < n) {
        uint64_t sequence;
        int result = broadcast_read(own, own->next, &messages[*out_n], &sequence);
        if (result == IPM_SEQLOCK_WHOLE) {
            own->next++;
            ++*out_n;
            continue;
        }
        if (*out_n > 0) /* what was taken is delivered first */
            return 0;
        if (result < 0)
            return result;
        if (result == IPM_SEQLOCK_OVERWRITTEN) {
            broadcast_skip(own, sequence);
            if (deadline_ns != IPM_FOREVER && ++tries % TORN_TRIES == 0 &&
                ipm_now_ns() >= deadline_ns)
                return IPM_AGAIN;
            continue;
        }
        result = broadcast_wait(own, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

static int broadcast_recv_latest(struct shm_broadcast_endpoint *own,
                                 struct ipm_span *message, int64_t deadline_ns,
                                 size_t *out_n)
{
    for (uint32_t tries = 1;; tries++) {
        uint64_t sequence;
        uint64_t published =
            atomic_load_explicit(&own->shared->published, memory_order_acquire);
        if (published == own->next) {
            int result = broadcast_wait(own, deadline_ns);
            if (result != 0)
                return result;
            continue;
        }
        if (published < own->next)
            return -EPROTO;
        int result = broadcast_read(own, published - 1, message, &sequence);
        if (result == IPM_SEQLOCK_WHOLE) {
            own->stats.missed += published - 1 - own->next;
            own->next = published;
            *out_n = 1;
            return 0;
        }
        if (result == IPM_SEQLOCK_NOT_YET)
            return -EPROTO; /* announced, but it is not there */
        if (result < 0)
            return result;
        if (deadline_ns != IPM_FOREVER && tries % TORN_TRIES == 0 &&
            ipm_now_ns() >= deadline_ns)
            return IPM_AGAIN;
    }
}

static int shm_broadcast_recv_n(struct ipm_endpoint *endpoint,
                                struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct shm_broadcast_endpoint *own = endpoint->state;
    *out_n = 0;
    return own->latest ? broadcast_recv_latest(own, messages, deadline_ns, out_n)
                       : broadcast_recv_every(own, messages, n, deadline_ns, out_n);
}

/* --- life ------------------------------------------------------------------------------- */

static int log2_up(uint64_t least)
{
    int bits = 0;
    while (UINT64_C(1) << bits < least)
        bits++;
    return bits;
}

static int shm_broadcast_create(struct ipm_channel *channel, struct ipm_why *why)
{
    const struct shm_broadcast_options *options = channel->config.options;
    struct shm_broadcast_channel *state = channel->state;
    bool latest = options->keep == KEEP_LATEST;
    size_t message = channel->config.max_message;
    state->stride = (sizeof(struct ipm_seqlock) + message + SLOT_ALIGN - 1) /
                    SLOT_ALIGN * SLOT_ALIGN;
    uint64_t wanted = latest                       ? LATEST_SLOTS
                      : channel->config.depth == 0 ? OWN_SLOTS
                                                   : channel->config.depth;
    uint64_t fitting = MOST_CAPACITY / state->stride;
    if (!latest && wanted > fitting)
        wanted = fitting;
    state->slots_log2 = log2_up(wanted > LEAST_SLOTS ? wanted : LEAST_SLOTS);
    struct ipm_region region = IPM_REGION_NONE;
    int error = ipm_region_create(
        &region, broadcast_magic, BROADCAST_VERSION,
        sizeof(struct broadcast_shared) + (state->stride << state->slots_log2), why);
    if (error != 0)
        return error;
    ipm_channel_own(channel, region.fd, IPM_OWNER_BOTH);
    state->fd_plus_one = region.fd + 1;
    region.fd = -1;
    ipm_region_fini(&region);
    /* How far a reader may be behind without missing anything. */
    int64_t messages = latest ? 1 : INT64_C(1) << state->slots_log2;
    channel->capacity = (struct ipm_capacity){.bytes = messages * (int64_t)message,
                                              .messages = messages};
    return 0;
}

static void shm_broadcast_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int shm_broadcast_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct shm_broadcast_channel *state = endpoint->channel->state;
    const struct shm_broadcast_options *options = config->options;
    struct shm_broadcast_endpoint *own = endpoint->state;
    own->region = IPM_REGION_NONE;
    int error = ipm_region_map(&own->region, state->fd_plus_one - 1, broadcast_magic,
                               BROADCAST_VERSION, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&own->region);
    own->shared = own->region.base;
    /* A reader sees what is published after it attached. */
    own->next = atomic_load_explicit(&own->shared->published, memory_order_acquire);
    own->mask = (UINT64_C(1) << state->slots_log2) - 1;
    own->stride = state->stride;
    own->max_message = config->max_message;
    own->wait = config->wait;
    own->latest = options->keep == KEEP_LATEST;
    own->wakes = own->wait == IPM_WAIT_BLOCK || own->wait == IPM_WAIT_SPIN_THEN_BLOCK;
    own->spin_ns = options->spin_ns;
    return 0;
}

static void shm_broadcast_detach(struct ipm_endpoint *endpoint)
{
    struct shm_broadcast_endpoint *own = endpoint->state;
    if (own->shared == NULL)
        return;
    if (endpoint->sends) {
        atomic_store(&own->shared->closed, 1);
        broadcast_wake(own);
    }
    own->shared = NULL;
    ipm_region_fini(&own->region);
}

static void shm_broadcast_stats(const struct ipm_endpoint *endpoint,
                                struct ipm_endpoint_stats *out_stats)
{
    const struct shm_broadcast_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

#define OPTION(field) IPM_OPTION_FIELD(struct shm_broadcast_options, field)

static const struct ipm_option shm_broadcast_option_rows[] = {
    {.name = "keep",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(keep),
     .fallback = "every",
     .choices = (const char *const[]){"every", "latest", NULL},
     .unit = "",
     .help = "what a reader gets: every message in order, or only the newest"},
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

const struct ipm_mechanism ipm_mechanism_shm_broadcast = {
    .abi = IPM_PLUGIN_ABI,
    .name = "shm_broadcast",
    .version = 1,
    .family = "shared memory",
    .summary = "one to many: seqlock slots, the writer never waits",
    .options = shm_broadcast_option_rows,
    .options_size = sizeof(struct shm_broadcast_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_TIMED | IPM_CAP_LOSSY | IPM_CAP_FANOUT,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK),
    .limits = {.max_length = UINT32_MAX},
    /* One synchronisation: a message goes over, nothing comes back. */
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2, .syncs = 1, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct shm_broadcast_channel),
    .endpoint_size = sizeof(struct shm_broadcast_endpoint),
    .create = shm_broadcast_create,
    .destroy = shm_broadcast_destroy,
    .attach = shm_broadcast_attach,
    .detach = shm_broadcast_detach,
    .send_n = shm_broadcast_send_n,
    .recv_n = shm_broadcast_recv_n,
    .stats = shm_broadcast_stats,
};
