/* SPDX-License-Identifier: MIT */
/*
 * shm_pipe_token: the payload in shared memory, its notice over a pipe.
 *
 * Each direction has one slot of memory and one pipe that carries one-byte tokens.  A token
 * says "my slot holds a message", or "I have given your slot back" (a credit), or both.  A
 * sender needs the credit before it may write its slot again.
 *
 * When only side A sends, B returns the credit in consume_n().  In a duplex channel the
 * credit rides on the reply's token, so that request and reply cost one token each; a side
 * that owes a credit and has to wait sends it first, so that traffic which is no ping-pong
 * moves on as well.
 *
 * At most one message and one credit are under way per pipe: writing a token never waits.
 */
#include "base/clock.h"
#include "base/region.h"
#include "mechanisms/fdio.h"
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    REGION_VERSION = 1,
    TOKEN_MESSAGE = 1,
    TOKEN_CREDIT = 2,
};

static const uint64_t region_magic = UINT64_C(0x6e656b6f745f6970); /* "pi_token" */

struct slot {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t length; /* of the message in it, bytes */
    _Alignas(IPM_LINE_PAIR) unsigned char data[];
};

struct shm_pipe_token_channel {
    int memory_plus_one;
    int pipes_plus_one[IPM_SIDES][2]; /* by the side that writes, as pipe2() fills it */
    size_t stride;                    /* bytes from slot to slot */
};

struct shm_pipe_token_endpoint {
    struct ipm_region region;
    struct slot *out, *in;
    struct ipm_fdio to_peer, from_peer;
    size_t max_message;
    bool duplex;
    bool lent;    /* our slot is with the peer: no credit yet */
    bool arrived; /* the peer's slot holds a message for us */
    bool owes;    /* we gave a slot back and have not said so */
};

static int shm_pipe_token_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct shm_pipe_token_channel *state = channel->state;
    size_t room = channel->config.max_message + IPM_LINE_PAIR - 1;
    state->stride = sizeof(struct slot) + room / IPM_LINE_PAIR * IPM_LINE_PAIR;

    struct ipm_region region = IPM_REGION_NONE;
    int error = ipm_region_create(&region, region_magic, REGION_VERSION,
                                  IPM_SIDES * state->stride, why);
    if (error != 0)
        return error;
    ipm_channel_own(channel, region.fd, IPM_OWNER_BOTH);
    state->memory_plus_one = region.fd + 1;
    region.fd = -1;
    ipm_region_fini(&region); /* the leader keeps no mapping */

    for (int side = 0; side < IPM_SIDES; side++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0)
            return ipm_why_set(why, -errno, "pipe2: ");
        ipm_channel_own(channel, fds[0], IPM_OWNER(IPM_SIDE_B - side));
        ipm_channel_own(channel, fds[1], IPM_OWNER(side));
        state->pipes_plus_one[side][0] = fds[0] + 1;
        state->pipes_plus_one[side][1] = fds[1] + 1;
    }
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)channel->config.max_message, .messages = 1};
    return 0;
}

static void shm_pipe_token_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int shm_pipe_token_probe(struct ipm_why *why)
{
    struct ipm_region region = IPM_REGION_NONE;
    int error = ipm_region_create(&region, region_magic, REGION_VERSION, 1, why);
    ipm_region_fini(&region);
    return error;
}

static int shm_pipe_token_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct shm_pipe_token_channel *state = endpoint->channel->state;
    const struct ipm_channel_config *config = &endpoint->channel->config;
    struct shm_pipe_token_endpoint *own = endpoint->state;
    own->region = IPM_REGION_NONE;
    int error = ipm_region_map(&own->region, state->memory_plus_one - 1, region_magic,
                               REGION_VERSION, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&own->region);
    unsigned char *base = own->region.base;
    enum ipm_side self = endpoint->side;
    enum ipm_side peer = self == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    own->out = (struct slot *)(void *)(base + self * state->stride);
    own->in = (struct slot *)(void *)(base + peer * state->stride);
    own->max_message = config->max_message;
    own->duplex = config->duplex;
    ipm_fdio_init(&own->to_peer, state->pipes_plus_one[self][1] - 1, false, config);
    ipm_fdio_init(&own->from_peer, state->pipes_plus_one[peer][0] - 1, false, config);
    return 0;
}

static void shm_pipe_token_detach(struct ipm_endpoint *endpoint)
{
    struct shm_pipe_token_endpoint *own = endpoint->state;
    ipm_fdio_fini(&own->to_peer, endpoint->channel);
    ipm_fdio_fini(&own->from_peer, endpoint->channel);
    if (own->region.base != NULL)
        ipm_region_fini(&own->region);
}

static int put_token(struct shm_pipe_token_endpoint *own, int token)
{
    unsigned char byte = (unsigned char)token;
    return ipm_fdio_send(&own->to_peer, &byte, 1, IPM_FOREVER);
}

/* A peer that is gone needs no credit, and what it sent before can still be read. */
static int pay_credit(struct shm_pipe_token_endpoint *own)
{
    int result = put_token(own, TOKEN_CREDIT);
    own->owes = false;
    return result == IPM_CLOSED ? 0 : result;
}

/* Waits for one token of any kind. */
static int take_token(struct shm_pipe_token_endpoint *own, int64_t deadline_ns)
{
    if (own->owes) {
        int error = pay_credit(own);
        if (error != 0)
            return error;
    }
    unsigned char token = 0;
    int result = ipm_fdio_recv(&own->from_peer, &token, 1, deadline_ns);
    if (result != 0)
        return result;
    bool message = (token & TOKEN_MESSAGE) != 0;
    bool credit = (token & TOKEN_CREDIT) != 0;
    if ((credit && !own->lent) || (message && own->arrived))
        return -EPROTO;
    own->lent = own->lent && !credit;
    own->arrived = own->arrived || message;
    return 0;
}

static int shm_pipe_token_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                                    struct ipm_span *out_spans, size_t n,
                                    int64_t deadline_ns, size_t *out_n)
{
    struct shm_pipe_token_endpoint *own = endpoint->state;
    (void)n; /* there is one slot */
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    while (own->lent) {
        int result = take_token(own, deadline_ns);
        if (result != 0)
            return result;
    }
    atomic_store_explicit(&own->out->length, length, memory_order_relaxed);
    out_spans[0] = (struct ipm_span){own->out->data, length};
    *out_n = 1;
    return 0;
}

static int shm_pipe_token_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct shm_pipe_token_endpoint *own = endpoint->state;
    if (n == 0)
        return 0;
    int result = put_token(own, TOKEN_MESSAGE | (own->owes ? TOKEN_CREDIT : 0));
    if (result != 0)
        return result;
    own->owes = false;
    own->lent = true;
    return 0;
}

static int shm_pipe_token_peek_n(struct ipm_endpoint *endpoint,
                                 struct ipm_span *out_spans, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    struct shm_pipe_token_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    while (!own->arrived) {
        int result = take_token(own, deadline_ns);
        if (result != 0)
            return result;
    }
    uint64_t length = atomic_load_explicit(&own->in->length, memory_order_relaxed);
    if (length > own->max_message)
        return -EPROTO;
    out_spans[0] = (struct ipm_span){own->in->data, (size_t)length};
    *out_n = 1;
    return 0;
}

static int shm_pipe_token_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct shm_pipe_token_endpoint *own = endpoint->state;
    if (n == 0)
        return 0;
    own->arrived = false;
    own->owes = true;
    return own->duplex ? 0 : pay_credit(own);
}

static int shm_pipe_token_send_n(struct ipm_endpoint *endpoint,
                                 const struct ipm_span *messages, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipm_span slot;
        size_t lent = 0;
        int result = shm_pipe_token_reserve_n(endpoint, messages[i].length, &slot, 1,
                                              deadline_ns, &lent);
        if (result != 0)
            return result;
        memcpy(slot.data, messages[i].data, messages[i].length);
        result = shm_pipe_token_publish_n(endpoint, 1);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

static int shm_pipe_token_recv_n(struct ipm_endpoint *endpoint,
                                 struct ipm_span *messages, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    struct ipm_span slot;
    size_t lent = 0;
    *out_n = 0;
    int result = shm_pipe_token_peek_n(endpoint, &slot, n, deadline_ns, &lent);
    if (result != 0)
        return result;
    if (slot.length > messages[0].length)
        return -EMSGSIZE;
    memcpy(messages[0].data, slot.data, slot.length);
    messages[0].length = slot.length;
    *out_n = 1;
    return shm_pipe_token_consume_n(endpoint, 1);
}

static void shm_pipe_token_stats(const struct ipm_endpoint *endpoint,
                                 struct ipm_endpoint_stats *out_stats)
{
    const struct shm_pipe_token_endpoint *own = endpoint->state;
    *out_stats = own->from_peer.stats;
}

/* Two system calls per message in a ping-pong, four where each credit needs a token. */
#define FACTS(k)                                                                       \
    {                                                                                  \
        .copies = (k), .syncs = 2, .system_calls = IPM_VARIES, .wakeups = 1            \
    }

const struct ipm_mechanism ipm_mechanism_shm_pipe_token = {
    .abi = IPM_PLUGIN_ABI,
    .name = "shm_pipe_token",
    .version = 1,
    .family = "shared memory",
    .summary = "one slot of shared memory, announced over a pipe",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_LOAN | IPM_CAP_TIMED |
                    IPM_CAP_SHARED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.in_flight = 1},
    .modes =
        {
            [0] = {.supported = true,
                   .send_in_place = true,
                   .receive_in_place = true,
                   .facts = FACTS(0)},
            [1] = {.supported = true, .receive_in_place = true, .facts = FACTS(1)},
            [2] = {.supported = true, .facts = FACTS(2)},
        },
    .default_copies = 1,
    .channel_size = sizeof(struct shm_pipe_token_channel),
    .endpoint_size = sizeof(struct shm_pipe_token_endpoint),
    .probe = shm_pipe_token_probe,
    .create = shm_pipe_token_create,
    .destroy = shm_pipe_token_destroy,
    .attach = shm_pipe_token_attach,
    .detach = shm_pipe_token_detach,
    .send_n = shm_pipe_token_send_n,
    .recv_n = shm_pipe_token_recv_n,
    .reserve_n = shm_pipe_token_reserve_n,
    .publish_n = shm_pipe_token_publish_n,
    .peek_n = shm_pipe_token_peek_n,
    .consume_n = shm_pipe_token_consume_n,
    .stats = shm_pipe_token_stats,
};
