/* SPDX-License-Identifier: MIT */
/* floor_consume: every byte of the payload is read, once per message: what touch full
 * costs the receiver. */
#include "base/payload.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

static int floor_consume_recv_n(struct ipm_endpoint *endpoint,
                                struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)deadline_ns;
    for (size_t i = 0; i < n; i++)
        (void)ipm_payload_consume(IPM_TOUCH_FULL, messages[i].data, messages[i].length);
    *out_n = n;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_consume = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_consume",
    .version = 1,
    .family = "floor",
    .summary = "reading every byte of the payload",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true, .facts = {.copies = 0}}},
    .default_copies = 0,
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = ipm_floor_send_n,
    .recv_n = floor_consume_recv_n,
};
