/* SPDX-License-Identifier: MIT */
/*
 * unix_seqpacket: two connected UNIX sockets that keep message borders, both ways.
 *
 * Each message is one kernel buffer and is charged whole to the sender's SO_SNDBUF; create()
 * sends one to find out how much that is.  The sender may begin a message as long as less
 * than SO_SNDBUF is charged, so the last one may go beyond it; but a message longer than
 * SO_SNDBUF less 32 bytes is refused, and so is one of more than 4263616 bytes whatever the
 * buffer (ENOBUFS).  Long ones need a contiguous block of memory: on a machine whose memory
 * is fragmented they fail with ENOBUFS earlier.
 *
 * An empty message looks like the end: none is sent.  A peer that dies with messages unread
 * is reported once (ECONNRESET), before what it had sent itself, which is still read.
 */
#include "mechanisms/packet.h"
#include "mechanisms/unix_socket.h"

#include <sys/socket.h>

static int unix_seqpacket_probe(struct ipm_why *why)
{
    return ipm_unix_probe(SOCK_SEQPACKET, why);
}

static void unix_seqpacket_limits_here(struct ipm_limits *limits)
{
    ipm_unix_packet_limits(SOCK_SEQPACKET, limits);
}

static int unix_seqpacket_create(struct ipm_channel *channel, struct ipm_why *why)
{
    return ipm_unix_create_packets(channel, SOCK_SEQPACKET, why);
}

const struct ipm_mechanism ipm_mechanism_unix_seqpacket = {
    .abi = IPM_PLUGIN_ABI,
    .name = "unix_seqpacket",
    .version = 1,
    .family = "message",
    .summary = "connected UNIX sequenced-packet sockets",
    .options = ipm_unix_option_rows,
    .options_size = sizeof(struct ipm_unix_options),
    .capabilities =
        IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = IPM_UNIX_LARGEST_PACKET},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_packet_channel),
    .probe = unix_seqpacket_probe,
    .limits_here = unix_seqpacket_limits_here,
    .create = unix_seqpacket_create,
    IPM_PACKET_HOOKS,
};
