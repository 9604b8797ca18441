/* SPDX-License-Identifier: MIT */
/*
 * netlink: two AF_NETLINK sockets of the protocol left to users (NETLINK_USERSOCK), each
 * sending to the other's port, both ways.
 *
 * Messages go without struct nlmsghdr: the kernel reads headers only of what it is itself
 * sent, and hands a unicast between users' sockets on as it is.  What is measured is the
 * way, then, not the 16 bytes that an application might put in front.
 *
 * Room is the receiver's SO_RCVBUF; the longest message the sender's SO_SNDBUF less 32
 * bytes.  A sender into a full queue waits (netlink_attachskb) or gets EAGAIN: a unicast is
 * not dropped.  Should the kernel ever drop one, recv() says ENOBUFS, which is fatal here.
 * poll() looks at the sender's own account, where nothing is charged, and always calls the
 * socket writable; so a finite deadline goes into SO_SNDTIMEO.  An empty message is refused.
 *
 * A connected socket takes messages from its peer's port only, and the kernel fills in the
 * sender's port itself: a process that guesses ours gets ECONNREFUSED.  What came before
 * that is thrown away.  A dead peer is seen by who sends (ECONNREFUSED), not by who waits.
 */
#include "base/cleanup.h"
#include "mechanisms/packet.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_OVERHEAD = 512, /* bytes of SO_RCVBUF asked for beyond the payload, each */
    SEND_OVERHEAD = 32,     /* bytes of SO_SNDBUF that no message can have */
    LARGEST_BUFFER = 1 << 30, /* bytes; the kernel doubles it into an int */
};

struct netlink_options {
    int64_t receive_buffer_bytes; /* 0: from depth */
};

/* A socket with a port of its own, which the kernel chooses. */
static int netlink_open(struct sockaddr_nl *out_address, struct ipm_why *why)
{
    ipm_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
    if (fd < 0)
        return ipm_why_set(why, -errno, "socket(AF_NETLINK): ");
    *out_address = (struct sockaddr_nl){.nl_family = AF_NETLINK};
    socklen_t length = sizeof(*out_address);
    struct sockaddr *address = (struct sockaddr *)(void *)out_address;
    if (bind(fd, address, length) != 0)
        return ipm_why_set(why, -errno, "bind(AF_NETLINK): ");
    if (getsockname(fd, address, &length) != 0)
        return ipm_why_set(why, -errno, "getsockname(AF_NETLINK): ");
    return ipm_steal_fd(&fd);
}

static int netlink_connect(const int fds[IPM_SIDES],
                           const struct sockaddr_nl addresses[IPM_SIDES],
                           struct ipm_why *why)
{
    for (int side = 0; side < IPM_SIDES; side++) {
        const struct sockaddr_nl *peer = &addresses[IPM_SIDE_B - side];
        if (connect(fds[side], (const struct sockaddr *)(const void *)peer,
                    sizeof(*peer)) != 0)
            return ipm_why_set(why, -errno, "connect(AF_NETLINK): ");
    }
    for (int side = 0; side < IPM_SIDES; side++) {
        while (recv(fds[side], NULL, 0, MSG_DONTWAIT) >= 0)
            ;
    }
    return 0;
}

/* Asks for @bytes (0: leaves it) and reads back what there is. */
static int netlink_buffer(int fd, int which, int64_t bytes, int *out_bytes,
                          struct ipm_why *why)
{
    const char *name = which == SO_SNDBUF ? "SO_SNDBUF" : "SO_RCVBUF";
    int size = (int)(bytes < LARGEST_BUFFER ? bytes : LARGEST_BUFFER);
    if (size > 0 && setsockopt(fd, SOL_SOCKET, which, &size, sizeof(size)) != 0)
        return ipm_why_set(why, -errno, "set %s to %d bytes: ", name, size);
    socklen_t length = sizeof(*out_bytes);
    if (getsockopt(fd, SOL_SOCKET, which, out_bytes, &length) != 0)
        return ipm_why_set(why, -errno, "read %s: ", name);
    return 0;
}

/* Any message can be sent into an empty queue once the sender's buffer is long enough. */
static int netlink_room_for_one(int fd, int64_t message, struct ipm_why *why)
{
    int64_t least = message + SEND_OVERHEAD;
    int granted = 0;
    int error = netlink_buffer(fd, SO_SNDBUF, 0, &granted, why);
    if (error == 0 && granted < least)
        error = netlink_buffer(fd, SO_SNDBUF, least, &granted, why);
    if (error == 0 && granted < least)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "a message of %lld bytes needs SO_SNDBUF of %lld, granted "
                           "are %d (net.core.wmem_max)",
                           (long long)message, (long long)least, granted);
    return error;
}

static int netlink_set_room(struct ipm_channel *channel, const int fds[IPM_SIDES],
                            struct ipm_why *why)
{
    const struct netlink_options *options = channel->config.options;
    int64_t message = (int64_t)channel->config.max_message;
    int64_t depth = (int64_t)channel->config.depth;
    int64_t bytes = options->receive_buffer_bytes;
    int64_t charge = 0;
    int error = 0;
    int granted = 0;
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = netlink_room_for_one(fds[side], message, why);
    if (error == 0)
        error = ipm_packet_charge(fds[IPM_SIDE_A], fds[IPM_SIDE_B], (size_t)message,
                                  IPM_PACKET_RECEIVERS, &charge, why);
    /* Half of it: the kernel doubles what it is asked for. */
    int64_t each = charge > 0 ? (charge + 1) / 2 : message + MESSAGE_OVERHEAD;
    if (bytes == 0)
        bytes = depth < LARGEST_BUFFER / each ? depth * each : LARGEST_BUFFER;
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = netlink_buffer(fds[side], SO_RCVBUF, bytes, &granted, why);
    channel->capacity = (struct ipm_capacity){granted, IPM_VARIES};
    /* An empty queue takes any message; else all must fit (Linux 6.18; before, the last
     * could go beyond). */
    if (charge > 0)
        channel->capacity.messages = granted > charge ? granted / charge : 1;
    return error;
}

static int netlink_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_packet_channel *state = channel->state;
    struct sockaddr_nl addresses[IPM_SIDES];
    int fds[IPM_SIDES];
    state->blind = true;
    for (int side = 0; side < IPM_SIDES; side++) {
        fds[side] = netlink_open(&addresses[side], why);
        if (fds[side] < 0)
            return fds[side];
        ipm_packet_own(channel, (enum ipm_side)side, fds[side]);
    }
    int error = netlink_connect(fds, addresses, why);
    return error == 0 ? netlink_set_room(channel, fds, why) : error;
}

static int netlink_probe(struct ipm_why *why)
{
    struct sockaddr_nl addresses[IPM_SIDES];
    ipm_auto_fd int a = netlink_open(&addresses[IPM_SIDE_A], why);
    if (a < 0)
        return a;
    ipm_auto_fd int b = netlink_open(&addresses[IPM_SIDE_B], why);
    if (b < 0)
        return b;
    int error = netlink_connect((int[]){a, b}, addresses, why);
    int64_t charge = 0;
    return error != 0 ? error
                      : ipm_packet_charge(a, b, 1, IPM_PACKET_RECEIVERS, &charge, why);
}

static void netlink_limits_here(struct ipm_limits *limits)
{
    struct sockaddr_nl addresses[IPM_SIDES];
    ipm_auto_fd int a = netlink_open(&addresses[IPM_SIDE_A], NULL);
    ipm_auto_fd int b = netlink_open(&addresses[IPM_SIDE_B], NULL);
    int granted = 0;
    if (a < 0 || b < 0 || netlink_connect((int[]){a, b}, addresses, NULL) != 0 ||
        netlink_buffer(a, SO_SNDBUF, LARGEST_BUFFER, &granted, NULL) != 0)
        return;
    int64_t most = granted - SEND_OVERHEAD;
    int64_t longest =
        ipm_packet_longest(a, b, most < limits->max_length ? most : limits->max_length);
    if (longest > 0)
        limits->max_length = longest;
}

static const struct ipm_option netlink_option_rows[] = {
    {.name = "receive_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct netlink_options, receive_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_BUFFER,
     .unit = "bytes",
     .help = "SO_RCVBUF to ask for; 0: for depth messages; net.core.rmem_max caps it"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_netlink = {
    .abi = IPM_PLUGIN_ABI,
    .name = "netlink",
    .version = 1,
    .family = "message",
    .summary = "netlink sockets, unicast between users",
    .options = netlink_option_rows,
    .options_size = sizeof(struct netlink_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = LARGEST_BUFFER},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_packet_channel),
    .probe = netlink_probe,
    .limits_here = netlink_limits_here,
    .create = netlink_create,
    IPM_PACKET_HOOKS,
};
