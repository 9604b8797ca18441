/* SPDX-License-Identifier: MIT */
/*
 * packet: whole messages over a descriptor that keeps their borders, for any wait strategy
 * and deadline; and the hooks that mechanisms over one such socket per side have in common.
 *
 * Such a mechanism writes create() and probe(); whatever follows is here.  Its channel state
 * is, or begins with, struct ipm_packet_channel, its endpoint state is struct
 * ipm_packet_endpoint, and IPM_PACKET_HOOKS fills its table.  Its limits.min_length says
 * what an empty read means: with 0 an empty message, else the end.
 *
 * Waiting: block with IPM_FOREVER leaves it to send() and recv() themselves, one system call
 * per message.  Everything else never sleeps in them: block with a finite deadline tries,
 * then sleeps in poll(); spin and yield try again.  IPM_WAIT_NONE waits like block.
 */
#ifndef IPM_MECHANISMS_PACKET_H
#define IPM_MECHANISMS_PACKET_H

#include "mechanisms/mechanism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipm_packet {
    int fd_plus_one; /* 0: none */
    enum ipm_wait wait;
    bool sleeps; /* in the kernel, rather than trying again */
    bool blind;  /* see struct ipm_packet_channel */
    bool reset;  /* the peer died with messages of ours unread, and we have been told */
    bool gone;   /* a send found nobody: nothing more can arrive */
    size_t min_message, max_message; /* bytes */
    /* sleeps: in poll() only; one inside send() or recv() is not seen from outside. */
    struct ipm_endpoint_stats stats;
};

struct ipm_packet_channel {
    int fds_plus_one[IPM_SIDES]; /* each side's own; 0: none */
    /* poll() calls the socket writable although the peer's queue is full: a finite
     * deadline then goes into SO_SNDTIMEO. */
    bool blind;
};

struct ipm_packet_endpoint {
    struct ipm_packet io;
};

/* For create(): declares @fd, in blocking mode, as @side's and remembers it. */
void ipm_packet_own(struct ipm_channel *channel, enum ipm_side side, int fd);

/* After a call that would have had to wait: 0 try again; IPM_AGAIN; -errno. */
int ipm_packet_wait(struct ipm_packet *io, short events, uint32_t *turns,
                    int64_t deadline_ns);

/* Whose memory holds what is under way, so whose buffer limits it. */
enum ipm_packet_account { IPM_PACKET_SENDERS, IPM_PACKET_RECEIVERS };

/**
 * ipm_packet_charge() - what the kernel charges for one message, by sending it
 * @from, @to:  connected and empty, and left so
 * @out_bytes:  0: the kernel does not tell (SO_MEMINFO, Linux 4.12)
 *
 * For create(): allocates, and proves that what @from sends is what @to receives.
 *
 * Return: 0; -EOPNOTSUPP a message so long cannot be sent; -errno.
 */
int ipm_packet_charge(int from, int to, size_t length, enum ipm_packet_account account,
                      int64_t *out_bytes, struct ipm_why *why);

/* For limits_here(): longest message, at most @most bytes, that goes from @from to @to with
 * their buffers as they are.  0: none, or no memory to try with. */
int64_t ipm_packet_longest(int from, int to, int64_t most);

void ipm_packet_destroy(struct ipm_channel *channel);
int ipm_packet_attach(struct ipm_endpoint *endpoint, struct ipm_why *why);
void ipm_packet_detach(struct ipm_endpoint *endpoint);
int ipm_packet_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);
/* Takes one message: only another system call could tell whether a second is there. */
int ipm_packet_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_packet_wait_fd(const struct ipm_endpoint *endpoint);
void ipm_packet_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats);

/* All but send_n() and recv_n(): for what is no socket. */
#define IPM_PACKET_LIFE_HOOKS                                                          \
    .endpoint_size = sizeof(struct ipm_packet_endpoint),                               \
    .destroy = ipm_packet_destroy, .attach = ipm_packet_attach,                        \
    .detach = ipm_packet_detach, .wait_fd = ipm_packet_wait_fd,                        \
    .stats = ipm_packet_stats

#define IPM_PACKET_HOOKS                                                               \
    IPM_PACKET_LIFE_HOOKS, .send_n = ipm_packet_send_n, .recv_n = ipm_packet_recv_n

#endif
