/* SPDX-License-Identifier: MIT */
#include "mechanisms/packet.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* --- before the roles ------------------------------------------------------------------ */

void ipm_packet_own(struct ipm_channel *channel, enum ipm_side side, int fd)
{
    struct ipm_packet_channel *state = channel->state;
    ipm_channel_own(channel, fd, IPM_OWNER(side));
    state->fds_plus_one[side] = fd + 1;
}

int ipm_packet_charge(int from, int to, size_t length, enum ipm_packet_account account,
                      int64_t *out_bytes, struct ipm_why *why)
{
    *out_bytes = 0;
    ipm_auto_free void *message = calloc(1, length + 1);
    if (message == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for one message");
    if (send(from, message, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "a message of %zu bytes cannot be sent: %s", length,
                           strerror(errno));
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t bytes = sizeof(memory);
    bool senders = account == IPM_PACKET_SENDERS;
    if (getsockopt(senders ? from : to, SOL_SOCKET, SO_MEMINFO, memory, &bytes) == 0)
        *out_bytes = memory[senders ? SK_MEMINFO_WMEM_ALLOC : SK_MEMINFO_RMEM_ALLOC];
    ssize_t got = recv(to, NULL, 0, MSG_DONTWAIT | MSG_TRUNC);
    if (got != (ssize_t)length)
        return ipm_why_set(why, -EPROTO, "sent a message of %zu bytes, received %zd",
                           length, got);
    return 0;
}

static bool passes(int from, int to, const void *message, int64_t length)
{
    return send(from, message, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) == length &&
           recv(to, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) == length;
}

int64_t ipm_packet_longest(int from, int to, int64_t most)
{
    ipm_auto_free void *message = calloc(1, (size_t)most);
    if (message == NULL)
        return 0;
    int64_t fits = 0;
    int64_t fails = most + 1;
    for (int64_t middle = most; fails - fits > 1; middle = fits + (fails - fits) / 2) {
        if (passes(from, to, message, middle))
            fits = middle;
        else
            fails = middle;
    }
    return fits;
}

void ipm_packet_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

/* --- in a role ------------------------------------------------------------------------- */

int ipm_packet_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel *channel = endpoint->channel;
    const struct ipm_packet_channel *state = channel->state;
    struct ipm_packet_endpoint *own = endpoint->state;
    enum ipm_wait wait = channel->config.wait;
    size_t limit = (size_t)channel->mechanism->limits.max_length;
    size_t most = channel->config.max_message;
    (void)why;
    own->io = (struct ipm_packet){
        .fd_plus_one = state->fds_plus_one[endpoint->side],
        .wait = wait,
        .sleeps = wait != IPM_WAIT_SPIN && wait != IPM_WAIT_YIELD,
        .blind = state->blind,
        .min_message = (size_t)channel->mechanism->limits.min_length,
        .max_message = limit > 0 && limit < most ? limit : most,
    };
    return 0;
}

void ipm_packet_detach(struct ipm_endpoint *endpoint)
{
    struct ipm_packet_endpoint *own = endpoint->state;
    if (own->io.fd_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->io.fd_plus_one - 1);
    own->io.fd_plus_one = 0;
}

int ipm_packet_wait(struct ipm_packet *io, short events, uint32_t *turns,
                    int64_t deadline_ns)
{
    if (!io->sleeps)
        return ipm_wait_turn(io->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {.fd = io->fd_plus_one - 1, .events = events};
    io->stats.sleeps++;
    /* Whatever poll() says, the caller tries once more: a UNIX socket with room for a
     * message may poll writable only when three quarters of it are free. */
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

static inline int call_flags(const struct ipm_packet *io, int64_t deadline_ns)
{
    return io->sleeps && deadline_ns == IPM_FOREVER ? 0 : MSG_DONTWAIT;
}

/* After a send() that failed: 0 try again; IPM_AGAIN; IPM_CLOSED; -errno. */
static __attribute__((noinline)) int send_again(struct ipm_packet *io, uint32_t *turns,
                                                int64_t deadline_ns)
{
    switch (errno) {
    case EINTR:
        return 0;
    case EAGAIN:
        return ipm_packet_wait(io, POLLOUT, turns, deadline_ns);
    case ECONNREFUSED: /* a datagram's first word of a dead peer */
    case ENOTCONN:     /* and all later ones */
        io->gone = true;
        return IPM_CLOSED;
    case EPIPE:
    case ECONNRESET:
        return IPM_CLOSED;
    default:
        return -errno;
    }
}

/* One message, until @deadline_ns, where only the kernel's own wait knows of room. */
static int send_timed(struct ipm_packet *io, const struct ipm_span *message,
                      int64_t deadline_ns)
{
    int fd = io->fd_plus_one - 1;
    int result = 0;
    for (;;) {
        int64_t left_us = (deadline_ns - ipm_now_ns() + 999) / 1000;
        if (left_us <= 0) {
            result = IPM_AGAIN;
            break;
        }
        struct timeval left = {.tv_sec = left_us / 1000000,
                               .tv_usec = left_us % 1000000};
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) != 0)
            return -errno;
        io->stats.sleeps++;
        if (send(fd, message->data, message->length, MSG_NOSIGNAL) >= 0)
            break;
        if (errno == EAGAIN)
            continue;
        uint32_t turns = 0;
        result = send_again(io, &turns, deadline_ns);
        if (result != 0)
            break;
    }
    struct timeval for_ever = {0};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof(for_ever)) != 0)
        return -errno;
    return result;
}

static inline int send_one(struct ipm_packet *io, const struct ipm_span *message,
                           int64_t deadline_ns)
{
    int flags = MSG_NOSIGNAL | call_flags(io, deadline_ns);
    uint32_t turns = 0;
    while (send(io->fd_plus_one - 1, message->data, message->length, flags) < 0) {
        if (errno == EAGAIN && io->blind && io->sleeps && deadline_ns != 0)
            return send_timed(io, message, deadline_ns);
        int result = send_again(io, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

int ipm_packet_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_packet_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length < own->io.min_message ||
            messages[i].length > own->io.max_message)
            return -EMSGSIZE;
        int result = send_one(&own->io, &messages[i], deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* After a recv() that failed; as send_again(). */
static __attribute__((noinline)) int recv_again(struct ipm_packet *io, uint32_t *turns,
                                                int64_t deadline_ns)
{
    switch (errno) {
    case EINTR:
        return 0;
    case EAGAIN:
        return io->gone ? IPM_CLOSED : ipm_packet_wait(io, POLLIN, turns, deadline_ns);
    case ECONNRESET: {
        /* Told once, and before what the dead peer had sent, which is still to be read. */
        int result = io->reset ? IPM_CLOSED : 0;
        io->reset = true;
        return result;
    }
    default:
        return -errno;
    }
}

int ipm_packet_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_packet_endpoint *own = endpoint->state;
    struct ipm_packet *io = &own->io;
    (void)n;
    /* MSG_TRUNC makes the kernel say how long the message was, room or no room. */
    int flags = MSG_TRUNC | (io->gone ? MSG_DONTWAIT : call_flags(io, deadline_ns));
    uint32_t turns = 0;
    ssize_t got = -1;
    *out_n = 0;
    for (;;) {
        got = recv(io->fd_plus_one - 1, messages[0].data, messages[0].length, flags);
        if (got >= 0)
            break;
        int result = recv_again(io, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    if (got == 0 && io->min_message > 0)
        return IPM_CLOSED;
    if ((size_t)got > messages[0].length)
        return -EMSGSIZE;
    messages[0].length = (size_t)got;
    *out_n = 1;
    return 0;
}

int ipm_packet_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct ipm_packet_endpoint *own = endpoint->state;
    return own->io.fd_plus_one - 1;
}

void ipm_packet_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats)
{
    const struct ipm_packet_endpoint *own = endpoint->state;
    *out_stats = own->io.stats;
}
