/* SPDX-License-Identifier: MIT */
/*
 * stream: a producer sends as fast as the channel takes it, a consumer receives.  The
 * queue's depth bounds what is in flight.  One operation is one message; the clock runs at
 * the consumer, from the first message received to the last, so that neither filling nor
 * draining the queue is counted as throughput.
 */
#include "workloads/port.h"

enum { PRODUCER, CONSUMER };

static size_t at_most(uint64_t left, int64_t batch)
{
    return left < (uint64_t)batch ? (size_t)left : (size_t)batch;
}

static int stream_produce(struct ipm_run *run, struct ipm_port *port, size_t size,
                          struct ipm_why *why)
{
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t left = run->batch; left > 0;) {
            size_t n = at_most(left, run->traffic->batch);
            int result = ipm_port_send(run, port, size, n, why);
            if (result != 0)
                return result;
            left -= n;
        }
    } while (!last);
    ipm_pace_end(run);
    run->messages = run->operations = run->batches * run->batch;
    return 0;
}

static int stream_consume(struct ipm_run *run, struct ipm_port *port, size_t size,
                          struct ipm_why *why)
{
    bool last = false;
    uint64_t opening = 0; /* messages of the first call: they start the clock */
    do {
        for (uint64_t left = run->batch; left > 0;) {
            size_t came = 0;
            int result = ipm_port_recv_some(
                run, port, size, at_most(left, run->traffic->batch), &came, why);
            if (result != 0)
                return result;
            if (left == run->batch) {
                if (run->batches == 0) {
                    run->first_ns = run->last_ns = ipm_now_ns();
                    opening = came;
                }
                last = ipm_last(run);
            }
            left -= came;
        }
        int64_t now_ns = ipm_now_ns();
        /* The first batch lacks its opening messages: not a sample. */
        if (run->batches > 1)
            ipm_sample(run, now_ns - run->last_ns);
        run->last_ns = now_ns;
    } while (!last);
    run->messages = run->operations = run->batches * run->batch - opening;
    return 0;
}

static int stream_run(struct ipm_run *run, struct ipm_why *why)
{
    size_t size = (size_t)run->traffic->size;
    int result = run->role == PRODUCER ? stream_produce(run, &run->ports[0], size, why)
                                       : stream_consume(run, &run->ports[0], size, why);
    run->payload_bytes = run->messages * size;
    return result;
}

const struct ipm_workload ipm_workload_stream = {
    .abi = IPM_PLUGIN_ABI,
    .name = "stream",
    .version = 1,
    .family = "open queue",
    .summary = "one way as fast as it goes, two processes",
    .axes = (const char *const[]){"size", "touch", "depth", "batch", "pairs",
                                  "working_set", "working_set_stride", NULL},
    .n_roles = 2,
    .roles = {{.name = "producer", .side = IPM_SIDE_A},
              {.name = "consumer", .side = IPM_SIDE_B}},
    .n_edges = 1,
    .edges = {{.from = PRODUCER, .to = CONSUMER}},
    /* Both ends count to the last message: none may be missed. */
    .refuses = IPM_CAP_LOCAL | IPM_CAP_FLOOR | IPM_CAP_CALL | IPM_CAP_LOSSY,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_RECEIVER,
    .latency = IPM_LATENCY_INTERVAL,
    .run = stream_run,
};
