/* SPDX-License-Identifier: MIT */
/*
 * pingpong: a client asks, a server answers, one at a time.  One operation is a round trip
 * of two messages; a sample is a batch of round trips by the client's clock.
 */
#include "workloads/port.h"

enum { CLIENT, SERVER };

static int pingpong_client(struct ipm_run *run, struct ipm_port *port, size_t size,
                           size_t reply_size, struct ipm_why *why)
{
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t i = 0; i < run->batch; i++) {
            int result = ipm_port_send_one(run, port, size, why);
            if (result == 0)
                result = ipm_port_recv_one(run, port, reply_size, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    ipm_pace_end(run);
    return 0;
}

static int pingpong_server(struct ipm_run *run, struct ipm_port *port, size_t size,
                           size_t reply_size, struct ipm_why *why)
{
    bool last = false;
    do {
        for (uint64_t i = 0; i < run->batch; i++) {
            int result = ipm_port_recv_one(run, port, size, why);
            if (result != 0)
                return result;
            if (i == 0)
                last = ipm_last(run);
            result = ipm_port_send_one(run, port, reply_size, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    return 0;
}

static int pingpong_run(struct ipm_run *run, struct ipm_why *why)
{
    const struct ipm_traffic *traffic = run->traffic;
    size_t size = (size_t)traffic->size;
    size_t reply_size = traffic->reply_size < 0 ? size : (size_t)traffic->reply_size;
    int result = run->role == CLIENT
                     ? pingpong_client(run, &run->ports[0], size, reply_size, why)
                     : pingpong_server(run, &run->ports[0], size, reply_size, why);
    run->operations = run->batches * run->batch;
    run->messages = 2 * run->operations;
    run->payload_bytes = run->operations * (size + reply_size);
    return result;
}

const struct ipm_workload ipm_workload_pingpong = {
    .abi = IPM_PLUGIN_ABI,
    .name = "pingpong",
    .version = 1,
    .family = "closed loop",
    .summary = "request and reply, one at a time, two processes",
    .axes = (const char *const[]){"size", "reply_size", "touch", "pairs", "working_set",
                                  "working_set_stride", NULL},
    .n_roles = 2,
    .roles = {{.name = "client", .side = IPM_SIDE_A},
              {.name = "server", .side = IPM_SIDE_B}},
    .n_edges = 1,
    .edges = {{.from = CLIENT, .to = SERVER, .duplex = true}},
    .refuses = IPM_CAP_LOCAL,
    .lock_step = true,
    .messages_per_operation = 2,
    .elapsed = IPM_ELAPSED_PACER,
    .latency = IPM_LATENCY_ROUND_TRIP,
    .run = pingpong_run,
};
