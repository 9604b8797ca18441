/* SPDX-License-Identifier: MIT */
/*
 * eventfd: tokens counted by an eventfd per direction.
 *
 * EFD_SEMAPHORE: a read takes one token and leaves the rest in the kernel.  Without it a
 * read takes all of them, and what the receiver then kept for itself would make poll() on
 * the descriptor lie.  A span of tokens is posted by one write, which adds their number.
 *
 * The counter ends at 2^64 - 2: it is never full.  Nothing tells a reader that the writers
 * are gone, for each side holds both descriptors: no EOF.
 */
#include "mechanisms/token.h"
#include "mechanisms/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct eventfd_channel {
    int fds_plus_one[IPM_SIDES]; /* by the side that posts; 0: none */
};

struct eventfd_endpoint {
    int out_plus_one;
    int in_plus_one;
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

static bool spins(enum ipm_wait wait)
{
    return wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD;
}

static int eventfd_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct eventfd_channel *state = channel->state;
    int ways = channel->config.duplex ? IPM_SIDES : 1;
    int flags = EFD_SEMAPHORE | EFD_CLOEXEC;
    if (spins(channel->config.wait))
        flags |= EFD_NONBLOCK;
    for (int side = 0; side < ways; side++) {
        int fd = eventfd(0, flags);
        if (fd < 0)
            return ipm_why_set(why, -errno, "eventfd: ");
        ipm_channel_own(channel, fd, IPM_OWNER_BOTH);
        state->fds_plus_one[side] = fd + 1;
    }
    channel->capacity = (struct ipm_capacity){.bytes = 0, .messages = INT64_MAX};
    return 0;
}

static void eventfd_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int eventfd_probe(struct ipm_why *why)
{
    int fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "eventfd: ");
    (void)close(fd);
    return 0;
}

static int eventfd_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct eventfd_channel *state = endpoint->channel->state;
    struct eventfd_endpoint *own = endpoint->state;
    (void)why;
    own->out_plus_one = state->fds_plus_one[endpoint->side];
    own->in_plus_one = state->fds_plus_one[ipm_token_peer(endpoint->side)];
    own->wait = endpoint->channel->config.wait;
    return 0;
}

static void eventfd_detach(struct ipm_endpoint *endpoint)
{
    struct eventfd_endpoint *own = endpoint->state;
    if (own->out_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->out_plus_one - 1);
    if (own->in_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->in_plus_one - 1);
    own->out_plus_one = own->in_plus_one = 0;
}

/* Nobody could fill the counter: there is nothing to wait for. */
static int eventfd_send_n(struct ipm_endpoint *endpoint,
                          const struct ipm_span *messages, size_t n,
                          int64_t deadline_ns, size_t *out_n)
{
    struct eventfd_endpoint *own = endpoint->state;
    size_t sane = ipm_token_sane(messages, n);
    uint64_t count = sane;
    (void)deadline_ns;
    *out_n = 0;
    while (count > 0 && write(own->out_plus_one - 1, &count, sizeof(count)) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    *out_n = sane;
    return sane < n ? -EMSGSIZE : 0;
}

/* Sleeps until a read would not.  0; IPM_AGAIN; -errno. */
static int eventfd_sleep(struct eventfd_endpoint *own, int64_t deadline_ns)
{
    struct pollfd entry = {.fd = own->in_plus_one - 1, .events = POLLIN};
    own->stats.sleeps += deadline_ns != 0;
    for (;;) {
        int ready = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ipm_now_ns() >= deadline_ns)
            return IPM_AGAIN;
    }
}

static int eventfd_take(void *state, int64_t deadline_ns)
{
    struct eventfd_endpoint *own = state;
    bool polls = !spins(own->wait) && deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    uint64_t one = 0;
    for (;;) {
        int result = polls ? eventfd_sleep(own, deadline_ns) : 0;
        if (result != 0)
            return result;
        /* After poll() this cannot sleep: nobody else reads the descriptor. */
        if (read(own->in_plus_one - 1, &one, sizeof(one)) == (ssize_t)sizeof(one))
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        result = ipm_wait_turn(own->wait, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int eventfd_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                          size_t n, int64_t deadline_ns, size_t *out_n)
{
    (void)n;
    return ipm_token_recv_one(eventfd_take, endpoint->state, messages, deadline_ns,
                              out_n);
}

static int eventfd_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct eventfd_endpoint *own = endpoint->state;
    return own->in_plus_one - 1;
}

static void eventfd_stats(const struct ipm_endpoint *endpoint,
                          struct ipm_endpoint_stats *out_stats)
{
    const struct eventfd_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_eventfd = {
    .abi = IPM_PLUGIN_ABI,
    .name = "eventfd",
    .version = 1,
    .family = "token",
    .summary = "counter behind a descriptor, one per direction",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED |
                    IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true,
                     .facts = {.syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct eventfd_channel),
    .endpoint_size = sizeof(struct eventfd_endpoint),
    .probe = eventfd_probe,
    .create = eventfd_create,
    .destroy = eventfd_destroy,
    .attach = eventfd_attach,
    .detach = eventfd_detach,
    .send_n = eventfd_send_n,
    .recv_n = eventfd_recv_n,
    .wait_fd = eventfd_wait_fd,
    .stats = eventfd_stats,
};
