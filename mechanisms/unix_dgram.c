/* SPDX-License-Identifier: MIT */
/*
 * unix_dgram: two UNIX datagram sockets, connected to each other, both ways.
 *
 * Nothing is lost and nothing overtakes: a full queue makes the sender wait.  Room and the
 * longest message are those of unix_seqpacket.c.  net.unix.max_dgram_qlen (10, so 11
 * messages) limits a receiver's queue only towards senders that it is not itself connected
 * to (net/unix/af_unix.c, unix_dgram_sendmsg: unix_peer(other) != sk).  Here each end is
 * connected to the other under every `address`, so that limit never applies; a service that
 * binds a name and takes datagrams from anyone has it.
 *
 * A datagram may be empty.  Its receiver is never told that the sender is gone: no EOF.  A
 * sender is: ECONNREFUSED once, ENOTCONN after that.  Linux throws away what the dead peer
 * had sent and we had not read when it says so for the first time.
 */
#include "mechanisms/packet.h"
#include "mechanisms/unix_socket.h"

#include <sys/socket.h>

static int unix_dgram_probe(struct ipm_why *why)
{
    return ipm_unix_probe(SOCK_DGRAM, why);
}

static void unix_dgram_limits_here(struct ipm_limits *limits)
{
    ipm_unix_packet_limits(SOCK_DGRAM, limits);
}

static int unix_dgram_create(struct ipm_channel *channel, struct ipm_why *why)
{
    return ipm_unix_create_packets(channel, SOCK_DGRAM, why);
}

const struct ipm_mechanism ipm_mechanism_unix_dgram = {
    .abi = IPM_PLUGIN_ABI,
    .name = "unix_dgram",
    .version = 1,
    .family = "message",
    .summary = "UNIX datagram sockets connected to each other",
    .options = ipm_unix_option_rows,
    .options_size = sizeof(struct ipm_unix_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = IPM_UNIX_LARGEST_PACKET},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_packet_channel),
    .probe = unix_dgram_probe,
    .limits_here = unix_dgram_limits_here,
    .create = unix_dgram_create,
    IPM_PACKET_HOOKS,
};
