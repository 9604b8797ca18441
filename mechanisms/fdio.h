/* SPDX-License-Identifier: MIT */
/*
 * fdio: whole messages over a descriptor that carries a stream of bytes, for any wait
 * strategy and deadline.
 *
 * Life cycle: init (attach) -> send, recv -> fini (detach).  One struct serves one
 * descriptor of one role, in one direction or, for a socket, in both.
 *
 * Waiting: block with IPM_FOREVER leaves the waiting to read() and write() themselves, one
 * system call per message when nothing is partial.  Everything else never sleeps in them:
 * block with a finite deadline sleeps in poll(), spin and yield try again.  A pipe has
 * O_NONBLOCK set and cleared for that, only when the kind of call changes; a socket is told
 * per call.  IPM_WAIT_NONE waits like block.
 *
 * A message that was moved in part is remembered: after IPM_AGAIN the caller comes back
 * with the same message.  A caller that writes to a pipe must ignore SIGPIPE.
 */
#ifndef IPM_MECHANISMS_FDIO_H
#define IPM_MECHANISMS_FDIO_H

#include "mechanisms/mechanism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipm_fdio {
    int fd_plus_one; /* 0: none */
    bool socket;
    bool nonblocking; /* O_NONBLOCK as we set it last; a pipe's only */
    bool plain; /* waits in the kernel, in blocking mode: one call moves a message */
    enum ipm_wait wait;
    int hangup; /* an errno that means the end here, besides EPIPE and ECONNRESET; 0 */
    size_t max_message; /* bytes */
    size_t sent;        /* bytes of the message in hand that are written */
    size_t received;    /* bytes of the message in hand that are read */
    /* sleeps: in poll() only; one inside read() or write() is not seen from outside. */
    struct ipm_endpoint_stats stats;
};

/* @fd is in blocking mode and stays the channel's. */
void ipm_fdio_init(struct ipm_fdio *io, int fd, bool socket,
                   const struct ipm_channel_config *config);

/* Drops the descriptor from the channel (ipm_channel_drop).  Idempotent, accepts zeroes. */
void ipm_fdio_fini(struct ipm_fdio *io, struct ipm_channel *channel);

/**
 * ipm_fdio_send() - write one message whole
 * @length: bytes; 0 does nothing
 *
 * Return: 0; IPM_AGAIN the deadline passed, a part may be written; IPM_CLOSED nobody will
 *         read it; -errno.
 */
int ipm_fdio_send(struct ipm_fdio *io, const void *data, size_t length,
                  int64_t deadline_ns);

/* Reads one message of exactly @length bytes.  Returns as ipm_fdio_send(); IPM_CLOSED also
 * when the stream ends inside a message. */
int ipm_fdio_recv(struct ipm_fdio *io, void *data, size_t length, int64_t deadline_ns);

/* send_n() of a mechanism over a stream: one ipm_fdio_send() per message of 1 to
 * max_message bytes. */
int ipm_fdio_send_n(struct ipm_fdio *io, const struct ipm_span *messages, size_t n,
                    int64_t deadline_ns, size_t *out_n);

/* recv_n() of a mechanism over a stream.  Takes one message: only another system call
 * could tell whether a second one is there. */
int ipm_fdio_recv_n(struct ipm_fdio *io, struct ipm_span *messages, size_t n,
                    int64_t deadline_ns, size_t *out_n);

#endif
