/* SPDX-License-Identifier: MIT */
/*
 * cma_read: side B copies each message straight out of side A's memory, by
 * process_vm_readv().
 *
 * A announces what lies in its slots by tokens; B copies it into the caller's buffer and
 * gives the token back, which makes the slot A's again.  The slots are A's private memory:
 * a sender that works in place (copies 1) writes its messages there, one that does not
 * copies them there first (copies 2).  The receiver pays for the kernel's copy.
 *
 * What is not received yet dies with a sender that is killed: IPM_CAP_VOLATILE.  A sender
 * that detaches leaves its messages in shared memory made for that moment, and marks it;
 * B looks at the mark after each copy, since memory that the sender gave up meanwhile may
 * hold anything.
 */
#include "mechanisms/cma.h"

#include <string.h>

static const uint64_t spill_magic = UINT64_C(0x6c6c6970735f6970); /* "pi_spill" */

enum { SPILL_VERSION = 1 };

static int cma_read_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_cma_channel *state = channel->state;
    int error = ipm_cma_create(channel, why);
    if (error != 0)
        return error;
    struct ipm_region region = IPM_REGION_NONE;
    error = ipm_region_create(&region, spill_magic, SPILL_VERSION,
                              state->tokens.tokens * state->stride, why);
    if (error != 0)
        return error;
    ipm_channel_own(channel, region.fd, IPM_OWNER_BOTH);
    state->spill_plus_one = region.fd + 1;
    region.fd = -1;
    ipm_region_fini(&region);
    return 0;
}

static void cma_read_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int cma_read_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_cma_channel *state = endpoint->channel->state;
    struct ipm_cma_endpoint *own = endpoint->state;
    int error = ipm_cma_attach(endpoint, IPM_SIDE_A, why);
    if (error != 0)
        return error;
    return ipm_region_map(&own->spill, state->spill_plus_one - 1, spill_magic,
                          SPILL_VERSION, why);
}

static int cma_read_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    return ipm_cma_join(endpoint, IPM_CMA_READ, why);
}

static unsigned char *spill_slot(const struct ipm_cma_endpoint *own, uint64_t ahead)
{
    return (unsigned char *)own->spill.base +
           ipm_token_ring_slot(&own->tokens, ahead) * own->stride;
}

static void cma_read_detach(struct ipm_endpoint *endpoint)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    if (own->exposes && own->memory != NULL && own->spill.base != NULL) {
        uint64_t left = ipm_token_ring_outstanding(&own->tokens);
        for (uint64_t back = 1; back <= left; back++)
            memcpy(spill_slot(own, -back), ipm_cma_slot(own, -back), own->max_message);
        atomic_store(&own->channel->spilled, 1);
    }
    ipm_cma_detach(endpoint);
}

static int cma_read_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                              struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                              size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    uint64_t room = 0;
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    int result = ipm_token_ring_room(&own->tokens, deadline_ns, &room);
    if (result != 0)
        return result;
    *out_n = n < room ? n : (size_t)room;
    for (size_t i = 0; i < *out_n; i++)
        out_spans[i] = (struct ipm_span){ipm_cma_slot(own, i), length};
    own->reserved = length;
    return 0;
}

static int cma_read_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    for (size_t i = 0; i < n; i++)
        ipm_token_ring_put(&own->tokens, own->reserved);
    ipm_token_ring_notify(&own->tokens);
    return 0;
}

static int cma_read_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    int result = 0;
    *out_n = 0;
    while (*out_n < n && result == 0) {
        uint64_t room = 0;
        result = ipm_token_ring_room(&own->tokens, deadline_ns, &room);
        if (result != 0)
            return result;
        for (; room > 0 && *out_n < n; room--) {
            const struct ipm_span *message = &messages[*out_n];
            if (message->length > own->max_message) {
                result = -EMSGSIZE;
                break;
            }
            memcpy(ipm_cma_slot(own, 0), message->data, message->length);
            ipm_token_ring_put(&own->tokens, message->length);
            ++*out_n;
        }
        ipm_token_ring_notify(&own->tokens);
    }
    return result;
}

/* Copies the next @n messages, whose lengths are in @spans, wherever they lie now. */
static int fetch(const struct ipm_cma_endpoint *own, const struct ipm_span *spans,
                 size_t n)
{
    int result = ipm_cma_move(own, IPM_CMA_READ, spans, n);
    ipm_full_fence(); /* the copy is done before the mark is looked at */
    if (atomic_load_explicit(&own->channel->spilled, memory_order_acquire) == 0)
        return result;
    for (size_t i = 0; i < n; i++)
        memcpy(spans[i].data, spill_slot(own, i), spans[i].length);
    return 0;
}

static int cma_read_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    size_t most = n < IPM_CMA_SPAN ? n : IPM_CMA_SPAN;
    size_t room = IPM_CMA_LARGEST_MESSAGE;
    size_t length = 0;
    size_t taken = 0;
    *out_n = 0;
    int result = ipm_token_ring_next(&own->tokens, deadline_ns, &length);
    while (result == 0 && length <= room) {
        if (length > messages[taken].length) {
            result = -EMSGSIZE;
            break;
        }
        messages[taken].length = length;
        room -= length;
        if (++taken == most)
            break;
        result = ipm_token_ring_look(&own->tokens, taken, &length);
    }
    /* What can be taken is delivered first; the next call meets the obstacle again. */
    if (taken == 0)
        return result;
    result = fetch(own, messages, taken);
    if (result != 0)
        return result;
    ipm_token_ring_done(&own->tokens, taken);
    *out_n = taken;
    return 0;
}

/* One message at a time, copied to where it can be looked at. */
static int cma_read_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    struct ipm_span span = {.data = own->memory};
    int result = ipm_token_ring_next(&own->tokens, deadline_ns, &span.length);
    if (result == 0 && !own->peeked)
        result = fetch(own, &span, 1);
    if (result != 0)
        return result;
    own->peeked = true;
    out_spans[0] = span;
    *out_n = 1;
    return 0;
}

static int cma_read_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    if (n == 0)
        return 0;
    own->peeked = false;
    ipm_token_ring_done(&own->tokens, n);
    return 0;
}

const struct ipm_mechanism ipm_mechanism_cma_read = {
    .abi = IPM_PLUGIN_ABI,
    .name = "cma_read",
    .version = 1,
    .family = "single copy",
    .summary = "receiver copies from the sender's memory, one way",
    .options = ipm_cma_option_rows,
    .options_size = sizeof(struct ipm_cma_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_TIMED | IPM_CAP_SHARED |
                    IPM_CAP_VOLATILE,
    .waits = IPM_CMA_WAITS,
    .limits = {.max_length = IPM_CMA_LARGEST_MESSAGE},
    .modes =
        {
            [1] = {.supported = true, .send_in_place = true, .facts = IPM_CMA_FACTS(1)},
            [2] = {.supported = true, .facts = IPM_CMA_FACTS(2)},
        },
    .default_copies = 1,
    .channel_size = sizeof(struct ipm_cma_channel),
    .endpoint_size = sizeof(struct ipm_cma_endpoint),
    .probe = ipm_cma_probe,
    .create = cma_read_create,
    .destroy = cma_read_destroy,
    .attach = cma_read_attach,
    .join = cma_read_join,
    .detach = cma_read_detach,
    .send_n = cma_read_send_n,
    .recv_n = cma_read_recv_n,
    .reserve_n = cma_read_reserve_n,
    .publish_n = cma_read_publish_n,
    .peek_n = cma_read_peek_n,
    .consume_n = cma_read_consume_n,
    .stats = ipm_cma_stats,
};
