/* SPDX-License-Identifier: MIT */
/*
 * floor: hooks of mechanisms that have nothing to create and nothing to wait for.
 *
 * A floor is no IPC: it bounds from below what IPC can cost on this machine.  One role
 * holds both ends and calls send_n(n), then recv_n(n); the cost that the floor stands for
 * is paid in one of them, once per message, and the other does nothing.
 */
#ifndef IPM_MECHANISMS_FLOOR_H
#define IPM_MECHANISMS_FLOOR_H

#include "mechanisms/mechanism.h"

static inline int ipm_floor_create(struct ipm_channel *channel, struct ipm_why *why)
{
    (void)why;
    channel->capacity =
        (struct ipm_capacity){.bytes = IPM_VARIES, .messages = IPM_VARIES};
    return 0;
}

static inline void ipm_floor_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static inline int ipm_floor_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    (void)endpoint;
    (void)why;
    return 0;
}

static inline void ipm_floor_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

static inline int ipm_floor_send_n(struct ipm_endpoint *endpoint,
                                   const struct ipm_span *messages, size_t n,
                                   int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)deadline_ns;
    *out_n = n;
    return 0;
}

static inline int ipm_floor_recv_n(struct ipm_endpoint *endpoint,
                                   struct ipm_span *messages, size_t n,
                                   int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)deadline_ns;
    *out_n = n;
    return 0;
}

#endif
