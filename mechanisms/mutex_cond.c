/* SPDX-License-Identifier: MIT */
/*
 * mutex_cond: tokens counted under a process-shared, robust pthread mutex; one condition
 * variable says that a token came, another that there is room again.
 *
 * The mutex is handed over (EOWNERDEAD) when its owner dies inside: only the peer can have
 * been it, and a counter is whole whenever it is read, so the survivor takes what is left
 * and then returns IPM_CLOSED.  A peer that dies outside the mutex is not seen: no EOF.
 *
 * Condition variables are not robust.  One whose waiter was killed may hang a later signal
 * or destroy inside glibc (before 2.41 a signaller waits until the last generation of
 * waiters has left), so destroy() forgets them, which is legal for glibc: they own nothing.
 */
#include "base/region.h"
#include "mechanisms/token.h"
#include "mechanisms/wait.h"

#include <pthread.h>

enum { OWN_DEPTH = 64 }; /* tokens, when the plan leaves the choice */

struct mutex_cond_way {
    _Alignas(IPM_LINE_PAIR) pthread_mutex_t mutex;
    pthread_cond_t came;
    pthread_cond_t room;
    uint64_t count; /* tokens sent and not yet taken, <= depth */
};

struct mutex_cond_channel {
    struct mutex_cond_way ways[IPM_SIDES]; /* by the side that sends */
    uint64_t depth;
};

struct mutex_cond_endpoint {
    struct mutex_cond_way *out, *in;
    uint64_t depth;
    enum ipm_wait wait;
    bool peer_died; /* inside a mutex */
    struct ipm_endpoint_stats stats;
};

static int make_way(struct mutex_cond_way *way)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    int error = pthread_mutexattr_init(&mutex);
    if (error == 0)
        error = pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = pthread_mutex_init(&way->mutex, &mutex);
    if (error == 0)
        error = pthread_condattr_init(&cond);
    if (error == 0)
        error = pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(&way->came, &cond);
    if (error == 0)
        error = pthread_cond_init(&way->room, &cond);
    return -error;
}

static int mutex_cond_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct mutex_cond_channel *state = channel->state;
    for (int side = 0; side < IPM_SIDES; side++) {
        int error = make_way(&state->ways[side]);
        if (error != 0)
            return ipm_why_set(why, error, "a shared mutex or condition: ");
    }
    state->depth = channel->config.depth > 0 ? channel->config.depth : OWN_DEPTH;
    channel->capacity =
        (struct ipm_capacity){.bytes = 0, .messages = (int64_t)state->depth};
    return 0;
}

static void mutex_cond_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static int mutex_cond_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct mutex_cond_channel *state = endpoint->channel->state;
    struct mutex_cond_endpoint *own = endpoint->state;
    (void)why;
    own->out = &state->ways[endpoint->side];
    own->in = &state->ways[ipm_token_peer(endpoint->side)];
    own->depth = state->depth;
    own->wait = endpoint->channel->config.wait;
    return 0;
}

static void mutex_cond_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

/* After a call that returns with the mutex held: 0, or -errno and it is not held. */
static int held(struct mutex_cond_endpoint *own, struct mutex_cond_way *way, int error)
{
    if (error == EOWNERDEAD) {
        own->peer_died = true;
        error = pthread_mutex_consistent(&way->mutex);
    }
    return -error;
}

/* Sleeps with the mutex held at both ends.  0 look again; IPM_AGAIN; -errno, not held. */
static int sleep_on(struct mutex_cond_endpoint *own, struct mutex_cond_way *way,
                    pthread_cond_t *condition, int64_t deadline_ns)
{
    own->stats.sleeps++;
    if (deadline_ns == IPM_FOREVER)
        return held(own, way, pthread_cond_wait(condition, &way->mutex));
    struct timespec until = ipm_timespec(deadline_ns);
    int error = pthread_cond_timedwait(condition, &way->mutex, &until);
    return error == ETIMEDOUT ? IPM_AGAIN : held(own, way, error);
}

/*
 * Locks and waits until the count is no longer @unwanted.  0 with the mutex held; else not.
 */
static int lock_unless(struct mutex_cond_endpoint *own, struct mutex_cond_way *way,
                       uint64_t unwanted, pthread_cond_t *condition,
                       int64_t deadline_ns)
{
    bool sleeps = own->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
    uint32_t turns = 0;
    for (;;) {
        int result = held(own, way, pthread_mutex_lock(&way->mutex));
        if (result < 0)
            return result;
        while (sleeps && result == 0 && way->count == unwanted && !own->peer_died)
            result = sleep_on(own, way, condition, deadline_ns);
        if (result < 0)
            return result;
        if (way->count != unwanted)
            return 0;
        (void)pthread_mutex_unlock(&way->mutex);
        if (own->peer_died)
            return IPM_CLOSED;
        if (result == 0)
            result = ipm_wait_turn(own->wait, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int mutex_cond_send_n(struct ipm_endpoint *endpoint,
                             const struct ipm_span *messages, size_t n,
                             int64_t deadline_ns, size_t *out_n)
{
    struct mutex_cond_endpoint *own = endpoint->state;
    struct mutex_cond_way *way = own->out;
    size_t sane = ipm_token_sane(messages, n);
    *out_n = 0;
    while (*out_n < sane) {
        if (own->peer_died)
            return IPM_CLOSED; /* nobody will take it */
        int result = lock_unless(own, way, own->depth, &way->room, deadline_ns);
        if (result != 0)
            return result;
        uint64_t count = way->count;
        uint64_t fits = count < own->depth ? own->depth - count : 0;
        uint64_t now = sane - *out_n < fits ? sane - *out_n : fits;
        way->count = count + now;
        (void)pthread_mutex_unlock(&way->mutex);
        /* Not before: whoever woke up at once would find the mutex taken, and sleep again. */
        (void)pthread_cond_signal(&way->came);
        if (now == 0)
            return -EPROTO; /* the peer wrote a count beyond the depth */
        *out_n += now;
    }
    return sane < n ? -EMSGSIZE : 0;
}

static int mutex_cond_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                             size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct mutex_cond_endpoint *own = endpoint->state;
    struct mutex_cond_way *way = own->in;
    *out_n = 0;
    int result = lock_unless(own, way, 0, &way->came, deadline_ns);
    if (result != 0)
        return result;
    uint64_t came = way->count;
    size_t now = n < came ? n : (size_t)came;
    way->count = came - now;
    (void)pthread_mutex_unlock(&way->mutex);
    (void)pthread_cond_signal(&way->room);
    if (came > own->depth)
        return -EPROTO;
    ipm_token_taken(messages, now);
    *out_n = now;
    return 0;
}

static void mutex_cond_stats(const struct ipm_endpoint *endpoint,
                             struct ipm_endpoint_stats *out_stats)
{
    const struct mutex_cond_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_mutex_cond = {
    .abi = IPM_PLUGIN_ABI,
    .name = "mutex_cond",
    .version = 1,
    .family = "token",
    .summary = "a count under a shared mutex, with conditions",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true, .facts = {.syncs = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct mutex_cond_channel),
    .endpoint_size = sizeof(struct mutex_cond_endpoint),
    .create = mutex_cond_create,
    .destroy = mutex_cond_destroy,
    .attach = mutex_cond_attach,
    .detach = mutex_cond_detach,
    .send_n = mutex_cond_send_n,
    .recv_n = mutex_cond_recv_n,
    .stats = mutex_cond_stats,
};
