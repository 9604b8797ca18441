/* SPDX-License-Identifier: MIT */
/*
 * stream: the hooks that mechanisms over one byte-stream descriptor per side have in common.
 *
 * Such a mechanism writes create() and probe(); whatever follows is here.  Its channel state
 * is, or begins with, struct ipm_stream_channel, and its endpoint state is struct
 * ipm_stream_endpoint.  IPM_STREAM_HOOKS fills the hooks of its table.
 */
#ifndef IPM_MECHANISMS_STREAM_H
#define IPM_MECHANISMS_STREAM_H

#include "mechanisms/fdio.h"
#include "mechanisms/mechanism.h"

struct ipm_stream_channel {
    int fds_plus_one[IPM_SIDES]; /* each side's own; 0: none */
    bool socket;                 /* send() and recv() rather than write() and read() */
};

struct ipm_stream_endpoint {
    struct ipm_fdio io;
};

/* For create(): declares @fd as @side's and remembers it. */
void ipm_stream_own(struct ipm_channel *channel, enum ipm_side side, int fd);

void ipm_stream_destroy(struct ipm_channel *channel);
int ipm_stream_attach(struct ipm_endpoint *endpoint, struct ipm_why *why);
void ipm_stream_detach(struct ipm_endpoint *endpoint);
int ipm_stream_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_stream_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_stream_wait_fd(const struct ipm_endpoint *endpoint);
void ipm_stream_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats);

#define IPM_STREAM_HOOKS                                                               \
    .endpoint_size = sizeof(struct ipm_stream_endpoint),                               \
    .destroy = ipm_stream_destroy, .attach = ipm_stream_attach,                        \
    .detach = ipm_stream_detach, .send_n = ipm_stream_send_n,                          \
    .recv_n = ipm_stream_recv_n, .wait_fd = ipm_stream_wait_fd,                        \
    .stats = ipm_stream_stats

#endif
