/* SPDX-License-Identifier: MIT */
/*
 * ring_any: the hooks of a ring over any layout, for any number of messages, waiting where
 * they must: the long way.
 *
 * They are written once over a layout's constant table (ring_layout.h) and inline to its
 * code.  ring_io puts short ways in front.
 */
#ifndef IPM_MECHANISMS_RING_ANY_H
#define IPM_MECHANISMS_RING_ANY_H

#include "mechanisms/ring_io.h"

int ipm_ring_any_reserve(struct ipm_endpoint *endpoint, size_t length,
                         struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                         size_t *out_n);
int ipm_ring_any_publish(struct ipm_endpoint *endpoint, size_t n);
int ipm_ring_any_send(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_ring_any_peek(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                      size_t n, int64_t deadline_ns, size_t *out_n);
int ipm_ring_any_consume(struct ipm_endpoint *endpoint, size_t n);
int ipm_ring_any_recv(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n);

static inline void ipm_ring_copy_in(struct ipm_ring_io *own, void *to, const void *from,
                                    size_t length)
{
    if (length <= IPM_CACHE_LINE) {
        ipm_copy_small(to, from, length);
        return;
    }
    if (own->choice.open && length >= IPM_LEAST_CHOICE)
        ipm_copy_choice_step(&own->choice, length);
    if (own->choice.kernel == 0)
        memcpy(to, from, length);
    else
        ipm_copies[own->choice.kernel].copy(to, from, length);
}

static inline void ipm_ring_copy_out(const struct ipm_ring_io *own, void *to,
                                     const void *from, size_t length)
{
    if (length <= IPM_CACHE_LINE)
        ipm_copy_small(to, from, length);
    else
        own->copy_out(to, from, length);
}

#endif
