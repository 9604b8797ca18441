/* SPDX-License-Identifier: MIT */
#include "workloads/port.h"

#include <errno.h>
#include <inttypes.h>

/*
 * Payload seeds are the message's number on this side of the port: sender and receiver
 * count alike, so a lost, repeated or swapped message shows as a mismatch.
 */

static void fill(struct ipm_run *run, struct ipm_port *port,
                 const struct ipm_span *spans, size_t n)
{
    for (size_t i = 0; i < n && !port->quiet; i++) {
        if (run->verify)
            ipm_payload_fill(spans[i].data, spans[i].length,
                             port->salt + port->sent + i);
        else
            ipm_payload_produce(port->touch, spans[i].data, spans[i].length,
                                port->sent + i);
    }
}

/* @number: of the message in this round, on this side of the port. */
static int check(struct ipm_run *run, struct ipm_port *port,
                 const struct ipm_span *message, uint64_t number, size_t length,
                 struct ipm_why *why)
{
    size_t at = 0;
    if (!run->verify || (port->mechanism->capabilities & IPM_CAP_FLOOR) != 0) {
        (void)ipm_payload_consume(port->touch, message->data, message->length);
        return 0;
    }
    if (message->length != length)
        return ipm_why_set(why, -EBADMSG,
                           "message %" PRIu64 " has %zu bytes, %zu were sent", number,
                           message->length, length);
    if (!ipm_payload_verify(message->data, length, port->salt + number, &at))
        return ipm_why_set(why, -EBADMSG,
                           "payload mismatch: message %" PRIu64
                           " of %zu bytes differs from byte %zu on",
                           number, length, at);
    return 0;
}

/* What a receiver does between messages: reads its working set, once per message.  One
 * byte per stride, which may be odd; it is volatile, so that none is left out. */
static void work(const struct ipm_run *run, size_t n)
{
    const struct ipm_traffic *traffic = run->traffic;
    const volatile unsigned char *set = run->working_set;
    for (size_t i = 0; i < n; i++) {
        for (int64_t at = 0; at < traffic->working_set;
             at += traffic->working_set_stride)
            (void)set[at];
    }
}

/* Spans over a buffer are laid once: a receiver asks for a whole batch each time, and where
 * it gets one message, laying out the rest would cost more than the call. */
static void lay_spans(const struct ipm_port *port, struct ipm_span *spans,
                      unsigned char *buffer, size_t length, size_t batch)
{
    for (size_t i = 0; i < batch; i++)
        spans[i] = (struct ipm_span){buffer + i * port->stride, length};
}

static int failed(int result, const char *call, struct ipm_why *why)
{
    return result < 0 ? ipm_why_set(why, result, "%s: ", call) : result;
}

static int send_in_place(struct ipm_run *run, struct ipm_port *port, size_t length,
                         size_t n, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = port->mechanism;
    struct ipm_span *spans = port->out_spans;
    while (n > 0) {
        size_t lent = 0;
        int result =
            mechanism->reserve_n(port->send, length, spans, n, run->timeout_ns, &lent);
        if (result != 0)
            return failed(result, "reserve", why);
        fill(run, port, spans, lent);
        result = mechanism->publish_n(port->send, lent);
        if (result != 0)
            return failed(result, "publish", why);
        port->sent += lent;
        n -= lent;
    }
    return 0;
}

int ipm_port_send(struct ipm_run *run, struct ipm_port *port, size_t length, size_t n,
                  struct ipm_why *why)
{
    if (port->send_in_place)
        return send_in_place(run, port, length, n, why);

    struct ipm_span *spans = port->out_spans;
    if (__builtin_expect(port->out_length != length, 0)) {
        lay_spans(port, spans, port->out, length, (size_t)run->traffic->batch);
        port->out_length = length;
    }
    fill(run, port, spans, n);
    size_t sent = 0;
    int result = port->mechanism->send_n(port->send, spans, n, run->timeout_ns, &sent);
    if (result != 0)
        return failed(result, "send", why);
    port->sent += n;
    return 0;
}

int ipm_port_recv(struct ipm_run *run, struct ipm_port *port, size_t length, size_t n,
                  size_t *out_n, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = port->mechanism;
    struct ipm_span *spans = port->in_spans;
    size_t came = 0;
    int result;
    if (port->receive_in_place) {
        result = mechanism->peek_n(port->recv, spans, n, run->timeout_ns, &came);
    } else {
        if (__builtin_expect(port->in_length != length, 0)) {
            lay_spans(port, spans, port->in, length, (size_t)run->traffic->batch);
            port->in_length = length;
        }
        result = mechanism->recv_n(port->recv, spans, n, run->timeout_ns, &came);
    }
    if (result != 0)
        return failed(result, "receive", why);
    for (size_t i = 0; i < came && !port->quiet; i++) {
        result = check(run, port, &spans[i], port->received + i, length, why);
        if (result != 0)
            return result;
    }
    if (port->receive_in_place) {
        result = mechanism->consume_n(port->recv, came);
        if (result != 0)
            return failed(result, "consume", why);
    } else {
        for (size_t i = 0; i < came; i++)
            spans[i].length = length; /* the mechanism wrote what came */
    }
    port->received += came;
    *out_n = came;
    if (run->working_set != NULL)
        work(run, came);
    return 0;
}

int ipm_port_send_mixed(struct ipm_run *run, struct ipm_port *port, uint64_t number,
                        size_t n, struct ipm_why *why)
{
    struct ipm_span *spans = port->out_mixed + number % IPM_MIX_ENTRIES;
    size_t sent = 0;
    /* Room is lent for messages of one length: each goes alone. */
    for (size_t i = 0; i < n && port->send_in_place; i++) {
        int result = send_in_place(run, port, spans[i].length, 1, why);
        if (result != 0)
            return result;
    }
    if (port->send_in_place)
        return 0;
    fill(run, port, spans, n);
    int result = port->mechanism->send_n(port->send, spans, n, run->timeout_ns, &sent);
    if (result != 0)
        return failed(result, "send", why);
    port->sent += n;
    return 0;
}

int ipm_port_recv_mixed(struct ipm_run *run, struct ipm_port *port, uint64_t number,
                        size_t n, size_t *out_n, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = port->mechanism;
    struct ipm_span *spans = port->receive_in_place
                                 ? port->in_spans
                                 : port->in_mixed + number % IPM_MIX_ENTRIES;
    size_t came = 0;
    int result = port->receive_in_place
                     ? mechanism->peek_n(port->recv, spans, n, run->timeout_ns, &came)
                     : mechanism->recv_n(port->recv, spans, n, run->timeout_ns, &came);
    if (result != 0)
        return failed(result, "receive", why);
    for (size_t i = 0; i < came && !port->quiet; i++) {
        result = check(run, port, &spans[i], port->received + i,
                       ipm_mix_length(run->mix, number + i), why);
        if (result != 0)
            return result;
    }
    if (port->receive_in_place) {
        result = mechanism->consume_n(port->recv, came);
        if (result != 0)
            return failed(result, "consume", why);
    }
    port->received += came;
    *out_n = came;
    if (run->working_set != NULL)
        work(run, came);
    return 0;
}
