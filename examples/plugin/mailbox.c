/* SPDX-License-Identifier: MIT */
/*
 * mailbox: one message at a time in shared memory.
 *
 * Each direction has a box: a word that says whether it is full, and room for one message.
 * The sender waits for empty, copies in and sets full; the receiver waits for full, copies
 * out and sets empty.  Who sleeps sets a bit in the word first, so that nobody makes a
 * system call to wake a peer that is awake.
 *
 * It has no kernel object, so nothing tells of a peer's death: no IPM_CAP_EOF.
 */
#include "base/clock.h"
#include "base/option.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
    LARGEST_MESSAGE = 4096,
    FULL = 1,     /* bit of the word: a message lies in the box */
    SLEEPER = 2,  /* bit of the word: somebody sleeps until FULL changes */
    TOGETHER = 8, /* offsets of the payload: in the word's cache line ... */
    APART = 128,  /* ... or two lines behind it, which the prefetcher may pair */
};

struct mailbox_options {
    int64_t layout;
};

struct mailbox_box {
    _Alignas(128) _Atomic uint32_t word;
    uint32_t length;
    unsigned char room[APART + LARGEST_MESSAGE];
};

struct mailbox_channel {
    struct mailbox_box boxes[IPM_SIDES]; /* by the side that sends */
};

struct mailbox_endpoint {
    struct mailbox_box *out, *in;
    size_t payload; /* offset in a box */
    size_t max_message;
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

static int mailbox_create(struct ipm_channel *channel, struct ipm_why *why)
{
    if (channel->config.max_message > LARGEST_MESSAGE)
        return ipm_why_set(why, -EOPNOTSUPP, "a box holds %d bytes", LARGEST_MESSAGE);
    channel->capacity = (struct ipm_capacity){.bytes = LARGEST_MESSAGE, .messages = 1};
    return 0;
}

static void mailbox_destroy(struct ipm_channel *channel)
{
    (void)channel; /* the state is the worker's */
}

static int mailbox_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    static const size_t payloads[] = {TOGETHER, APART};
    struct mailbox_channel *state = endpoint->channel->state;
    const struct mailbox_options *options = endpoint->channel->config.options;
    struct mailbox_endpoint *own = endpoint->state;
    (void)why;
    own->out = &state->boxes[endpoint->side];
    own->in = &state->boxes[1 - endpoint->side];
    own->payload = payloads[options->layout];
    own->max_message = endpoint->channel->config.max_message;
    own->wait = endpoint->channel->config.wait;
    return 0;
}

static void mailbox_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

/* Until the box is full or empty, as @wanted says. */
static int mailbox_wait(struct mailbox_endpoint *own, struct mailbox_box *box,
                        uint32_t wanted, int64_t deadline_ns)
{
    uint32_t turns = 0;
    for (;;) {
        uint32_t word = atomic_load_explicit(&box->word, memory_order_acquire);
        int result = 0;
        if ((word & FULL) == wanted)
            return 0;
        if (own->wait != IPM_WAIT_BLOCK || deadline_ns == 0) {
            result = ipm_wait_turn(own->wait, &turns, deadline_ns);
        } else if ((word & SLEEPER) != 0 ||
                   atomic_compare_exchange_strong(&box->word, &word, word | SLEEPER)) {
            own->stats.sleeps++;
            result = ipm_futex_wait(&box->word, word | SLEEPER, deadline_ns);
        }
        if (result != 0)
            return result;
    }
}

static void mailbox_set(struct mailbox_endpoint *own, struct mailbox_box *box,
                        uint32_t word)
{
    if ((atomic_exchange(&box->word, word) & SLEEPER) != 0) {
        own->stats.wakes++;
        ipm_futex_wake(&box->word, 1);
    }
}

static int mailbox_send_n(struct ipm_endpoint *endpoint,
                          const struct ipm_span *messages, size_t n,
                          int64_t deadline_ns, size_t *out_n)
{
    struct mailbox_endpoint *own = endpoint->state;
    struct mailbox_box *box = own->out;
    for (*out_n = 0; *out_n < n; ++*out_n) {
        const struct ipm_span *message = &messages[*out_n];
        if (message->length > own->max_message)
            return -EMSGSIZE;
        int result = mailbox_wait(own, box, 0, deadline_ns);
        if (result != 0)
            return result;
        memcpy((unsigned char *)box + own->payload, message->data, message->length);
        box->length = (uint32_t)message->length;
        mailbox_set(own, box, FULL);
    }
    return 0;
}

static int mailbox_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                          size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct mailbox_endpoint *own = endpoint->state;
    struct mailbox_box *box = own->in;
    (void)n; /* there is never a second one */
    *out_n = 0;
    int result = mailbox_wait(own, box, FULL, deadline_ns);
    if (result != 0)
        return result;
    /* The peer may write what it likes: read once, then check. */
    size_t length = *(const volatile uint32_t *)&box->length;
    if (length > own->max_message)
        return -EPROTO;
    if (length > messages[0].length)
        return -EMSGSIZE;
    memcpy(messages[0].data, (unsigned char *)box + own->payload, length);
    messages[0].length = length;
    mailbox_set(own, box, 0);
    *out_n = 1;
    return 0;
}

static void mailbox_stats(const struct ipm_endpoint *endpoint,
                          struct ipm_endpoint_stats *out_stats)
{
    const struct mailbox_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const char *const mailbox_layouts[] = {"together", "apart", NULL};

static const struct ipm_option mailbox_option_rows[] = {
    {.name = "layout",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct mailbox_options, layout),
     .fallback = "apart",
     .choices = mailbox_layouts,
     .unit = "",
     .help = "payload in the cache line of the word, or in lines of its own"},
    {.name = NULL},
};

static const struct ipm_mechanism mailbox = {
    .abi = IPM_PLUGIN_ABI,
    .name = "mailbox",
    .version = 1,
    .family = "shared memory",
    .summary = "example plug-in: one message at a time in shared memory",
    .options = mailbox_option_rows,
    .options_size = sizeof(struct mailbox_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = LARGEST_MESSAGE, .in_flight = 1},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 0, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct mailbox_channel),
    .endpoint_size = sizeof(struct mailbox_endpoint),
    .create = mailbox_create,
    .destroy = mailbox_destroy,
    .attach = mailbox_attach,
    .detach = mailbox_detach,
    .send_n = mailbox_send_n,
    .recv_n = mailbox_recv_n,
    .stats = mailbox_stats,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&mailbox, NULL};
