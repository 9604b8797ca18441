/* SPDX-License-Identifier: MIT */
/*
 * tcp: one TCP connection over loopback, both ways.
 *
 * create() listens on a port that the kernel chose, connects to it and accepts.  Any process
 * of the machine may connect to that port first: who was accepted is compared with who
 * connected, and strangers are closed.  The listener is gone before create() returns.
 *
 * Nagle: without TCP_NODELAY a second small message waits for the acknowledgement of the
 * first, 40 ms when the peer has nothing to send.  `nodelay` is on unless asked otherwise.
 *
 * Room is the sender's buffer and the receiver's together, charged with kernel buffers, not
 * payload; the kernel doubles what is asked for to make up for that.  Without a depth and
 * without the options it grows and shrinks both as it sees fit.  A receive buffer of a few
 * KiB is no small queue but a broken one: the window closes, and its reopening is found out
 * by a timer (207 ms were seen with 1 KiB messages and depth 1), so there is a least size.
 *
 * How much moves at once depends on the interface's MTU (64 KiB here), on segmentation
 * offload and on the window: no chunk is claimed.  Softirqs carry the segments, on the
 * sender's time or on anybody's.
 */
#include "base/cleanup.h"
#include "mechanisms/loopback.h"
#include "mechanisms/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_OVERHEAD = 512, /* bytes asked for beyond the payload of each message */
    LEAST_RECEIVE_BUFFER = 32768, /* bytes asked for, see above */
    BACKLOG = 16,
    MOST_STRANGERS = 64,
};

struct tcp_options {
    int64_t nodelay;
    int64_t send_buffer_bytes;    /* 0: from depth */
    int64_t receive_buffer_bytes; /* 0: from depth */
};

/* Room for depth messages; 0 leaves it to the kernel. */
static int64_t tcp_wanted(const struct ipm_channel_config *config)
{
    int64_t each = (int64_t)config->max_message + MESSAGE_OVERHEAD;
    int64_t depth = (int64_t)config->depth;
    return depth < IPM_SOCKET_LARGEST / each ? depth * each : IPM_SOCKET_LARGEST;
}

/* Before the connection is made: the window's scale is agreed on then, and what is accepted
 * inherits the listener's.  Bytes granted; 0: the kernel changes them; -errno. */
static int64_t tcp_set_buffers(const struct ipm_channel_config *config, int fd,
                               struct ipm_why *why)
{
    const struct tcp_options *options = config->options;
    int64_t send = options->send_buffer_bytes;
    int64_t receive = options->receive_buffer_bytes;
    int64_t wanted = tcp_wanted(config);
    if (send == 0)
        send = wanted;
    if (receive == 0 && wanted > 0)
        receive = wanted > LEAST_RECEIVE_BUFFER ? wanted : LEAST_RECEIVE_BUFFER;
    int64_t sends = ipm_socket_room(fd, SO_SNDBUF, send, why);
    if (sends < 0)
        return sends;
    int64_t receives = ipm_socket_room(fd, SO_RCVBUF, receive, why);
    if (receives < 0)
        return receives;
    return send > 0 && receive > 0 ? sends + receives : 0;
}

static int tcp_set_nodelay(const struct tcp_options *options, int fd,
                           struct ipm_why *why)
{
    int on = options->nodelay != 0;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        return ipm_why_set(why, -errno, "set TCP_NODELAY: ");
    return 0;
}

/* The other end of @client; -errno. */
static int tcp_accept(int listener, int client, struct ipm_why *why)
{
    struct sockaddr_in ours;
    int error = ipm_loopback_name(client, &ours, why);
    for (int i = 0; error == 0 && i < MOST_STRANGERS; i++) {
        struct sockaddr_in theirs = {0};
        ipm_auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return ipm_why_set(why, -errno, "accept: ");
        /* A stranger that is gone again has no name: not ours either. */
        if (ipm_loopback_peer(fd, &theirs, NULL) == 0 &&
            ipm_loopback_same(&ours, &theirs))
            return ipm_steal_fd(&fd);
    }
    if (error != 0)
        return error;
    return ipm_why_set(why, -EBUSY, "%d strangers connected to our port",
                       MOST_STRANGERS);
}

static int tcp_connect(struct ipm_channel *channel, int listener, struct ipm_why *why)
{
    struct sockaddr_in name;
    int error = ipm_loopback_name(listener, &name, why);
    if (error != 0)
        return error;
    int client = ipm_loopback_bind(SOCK_STREAM, why);
    if (client < 0)
        return client;
    ipm_stream_own(channel, IPM_SIDE_A, client);
    int64_t granted = tcp_set_buffers(&channel->config, client, why);
    if (granted < 0)
        return (int)granted;
    channel->capacity = (struct ipm_capacity){
        .bytes = granted > 0 ? granted : IPM_VARIES,
        .messages = IPM_VARIES,
    };
    if (connect(client, (const struct sockaddr *)&name, sizeof(name)) != 0)
        return ipm_why_set(why, -errno, "connect to 127.0.0.1: ");
    int server = tcp_accept(listener, client, why);
    if (server < 0)
        return server;
    ipm_stream_own(channel, IPM_SIDE_B, server);
    error = tcp_set_nodelay(channel->config.options, client, why);
    return error != 0 ? error : tcp_set_nodelay(channel->config.options, server, why);
}

static int tcp_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_stream_channel *state = channel->state;
    ipm_auto_fd int listener = ipm_loopback_bind(SOCK_STREAM, why);
    if (listener < 0)
        return listener;
    state->socket = true;
    int64_t granted = tcp_set_buffers(&channel->config, listener, why);
    if (granted < 0)
        return (int)granted;
    if (listen(listener, BACKLOG) != 0)
        return ipm_why_set(why, -errno, "listen: ");
    return tcp_connect(channel, listener, why);
}

static int tcp_probe(struct ipm_why *why)
{
    const struct tcp_options options = {.nodelay = 1};
    struct ipm_stream_channel state = {0};
    struct ipm_channel channel = {.config = {.options = &options}, .state = &state};
    int error = tcp_create(&channel, why);
    ipm_channel_close(&channel);
    return error;
}

static const struct ipm_option tcp_option_rows[] = {
    {.name = "nodelay",
     .type = IPM_OPTION_FLAG,
     .offset = IPM_OPTION_FIELD(struct tcp_options, nodelay),
     .fallback = "true",
     .unit = "",
     .help = "set TCP_NODELAY: send small messages at once"},
    {.name = "send_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct tcp_options, send_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = IPM_SOCKET_LARGEST,
     .unit = "bytes",
     .help = "SO_SNDBUF to ask for; 0: for depth messages; net.core.wmem_max caps it"},
    {.name = "receive_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct tcp_options, receive_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = IPM_SOCKET_LARGEST,
     .unit = "bytes",
     .help = "SO_RCVBUF to ask for; 0: for depth messages; net.core.rmem_max caps it"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_tcp = {
    .abi = IPM_PLUGIN_ABI,
    .name = "tcp",
    .version = 1,
    .family = "stream",
    .summary = "TCP over loopback",
    .options = tcp_option_rows,
    .options_size = sizeof(struct tcp_options),
    .capabilities = IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = 2,
                               .chunk_bytes = IPM_VARIES,
                               .system_calls = 2,
                               .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .probe = tcp_probe,
    .create = tcp_create,
    IPM_STREAM_HOOKS,
};
