/* SPDX-License-Identifier: MIT */
/*
 * floor_cacheline: two processes tell each other a number through one cache line each.
 *
 * A line per direction, written by one side only; the other spins on it without a pause.
 * The word counts the messages sent, so none is lost however many are under way, and it
 * is all there is: no payload.  A ping-pong over it is the least that any IPC between
 * these two CPUs can take.
 */
#include "base/region.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <stdatomic.h>

struct floor_cacheline_word {
    _Alignas(
        IPM_LINE_PAIR) _Atomic uint64_t sent; /* messages, by the side that owns it */
};

struct floor_cacheline_channel {
    /* One more than the sides: the state is aligned to a line, a word to a pair of them. */
    unsigned char room[(IPM_SIDES + 1) * sizeof(struct floor_cacheline_word)];
};

struct floor_cacheline_endpoint {
    struct floor_cacheline_word *own;
    const struct floor_cacheline_word *peer;
    uint64_t sent;
    uint64_t received;
};

static int floor_cacheline_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct floor_cacheline_endpoint *own = endpoint->state;
    (void)why;
    uintptr_t start = (uintptr_t)endpoint->channel->state;
    struct floor_cacheline_word *words =
        (void *)((start + IPM_LINE_PAIR - 1) & ~(uintptr_t)(IPM_LINE_PAIR - 1));
    own->own = &words[endpoint->side];
    own->peer = &words[endpoint->side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A];
    return 0;
}

static int floor_cacheline_send_n(struct ipm_endpoint *endpoint,
                                  const struct ipm_span *messages, size_t n,
                                  int64_t deadline_ns, size_t *out_n)
{
    struct floor_cacheline_endpoint *own = endpoint->state;
    (void)deadline_ns;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length != 0)
            return -EMSGSIZE;
        atomic_store_explicit(&own->own->sent, ++own->sent, memory_order_release);
        *out_n = i + 1;
    }
    return 0;
}

static int floor_cacheline_recv_n(struct ipm_endpoint *endpoint,
                                  struct ipm_span *messages, size_t n,
                                  int64_t deadline_ns, size_t *out_n)
{
    struct floor_cacheline_endpoint *own = endpoint->state;
    uint32_t turns = 0;
    *out_n = 0;
    uint64_t sent;
    while ((sent = atomic_load_explicit(&own->peer->sent, memory_order_acquire)) ==
           own->received) {
        /* Not ipm_wait_turn(), which pauses: the line must be seen as soon as it comes. */
        if (deadline_ns == 0 ||
            (deadline_ns != IPM_FOREVER && ++turns % IPM_SPINS_PER_CLOCK == 0 &&
             ipm_now_ns() >= deadline_ns))
            return IPM_AGAIN;
    }
    uint64_t arrived = sent - own->received;
    size_t taken = n < arrived ? n : (size_t)arrived;
    for (size_t i = 0; i < taken; i++)
        messages[i].length = 0;
    own->received += taken;
    *out_n = taken;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_cacheline = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_cacheline",
    .version = 1,
    .family = "floor",
    .summary = "one cache line each way, spinning without a pause",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN),
    .modes = {[0] = {.supported = true, .facts = {.copies = 0, .syncs = 2}}},
    .default_copies = 0,
    .channel_size = sizeof(struct floor_cacheline_channel),
    .endpoint_size = sizeof(struct floor_cacheline_endpoint),
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = floor_cacheline_attach,
    .detach = ipm_floor_detach,
    .send_n = floor_cacheline_send_n,
    .recv_n = floor_cacheline_recv_n,
};
