/* SPDX-License-Identifier: MIT */
/*
 * fan_out: one dealer, many receivers, a channel between it and each of them.  Every message
 * goes to one receiver: `batch` of them to each in turn, as cards are dealt.  It is no
 * broadcast, in which all would see the same message.  A receiver whose channel is full holds
 * up the dealer, and with it the others.
 *
 * One operation is one message.  The clock runs at the receivers, from the first message that
 * any of them gets to the last that any of them gets.
 */
#include "workloads/port.h"

#include <errno.h>

enum { DEALER, RECEIVER };

struct table {
    _Alignas(
        IPM_LINE_PAIR) _Atomic uint32_t begun; /* a receiver has its first messages */
};

static size_t fan_out_shared_size(const struct ipm_traffic *traffic, int64_t window_ns)
{
    (void)traffic;
    (void)window_ns;
    return sizeof(struct table);
}

static void fan_out_prepare(void *shared, const struct ipm_traffic *traffic,
                            int64_t window_ns, uint64_t seed)
{
    (void)traffic;
    (void)window_ns;
    (void)seed;
    struct table *table = shared;
    atomic_store(&table->begun, 0);
}

static size_t at_most(uint64_t left, int64_t batch)
{
    return left < (uint64_t)batch ? (size_t)left : (size_t)batch;
}

static int fan_out_deal(struct ipm_run *run, size_t size, struct ipm_why *why)
{
    struct table *table = run->shared;
    uint64_t share = run->batch / (uint64_t)run->traffic->fan;
    atomic_store_explicit(&table->begun, 0, memory_order_release);
    bool last;
    do {
        last = ipm_pace(run);
        for (uint64_t left = share; left > 0;) {
            size_t n = at_most(left, run->traffic->batch);
            for (int i = 0; i < run->traffic->fan; i++) {
                int result = ipm_port_send(run, &run->ports[i], size, n, why);
                if (result != 0)
                    return result;
            }
            left -= n;
        }
    } while (!last);
    ipm_pace_end(run);
    run->messages = run->operations = run->batches * run->batch;
    return 0;
}

/* The first messages that any receiver gets start the clock: they are not counted. */
static uint64_t begin(struct ipm_run *run, size_t came)
{
    struct table *table = run->shared;
    run->first_ns = run->last_ns = ipm_now_ns();
    return atomic_exchange(&table->begun, 1) == 0 ? came : 0;
}

static int fan_out_take(struct ipm_run *run, struct ipm_port *port, size_t size,
                        struct ipm_why *why)
{
    uint64_t share = run->batch / (uint64_t)run->traffic->fan;
    uint64_t opening = 0;
    bool last = false;
    do {
        for (uint64_t left = share; left > 0;) {
            size_t came = 0;
            int result = ipm_port_recv_some(
                run, port, size, at_most(left, run->traffic->batch), &came, why);
            if (result != 0)
                return result;
            if (left == share) {
                if (run->batches == 0)
                    opening = begin(run, came);
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
    run->messages = run->operations = run->batches * share - opening;
    return 0;
}

/* The dealer has dealt: what is still there is a message too many. */
static int check_empty(struct ipm_run *run, struct ipm_port *port, size_t size,
                       struct ipm_why *why)
{
    size_t came = 0;
    run->timeout_ns = 0;
    int result = ipm_port_recv(run, port, size, 1, &came, why);
    if (result == 0 || result == -EBADMSG)
        return ipm_why_set(why, -EBADMSG, "more messages came than were sent");
    return result == IPM_AGAIN ? 0 : result;
}

static int fan_out_run(struct ipm_run *run, struct ipm_why *why)
{
    size_t size = (size_t)run->traffic->size;
    struct ipm_port *port = &run->ports[run->role == DEALER ? 0 : run->role - RECEIVER];
    int result = run->role == DEALER ? fan_out_deal(run, size, why)
                                     : fan_out_take(run, port, size, why);
    if (result == 0 && run->verify && run->role != DEALER)
        result = check_empty(run, port, size, why);
    run->payload_bytes = run->messages * size;
    return result;
}

const struct ipm_workload ipm_workload_fan_out = {
    .abi = IPM_PLUGIN_ABI,
    .name = "fan_out",
    .version = 1,
    .family = "open queue",
    .summary = "one sender deals its messages out to many receivers",
    .axes = (const char *const[]){"size", "fan", "touch", "depth", "batch",
                                  "working_set", "working_set_stride", NULL},
    .n_roles = 2,
    .roles = {{.name = "dealer", .side = IPM_SIDE_A},
              {.name = "receiver", .side = IPM_SIDE_B, .many = true}},
    .n_edges = 1,
    .edges = {{.from = DEALER, .to = RECEIVER, .many = true}},
    .refuses = IPM_CAP_LOCAL | IPM_CAP_FLOOR | IPM_CAP_CALL | IPM_CAP_LOSSY,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_RECEIVER,
    .latency = IPM_LATENCY_INTERVAL,
    .shared_size = fan_out_shared_size,
    .prepare = fan_out_prepare,
    .run = fan_out_run,
};
