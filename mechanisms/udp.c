/* SPDX-License-Identifier: MIT */
/*
 * udp: datagrams over loopback between connected sockets, both ways, with a credit window.
 *
 * UDP throws away what the receiver's buffer has no room for and tells nobody.  So a sender
 * keeps to a window (credit.h) that fits the buffer, and every datagram carries 8 bytes of
 * ours before the payload: its number, and the sender's credit.  A gap in the numbers is
 * -ENOBUFS at the receiver: nothing is lost silently.  (A loss with nothing sent behind it
 * is a wait that does not end, which is for the worker's watchdog.)
 *
 * The window is counted in the kernel's charge for a datagram of max_message bytes, which
 * create() finds out by sending one.  The kernel gives room back to a reader late, when a
 * quarter of the buffer is owed; so only three quarters are used.
 *
 * Notes of credit go through a second pair of sockets: a data socket is readable only for
 * data.  In ping-pong credits ride on the replies and there are no notes; the sender looks
 * for stray ones now and then, before their socket could overflow.
 *
 * Death: a datagram for a closed socket comes back as an ICMP message, so a later call says
 * ECONNREFUSED, and only to who had sent.  Who waits to receive is told nothing: no EOF.
 */
#include "mechanisms/credit.h"
#include "mechanisms/loopback.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    LARGEST_DATAGRAM = 65507, /* bytes; 65535 less the headers of IPv4 and UDP */
    DEFAULT_DEPTH = 32,       /* messages */
    /* A softirq that is late leaves datagrams in the CPU's backlog, which is shared and
     * takes net.core.netdev_max_backlog of them: 1000. */
    MOST_WINDOW = 512,  /* messages */
    NOTES_ROOM = 65536, /* bytes of receive buffer; a note is charged with 768 */
    MOST_NOTES = 32,    /* unread at most, but for one window's */
};

struct udp_header {
    uint32_t sequence;
    uint32_t credit;
};

struct udp_channel {
    int data_plus_one[IPM_SIDES];
    int notes_plus_one[IPM_SIDES];
    uint32_t window; /* messages */
};

struct udp_endpoint {
    int data_plus_one;
    int notes_plus_one;
    enum ipm_wait wait;
    bool gone; /* the peer's socket was closed */
    size_t max_message;
    struct ipm_credit credit;
    uint32_t looked; /* messages for which there can be no unread note */
    struct ipm_endpoint_stats stats;
};

/* --- channel --------------------------------------------------------------------------- */

/* Room for @window datagrams, charged @charge each, on every data socket.  Messages that
 * fit, at most @window; -errno. */
static int64_t udp_make_room(const struct udp_channel *state, int64_t window,
                             int64_t charge, struct ipm_why *why)
{
    int64_t needed = window * charge / 3 * 4 + charge;
    for (int side = 0; side < IPM_SIDES; side++) {
        int fd = state->data_plus_one[side] - 1;
        int64_t granted = ipm_socket_room(fd, SO_RCVBUF, 0, why);
        if (granted >= 0 && granted < needed) {
            int64_t bytes = needed / 2 + 1; /* the kernel doubles it */
            bytes = bytes < IPM_SOCKET_LARGEST ? bytes : IPM_SOCKET_LARGEST;
            granted = ipm_socket_room(fd, SO_RCVBUF, bytes, why);
        }
        if (granted < 0)
            return granted;
        int64_t fit = granted / 4 * 3 / charge;
        window = window < fit ? window : fit;
    }
    if (window < 1)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "the receive buffer granted has no room for a datagram that "
                           "is charged with %lld bytes",
                           (long long)charge);
    return window;
}

static int udp_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct udp_channel *state = channel->state;
    const struct ipm_channel_config *config = &channel->config;
    int error = ipm_loopback_pair(channel, state->data_plus_one, why);
    if (error == 0)
        error = ipm_loopback_pair(channel, state->notes_plus_one, why);
    for (int side = 0; error == 0 && side < IPM_SIDES; side++) {
        int64_t granted = ipm_socket_room(state->notes_plus_one[side] - 1, SO_RCVBUF,
                                          NOTES_ROOM, why);
        if (granted < 0)
            error = (int)granted;
        else if (granted < NOTES_ROOM)
            error = ipm_why_set(why, -EOPNOTSUPP,
                                "only %lld bytes of receive buffer for credit",
                                (long long)granted);
    }
    if (error != 0)
        return error;
    int64_t charge = ipm_loopback_charge(
        state->data_plus_one, sizeof(struct udp_header) + config->max_message, why);
    if (charge < 0)
        return (int)charge;
    /* What credit may be held back comes on top of the depth. */
    int64_t depth = config->depth > 0 ? (int64_t)config->depth : DEFAULT_DEPTH;
    int64_t window = depth < MOST_WINDOW ? depth + (depth > 1 ? depth / 2 : 1) : depth;
    window = udp_make_room(state, window < MOST_WINDOW ? window : MOST_WINDOW,
                           charge > 0 ? charge : 1, why);
    if (window < 0)
        return (int)window;
    state->window = (uint32_t)window;
    int64_t always = window - ipm_credit_batch(state->window) + 1;
    channel->capacity = (struct ipm_capacity){
        .bytes = always * (int64_t)config->max_message,
        .messages = always,
    };
    return 0;
}

static void udp_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int udp_probe(struct ipm_why *why)
{
    struct udp_channel state = {0};
    struct ipm_channel channel = {.state = &state};
    int error = udp_create(&channel, why);
    udp_destroy(&channel);
    return error;
}

/* --- endpoint -------------------------------------------------------------------------- */

static int udp_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct udp_channel *state = endpoint->channel->state;
    struct udp_endpoint *own = endpoint->state;
    (void)why;
    own->data_plus_one = state->data_plus_one[endpoint->side];
    own->notes_plus_one = state->notes_plus_one[endpoint->side];
    own->wait = endpoint->channel->config.wait;
    own->max_message = endpoint->channel->config.max_message;
    own->credit = (struct ipm_credit){
        .window = state->window,
        .batch = ipm_credit_batch(state->window),
    };
    return 0;
}

static void udp_detach(struct ipm_endpoint *endpoint)
{
    struct udp_endpoint *own = endpoint->state;
    if (own->data_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->data_plus_one - 1);
    if (own->notes_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->notes_plus_one - 1);
    own->data_plus_one = 0;
    own->notes_plus_one = 0;
}

static bool sleeps(const struct udp_endpoint *own)
{
    return own->wait != IPM_WAIT_SPIN && own->wait != IPM_WAIT_YIELD;
}

/* Waits in the call itself when nothing else can end the wait. */
static inline int udp_flags(const struct udp_endpoint *own, int64_t deadline_ns)
{
    bool inside = sleeps(own) && deadline_ns == IPM_FOREVER && !own->gone;
    return inside ? 0 : MSG_DONTWAIT;
}

/* After a call that failed: 0 try again; IPM_AGAIN; IPM_CLOSED; -errno. */
static int udp_again(struct udp_endpoint *own, int fd, short events, uint32_t *turns,
                     int64_t deadline_ns)
{
    if (errno == EINTR)
        return 0;
    if (errno == ECONNREFUSED) {
        /* Reported once, before what may still be queued. */
        own->gone = true;
        return events == POLLIN ? 0 : IPM_CLOSED;
    }
    if (errno != EAGAIN)
        return -errno;
    if (own->gone)
        return IPM_CLOSED;
    if (!sleeps(own))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {.fd = fd, .events = events};
    own->stats.sleeps++;
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/* --- sending --------------------------------------------------------------------------- */

/* Reads one note.  0; IPM_AGAIN; IPM_CLOSED; -errno. */
static int udp_read_note(struct udp_endpoint *own, int64_t deadline_ns)
{
    int fd = own->notes_plus_one - 1;
    uint32_t turns = 0;
    for (;;) {
        uint32_t total = 0;
        ssize_t got =
            recv(fd, &total, sizeof(total), udp_flags(own, deadline_ns) | MSG_TRUNC);
        if (got >= 0) {
            own->looked += own->credit.batch;
            return got == (ssize_t)sizeof(total) &&
                           ipm_credit_learn(&own->credit, total)
                       ? 0
                       : -EPROTO;
        }
        int result = udp_again(own, fd, POLLIN, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

/* Until the window is open, and reads away the notes that nobody waited for. */
static int udp_look(struct udp_endpoint *own, int64_t deadline_ns)
{
    while (!ipm_credit_open(&own->credit)) {
        int result = udp_read_note(own, deadline_ns);
        if (result != 0)
            return result;
    }
    if ((int32_t)(own->credit.sent - own->looked) <
        (int32_t)(MOST_NOTES * own->credit.batch))
        return 0;
    int result = 0;
    while (result == 0)
        result = udp_read_note(own, 0);
    own->looked = own->credit.sent;
    return result == IPM_AGAIN ? 0 : result;
}

static inline bool udp_may_send(const struct udp_endpoint *own)
{
    return ipm_credit_open(&own->credit) &&
           (int32_t)(own->credit.sent - own->looked) <
               (int32_t)(MOST_NOTES * own->credit.batch);
}

static int udp_put(struct udp_endpoint *own, const struct ipm_span *message,
                   int64_t deadline_ns)
{
    int fd = own->data_plus_one - 1;
    struct udp_header header = {
        .sequence = own->credit.sent,
        .credit = own->credit.taken,
    };
    struct iovec parts[] = {
        {.iov_base = &header, .iov_len = sizeof(header)},
        {.iov_base = message->data, .iov_len = message->length},
    };
    const struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 2};
    uint32_t turns = 0;
    while (sendmsg(fd, &datagram, udp_flags(own, deadline_ns)) < 0) {
        int result = udp_again(own, fd, POLLOUT, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    ipm_credit_sent(&own->credit);
    return 0;
}

static int udp_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct udp_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > own->max_message)
            return -EMSGSIZE;
        if (own->gone)
            return IPM_CLOSED;
        int result = udp_may_send(own) ? 0 : udp_look(own, deadline_ns);
        if (result == 0)
            result = udp_put(own, &messages[i], deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* --- receiving ------------------------------------------------------------------------- */

/* One that cannot be sent now is due again with the next message. */
static int udp_send_note(struct udp_endpoint *own)
{
    uint32_t total = own->credit.taken;
    if (send(own->notes_plus_one - 1, &total, sizeof(total), MSG_DONTWAIT) >= 0) {
        ipm_credit_noted(&own->credit);
        return 0;
    }
    /* Nobody is there to be told, but there may be more to read. */
    own->gone = own->gone || errno == ECONNREFUSED;
    return errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* What came in @got bytes with @header, into room for @room.  0, -errno. */
static int udp_accept(struct udp_endpoint *own, const struct udp_header *header,
                      size_t got, size_t room)
{
    if (got < sizeof(*header))
        return -EPROTO;
    if (header->sequence != own->credit.taken)
        return (int32_t)(header->sequence - own->credit.taken) > 0 ? -ENOBUFS : -EPROTO;
    if (got - sizeof(*header) > room)
        return -EMSGSIZE;
    if (!ipm_credit_learn(&own->credit, header->credit))
        return -EPROTO;
    return ipm_credit_took(&own->credit) ? udp_send_note(own) : 0;
}

/* Takes one message: only another system call could tell whether a second is there. */
static int udp_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct udp_endpoint *own = endpoint->state;
    (void)n;
    int fd = own->data_plus_one - 1;
    struct udp_header header = {0};
    struct iovec parts[] = {
        {.iov_base = &header, .iov_len = sizeof(header)},
        {.iov_base = messages[0].data, .iov_len = messages[0].length},
    };
    struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 2};
    uint32_t turns = 0;
    *out_n = 0;
    for (;;) {
        ssize_t got = recvmsg(fd, &datagram, udp_flags(own, deadline_ns) | MSG_TRUNC);
        int result = got >= 0
                         ? udp_accept(own, &header, (size_t)got, messages[0].length)
                         : udp_again(own, fd, POLLIN, &turns, deadline_ns);
        if (result != 0)
            return result;
        if (got >= 0) {
            messages[0].length = (size_t)got - sizeof(header);
            *out_n = 1;
            return 0;
        }
    }
}

static int udp_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct udp_endpoint *own = endpoint->state;
    return own->data_plus_one - 1;
}

static void udp_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats)
{
    const struct udp_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_udp = {
    .abi = IPM_PLUGIN_ABI,
    .name = "udp",
    .version = 1,
    .family = "message",
    .summary = "UDP over loopback, lossless by a credit window",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = LARGEST_DATAGRAM - (int64_t)sizeof(struct udp_header),
               .in_flight = MOST_WINDOW},
    /* Notes are messages too: how many there are depends on the window. */
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = IPM_VARIES,
                               .system_calls = IPM_VARIES,
                               .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct udp_channel),
    .endpoint_size = sizeof(struct udp_endpoint),
    .probe = udp_probe,
    .create = udp_create,
    .destroy = udp_destroy,
    .attach = udp_attach,
    .detach = udp_detach,
    .send_n = udp_send_n,
    .recv_n = udp_recv_n,
    .wait_fd = udp_wait_fd,
    .stats = udp_stats,
};
