/* SPDX-License-Identifier: MIT */
/*
 * floor_hiccup: a message is one look at the clock, and carries the time since the look
 * before in nanoseconds, as an int64_t.
 *
 * A process that does nothing but look at the clock sees every time it was not running:
 * interrupts, the scheduler's tick, other tasks, the hypervisor.  What IPC adds to the tails
 * of a latency stands on top of that.  The workload `hiccup` collects the gaps.
 */
#include "base/clock.h"
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

#include <string.h>

struct floor_hiccup_endpoint {
    int64_t looked_ns; /* 0: never */
};

static int floor_hiccup_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                               size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct floor_hiccup_endpoint *own = endpoint->state;
    (void)deadline_ns;
    for (size_t i = 0; i < n; i++) {
        int64_t now_ns = ipm_now_ns();
        int64_t gap_ns = own->looked_ns == 0 ? 0 : now_ns - own->looked_ns;
        if (messages[i].length >= sizeof(gap_ns))
            memcpy(messages[i].data, &gap_ns, sizeof(gap_ns));
        own->looked_ns = now_ns;
    }
    *out_n = n;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_hiccup = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_hiccup",
    .version = 1,
    .family = "floor",
    .summary = "gaps that a process spinning on the clock sees",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true,
                     .facts = {.copies = 0,
                               .system_calls = IPM_VARIES /* 0 where the vDSO can */}}},
    .default_copies = 0,
    .endpoint_size = sizeof(struct floor_hiccup_endpoint),
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = ipm_floor_send_n,
    .recv_n = floor_hiccup_recv_n,
};
