/* SPDX-License-Identifier: MIT */
/*
 * pipe_packet: one pipe in packet mode (O_DIRECT), side A writes, side B reads.
 *
 * Each write of at most PIPE_BUF bytes is one packet and takes one of the pipe's slots, a
 * page, however short it is: room is a number of messages, not of bytes.  Nothing can be
 * written of length 0.
 *
 * A read takes one packet and throws away what does not fit, without a word: a full room
 * looks the same whether the packet was as long as it or longer.  Our sender refuses what is
 * longer than config.max_message, so room for that much is always enough and one plain
 * read() fills it.  Shorter room gets a spare byte behind it (readv, one call as well): a
 * packet that reaches the spare byte was too long.
 *
 * Waiting: spin and yield try again on O_NONBLOCK.  Block with IPM_FOREVER waits in read()
 * and write().  Any other deadline asks poll() first, after which they cannot block: nobody
 * else takes the packet, or the slot, that poll() saw.
 */
#include "mechanisms/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    LARGEST_MESSAGE = PIPE_BUF, /* bytes; longer writes become several packets */
    LARGEST_CAPACITY = 1 << 30, /* bytes; the kernel takes no 2^31 */
};

struct pipe_packet_options {
    int64_t capacity_bytes; /* 0: from depth */
};

static int pipe_packet_make(int fds[2], int flags, struct ipm_why *why)
{
    if (pipe2(fds, O_DIRECT | O_CLOEXEC | flags) != 0)
        return ipm_why_set(why, -errno, "pipe2(O_DIRECT): ");
    return 0;
}

static int pipe_packet_probe(struct ipm_why *why)
{
    int fds[2];
    int error = pipe_packet_make(fds, 0, why);
    if (error != 0)
        return error;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

static int pipe_packet_set_capacity(struct ipm_channel *channel, int fd,
                                    struct ipm_why *why)
{
    const struct pipe_packet_options *options = channel->config.options;
    int64_t slot = sysconf(_SC_PAGESIZE);
    int64_t depth = (int64_t)channel->config.depth;
    int64_t bytes = options->capacity_bytes;
    if (bytes == 0)
        bytes = depth < LARGEST_CAPACITY / slot ? depth * slot : LARGEST_CAPACITY;
    /* EPERM: above a limit of the user's or fs.pipe-max-size.  Only a size asked for by
     * name insists; one from depth takes what there is, and the record says how much. */
    while (bytes > 0 && fcntl(fd, F_SETPIPE_SZ, (int)bytes) < 0) {
        if (errno != EPERM || options->capacity_bytes > 0)
            return ipm_why_set(why, -errno, "set the pipe's capacity to %lld bytes: ",
                               (long long)bytes);
        bytes = bytes > slot ? bytes / 2 : 0;
    }
    int granted = fcntl(fd, F_GETPIPE_SZ);
    if (granted < 0)
        return ipm_why_set(why, -errno, "read the pipe's capacity: ");
    channel->capacity =
        (struct ipm_capacity){.bytes = granted, .messages = granted / slot};
    return 0;
}

static int pipe_packet_create(struct ipm_channel *channel, struct ipm_why *why)
{
    enum ipm_wait wait = channel->config.wait;
    bool spins = wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD;
    int fds[2];
    int error = pipe_packet_make(fds, spins ? O_NONBLOCK : 0, why);
    if (error != 0)
        return error;
    ipm_packet_own(channel, IPM_SIDE_B, fds[0]);
    ipm_packet_own(channel, IPM_SIDE_A, fds[1]);
    return pipe_packet_set_capacity(channel, fds[1], why);
}

/* Before a call that might sleep although it must not: 0 it will not; IPM_AGAIN; -errno. */
static int pipe_packet_ready(struct ipm_packet *io, short events, int64_t deadline_ns)
{
    struct pollfd entry = {.fd = io->fd_plus_one - 1, .events = events};
    for (;;) {
        int ready = poll(&entry, 1, 0);
        if (ready > 0)
            return 0; /* POLLERR and POLLHUP too: the call says what it is */
        if (ready < 0 && errno != EINTR)
            return -errno;
        int result = ipm_packet_wait(io, events, NULL, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int pipe_packet_put(struct ipm_packet *io, const struct ipm_span *message,
                           int64_t deadline_ns)
{
    bool asks = io->sleeps && deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    for (;;) {
        int result = asks ? pipe_packet_ready(io, POLLOUT, deadline_ns) : 0;
        if (result != 0)
            return result;
        if (write(io->fd_plus_one - 1, message->data, message->length) >= 0)
            return 0; /* a packet goes whole */
        if (errno == EPIPE)
            return IPM_CLOSED;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        result =
            errno == EAGAIN ? ipm_packet_wait(io, POLLOUT, &turns, deadline_ns) : 0;
        if (result != 0)
            return result;
    }
}

static int pipe_packet_send_n(struct ipm_endpoint *endpoint,
                              const struct ipm_span *messages, size_t n,
                              int64_t deadline_ns, size_t *out_n)
{
    struct ipm_packet_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length == 0 || messages[i].length > own->io.max_message)
            return -EMSGSIZE;
        int result = pipe_packet_put(&own->io, &messages[i], deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

static inline ssize_t take_once(const struct ipm_packet *io,
                                const struct ipm_span *room)
{
    int fd = io->fd_plus_one - 1;
    if (room->length >= io->max_message)
        return read(fd, room->data, room->length);
    char spare;
    struct iovec parts[] = {{room->data, room->length}, {&spare, 1}};
    return readv(fd, parts, 2);
}

/* Takes one message: only another system call could tell whether a second is there. */
static int pipe_packet_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                              size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_packet_endpoint *own = endpoint->state;
    struct ipm_packet *io = &own->io;
    (void)n;
    bool asks = io->sleeps && deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    *out_n = 0;
    for (;;) {
        int result = asks ? pipe_packet_ready(io, POLLIN, deadline_ns) : 0;
        if (result != 0)
            return result;
        ssize_t got = take_once(io, &messages[0]);
        if (got == 0)
            return IPM_CLOSED;
        if (got > 0 && (size_t)got > messages[0].length)
            return -EMSGSIZE;
        if (got > 0) {
            messages[0].length = (size_t)got;
            *out_n = 1;
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        result = errno == EAGAIN ? ipm_packet_wait(io, POLLIN, &turns, deadline_ns) : 0;
        if (result != 0)
            return result;
    }
}

static const struct ipm_option pipe_packet_option_rows[] = {
    {.name = "capacity",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct pipe_packet_options, capacity_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_CAPACITY,
     .unit = "bytes",
     .help = "room in the pipe, a page for each message; 0: for depth messages"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_pipe_packet = {
    .abi = IPM_PLUGIN_ABI,
    .name = "pipe_packet",
    .version = 1,
    .family = "message",
    .summary = "pipe in packet mode (O_DIRECT), one way",
    .options = pipe_packet_option_rows,
    .options_size = sizeof(struct pipe_packet_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = LARGEST_MESSAGE},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_packet_channel),
    .probe = pipe_packet_probe,
    .create = pipe_packet_create,
    .send_n = pipe_packet_send_n,
    .recv_n = pipe_packet_recv_n,
    IPM_PACKET_LIFE_HOOKS,
};
