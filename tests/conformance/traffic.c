/* SPDX-License-Identifier: MIT */
#include "tests/conformance/traffic.h"

#include "base/clock.h"
#include "base/payload.h"
#include "tests/support/test.h"

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
            int result =
                ipm_put(end, length, span, stream->seed + at, IPM_FOREVER, &accepted);
            IPM_CHECK(end, result == 0, "message %zu: %d", at, result);
            IPM_CHECK(end, accepted > 0 && accepted <= span, "%zu of %zu", accepted,
                      span);
            IPM_CHECK(end, accepted == span || end->send_in_place,
                      "send_n() took %zu of %zu and said all", accepted, span);
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
        known -= got.n;
        memmove(lengths, lengths + got.n, known * sizeof(lengths[0]));
    }
    return 0;
}
