/* SPDX-License-Identifier: MIT */
/*
 * unix_socket: two connected UNIX sockets, however they found each other, and their room.
 *
 * `address` says how: by socketpair(), by a path, or by a name in the abstract namespace.
 * Whichever it was, both ends are connected to each other when create() returns, and no
 * name is left on disk; what a message then meets in the kernel is the same code.
 *
 * Names carry the run's token.  A path is made with mode 0600.  Every process of the network
 * namespace can connect to an abstract name, so each end must prove by SO_PEERCRED that it
 * is ours.  Datagram sockets have no such proof: once two are connected to each other the
 * kernel refuses everybody else, and what came before that is thrown away.
 */
#ifndef IPM_MECHANISMS_UNIX_SOCKET_H
#define IPM_MECHANISMS_UNIX_SOCKET_H

#include "mechanisms/mechanism.h"

#include <stdbool.h>
#include <stdint.h>

enum ipm_unix_address { IPM_UNIX_PAIR, IPM_UNIX_NAMED, IPM_UNIX_ABSTRACT };

/* Options of every mechanism over such sockets; their table is ipm_unix_option_rows. */
struct ipm_unix_options {
    int64_t address;           /* enum ipm_unix_address */
    int64_t send_buffer_bytes; /* 0: from depth */
};

extern const struct ipm_option ipm_unix_option_rows[];

/* Longest datagram or packet that Linux can build: a block of 4 MiB less what describes it,
 * and 17 pages beside (net/unix/af_unix.c, unix_dgram_sendmsg; 4 KiB pages). */
enum { IPM_UNIX_LARGEST_PACKET = (4 << 20) - 320 + 17 * 4096 };

int ipm_unix_probe(int type, struct ipm_why *why);

/**
 * ipm_unix_connect() - two sockets connected to each other
 * @type:    SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM
 * @out_fds: by side; close-on-exec, in blocking mode
 */
int ipm_unix_connect(const struct ipm_channel_config *config, int type,
                     int out_fds[IPM_SIDES], struct ipm_why *why);

/* Bytes to ask for beyond the payload of a message whose charge is not known. */
enum { IPM_UNIX_OVERHEAD = 512 };

/**
 * ipm_unix_set_room() - ask for SO_SNDBUF on both, by options and depth
 * @each_bytes: to ask for each of config.depth messages
 *
 * Sets capacity.bytes to what was granted, about twice that; capacity.messages to
 * IPM_VARIES.
 */
int ipm_unix_set_room(struct ipm_channel *channel, const int fds[IPM_SIDES],
                      int64_t each_bytes, struct ipm_why *why);

/* create() of a mechanism over packets (mechanisms/packet.h): connects, finds out what one
 * message is charged, and makes room for config.depth of them. */
int ipm_unix_create_packets(struct ipm_channel *channel, int type, struct ipm_why *why);

/* limits_here() of one: with the largest SO_SNDBUF granted here. */
void ipm_unix_packet_limits(int type, struct ipm_limits *limits);

#endif
