/* SPDX-License-Identifier: MIT */
/*
 * unix_stream: a connected pair of UNIX stream sockets, both ways.
 *
 * Room is the sender's SO_SNDBUF, and the kernel charges it with the size of its own
 * buffers, not of the payload: a message of one byte costs 768, one of 1 KiB 2304
 * (Linux 6.18, x86-64).  It doubles what is asked for to make up for that; asking for
 * depth * (message + 512) leaves room for depth messages of any length.  How many really
 * fit cannot be read back, so capacity.messages stays unknown.
 */
#include "mechanisms/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_OVERHEAD = 512,   /* bytes asked for beyond the payload, see above */
    LARGEST_BUFFER = 1 << 30, /* bytes; the kernel doubles it into an int */
    /* Longest payload of one kernel buffer: 32 KiB of pages behind what one page holds
     * beside struct skb_shared_info (net/unix/af_unix.c, unix_stream_sendmsg). */
    CHUNK = 32768 + 4096 - 320,
};

struct unix_stream_options {
    int64_t send_buffer_bytes; /* 0: from depth */
};

static int unix_stream_set_buffer(struct ipm_channel *channel, int fd,
                                  struct ipm_why *why)
{
    const struct unix_stream_options *options = channel->config.options;
    int64_t bytes = options->send_buffer_bytes;
    if (bytes == 0) {
        int64_t each = (int64_t)channel->config.max_message + MESSAGE_OVERHEAD;
        int64_t depth = (int64_t)channel->config.depth;
        bytes = depth < LARGEST_BUFFER / each ? depth * each : LARGEST_BUFFER;
    }
    int size = (int)bytes;
    if (size > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0)
        return ipm_why_set(why, -errno, "set SO_SNDBUF to %d bytes: ", size);
    socklen_t length = sizeof(size);
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0)
        return ipm_why_set(why, -errno, "read SO_SNDBUF: ");
    channel->capacity = (struct ipm_capacity){.bytes = size, .messages = IPM_VARIES};
    return 0;
}

static int unix_stream_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_stream_channel *state = channel->state;
    int fds[IPM_SIDES];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair: ");
    state->socket = true;
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_stream_own(channel, (enum ipm_side)side, fds[side]);
    for (int side = 0; side < IPM_SIDES; side++) {
        int error = unix_stream_set_buffer(channel, fds[side], why);
        if (error != 0)
            return error;
    }
    return 0;
}

static const struct ipm_option unix_stream_option_rows[] = {
    {.name = "send_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct unix_stream_options, send_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_BUFFER,
     .unit = "bytes",
     .help = "SO_SNDBUF to ask for; 0: for depth messages; net.core.wmem_max caps it"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_unix_stream = {
    .abi = IPM_PLUGIN_ABI,
    .name = "unix_stream",
    .version = 1,
    .family = "stream",
    .summary = "UNIX stream socket pair",
    .options = unix_stream_option_rows,
    .options_size = sizeof(struct unix_stream_options),
    .capabilities = IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = 2,
                               .chunk_bytes = CHUNK,
                               .system_calls = 2,
                               .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .create = unix_stream_create,
    IPM_STREAM_HOOKS,
};
