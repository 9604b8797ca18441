/* SPDX-License-Identifier: MIT */
/*
 * posix_sem: tokens counted by an unnamed, process-shared sem_t per direction, which lies in
 * the channel's shared state.
 *
 * glibc keeps value and sleepers in one word: a post makes a system call only when somebody
 * sleeps, a wait only when the value is 0.  The counter ends at SEM_VALUE_MAX (2^31 - 1): a
 * sender that ran so far ahead has nothing to sleep on and naps (ipm_wait_nap).
 *
 * A process that is killed leaves the semaphore as it is: no EOF.
 */
#include "base/region.h"
#include "mechanisms/token.h"
#include "mechanisms/wait.h"

#include <limits.h>
#include <semaphore.h>

struct posix_sem_way {
    _Alignas(IPM_LINE_PAIR) sem_t tokens;
};

struct posix_sem_channel {
    struct posix_sem_way ways[IPM_SIDES]; /* by the side that posts */
    int n_ways;                           /* initialised */
};

struct posix_sem_endpoint {
    sem_t *out;
    sem_t *in;
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

static int posix_sem_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct posix_sem_channel *state = channel->state;
    while (state->n_ways < IPM_SIDES) {
        if (sem_init(&state->ways[state->n_ways].tokens, 1, 0) != 0)
            return ipm_why_set(why, -errno, "sem_init(shared): ");
        state->n_ways++;
    }
    channel->capacity = (struct ipm_capacity){.bytes = 0, .messages = SEM_VALUE_MAX};
    return 0;
}

static void posix_sem_destroy(struct ipm_channel *channel)
{
    struct posix_sem_channel *state = channel->state;
    while (state->n_ways > 0)
        (void)sem_destroy(&state->ways[--state->n_ways].tokens);
}

static int posix_sem_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct posix_sem_channel *state = endpoint->channel->state;
    struct posix_sem_endpoint *own = endpoint->state;
    (void)why;
    own->out = &state->ways[endpoint->side].tokens;
    own->in = &state->ways[ipm_token_peer(endpoint->side)].tokens;
    own->wait = endpoint->channel->config.wait;
    return 0;
}

static void posix_sem_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

static int posix_sem_post(void *state, int64_t deadline_ns)
{
    struct posix_sem_endpoint *own = state;
    uint32_t turns = 0;
    while (sem_post(own->out) != 0) {
        if (errno != EOVERFLOW)
            return -errno;
        int result = ipm_wait_nap(own->wait, &turns, deadline_ns, &own->stats);
        if (result != 0)
            return result;
    }
    return 0;
}

static int posix_sem_take(void *state, int64_t deadline_ns)
{
    struct posix_sem_endpoint *own = state;
    bool sleeps = own->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
    bool timed = sleeps && deadline_ns != IPM_FOREVER;
    struct timespec until = {0};
    uint32_t turns = 0;
    if (timed)
        until = ipm_timespec(deadline_ns);
    for (;;) {
        int failed = timed    ? sem_clockwait(own->in, CLOCK_MONOTONIC, &until)
                     : sleeps ? sem_wait(own->in)
                              : sem_trywait(own->in);
        if (failed == 0)
            return 0;
        if (errno == ETIMEDOUT)
            return IPM_AGAIN;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
        int result = sleeps ? 0 : ipm_wait_turn(own->wait, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int posix_sem_send_n(struct ipm_endpoint *endpoint,
                            const struct ipm_span *messages, size_t n,
                            int64_t deadline_ns, size_t *out_n)
{
    return ipm_token_send_each(posix_sem_post, endpoint->state, messages, n,
                               deadline_ns, out_n);
}

static int posix_sem_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                            size_t n, int64_t deadline_ns, size_t *out_n)
{
    (void)n;
    return ipm_token_recv_one(posix_sem_take, endpoint->state, messages, deadline_ns,
                              out_n);
}

static void posix_sem_stats(const struct ipm_endpoint *endpoint,
                            struct ipm_endpoint_stats *out_stats)
{
    const struct posix_sem_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_posix_sem = {
    .abi = IPM_PLUGIN_ABI,
    .name = "posix_sem",
    .version = 1,
    .family = "token",
    .summary = "sem_t in shared memory, one per direction",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true, .facts = {.syncs = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct posix_sem_channel),
    .endpoint_size = sizeof(struct posix_sem_endpoint),
    .create = posix_sem_create,
    .destroy = posix_sem_destroy,
    .attach = posix_sem_attach,
    .detach = posix_sem_detach,
    .send_n = posix_sem_send_n,
    .recv_n = posix_sem_recv_n,
    .stats = posix_sem_stats,
};
