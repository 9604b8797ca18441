/* SPDX-License-Identifier: MIT */
/*
 * self_loop: one role holds both ends and sends to itself.  Nobody waits and nothing is
 * switched: what is left is the mechanism's own calls and copies.  Floors run here too.
 * One operation is one message sent and received.
 */
#include "workloads/port.h"

#include <errno.h>

enum { PATIENCE_NS = 1000000000 };

/*
 * A message larger than what the channel holds never gets in: the one who would take it out
 * is the one who sends.  Capacities are not always known, so the verified round tries.
 */
static int self_loop_too_large(const struct ipm_port *port, size_t size,
                               struct ipm_why *why)
{
    return ipm_why_set(why, -EOPNOTSUPP,
                       "%zu bytes do not fit into %s while nobody takes them out", size,
                       port->mechanism->name);
}

static int self_loop_run(struct ipm_run *run, struct ipm_why *why)
{
    struct ipm_port *port = &run->ports[0];
    size_t size = (size_t)run->traffic->size;
    bool last;
    do {
        last = ipm_pace(run);
        if (run->verify)
            run->timeout_ns = run->last_ns + PATIENCE_NS;
        for (uint64_t i = 0; i < run->batch; i++) {
            int result = ipm_port_send_one(run, port, size, why);
            if (result == 0)
                result = ipm_port_recv_one(run, port, size, why);
            else if (result == IPM_AGAIN)
                return self_loop_too_large(port, size, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    ipm_pace_end(run);
    run->messages = run->operations = run->batches * run->batch;
    run->payload_bytes = run->messages * size;
    return 0;
}

const struct ipm_workload ipm_workload_self_loop = {
    .abi = IPM_PLUGIN_ABI,
    .name = "self_loop",
    .version = 1,
    .family = "one role",
    .summary = "one process at both ends: calls and copies, no waiting",
    .axes = (const char *const[]){"size", "touch", "pairs", "working_set",
                                  "working_set_stride", "background", NULL},
    .n_roles = 1,
    .roles = {{.name = "loop", .side = IPM_SIDE_A}},
    .n_edges = 1,
    .edges = {{.from = 0, .to = 0}},
    .refuses = IPM_CAP_CALL,
    .lock_step = true,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_PACER,
    .latency = IPM_LATENCY_ROUND_TRIP,
    .run = self_loop_run,
};
