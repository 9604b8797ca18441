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

/* The loops are made twice, for one size and for a mix, so that neither pays for the
 * other. */
#define FOR_EITHER static inline __attribute__((always_inline)) int

FOR_EITHER produce(struct ipm_run *run, struct ipm_port *port, size_t size, bool mixed,
                   struct ipm_why *why)
{
    uint64_t number = 0;
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t left = run->batch; left > 0;) {
            size_t n = at_most(left, run->traffic->batch);
            int result = mixed ? ipm_port_send_mixed(run, port, number, n, why)
                               : ipm_port_send(run, port, size, n, why);
            if (result != 0)
                return result;
            left -= n;
            number += n;
        }
    } while (!last);
    ipm_pace_end(run);
    run->messages = run->operations = run->batches * run->batch;
    run->payload_bytes =
        mixed ? ipm_mix_bytes(run->mix, run->messages) : run->messages * size;
    return 0;
}

FOR_EITHER consume(struct ipm_run *run, struct ipm_port *port, size_t size, bool mixed,
                   struct ipm_why *why)
{
    uint64_t number = 0;
    bool last = false;
    uint64_t opening = 0; /* messages of the first call: they start the clock */
    do {
        for (uint64_t left = run->batch; left > 0;) {
            size_t came = 0;
            size_t most = at_most(left, run->traffic->batch);
            int result = mixed
                             ? ipm_port_recv_mixed(run, port, number, most, &came, why)
                             : ipm_port_recv_some(run, port, size, most, &came, why);
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
            number += came;
        }
        int64_t now_ns = ipm_now_ns();
        /* The first batch lacks its opening messages: not a sample. */
        if (run->batches > 1)
            ipm_sample(run, now_ns - run->last_ns);
        run->last_ns = now_ns;
    } while (!last);
    uint64_t all = run->batches * run->batch;
    run->messages = run->operations = all - opening;
    run->payload_bytes =
        mixed ? ipm_mix_bytes(run->mix, all) - ipm_mix_bytes(run->mix, opening)
              : run->messages * size;
    return 0;
}

static __attribute__((noinline)) int stream_mixed(struct ipm_run *run,
                                                  struct ipm_why *why)
{
    return run->role == PRODUCER ? produce(run, &run->ports[0], 0, true, why)
                                 : consume(run, &run->ports[0], 0, true, why);
}

static int stream_run(struct ipm_run *run, struct ipm_why *why)
{
    size_t size = (size_t)run->traffic->size;
    if (run->mix != NULL)
        return stream_mixed(run, why);
    return run->role == PRODUCER ? produce(run, &run->ports[0], size, false, why)
                                 : consume(run, &run->ports[0], size, false, why);
}

const struct ipm_workload ipm_workload_stream = {
    .abi = IPM_PLUGIN_ABI,
    .name = "stream",
    .version = 1,
    .family = "open queue",
    .summary = "one way as fast as it goes, two processes",
    .axes =
        (const char *const[]){"size", "size_mix", "touch", "depth", "batch", "pairs",
                              "working_set", "working_set_stride", "background", NULL},
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
