/* SPDX-License-Identifier: MIT */
/*
 * loopback: IPv4 sockets that cannot leave this machine, for mechanisms over them.
 */
#ifndef IPM_MECHANISMS_LOOPBACK_H
#define IPM_MECHANISMS_LOOPBACK_H

#include "mechanisms/mechanism.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    IPM_SOCKET_LARGEST = 1 << 30
}; /* bytes; the kernel doubles a size into an int */

/* A close-on-exec socket of @type, bound to 127.0.0.1 and a port that the kernel chose.
 * -errno. */
int ipm_loopback_bind(int type, struct ipm_why *why);

/* Local and remote address of @fd; -errno. */
int ipm_loopback_name(int fd, struct sockaddr_in *out_name, struct ipm_why *why);
int ipm_loopback_peer(int fd, struct sockaddr_in *out_name, struct ipm_why *why);

bool ipm_loopback_same(const struct sockaddr_in *left, const struct sockaddr_in *right);

/**
 * ipm_loopback_pair() - for create(): two datagram sockets connected to each other
 * @fds_plus_one: each side's, declared as its own; filled as far as it came
 *
 * Nothing that others sent before they were connected is left in them.  Return: 0; -errno.
 */
int ipm_loopback_pair(struct ipm_channel *channel, int fds_plus_one[IPM_SIDES],
                      struct ipm_why *why);

/* What the kernel charges a receiver's buffer for one datagram of @bytes, found out by
 * sending one from side A of such a pair, empty so far, to side B.  -EOPNOTSUPP: it does
 * not arrive; -errno. */
int64_t ipm_loopback_charge(const int fds_plus_one[IPM_SIDES], size_t bytes,
                            struct ipm_why *why);

/**
 * ipm_socket_room() - set a socket's buffer and read back what was granted
 * @option: SO_SNDBUF or SO_RCVBUF
 * @bytes:  in [0, IPM_SOCKET_LARGEST]; the kernel doubles it for its own use, and caps it;
 *          0: leave it to the kernel
 *
 * Return: bytes granted, as the kernel accounts them; -errno.
 */
int64_t ipm_socket_room(int fd, int option, int64_t bytes, struct ipm_why *why);

#endif
