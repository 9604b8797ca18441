/* SPDX-License-Identifier: MIT */
#include "workloads/round_trip.h"

/* A reply is as long as its request where no size of its own is given. */
static size_t reply_to(const struct ipm_run *run, size_t request)
{
    int64_t reply_size = run->traffic->reply_size;
    return reply_size < 0 ? request : (size_t)reply_size;
}

static int ask(struct ipm_run *run, struct ipm_port *port, struct ipm_why *why)
{
    uint64_t number = 0;
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t i = 0; i < run->batch; i++) {
            size_t size = ipm_mix_length(run->mix, number++);
            int result = ipm_port_send_one(run, port, size, why);
            if (result == 0)
                result = ipm_port_recv_one(run, port, reply_to(run, size), why);
            if (result != 0)
                return result;
        }
    } while (!last);
    ipm_pace_end(run);
    return 0;
}

static int answer(struct ipm_run *run, struct ipm_port *port, struct ipm_why *why)
{
    uint64_t number = 0;
    bool last = false;
    do {
        for (uint64_t i = 0; i < run->batch; i++) {
            size_t size = ipm_mix_length(run->mix, number++);
            int result = ipm_port_recv_one(run, port, size, why);
            if (result != 0)
                return result;
            if (i == 0)
                last = ipm_last(run);
            if (run->traffic->compute_ns > 0)
                ipm_compute(run->traffic->compute_ns);
            result = ipm_port_send_one(run, port, reply_to(run, size), why);
            if (result != 0)
                return result;
        }
    } while (!last);
    return 0;
}

int ipm_round_trips_mixed(struct ipm_run *run, struct ipm_why *why)
{
    int result = run->role == IPM_CLIENT ? ask(run, &run->ports[0], why)
                                         : answer(run, &run->ports[0], why);
    run->operations = run->batches * run->batch;
    run->messages = 2 * run->operations;
    uint64_t requests = ipm_mix_bytes(run->mix, run->operations);
    run->payload_bytes =
        requests + (run->traffic->reply_size < 0
                        ? requests
                        : run->operations * (uint64_t)run->traffic->reply_size);
    return result;
}
