/* SPDX-License-Identifier: MIT */
/*
 * cma_write: side A copies each message straight into side B's memory, by
 * process_vm_writev().
 *
 * The mirror of cma_read: the slots are B's private memory, A writes the next free one and
 * announces it by a token.  A receiver that works in place (copies 1) reads the slot where
 * it is, one that does not copies it out (copies 2).  The sender pays for the kernel's
 * copy.  What was announced lies with the receiver: nothing dies with the sender.
 */
#include "mechanisms/cma.h"

#include <string.h>

static void cma_write_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int cma_write_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    return ipm_cma_attach(endpoint, IPM_SIDE_B, why);
}

static int cma_write_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    return ipm_cma_join(endpoint, IPM_CMA_WRITE, why);
}

/* Moves and announces as many of @n messages as one call may; room is there. */
static int deliver(struct ipm_cma_endpoint *own, const struct ipm_span *messages,
                   size_t n, size_t *out_n)
{
    size_t most = n < IPM_CMA_SPAN ? n : IPM_CMA_SPAN;
    size_t room = IPM_CMA_LARGEST_MESSAGE;
    size_t taken = 0;
    *out_n = 0;
    for (; taken < most && messages[taken].length <= room; taken++) {
        if (messages[taken].length > own->max_message)
            break;
        room -= messages[taken].length;
    }
    if (taken == 0)
        return -EMSGSIZE;
    int result = ipm_cma_move(own, IPM_CMA_WRITE, messages, taken);
    if (result != 0)
        return result;
    for (size_t i = 0; i < taken; i++)
        ipm_token_ring_put(&own->tokens, messages[i].length);
    ipm_token_ring_notify(&own->tokens);
    *out_n = taken;
    return 0;
}

static int cma_write_send_n(struct ipm_endpoint *endpoint,
                            const struct ipm_span *messages, size_t n,
                            int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    *out_n = 0;
    while (*out_n < n) {
        uint64_t room = 0;
        int result = ipm_token_ring_room(&own->tokens, deadline_ns, &room);
        if (result != 0)
            return result;
        size_t left = n - *out_n;
        size_t moved = 0;
        result =
            deliver(own, messages + *out_n, left < room ? left : (size_t)room, &moved);
        if (result != 0)
            return result;
        *out_n += moved;
    }
    return 0;
}

/* One message at a time: its memory is this side's, and is moved by publish_n(). */
static int cma_write_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                               struct ipm_span *out_spans, size_t n,
                               int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    uint64_t room = 0;
    (void)n;
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    int result = ipm_token_ring_room(&own->tokens, deadline_ns, &room);
    if (result != 0)
        return result;
    own->reserved = length;
    out_spans[0] = (struct ipm_span){own->memory, length};
    *out_n = 1;
    return 0;
}

static int cma_write_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    struct ipm_span span = {own->memory, own->reserved};
    size_t moved = 0;
    return n == 0 ? 0 : deliver(own, &span, 1, &moved);
}

static int cma_write_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                            size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    size_t length = 0;
    *out_n = 0;
    int result = ipm_token_ring_next(&own->tokens, deadline_ns, &length);
    while (result == 0) {
        out_spans[*out_n] = (struct ipm_span){ipm_cma_slot(own, *out_n), length};
        if (++*out_n == n)
            return 0;
        result = ipm_token_ring_look(&own->tokens, *out_n, &length);
    }
    return *out_n > 0 ? 0 : result;
}

static int cma_write_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    ipm_token_ring_done(&own->tokens, n);
    return 0;
}

static int cma_write_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                            size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    size_t length = 0;
    size_t taken = 0;
    *out_n = 0;
    int result = ipm_token_ring_next(&own->tokens, deadline_ns, &length);
    while (result == 0) {
        if (length > messages[taken].length) {
            result = -EMSGSIZE;
            break;
        }
        memcpy(messages[taken].data, ipm_cma_slot(own, taken), length);
        messages[taken].length = length;
        if (++taken == n)
            break;
        result = ipm_token_ring_look(&own->tokens, taken, &length);
    }
    if (taken == 0)
        return result;
    ipm_token_ring_done(&own->tokens, taken);
    *out_n = taken;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_cma_write = {
    .abi = IPM_PLUGIN_ABI,
    .name = "cma_write",
    .version = 1,
    .family = "single copy",
    .summary = "sender copies into the receiver's memory, one way",
    .options = ipm_cma_option_rows,
    .options_size = sizeof(struct ipm_cma_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_TIMED,
    .waits = IPM_CMA_WAITS,
    .limits = {.max_length = IPM_CMA_LARGEST_MESSAGE},
    .modes =
        {
            [1] = {.supported = true,
                   .receive_in_place = true,
                   .facts = IPM_CMA_FACTS(1)},
            [2] = {.supported = true, .facts = IPM_CMA_FACTS(2)},
        },
    .default_copies = 1,
    .channel_size = sizeof(struct ipm_cma_channel),
    .endpoint_size = sizeof(struct ipm_cma_endpoint),
    .probe = ipm_cma_probe,
    .create = ipm_cma_create,
    .destroy = cma_write_destroy,
    .attach = cma_write_attach,
    .join = cma_write_join,
    .detach = ipm_cma_detach,
    .send_n = cma_write_send_n,
    .recv_n = cma_write_recv_n,
    .reserve_n = cma_write_reserve_n,
    .publish_n = cma_write_publish_n,
    .peek_n = cma_write_peek_n,
    .consume_n = cma_write_consume_n,
    .stats = ipm_cma_stats,
};
