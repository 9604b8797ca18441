/* SPDX-License-Identifier: MIT */
/*
 * fan_in: many senders, one collector, a channel between it and each of them.  The senders run
 * freely, as fast as their channels take it, so that a scheduler or a mechanism that favours
 * one is seen in the shares.
 *
 * The collector is the pacer.  It counts its batches over all channels and, when the time is
 * over, says so once; a sender looks before each share of a batch, and where it is told to end
 * publishes its total BEFORE it sends the last share.  So whoever has received that share knows
 * the total: the collector needs no wake-up but messages, and takes every one that was sent.
 * Where the number of batches is bounded, each sender sends its share of them and ends by
 * itself.
 *
 * One operation is one message.  The clock runs at the collector, from the first message to
 * the end of the batch with which the time is over: what comes later, while one sender after
 * the other stops, is received and checked but not counted as throughput.
 */
#include "workloads/any.h"
#include "workloads/port.h"

#include <errno.h>
#include <inttypes.h>

enum { COLLECTOR, SENDER };

/* A channel that takes more holds nobody back: the backlog would be as long as the window. */
enum { MOST_IN_FLIGHT = 65536 };

enum { SMALLEST_SHARE, LARGEST_SHARE, POLLS };

static const uint64_t not_known = UINT64_MAX;

/* How many messages each sender sent in this round. */
struct totals {
    struct {
        _Alignas(IPM_LINE_PAIR) _Atomic uint64_t sent; /* not_known: it still sends */
    } of[IPM_FAN_MAX];
};

static size_t fan_in_shared_size(const struct ipm_traffic *traffic, int64_t window_ns)
{
    (void)traffic;
    (void)window_ns;
    return sizeof(struct totals);
}

static void forget(struct totals *totals)
{
    for (int i = 0; i < IPM_FAN_MAX; i++)
        atomic_store(&totals->of[i].sent, not_known);
}

static void fan_in_prepare(void *shared, const struct ipm_traffic *traffic,
                           int64_t window_ns, uint64_t seed)
{
    (void)traffic;
    (void)window_ns;
    (void)seed;
    forget(shared);
}

static size_t at_most(uint64_t left, int64_t batch)
{
    return left < (uint64_t)batch ? (size_t)left : (size_t)batch;
}

static int fan_in_send(struct ipm_run *run, int sender, size_t size,
                       struct ipm_why *why)
{
    struct totals *totals = run->shared;
    struct ipm_port *port = &run->ports[sender];
    uint64_t share = run->batch / (uint64_t)run->traffic->fan;
    uint64_t sent = 0;
    bool last;
    do {
        last = run->batches + 1 >= run->max_batches ||
               atomic_load_explicit(&run->pace->last_batch, memory_order_relaxed) !=
                   UINT64_MAX;
        if (last)
            atomic_store_explicit(&totals->of[sender].sent, sent + share,
                                  memory_order_release);
        for (uint64_t left = share; left > 0;) {
            size_t n = at_most(left, run->traffic->batch);
            int result = ipm_port_send(run, port, size, n, why);
            if (result != 0)
                return result;
            left -= n;
        }
        sent += share;
        run->batches++;
    } while (!last);
    run->messages = run->operations = sent;
    return 0;
}

/* What the collector has so far. */
struct tally {
    uint64_t received[IPM_FAN_MAX];
    uint64_t counted[IPM_FAN_MAX]; /* those between the clock's first and last read */
    uint64_t in_batch;
    bool begun, over;
};

static void set_metrics(struct ipm_run *run, const struct tally *tally,
                        const struct ipm_any *any)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    double all = (double)(run->batches * run->batch);
    for (int i = 0; i < run->traffic->fan; i++) {
        least = tally->counted[i] < least ? tally->counted[i] : least;
        most = tally->counted[i] > most ? tally->counted[i] : most;
    }
    run->metrics[SMALLEST_SHARE] = (double)least / all;
    run->metrics[LARGEST_SHARE] = (double)most / all;
    if (any->polls > 0)
        run->metrics[POLLS] = (double)any->polls / all;
}

/* Messages came: the clock, the batch, and the end. */
static void count(struct ipm_run *run, struct tally *tally, const struct ipm_any *any,
                  int sender, size_t came)
{
    if (tally->over)
        return;
    if (!tally->begun) {
        /* They start the clock, and are in no batch. */
        tally->begun = true;
        run->first_ns = run->last_ns = ipm_now_ns();
        return;
    }
    tally->counted[sender] += came;
    tally->in_batch += came;
    if (tally->in_batch < run->batch)
        return;
    int64_t now_ns = ipm_now_ns();
    ipm_sample(run, now_ns - run->last_ns);
    run->last_ns = now_ns;
    run->batches++;
    tally->in_batch = 0;
    if (now_ns - run->first_ns < run->duration_ns)
        return;
    tally->over = true;
    atomic_store_explicit(&run->pace->last_batch, run->batches, memory_order_relaxed);
    set_metrics(run, tally, any);
}

/* Nobody sends any more: what is still there is a message too many. */
static int check_empty(struct ipm_run *run, size_t size, struct ipm_why *why)
{
    for (int i = 0; i < run->traffic->fan; i++) {
        size_t came = 0;
        int result = ipm_port_recv(run, &run->ports[i], size, 1, &came, why);
        if (result == IPM_AGAIN)
            continue;
        if (result != 0 && result != -EBADMSG)
            return result;
        return ipm_why_set(why, -EBADMSG,
                           "channel %d: more than the %" PRIu64
                           " messages that were sent",
                           i, run->ports[i].received - came);
    }
    return 0;
}

static int fan_in_collect(struct ipm_run *run, size_t size, struct ipm_why *why)
{
    struct totals *totals = run->shared;
    struct tally tally = {.in_batch = 0};
    struct ipm_any any;
    ipm_any_begin(&any, run, (int)run->traffic->fan);
    for (int64_t open = run->traffic->fan; open > 0;) {
        size_t wanted = at_most(run->batch - tally.in_batch, run->traffic->batch);
        size_t came = 0;
        int at = 0;
        int result = ipm_any_recv(&any, run, size, wanted, &at, &came, why);
        if (result != 0)
            return result;
        tally.received[at] += came;
        count(run, &tally, &any, at, came);
        uint64_t sent =
            atomic_load_explicit(&totals->of[at].sent, memory_order_acquire);
        if (tally.received[at] > sent)
            return ipm_why_set(why, -EBADMSG,
                               "channel %d: %" PRIu64 " messages came, %" PRIu64
                               " were sent",
                               at, tally.received[at], sent);
        if (tally.received[at] == sent) {
            ipm_any_close(&any, at);
            open--;
        }
    }
    run->messages = run->operations = run->batches * run->batch;
    forget(totals);
    return run->verify ? check_empty(run, size, why) : 0;
}

static bool holds_back(const struct ipm_run *run)
{
    const struct ipm_endpoint *end = run->role == COLLECTOR
                                         ? run->ports[0].recv
                                         : run->ports[run->role - SENDER].send;
    return end->channel->capacity.messages <= MOST_IN_FLIGHT;
}

static int fan_in_run(struct ipm_run *run, struct ipm_why *why)
{
    size_t size = (size_t)run->traffic->size;
    if (run->verify && !holds_back(run))
        return ipm_why_set(
            why, -EOPNOTSUPP,
            "the channel never fills: nothing holds back senders that run "
            "freely");
    int result = run->role == COLLECTOR
                     ? fan_in_collect(run, size, why)
                     : fan_in_send(run, run->role - SENDER, size, why);
    run->payload_bytes = run->messages * size;
    return result;
}

const struct ipm_workload ipm_workload_fan_in = {
    .abi = IPM_PLUGIN_ABI,
    .name = "fan_in",
    .version = 1,
    .family = "open queue",
    .summary = "many senders to one receiver, each on its own channel",
    .axes = (const char *const[]){"size", "fan", "touch", "depth", "batch",
                                  "working_set", "working_set_stride", NULL},
    .n_roles = 2,
    .roles = {{.name = "collector", .side = IPM_SIDE_A},
              {.name = "sender", .side = IPM_SIDE_B, .many = true}},
    .n_edges = 1,
    .edges = {{.from = SENDER, .to = COLLECTOR, .many = true}},
    .refuses = IPM_CAP_LOCAL | IPM_CAP_FLOOR | IPM_CAP_CALL | IPM_CAP_LOSSY,
    .waits_any = true,
    .starting = SENDER,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_PACER,
    .latency = IPM_LATENCY_INTERVAL,
    .metrics =
        (const struct ipm_metric_row[]){
            {"smallest_share", "1", IPM_BETTER_HIGHER, IPM_MERGE_MIN},
            {"largest_share", "1", IPM_BETTER_LOWER, IPM_MERGE_MAX},
            {"polls_per_message", "1", IPM_BETTER_LOWER, IPM_MERGE_MEAN},
            {.name = NULL}},
    .shared_size = fan_in_shared_size,
    .prepare = fan_in_prepare,
    .run = fan_in_run,
};
