/* SPDX-License-Identifier: MIT */
/*
 * round_trip: the loop of workloads in which a client asks and a server answers, one at a
 * time.  One operation is a round trip of two messages; a sample is a batch of round trips
 * by the client's clock.
 */
#ifndef IPM_WORKLOADS_ROUND_TRIP_H
#define IPM_WORKLOADS_ROUND_TRIP_H

#include "workloads/port.h"

enum { IPM_CLIENT, IPM_SERVER };

static inline int ipm_round_trip_client(struct ipm_run *run, struct ipm_port *port,
                                        size_t size, size_t reply_size,
                                        struct ipm_why *why)
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

static inline void ipm_compute(int64_t duration_ns)
{
    int64_t end_ns = ipm_now_ns() + duration_ns;
    while (ipm_now_ns() < end_ns)
        ;
}

/* Inlined for each of the workloads: a server that has nothing to compute asks nothing. */
static inline __attribute__((always_inline)) int
ipm_round_trip_server(struct ipm_run *run, struct ipm_port *port, size_t size,
                      size_t reply_size, bool computes, struct ipm_why *why)
{
    bool last = false;
    do {
        for (uint64_t i = 0; i < run->batch; i++) {
            int result = ipm_port_recv_one(run, port, size, why);
            if (result != 0)
                return result;
            if (i == 0)
                last = ipm_last(run);
            if (computes)
                ipm_compute(run->traffic->compute_ns);
            result = ipm_port_send_one(run, port, reply_size, why);
            if (result != 0)
                return result;
        }
    } while (!last);
    return 0;
}

/* ipm_round_trips() with sizes that a mix gives; the loops for one size stay as they are. */
int ipm_round_trips_mixed(struct ipm_run *run, struct ipm_why *why);

static inline __attribute__((always_inline)) int
ipm_round_trips(struct ipm_run *run, bool computes, struct ipm_why *why)
{
    if (run->mix != NULL)
        return ipm_round_trips_mixed(run, why);
    const struct ipm_traffic *traffic = run->traffic;
    size_t size = (size_t)traffic->size;
    size_t reply_size = traffic->reply_size < 0 ? size : (size_t)traffic->reply_size;
    int result = run->role == IPM_CLIENT
                     ? ipm_round_trip_client(run, &run->ports[0], size, reply_size, why)
                     : ipm_round_trip_server(run, &run->ports[0], size, reply_size,
                                             computes, why);
    run->operations = run->batches * run->batch;
    run->messages = 2 * run->operations;
    run->payload_bytes = run->operations * (size + reply_size);
    return result;
}

/* What the tables of these workloads have in common. */
#define IPM_ROUND_TRIPS                                                                \
    .abi = IPM_PLUGIN_ABI, .version = 1, .family = "closed loop", .n_roles = 2,        \
    .roles = {{.name = "client", .side = IPM_SIDE_A},                                  \
              {.name = "server", .side = IPM_SIDE_B}},                                 \
    .n_edges = 1, .edges = {{.from = IPM_CLIENT, .to = IPM_SERVER, .duplex = true}},   \
    .refuses = IPM_CAP_LOCAL, .lock_step = true, .messages_per_operation = 2,          \
    .elapsed = IPM_ELAPSED_PACER, .latency = IPM_LATENCY_ROUND_TRIP

#endif
