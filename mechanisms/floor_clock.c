/* SPDX-License-Identifier: MIT */
/* floor_clock: one clock read per message: what timing every message would add. */
#include "base/clock.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

static int floor_clock_send_n(struct ipm_endpoint *endpoint,
                              const struct ipm_span *messages, size_t n,
                              int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)deadline_ns;
    for (size_t i = 0; i < n; i++)
        (void)ipm_now_ns();
    *out_n = n;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_clock = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_clock",
    .version = 1,
    .family = "floor",
    .summary = "clock read: clock_gettime(CLOCK_MONOTONIC)",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true,
                     .facts = {.copies = 0,
                               .system_calls = IPM_VARIES /* 0 where the vDSO can */}}},
    .default_copies = 0,
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = floor_clock_send_n,
    .recv_n = ipm_floor_recv_n,
};
