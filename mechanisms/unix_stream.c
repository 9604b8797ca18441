/* SPDX-License-Identifier: MIT */
/*
 * unix_stream: two connected UNIX stream sockets, both ways.
 *
 * Room is the sender's SO_SNDBUF, and the kernel charges it with the size of its own
 * buffers, not of the payload: a message of one byte costs 768, one of 1 KiB 2304
 * (Linux 6.18, x86-64).  It doubles what is asked for to make up for that; asking for
 * depth * (message + 512) leaves room for depth messages of any length.  A message may pass
 * in parts, so how many fit is not reckoned: capacity.messages stays unknown.
 *
 * A receiver that sleeps before its own message was read is also woken when it is: room to
 * send comes back, and unix_stream_data_wait() does not ask what it is woken for (Linux
 * 6.18; the other kinds of UNIX sockets do).  It then sleeps once more, unless the answer
 * was faster: between 1 and 2 wake-ups per round trip and side, by who runs first.
 *
 * Option `address` (unix_socket.h) should change nothing: a socket that is connected sends
 * to its peer's queue, whatever name it was found by.  It is an axis so that anyone can see
 * that for himself.
 */
#include "mechanisms/stream.h"
#include "mechanisms/unix_socket.h"

#include <sys/socket.h>

enum {
    /* Longest payload of one kernel buffer: 32 KiB of pages behind what one page holds
     * beside struct skb_shared_info (net/unix/af_unix.c, unix_stream_sendmsg). */
    CHUNK = 32768 + 4096 - 320,
};

static int unix_stream_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_stream_channel *state = channel->state;
    int fds[IPM_SIDES];
    int error = ipm_unix_connect(&channel->config, SOCK_STREAM, fds, why);
    if (error != 0)
        return error;
    state->socket = true;
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_stream_own(channel, (enum ipm_side)side, fds[side]);
    return ipm_unix_set_room(
        channel, fds, (int64_t)channel->config.max_message + IPM_UNIX_OVERHEAD, why);
}

const struct ipm_mechanism ipm_mechanism_unix_stream = {
    .abi = IPM_PLUGIN_ABI,
    .name = "unix_stream",
    .version = 1,
    .family = "stream",
    .summary = "connected UNIX stream sockets",
    .options = ipm_unix_option_rows,
    .options_size = sizeof(struct ipm_unix_options),
    .capabilities = IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = 2,
                               .chunk_bytes = CHUNK,
                               .system_calls = 2,
                               .wakeups = IPM_VARIES}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .create = unix_stream_create,
    IPM_STREAM_HOOKS,
};
