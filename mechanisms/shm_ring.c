/* SPDX-License-Identifier: MIT */
/*
 * shm_ring: a ring in shared memory (mechanisms/ring.h), one way, as a matrix of choices:
 * where the memory comes from (backing.h), what a blocked side sleeps on (sync.h), who
 * copies (the modes) and by which kernel (copy.h), how records lie (ring_layout.h), and how
 * many become visible together.
 */
#include "mechanisms/backing.h"
#include "mechanisms/ring_io.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALL_HEADER = 8, /* a slot's word and its payload share a line */
    LARGEST_SMALL = IPM_CACHE_LINE - SMALL_HEADER,
    LEAST_SLAB = 64 << 10,   /* bytes; shorter messages lie in slots */
    OWN_CAPACITY = 32 << 10, /* bytes, when the plan leaves the choice */
    OWN_SLOTS = 64,
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
    COPY_AUTO = IPM_COPY_KERNELS,
};

struct shm_ring_options {
    int64_t backing;
    int64_t sync;
    int64_t copy; /* index into ipm_copies, or COPY_AUTO */
    int64_t layout;
    int64_t publish;        /* messages that become visible together, at most */
    int64_t capacity_bytes; /* 0: from depth */
    int64_t spin_ns;        /* spin_then_block; 0: from what waking costs */
    int64_t trust;
};

struct shm_ring_channel {
    struct ipm_backing backing;
    struct ipm_sync_channel sync;
    int layout; /* enum ipm_layout, but not AUTO */
    int slots_log2;
    uint64_t capacity;                              /* messages, in [1, slots] */
    uint64_t word_stride, stride, payload_at, size; /* as in struct ipm_ring */
};

struct shm_ring_endpoint {
    struct ipm_ring_io io;
    void *base; /* the mapping; NULL: none */
};

static int log2_up(uint64_t least)
{
    int bits = 0;
    while (UINT64_C(1) << bits < least)
        bits++;
    return bits;
}

static uint64_t round_up(uint64_t bytes, uint64_t multiple)
{
    return (bytes + multiple - 1) / multiple * multiple;
}

/* Bytes of shared memory behind the control block. */
static uint64_t shm_ring_layout(struct ipm_channel *channel)
{
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    size_t message = channel->config.max_message;
    state->layout = (int)options->layout;
    if (state->layout == IPM_LAYOUT_AUTO)
        state->layout = message < LEAST_SLAB ? IPM_LAYOUT_SLOTS : IPM_LAYOUT_SLAB;
    bool small = state->layout == IPM_LAYOUT_SLOTS && message <= LARGEST_SMALL;
    uint64_t each = small ? IPM_CACHE_LINE
                    : state->layout == IPM_LAYOUT_SLOTS
                        ? round_up(message, IPM_CACHE_LINE)
                    : state->layout == IPM_LAYOUT_BYTES
                        ? ipm_bytes_most(message)
                        : round_up(message > 0 ? message : 1, IPM_LINE_PAIR);
    bool free_choice = channel->config.depth == 0;
    uint64_t most = options->capacity_bytes > 0 ? (uint64_t)options->capacity_bytes
                    : free_choice               ? OWN_CAPACITY
                                                : MOST_CAPACITY;
    uint64_t fitting = most / each > 2 ? most / each : 2;
    uint64_t wanted = options->capacity_bytes > 0 ? fitting
                      : free_choice               ? OWN_SLOTS
                                                  : channel->config.depth;
    state->capacity = wanted < fitting ? wanted : fitting;
    state->slots_log2 = log2_up(state->capacity);
    state->stride = each;
    if (small) {
        state->word_stride = IPM_CACHE_LINE;
        state->payload_at = SMALL_HEADER;
        return each << state->slots_log2;
    }
    if (state->layout != IPM_LAYOUT_BYTES) {
        state->word_stride = state->layout == IPM_LAYOUT_SLOTS
                                 ? sizeof(uint64_t)
                                 : sizeof(struct ipm_slab_line);
        state->payload_at =
            round_up(state->word_stride << state->slots_log2, IPM_LINE_PAIR);
        return state->payload_at + (each << state->slots_log2);
    }
    /* One more record than may be in flight: the gap in front of a lap's end. */
    state->size =
        round_up((state->capacity + 1) * each + IPM_BYTES_HEADER, IPM_CACHE_LINE);
    return state->size;
}

static int shm_ring_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    int error = 0;
    if (options->copy != COPY_AUTO)
        error = ipm_copy_check((int)options->copy, why);
    if (error == 0)
        error = ipm_backing_create(
            &state->backing, (int)options->backing,
            sizeof(struct ipm_ring_shared) + shm_ring_layout(channel), channel, why);
    if (error == 0)
        error = ipm_sync_create(&state->sync, (int)options->sync, channel, why);
    if (error != 0)
        return error;
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(state->capacity * channel->config.max_message),
        .messages = (int64_t)state->capacity,
    };
    return 0;
}

static void shm_ring_destroy(struct ipm_channel *channel)
{
    struct shm_ring_channel *state = channel->state;
    ipm_backing_destroy(&state->backing);
    ipm_channel_close(channel);
}

/* The sender's own books. */
static int shm_ring_books(struct shm_ring_endpoint *own, struct ipm_why *why)
{
    struct ipm_ring *ring = &own->io.ring;
    size_t slots = (size_t)1 << ring->slots_log2;
    ring->places = calloc(slots, sizeof(ring->places[0]));
    ring->stack = calloc(slots, sizeof(ring->stack[0]));
    if (ring->places == NULL || ring->stack == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for %zu messages", slots);
    /* Lowest numbers on top: a ring that is used little touches little. */
    while (ring->n_stack < ring->capacity) {
        ring->stack[ring->n_stack] = (uint32_t)(ring->capacity - ring->n_stack - 1);
        ring->n_stack++;
    }
    ipm_prefault(ring->places, slots * sizeof(ring->places[0]));
    ipm_prefault(ring->stack, slots * sizeof(ring->stack[0]));
    return 0;
}

static int shm_ring_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct ipm_channel *channel = endpoint->channel;
    struct shm_ring_channel *state = channel->state;
    const struct shm_ring_options *options = channel->config.options;
    struct shm_ring_endpoint *own = endpoint->state;
    struct ipm_ring *ring = &own->io.ring;
    int error = ipm_backing_map(&state->backing, &own->base, why);
    if (error != 0)
        return error;
    ipm_ring_attach(ring, own->base, endpoint->side, &channel->config);
    ipm_sync_attach(&ring->sync, &state->sync, endpoint->side, ring->own_sleeps,
                    ring->peer_sleeps);
    ring->slots_log2 = state->slots_log2;
    ring->capacity = state->capacity;
    ring->word_stride = state->word_stride;
    ring->stride = state->stride;
    ring->payload_at = state->payload_at;
    ring->size = state->size;
    ring->trust = options->trust != 0;
    ring->patience.fixed_ns = options->spin_ns;
    own->io.layout = state->layout;
    own->io.publish = (uint32_t)options->publish;
    ipm_copy_choice_init(&own->io.choice);
    int kernel = options->copy == COPY_AUTO ? 0 : (int)options->copy;
    own->io.chooses =
        options->copy == COPY_AUTO && channel->config.max_message >= IPM_LEAST_CHOICE;
    if (!own->io.chooses)
        own->io.choice = (struct ipm_copy_choice){.kernel = kernel};
    /* Streaming stores are for lines that another CPU will read: not the receiver's. */
    own->io.copy_out =
        ipm_copies[strcmp(ipm_copies[kernel].name, "nontemporal") == 0 ? 0 : kernel]
            .copy;
    ipm_ring_io_ready(&own->io);
    return endpoint->sends ? shm_ring_books(own, why) : 0;
}

static void shm_ring_detach(struct ipm_endpoint *endpoint)
{
    struct shm_ring_endpoint *own = endpoint->state;
    const struct shm_ring_channel *state = endpoint->channel->state;
    free(own->io.ring.places);
    free(own->io.ring.stack);
    own->io.ring.places = NULL;
    own->io.ring.stack = NULL;
    if (own->base == NULL)
        return;
    ipm_ring_close(&own->io.ring, endpoint->side);
    ipm_backing_unmap(&state->backing, own->base);
    own->base = NULL;
}

#define OPTION(field) IPM_OPTION_FIELD(struct shm_ring_options, field)

static const char *const copy_names[] = {"memcpy",      "rep",  "avx",
                                         "nontemporal", "auto", NULL};
static const char *const layout_names[] = {"auto", "slots", "bytes", "slab", NULL};

static const struct ipm_option shm_ring_option_rows[] = {
    {.name = "backing",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(backing),
     .fallback = "memfd",
     .choices = ipm_backing_names,
     .unit = "",
     .help = "where the shared memory comes from"},
    {.name = "sync",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(sync),
     .fallback = "futex",
     .choices = ipm_sync_names,
     .unit = "",
     .help = "what a blocked side sleeps on"},
    {.name = "copy",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(copy),
     .fallback = "auto",
     .choices = copy_names,
     .unit = "",
     .help = "copy kernel; auto: the fastest on the first messages of 1 KiB and more"},
    {.name = "layout",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(layout),
     .fallback = "auto",
     .choices = layout_names,
     .unit = "",
     .help = "how records lie; auto: slots, from 64 KiB slab; bytes is the densest"},
    {.name = "publish",
     .type = IPM_OPTION_INTEGER,
     .offset = OPTION(publish),
     .fallback = "1",
     .min = 1,
     .max = IPM_RING_SPAN,
     .unit = "messages",
     .help = "of the messages of one send call so many become visible together"},
    {.name = "capacity",
     .type = IPM_OPTION_SIZE,
     .offset = OPTION(capacity_bytes),
     .fallback = "0",
     .min = 0,
     .max = INT64_C(1) << 32,
     .unit = "bytes",
     .help = "size of the ring; 0: from depth, at most 4 MiB"},
    {.name = "spin",
     .type = IPM_OPTION_DURATION,
     .offset = OPTION(spin_ns),
     .fallback = "0ns",
     .min = 0,
     .max = IPM_NS_PER_SECOND,
     .unit = "ns",
     .help = "spin_then_block: how long to spin; 0: as long as a wake-up takes"},
    {.name = "trust",
     .type = IPM_OPTION_FLAG,
     .offset = OPTION(trust),
     .fallback = "false",
     .unit = "",
     .help = "believe lengths and indices that the peer wrote, unchecked"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_shm_ring = {
    .abi = IPM_PLUGIN_ABI,
    .name = "shm_ring",
    .version = 2,
    .family = "shared memory",
    .summary = "single-producer ring in shared memory",
    .options = shm_ring_option_rows,
    .options_size = sizeof(struct shm_ring_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_TIMED | IPM_CAP_SHARED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK),
    .limits = {.max_length = UINT32_MAX - 1},
    .modes =
        {
            [0] = {.supported = true,
                   .send_in_place = true,
                   .receive_in_place = true,
                   .facts = {.copies = 0, .syncs = 2, .wakeups = 1}},
            [1] = {.supported = true,
                   .receive_in_place = true,
                   .facts = {.copies = 1, .syncs = 2, .wakeups = 1}},
            [2] = {.supported = true, .facts = {.copies = 2, .syncs = 2, .wakeups = 1}},
        },
    .default_copies = 2,
    .channel_size = sizeof(struct shm_ring_channel),
    .endpoint_size = sizeof(struct shm_ring_endpoint),
    .create = shm_ring_create,
    .destroy = shm_ring_destroy,
    .attach = shm_ring_attach,
    .detach = shm_ring_detach,
    IPM_RING_HOOKS,
};
