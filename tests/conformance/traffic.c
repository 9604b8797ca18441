/* SPDX-License-Identifier: MIT */
#include "tests/conformance/traffic.h"

#include "base/clock.h"
#include "base/payload.h"
#include "tests/support/test.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static const unsigned char canary = 0xa5;

int ipm_put(struct ipm_end *end, size_t length, size_t n, uint64_t seed,
            int64_t deadline_ns, size_t *out_n)
{
    struct ipm_span spans[IPM_RIG_BATCH];
    if (end->send_in_place) {
        size_t lent = 0;
        *out_n = 0;
        int result = end->mechanism->reserve_n(&end->endpoint, length, spans, n,
                                               deadline_ns, &lent);
        if (result != 0)
            return result;
        for (size_t i = 0; i < lent; i++)
            ipm_payload_fill(spans[i].data, length, seed + i);
        result = end->mechanism->publish_n(&end->endpoint, lent);
        *out_n = result == 0 ? lent : 0;
        return result;
    }
    for (size_t i = 0; i < n; i++) {
        spans[i] = (struct ipm_span){end->buffers + i * end->stride, length};
        if (length < end->stride)
            ipm_payload_fill(spans[i].data, length, seed + i);
    }
    return end->mechanism->send_n(&end->endpoint, spans, n, deadline_ns, out_n);
}

static bool verify(const struct ipm_span *span, size_t length, uint64_t seed,
                   bool guarded, struct ipm_got *got)
{
    size_t at = 0;
    const unsigned char *behind = (const unsigned char *)span->data + length;
    if (span->length != length)
        (void)snprintf(got->text, sizeof(got->text), "length %zu instead of %zu",
                       span->length, length);
    else if (!ipm_payload_verify(span->data, length, seed, &at))
        (void)snprintf(got->text, sizeof(got->text), "byte %zu of %zu, seed %llu", at,
                       length, (unsigned long long)seed);
    else if (guarded && *behind != canary)
        (void)snprintf(got->text, sizeof(got->text), "wrote behind %zu bytes", length);
    else
        return true;
    got->wrong = true;
    return false;
}

int ipm_get(struct ipm_end *end, const size_t *lengths, size_t n, uint64_t seed,
            int64_t deadline_ns, struct ipm_got *out_got)
{
    struct ipm_span spans[IPM_RIG_BATCH];
    bool framed = (end->mechanism->capabilities & IPM_CAP_FRAMED) != 0;
    size_t most = end->rig->channel.config.max_message;
    struct ipm_got got = {0};
    int result = 0;
    if (end->receive_in_place) {
        result = end->mechanism->peek_n(&end->endpoint, spans, n, deadline_ns, &got.n);
    } else {
        for (size_t i = 0; i < n; i++) {
            unsigned char *room = end->buffers + i * end->stride;
            room[lengths[i]] = canary;
            spans[i] = (struct ipm_span){room, framed ? most : lengths[i]};
        }
        result = end->mechanism->recv_n(&end->endpoint, spans, n, deadline_ns, &got.n);
    }
    for (size_t i = 0; result == 0 && i < got.n && !got.wrong; i++)
        (void)verify(&spans[i], lengths[i], seed + i, !end->receive_in_place, &got);
    if (end->receive_in_place && result == 0)
        result = end->mechanism->consume_n(&end->endpoint, got.n);
    *out_got = got;
    return result;
}

struct ipm_script ipm_script_new(const struct ipm_end *end, uint64_t seed)
{
    const struct ipm_channel_config *config = &end->rig->channel.config;
    return (struct ipm_script){
        .state = seed,
        .min = (size_t)end->mechanism->limits.min_length,
        .max = config->max_message,
        .batch = config->batch,
    };
}

size_t ipm_script_next(struct ipm_script *script, size_t *out_span)
{
    size_t begins = 0;
    if (script->left == 0) {
        uint64_t value = ipm_test_random(&script->state);
        size_t range = script->max - script->min + 1;
        if (value % 8 != 0 && range > 200)
            range = 200;
        script->length = script->min + (size_t)(value >> 8) % range;
        script->left = 1 + (size_t)(value >> 40) % script->batch;
        begins = script->left;
    }
    script->left--;
    if (out_span != NULL)
        *out_span = begins;
    return script->length;
}

int ipm_stream_send(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    struct ipm_script script = ipm_script_new(end, stream->seed);
    for (size_t at = 0; at < stream->count;) {
        size_t span = 0;
        size_t length = ipm_script_next(&script, &span);
        for (size_t i = 1; i < span; i++)
            (void)ipm_script_next(&script, NULL);
        span = span < stream->count - at ? span : stream->count - at;
        while (span > 0) {
            size_t accepted = 0;
            size_t now = ipm_keep_pace(end, at, span);
            int result =
                ipm_put(end, length, now, stream->seed + at, IPM_FOREVER, &accepted);
            IPM_CHECK(end, result == 0, "message %zu: %d", at, result);
            IPM_CHECK(end, accepted > 0 && accepted <= now, "%zu of %zu", accepted,
                      now);
            IPM_CHECK(end, accepted == now || end->send_in_place,
                      "send_n() took %zu of %zu and said all", accepted, now);
            at += accepted;
            span -= accepted;
        }
    }
    return 0;
}

int ipm_stream_receive(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    struct ipm_script script = ipm_script_new(end, stream->seed);
    size_t lengths[IPM_RIG_BATCH];
    size_t known = 0; /* lengths of messages yet to come */
    size_t batch = end->rig->channel.config.batch;
    for (size_t at = 0; at < stream->count;) {
        size_t left = stream->count - at;
        while (known < batch && known < left)
            lengths[known++] = ipm_script_next(&script, NULL);
        struct ipm_got got;
        int result = ipm_get(end, lengths, known, stream->seed + at, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0, "message %zu: %d", at, result);
        IPM_CHECK(end, got.n > 0 && got.n <= known, "%zu of %zu", got.n, known);
        IPM_CHECK(end, !got.wrong, "message %zu: %s", at, got.text);
        at += got.n;
        ipm_paced(end, at);
        known -= got.n;
        memmove(lengths, lengths + got.n, known * sizeof(lengths[0]));
    }
    return 0;
}

/* --- messages that may be missed ------------------------------------------------------- */

static bool is_lossy(const struct ipm_end *end)
{
    return (end->mechanism->capabilities & IPM_CAP_LOSSY) != 0;
}

size_t ipm_keep_pace(struct ipm_end *end, uint64_t at, size_t n)
{
    int64_t granted = end->rig->channel.capacity.messages;
    uint64_t room = granted > 0 ? (uint64_t)granted : 1;
    if (!is_lossy(end))
        return n;
    uint64_t behind;
    while ((behind = at - atomic_load(&end->rig->board->taken)) >= room)
        (void)sched_yield();
    return n < room - behind ? n : (size_t)(room - behind);
}

void ipm_paced(struct ipm_end *end, uint64_t taken)
{
    atomic_store(&end->rig->board->taken, taken);
}

uint64_t ipm_missed(const struct ipm_end *end)
{
    struct ipm_endpoint_stats stats = {0};
    end->mechanism->stats(&end->endpoint, &stats);
    return stats.missed;
}

int ipm_lossy_get(struct ipm_end *end, struct ipm_lossy *lossy, uint64_t sent,
                  int64_t deadline_ns, int *out)
{
    struct ipm_span spans[IPM_RIG_BATCH];
    size_t length = end->rig->channel.config.max_message;
    size_t batch = end->rig->channel.config.batch;
    size_t n = 0;
    for (size_t i = 0; i < batch; i++) {
        spans[i] = (struct ipm_span){end->buffers + i * end->stride, length};
        end->buffers[i * end->stride + length] = canary;
    }
    *out = end->receive_in_place
               ? end->mechanism->peek_n(&end->endpoint, spans, batch, deadline_ns, &n)
               : end->mechanism->recv_n(&end->endpoint, spans, batch, deadline_ns, &n);
    if (*out != 0)
        return 0;
    IPM_CHECK(end, n > 0 && n <= batch, "%zu of %zu", n, batch);
    for (size_t i = 0; i < n; i++) {
        uint64_t first = lossy->next;
        const unsigned char *data = spans[i].data;
        IPM_CHECK(end, spans[i].length == length, "%zu bytes", spans[i].length);
        while (lossy->next < sent &&
               !ipm_payload_verify(data, length, lossy->next, NULL))
            lossy->next++;
        IPM_CHECK(end, lossy->next < sent, "torn, or none of %llu to %llu",
                  (unsigned long long)first, (unsigned long long)sent);
        IPM_CHECK(end, end->receive_in_place || data[length] == canary,
                  "wrote behind %zu bytes", length);
        lossy->next++;
        lossy->taken++;
    }
    if (end->receive_in_place)
        *out = end->mechanism->consume_n(&end->endpoint, n);
    return 0;
}

enum { STAGE_ALL_SENT = 1 };

int ipm_lossy_send(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    size_t length = end->rig->channel.config.max_message;
    size_t batch = end->rig->channel.config.batch;
    for (size_t at = 0; at < stream->count;) {
        size_t left = stream->count - at;
        size_t n = 1 + at % batch < left ? 1 + at % batch : left;
        size_t accepted = 0;
        int result = ipm_put(end, length, n, at, 0, &accepted);
        IPM_CHECK(end, result == 0 && accepted > 0 && accepted <= n,
                  "the writer waits at message %zu: %d", at, result);
        at += accepted;
    }
    ipm_stage_set(end->rig->board, STAGE_ALL_SENT);
    return 0;
}

int ipm_lossy_receive(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    struct ipm_lossy lossy = {0};
    while (lossy.next < stream->count) {
        int result = 0;
        int failed = ipm_lossy_get(end, &lossy, stream->count, IPM_FOREVER, &result);
        if (failed != 0)
            return failed;
        IPM_CHECK(end, result == 0, "after message %llu: %d",
                  (unsigned long long)lossy.next, result);
    }
    IPM_CHECK(end, lossy.taken + ipm_missed(end) == stream->count,
              "%llu received and %llu missed of %zu", (unsigned long long)lossy.taken,
              (unsigned long long)ipm_missed(end), stream->count);
    return 0;
}
