/* SPDX-License-Identifier: MIT */
/*
 * ring_io: the hooks of a mechanism that is a ring, over any of its layouts.
 *
 * They are written once over a layout's constant table and inline to its code; one message
 * in slots or bytes has a short way of its own in front.  The mechanism's endpoint state
 * begins with struct ipm_ring_io, filled by its attach(); IPM_RING_HOOKS fills its table.
 */
#ifndef IPM_MECHANISMS_RING_IO_H
#define IPM_MECHANISMS_RING_IO_H

#include "mechanisms/copy.h"
#include "mechanisms/ring_layout.h"

enum ipm_layout {
    IPM_LAYOUT_AUTO, /* not of a ring that is set up */
    IPM_LAYOUT_SLOTS,
    IPM_LAYOUT_BYTES,
    IPM_LAYOUT_SLAB,
};

enum { IPM_LEAST_CHOICE = 1024 }; /* bytes; the kernel for shorter messages is memcpy */

struct ipm_ring_io {
    bool quick;          /* slots, and nobody sleeps: one message has a short way */
    bool eager;          /* wait spin */
    size_t quick_length; /* longest message that is copied inline */
    struct ipm_ring ring;
    int layout;       /* enum ipm_layout */
    uint32_t publish; /* messages of one call that become visible together, at most */
    void (*copy_out)(void *to, const void *from, size_t length); /* receiver's kernel */
    struct ipm_copy_choice choice;                               /* sender's kernel */
    bool chooses;                                                /* by measuring */
};

/* For attach(): what is above is filled. */
void ipm_ring_io_ready(struct ipm_ring_io *io);

int ipm_ring_io_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_ring_io_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_ring_io_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                          struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                          size_t *out_n);
int ipm_ring_io_publish_n(struct ipm_endpoint *endpoint, size_t n);
int ipm_ring_io_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                       size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_ring_io_consume_n(struct ipm_endpoint *endpoint, size_t n);
void ipm_ring_io_stats(const struct ipm_endpoint *endpoint,
                       struct ipm_endpoint_stats *out_stats);

#define IPM_RING_HOOKS                                                                 \
    .send_n = ipm_ring_io_send_n, .recv_n = ipm_ring_io_recv_n,                        \
    .reserve_n = ipm_ring_io_reserve_n, .publish_n = ipm_ring_io_publish_n,            \
    .peek_n = ipm_ring_io_peek_n, .consume_n = ipm_ring_io_consume_n,                  \
    .stats = ipm_ring_io_stats

#endif
