/* SPDX-License-Identifier: MIT */
#include "mechanisms/token_ring.h"

enum {
    REGION_VERSION = 1,
    SLOT_BYTES = 64, /* a line per token: what was announced is not disturbed again */
};

static const uint64_t region_magic = UINT64_C(0x736e656b6f746970); /* "pitokens" */

uint64_t ipm_token_ring_tokens(const struct ipm_channel_config *config, size_t stride,
                               size_t most)
{
    uint64_t wanted = config->depth > 2 ? config->depth : 2;
    uint64_t fitting = most / stride > 2 ? most / stride : 2;
    return wanted < fitting ? wanted : fitting;
}

int ipm_token_ring_create(struct ipm_channel *channel,
                          struct ipm_token_ring_channel *state, uint64_t tokens,
                          struct ipm_why *why)
{
    state->tokens = tokens;
    state->slots_log2 = 0;
    while (UINT64_C(1) << state->slots_log2 < tokens)
        state->slots_log2++;
    struct ipm_region region = IPM_REGION_NONE;
    size_t size =
        sizeof(struct ipm_ring_shared) + ((size_t)SLOT_BYTES << state->slots_log2);
    int error = ipm_region_create(&region, region_magic, REGION_VERSION, size, why);
    if (error != 0)
        return error;
    ipm_channel_own(channel, region.fd, IPM_OWNER_BOTH);
    state->fd_plus_one = region.fd + 1;
    region.fd = -1;
    ipm_region_fini(&region); /* the leader keeps no mapping */
    return 0;
}

int ipm_token_ring_attach(struct ipm_token_ring *ring,
                          const struct ipm_token_ring_channel *state,
                          const struct ipm_endpoint *endpoint, int64_t spin_ns,
                          struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    ring->region = IPM_REGION_NONE;
    int error = ipm_region_map(&ring->region, state->fd_plus_one - 1, region_magic,
                               REGION_VERSION, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&ring->region);
    ipm_ring_attach(&ring->ring, ring->region.base, endpoint->side, config);
    ring->ring.capacity = state->tokens;
    ring->ring.word_stride = SLOT_BYTES;
    ring->ring.slots_log2 = state->slots_log2;
    ring->ring.patience.fixed_ns = spin_ns;
    ipm_slots_advance(&ring->ring, 0);
    return 0;
}

void ipm_token_ring_detach(struct ipm_token_ring *ring, enum ipm_side side)
{
    if (ring->ring.shared == NULL)
        return;
    ipm_ring_close(&ring->ring, side);
    ring->ring.shared = NULL;
    ipm_region_fini(&ring->region);
}

uint64_t ipm_token_ring_outstanding(const struct ipm_token_ring *ring)
{
    uint64_t head = atomic_load(&ring->ring.shared->head);
    uint64_t left = ring->ring.mine - head;
    /* A peer that wrote nonsense gets everything offered again, and no more. */
    return left <= ring->ring.capacity ? left : ring->ring.capacity;
}

void ipm_token_ring_done(struct ipm_token_ring *ring, size_t n)
{
    ipm_slots_release(&ring->ring, n);
    ipm_ring_notify(&ring->ring);
}
