/* SPDX-License-Identifier: MIT */
/*
 * burst: the two sides take turns of `batch` messages each.  Where the receiver is woken by
 * the first and runs when the sender waits for its turn, one switch carries the whole burst:
 * the more messages a turn has, the fewer switches a message costs, and the two can be told
 * apart.  How many there really were is counted, not assumed: a scheduler may prefer to run
 * the receiver at once.
 *
 * One operation is a message each way: a turn of both sides has `batch` of them.
 */
#include "workloads/port.h"

enum { FIRST, SECOND };

/* @turn: counted from 0 in this round; of a mix it says which lengths are next. */
static int send_burst(struct ipm_run *run, struct ipm_port *port, size_t size,
                      uint64_t turn, struct ipm_why *why)
{
    size_t batch = (size_t)run->traffic->batch;
    return run->mix != NULL ? ipm_port_send_mixed(run, port, turn * batch, batch, why)
                            : ipm_port_send(run, port, size, batch, why);
}

/* @last: asked after the first message, as every role but the pacer must; NULL: the pacer. */
static int receive_burst(struct ipm_run *run, struct ipm_port *port, size_t size,
                         uint64_t turn, bool *last, struct ipm_why *why)
{
    size_t left = (size_t)run->traffic->batch;
    uint64_t end = (turn + 1) * left; /* the number behind the turn's last message */
    while (left > 0) {
        size_t came = 0;
        int result = run->mix != NULL
                         ? ipm_port_recv_mixed(run, port, end - left, left, &came, why)
                         : ipm_port_recv_some(run, port, size, left, &came, why);
        if (result != 0)
            return result;
        if (last != NULL && left == (size_t)run->traffic->batch)
            *last = ipm_last(run);
        left -= came;
    }
    return 0;
}

static int burst_first(struct ipm_run *run, struct ipm_port *port, size_t size,
                       uint64_t turns, struct ipm_why *why)
{
    uint64_t turn = 0;
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t i = 0; i < turns; i++, turn++) {
            int result = send_burst(run, port, size, turn, why);
            if (result == 0)
                result = receive_burst(run, port, size, turn, NULL, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    ipm_pace_end(run);
    return 0;
}

static int burst_second(struct ipm_run *run, struct ipm_port *port, size_t size,
                        uint64_t turns, struct ipm_why *why)
{
    uint64_t turn = 0;
    bool last = false;
    do {
        for (uint64_t i = 0; i < turns; i++, turn++) {
            int result =
                receive_burst(run, port, size, turn, i == 0 ? &last : NULL, why);
            if (result == 0)
                result = send_burst(run, port, size, turn, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    return 0;
}

static int burst_run(struct ipm_run *run, struct ipm_why *why)
{
    size_t size = (size_t)run->traffic->size;
    uint64_t turns = run->batch / (uint64_t)run->traffic->batch;
    int result = run->role == FIRST
                     ? burst_first(run, &run->ports[0], size, turns, why)
                     : burst_second(run, &run->ports[0], size, turns, why);
    run->operations = run->batches * run->batch;
    run->messages = 2 * run->operations;
    run->payload_bytes = run->mix != NULL ? 2 * ipm_mix_bytes(run->mix, run->operations)
                                          : run->messages * size;
    return result;
}

const struct ipm_workload ipm_workload_burst = {
    .abi = IPM_PLUGIN_ABI,
    .name = "burst",
    .version = 1,
    .family = "closed loop",
    .summary = "the sides take turns of several messages each",
    .axes =
        (const char *const[]){"size", "size_mix", "touch", "depth", "batch", "pairs",
                              "working_set", "working_set_stride", "background", NULL},
    .n_roles = 2,
    .roles = {{.name = "first", .side = IPM_SIDE_A},
              {.name = "second", .side = IPM_SIDE_B}},
    .n_edges = 1,
    .edges = {{.from = FIRST, .to = SECOND, .duplex = true}},
    .refuses = IPM_CAP_LOCAL | IPM_CAP_FLOOR | IPM_CAP_CALL | IPM_CAP_LOSSY,
    .messages_per_operation = 2,
    .elapsed = IPM_ELAPSED_PACER,
    .latency = IPM_LATENCY_ROUND_TRIP,
    .run = burst_run,
};
