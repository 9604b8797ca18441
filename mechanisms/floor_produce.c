/* SPDX-License-Identifier: MIT */
/*
 * floor_produce: every byte of the payload is written, once per message: what touch full
 * costs the sender.  It writes into the buffers it is given.
 */
#include "base/payload.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

struct floor_produce_endpoint {
    uint64_t seed;
};

static int floor_produce_send_n(struct ipm_endpoint *endpoint,
                                const struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct floor_produce_endpoint *own = endpoint->state;
    (void)deadline_ns;
    for (size_t i = 0; i < n; i++)
        ipm_payload_produce(IPM_TOUCH_FULL, messages[i].data, messages[i].length,
                            own->seed++);
    *out_n = n;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_produce = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_produce",
    .version = 1,
    .family = "floor",
    .summary = "writing every byte of the payload",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true, .facts = {.copies = 0}}},
    .default_copies = 0,
    .endpoint_size = sizeof(struct floor_produce_endpoint),
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = floor_produce_send_n,
    .recv_n = ipm_floor_recv_n,
};
