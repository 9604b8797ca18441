/* SPDX-License-Identifier: MIT */
/*
 * port: a workload's door to a channel - one message or a span of them, copied or in
 * place as the point's `copies` says, touched as its `touch` says.
 *
 * In a verified round every payload is filled and compared byte by byte; in any other the
 * calls cost the mechanism's own call and the touch, nothing else.  Where the point has a
 * working set, the receiver reads it after each message.
 */
#ifndef IPM_WORKLOADS_PORT_H
#define IPM_WORKLOADS_PORT_H

#include "workloads/workload.h"

/**
 * ipm_port_send() - send @n messages of @length bytes, all of them
 * @n: in [1, traffic.batch]
 *
 * Return: 0; IPM_AGAIN (the round's timeout passed); IPM_CLOSED; -errno with @why.
 */
int ipm_port_send(struct ipm_run *run, struct ipm_port *port, size_t length, size_t n,
                  struct ipm_why *why);

/**
 * ipm_port_recv() - receive 1 to @n messages of @length bytes
 * @out_n: how many came
 *
 * Return: as ipm_port_send(); -EBADMSG when a verified payload differs or the length does.
 */
int ipm_port_recv(struct ipm_run *run, struct ipm_port *port, size_t length, size_t n,
                  size_t *out_n, struct ipm_why *why);

/**
 * ipm_port_send_mixed() - the same with lengths that a mix gives; run->mix is there
 * @number: of the first of them, counted from 0 in this direction and round
 */
int ipm_port_send_mixed(struct ipm_run *run, struct ipm_port *port, uint64_t number,
                        size_t n, struct ipm_why *why);

/* ipm_port_recv() likewise. */
int ipm_port_recv_mixed(struct ipm_run *run, struct ipm_port *port, uint64_t number,
                        size_t n, size_t *out_n, struct ipm_why *why);

/* One message, inlined where payloads are neither touched nor verified: the loop then
 * costs the mechanism's own calls and no more. */
static inline int ipm_port_send_one(struct ipm_run *run, struct ipm_port *port,
                                    size_t length, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = port->mechanism;
    struct ipm_span span = {port->out, length};
    size_t done = 0;
    int result;
    if (__builtin_expect(!port->quiet, 0))
        return ipm_port_send(run, port, length, 1, why);
    if (port->send_in_place) {
        result =
            mechanism->reserve_n(port->send, length, &span, 1, run->timeout_ns, &done);
        if (result == 0)
            result = mechanism->publish_n(port->send, 1);
    } else {
        result = mechanism->send_n(port->send, &span, 1, run->timeout_ns, &done);
    }
    return result >= 0 ? result : ipm_why_set(why, result, "send: ");
}

/* The same for receiving. */
static inline int ipm_port_recv_one(struct ipm_run *run, struct ipm_port *port,
                                    size_t length, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = port->mechanism;
    struct ipm_span span = {port->in, length};
    size_t done = 0;
    int result;
    if (__builtin_expect(!port->quiet, 0))
        return ipm_port_recv(run, port, length, 1, &done, why);
    if (port->receive_in_place) {
        result = mechanism->peek_n(port->recv, &span, 1, run->timeout_ns, &done);
        if (result == 0)
            result = mechanism->consume_n(port->recv, 1);
    } else {
        result = mechanism->recv_n(port->recv, &span, 1, run->timeout_ns, &done);
    }
    return result >= 0 ? result : ipm_why_set(why, result, "receive: ");
}

/* 1 to @n messages, inlined likewise where they are copied out. */
static inline int ipm_port_recv_some(struct ipm_run *run, struct ipm_port *port,
                                     size_t length, size_t n, size_t *out_n,
                                     struct ipm_why *why)
{
    if (!port->quiet || port->receive_in_place || port->in_length != length)
        return ipm_port_recv(run, port, length, n, out_n, why);
    struct ipm_span *spans = port->in_spans;
    int result = port->mechanism->recv_n(port->recv, spans, n, run->timeout_ns, out_n);
    if (__builtin_expect(result != 0, 0))
        return result > 0 ? result : ipm_why_set(why, result, "receive: ");
    for (size_t i = 0; i < *out_n; i++)
        spans[i].length = length; /* the mechanism wrote what came */
    port->received += *out_n;
    return 0;
}

#endif
