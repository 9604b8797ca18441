/* SPDX-License-Identifier: MIT */
/*
 * futex: tokens counted in shared memory, with a futex to sleep on: what every lock and
 * semaphore is made of.
 *
 * Each direction has two counters, `sent` and `taken`, each written by one side only; their
 * difference is bounded by the depth.  Whoever has to wait for a counter sleeps on that
 * counter itself: the kernel compares it once more before it sleeps, so no wake-up between
 * look and sleep can be lost.
 *
 * A side that sleeps says so in a flag beside the counter, and only then does the other one
 * make the FUTEX_WAKE system call; storing the counter before looking at the flag, and the
 * flag before looking at the counter, is Dekker's pattern and takes a full fence on both
 * sides.  Flag and counter have a line each, so that looking at the flag stays a hit.
 *
 * The wake-up is paid for by the waker, who cannot tell whether the sleeper has gone to
 * sleep by now.  Nothing wakes a sleeper when its peer dies: no EOF.
 */
#include "base/region.h"
#include "mechanisms/token.h"
#include "mechanisms/wait.h"

enum {
    OWN_DEPTH = 64,         /* tokens, when the plan leaves the choice */
    MOST_DEPTH = INT32_MAX, /* differences of the counters must stay exact */
};

struct futex_options {
    int64_t spin_ns; /* spin_then_block: how long to spin */
};

struct futex_counter {
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t count;  /* by the side that counts */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps; /* by the side that waits for it */
};

struct futex_way {
    struct futex_counter sent, taken;
};

struct futex_channel {
    struct futex_way ways[IPM_SIDES]; /* by the side that sends */
    uint32_t depth;
};

struct futex_endpoint {
    struct futex_way *out, *in;
    uint32_t depth;
    uint32_t sent;       /* our counters, of which the shared ones are copies */
    uint32_t taken;      /* of the tokens for us */
    uint32_t taken_seen; /* by the peer, when last looked at */
    enum ipm_wait wait;
    bool wakes; /* the peer may be asleep: look after counting */
    int64_t spin_ns;
    struct ipm_endpoint_stats stats;
};

static int futex_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct futex_channel *state = channel->state;
    size_t depth = channel->config.depth > 0 ? channel->config.depth : OWN_DEPTH;
    (void)why;
    state->depth = depth < MOST_DEPTH ? (uint32_t)depth : MOST_DEPTH;
    channel->capacity = (struct ipm_capacity){.bytes = 0, .messages = state->depth};
    return 0;
}

static void futex_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static int futex_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct futex_options *options = config->options;
    struct futex_channel *state = endpoint->channel->state;
    struct futex_endpoint *own = endpoint->state;
    (void)why;
    own->out = &state->ways[endpoint->side];
    own->in = &state->ways[ipm_token_peer(endpoint->side)];
    own->depth = state->depth;
    own->wait = config->wait;
    own->wakes =
        config->wait == IPM_WAIT_BLOCK || config->wait == IPM_WAIT_SPIN_THEN_BLOCK;
    own->spin_ns = options->spin_ns;
    return 0;
}

static void futex_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

/* Makes @count known, and wakes the peer when it sleeps over it. */
static inline void publish(struct futex_endpoint *own, struct futex_counter *counter,
                           uint32_t count)
{
    atomic_store_explicit(&counter->count, count, memory_order_release);
    if (!own->wakes)
        return;
    ipm_full_fence();
    if (atomic_load_explicit(&counter->sleeps, memory_order_relaxed) != 0 &&
        atomic_exchange_explicit(&counter->sleeps, 0, memory_order_relaxed) != 0) {
        ipm_futex_wake(&counter->count, 1);
        own->stats.wakes++;
    }
}

/* Sleeps unless the counter has moved.  0 look again; IPM_AGAIN; -errno. */
static int futex_sleep(struct futex_endpoint *own, struct futex_counter *counter,
                       uint32_t unwanted, int64_t deadline_ns)
{
    int result = 0;
    atomic_store_explicit(&counter->sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    if (atomic_load_explicit(&counter->count, memory_order_acquire) == unwanted) {
        own->stats.sleeps++;
        result = ipm_futex_wait(&counter->count, unwanted, deadline_ns);
    }
    atomic_store_explicit(&counter->sleeps, 0, memory_order_relaxed);
    return result;
}

/* Whether it is time to sleep; spin_then_block looks at the clock now and then. */
static bool may_sleep(const struct futex_endpoint *own, uint32_t turns,
                      int64_t *spin_until_ns)
{
    if (own->wait != IPM_WAIT_SPIN_THEN_BLOCK)
        return own->wait == IPM_WAIT_BLOCK;
    if (turns % IPM_SPINS_PER_CLOCK != 0)
        return false;
    int64_t now_ns = ipm_now_ns();
    if (*spin_until_ns == 0)
        *spin_until_ns = now_ns + own->spin_ns;
    return now_ns >= *spin_until_ns;
}

/* Cold: waits until the counter is no longer @unwanted. */
static int await(struct futex_endpoint *own, struct futex_counter *counter,
                 uint32_t unwanted, int64_t deadline_ns)
{
    int64_t spin_until_ns = 0;
    uint32_t looks = 0;
    uint32_t turns = 0;
    while (atomic_load_explicit(&counter->count, memory_order_acquire) == unwanted) {
        bool sleep = deadline_ns != 0 && may_sleep(own, looks++, &spin_until_ns);
        int result = sleep ? futex_sleep(own, counter, unwanted, deadline_ns)
                           : ipm_wait_turn(own->wait, &turns, deadline_ns);
        if (result != 0)
            return result;
        if (sleep)
            looks = 0; /* the time to spin is over: sleep again at once */
    }
    return 0;
}

/* Room for tokens now, at least one; waits for it. */
static inline int room(struct futex_endpoint *own, int64_t deadline_ns,
                       uint32_t *out_room)
{
    struct futex_counter *taken = &own->out->taken;
    if (own->sent - own->taken_seen >= own->depth) {
        int result = await(own, taken, own->sent - own->depth, deadline_ns);
        if (result != 0)
            return result;
        own->taken_seen = atomic_load_explicit(&taken->count, memory_order_acquire);
        if (own->sent - own->taken_seen >= own->depth)
            return -EPROTO; /* it went backwards, or past what was sent */
    }
    *out_room = own->depth - (own->sent - own->taken_seen);
    return 0;
}

static int futex_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                        size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct futex_endpoint *own = endpoint->state;
    size_t sane = ipm_token_sane(messages, n);
    *out_n = 0;
    while (*out_n < sane) {
        uint32_t fits = 0;
        int result = room(own, deadline_ns, &fits);
        if (result != 0)
            return result;
        size_t left = sane - *out_n;
        uint32_t now = left < fits ? (uint32_t)left : fits;
        own->sent += now;
        publish(own, &own->out->sent, own->sent);
        *out_n += now;
    }
    return sane < n ? -EMSGSIZE : 0;
}

static int futex_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                        size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct futex_endpoint *own = endpoint->state;
    struct futex_counter *sent = &own->in->sent;
    *out_n = 0;
    uint32_t came =
        atomic_load_explicit(&sent->count, memory_order_acquire) - own->taken;
    if (came == 0) {
        int result = await(own, sent, own->taken, deadline_ns);
        if (result != 0)
            return result;
        came = atomic_load_explicit(&sent->count, memory_order_acquire) - own->taken;
    }
    if (came == 0 || came > own->depth)
        return -EPROTO;
    uint32_t now = n < came ? (uint32_t)n : came;
    ipm_token_taken(messages, now);
    own->taken += now;
    publish(own, &own->in->taken, own->taken);
    *out_n = now;
    return 0;
}

static void futex_stats(const struct ipm_endpoint *endpoint,
                        struct ipm_endpoint_stats *out_stats)
{
    const struct futex_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const struct ipm_option futex_option_rows[] = {
    {.name = "spin",
     .type = IPM_OPTION_DURATION,
     .offset = IPM_OPTION_FIELD(struct futex_options, spin_ns),
     .fallback = "20us",
     .min = 0,
     .max = IPM_NS_PER_SECOND,
     .unit = "ns",
     .help = "spin_then_block: how long to spin before it sleeps"},
    {0},
};

const struct ipm_mechanism ipm_mechanism_futex = {
    .abi = IPM_PLUGIN_ABI,
    .name = "futex",
    .version = 1,
    .family = "token",
    .summary = "counters in shared memory, a futex to sleep on",
    .options = futex_option_rows,
    .options_size = sizeof(struct futex_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK),
    .modes = {[0] = {.supported = true, .facts = {.syncs = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct futex_channel),
    .endpoint_size = sizeof(struct futex_endpoint),
    .create = futex_create,
    .destroy = futex_destroy,
    .attach = futex_attach,
    .detach = futex_detach,
    .send_n = futex_send_n,
    .recv_n = futex_recv_n,
    .stats = futex_stats,
};
