/* SPDX-License-Identifier: MIT */
/*
 * floor_memcpy: one copy of the payload per message, made by the sender.
 *
 * Source and destination are the same two buffers every time, so they are as warm as the
 * caches can hold them: no mechanism that copies once can be faster.
 */
#include "base/region.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct floor_memcpy_endpoint {
    void *copy; /* max_message bytes; the sending endpoint's only */
};

static int floor_memcpy_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct floor_memcpy_endpoint *own = endpoint->state;
    if (!endpoint->sends)
        return 0;
    size_t lines = endpoint->channel->config.max_message / IPM_LINE_PAIR + 1;
    own->copy = aligned_alloc(IPM_LINE_PAIR, lines * IPM_LINE_PAIR);
    if (own->copy == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for one message");
    ipm_prefault(own->copy, lines * IPM_LINE_PAIR);
    return 0;
}

static void floor_memcpy_detach(struct ipm_endpoint *endpoint)
{
    struct floor_memcpy_endpoint *own = endpoint->state;
    free(own->copy);
    own->copy = NULL;
}

static int floor_memcpy_send_n(struct ipm_endpoint *endpoint,
                               const struct ipm_span *messages, size_t n,
                               int64_t deadline_ns, size_t *out_n)
{
    struct floor_memcpy_endpoint *own = endpoint->state;
    (void)deadline_ns;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > endpoint->channel->config.max_message)
            return -EMSGSIZE;
        memcpy(own->copy, messages[i].data, messages[i].length);
        /* Nobody reads the copy; this keeps it from being left out. */
        __asm__ volatile("" : : "r"(own->copy) : "memory");
        *out_n = i + 1;
    }
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_memcpy = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_memcpy",
    .version = 1,
    .family = "floor",
    .summary = "one memcpy of the payload, cache-warm",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[1] = {.supported = true, .facts = {.copies = 1}}},
    .default_copies = 1,
    .endpoint_size = sizeof(struct floor_memcpy_endpoint),
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = floor_memcpy_attach,
    .detach = floor_memcpy_detach,
    .send_n = floor_memcpy_send_n,
    .recv_n = ipm_floor_recv_n,
};
