/* SPDX-License-Identifier: MIT */
/*
 * open_loop: a sender with a plan of send times, and a receiver.
 *
 * The sender spins until a message is due; where both share a CPU it sleeps instead, since
 * the receiver could not run beside it.  What was due while it was held up goes at once,
 * and the plan stays as it was.  When the window's time is over, what has not been sent is
 * the backlog.
 */
#include "workloads/open_loop.h"

#include "base/random.h"
#include "workloads/port.h"

#include <errno.h>
#include <math.h>
#include <sys/prctl.h>
#include <time.h>

enum { SENDER, RECEIVER };

enum { SPIN_NS = 50000 /* the last stretch before a message is due */ };

static int64_t *offsets(struct ipm_open_loop *open)
{
    return open->times;
}

static int64_t *sent(struct ipm_open_loop *open)
{
    return open->times + open->room;
}

static int64_t *received(struct ipm_open_loop *open)
{
    return open->times + 2 * open->room;
}

/* Room for the plan: a Poisson count is beyond its mean by six deviations once in 1e9. */
static double most_messages(double rate_per_s, int64_t window_ns)
{
    double mean = rate_per_s * (double)window_ns / IPM_NS_PER_SECOND;
    return mean + 6 * sqrt(mean) + 16;
}

size_t ipm_open_loop_size(double rate_per_s, int64_t window_ns)
{
    double room = most_messages(rate_per_s, window_ns);
    if (!(room <= IPM_OPEN_MESSAGES))
        return 0;
    return sizeof(struct ipm_open_loop) + 3 * (size_t)room * sizeof(int64_t);
}

/* Exponential with mean 1: the inverse of its distribution, of a number in (0, 1]. */
static double exponential(uint64_t *state)
{
    return -log((double)((ipm_random_next(state) >> 11) + 1) * 0x1p-53);
}

void ipm_open_loop_plan(struct ipm_open_loop *open, double rate_per_s,
                        int64_t window_ns, bool poisson, uint64_t seed)
{
    double gap_ns = IPM_NS_PER_SECOND / rate_per_s;
    uint64_t state = seed;
    /* Neither traffic begins with the window. */
    double at_ns =
        gap_ns * (poisson ? exponential(&state)
                          : (double)(ipm_random_next(&state) >> 11) * 0x1p-53);
    open->room = (uint64_t)most_messages(rate_per_s, window_ns);
    for (uint64_t i = 0; i < open->room; i++) {
        offsets(open)[i] = (int64_t)at_ns;
        at_ns += gap_ns * (poisson ? exponential(&state) : 1);
    }
}

uint64_t ipm_open_loop_due(const struct ipm_open_loop *open, int64_t duration_ns)
{
    uint64_t low = 0;
    uint64_t high = open->room;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (open->times[middle] < duration_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low : 1;
}

void ipm_open_loop_keep(struct ipm_open_loop *open)
{
    const int64_t *offset = offsets(open);
    const int64_t *went = sent(open);
    const int64_t *came = received(open);
    for (int kind = 0; kind < IPM_OPEN_TIMES; kind++)
        ipm_histogram_reset(&open->window.histograms[kind]);
    for (uint64_t i = 0; i < open->counts.received; i++) {
        int64_t planned_ns = open->start_ns + offset[i];
        const int64_t times[IPM_OPEN_TIMES] = {
            [IPM_OPEN_RESPONSE] = came[i] - planned_ns,
            [IPM_OPEN_SERVICE] = came[i] - went[i],
            [IPM_OPEN_LAG] = went[i] - planned_ns,
        };
        for (int kind = 0; kind < IPM_OPEN_TIMES; kind++)
            ipm_histogram_add(&open->window.histograms[kind],
                              times[kind] > 0 ? (uint64_t)times[kind] : 0);
    }
    open->window.counts = open->counts;
}

void ipm_open_loop_merge(struct ipm_open_times *into, const struct ipm_open_loop *open)
{
    for (int kind = 0; kind < IPM_OPEN_TIMES; kind++)
        ipm_histogram_merge(&into->histograms[kind], &open->window.histograms[kind]);
    into->counts.planned += open->window.counts.planned;
    into->counts.sent += open->window.counts.sent;
    into->counts.received += open->window.counts.received;
}

static size_t length_of(const struct ipm_run *run, uint64_t number)
{
    return run->mix != NULL ? ipm_mix_length(run->mix, number)
                            : (size_t)run->traffic->size;
}

/* Until @due_ns.  Return: the time then. */
static int64_t wait_until(const struct ipm_run *run, int64_t due_ns)
{
    int64_t now_ns = ipm_now_ns();
    int64_t wake_ns = run->one_cpu ? due_ns : due_ns - SPIN_NS;
    if (wake_ns > now_ns) {
        struct timespec wake = ipm_timespec(wake_ns);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR)
            ;
        now_ns = ipm_now_ns();
    }
    while (now_ns < due_ns)
        now_ns = ipm_now_ns();
    return now_ns;
}

static int send_all(struct ipm_run *run, struct ipm_open_loop *open,
                    struct ipm_why *why)
{
    struct ipm_port *port = &run->ports[0];
    bool paced =
        run->max_batches == UINT64_MAX; /* a counted round has no times to keep */
    uint64_t due = paced ? ipm_open_loop_due(open, run->duration_ns) : run->max_batches;
    if (due > open->room)
        due = open->room;
    open->counts.planned = due;
    /* Sleeps are rounded up by 50 us otherwise. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    open->start_ns = run->first_ns = ipm_now_ns();
    bool last = false;
    for (uint64_t i = 0; !last; i++) {
        int64_t now_ns =
            paced ? wait_until(run, run->first_ns + offsets(open)[i]) : ipm_now_ns();
        last = i + 1 == due || now_ns - run->first_ns >= run->duration_ns;
        if (last)
            atomic_store_explicit(&run->pace->last_batch, i, memory_order_release);
        sent(open)[i] = now_ns;
        int result = ipm_port_send_one(run, port, length_of(run, i), why);
        if (result != 0)
            return result;
        run->batches = i + 1;
    }
    run->last_ns = ipm_now_ns();
    open->counts.sent = run->batches;
    return 0;
}

static int receive_all(struct ipm_run *run, struct ipm_open_loop *open,
                       struct ipm_why *why)
{
    struct ipm_port *port = &run->ports[0];
    bool last = false;
    while (!last) {
        int result = ipm_port_recv_one(run, port, length_of(run, run->batches), why);
        if (result != 0)
            return result;
        int64_t now_ns = ipm_now_ns();
        received(open)[run->batches] = now_ns;
        run->last_ns = now_ns;
        last = ipm_last(run);
    }
    /* What was achieved counts from the plan's start: a sender that was held up at first and
     * then caught up would else have sent faster than it was asked to. */
    run->first_ns = open->start_ns;
    open->counts.received = run->batches;
    return 0;
}

static int open_loop_run(struct ipm_run *run, struct ipm_why *why)
{
    int result = run->role == SENDER ? send_all(run, run->shared, why)
                                     : receive_all(run, run->shared, why);
    run->messages = run->operations = run->batches;
    run->payload_bytes = run->mix != NULL
                             ? ipm_mix_bytes(run->mix, run->messages)
                             : run->messages * (uint64_t)run->traffic->size;
    return result;
}

static size_t open_loop_shared_size(const struct ipm_traffic *traffic,
                                    int64_t window_ns)
{
    return ipm_open_loop_size((double)traffic->rate, window_ns);
}

static void open_loop_prepare(void *shared, const struct ipm_traffic *traffic,
                              int64_t window_ns, uint64_t seed)
{
    ipm_open_loop_plan(shared, (double)traffic->rate, window_ns,
                       traffic->arrivals == IPM_ARRIVALS_POISSON, seed);
}

const struct ipm_workload ipm_workload_open_loop = {
    .abi = IPM_PLUGIN_ABI,
    .name = "open_loop",
    .version = 1,
    .family = "open loop",
    .summary = "messages at planned times, whether or not the last one came",
    .axes = (const char *const[]){"size", "size_mix", "rate", "arrivals", "touch",
                                  "depth", "pairs", "working_set", "working_set_stride",
                                  "background", NULL},
    .n_roles = 2,
    .roles = {{.name = "sender", .side = IPM_SIDE_A, .spins = true},
              {.name = "receiver", .side = IPM_SIDE_B}},
    .n_edges = 1,
    .edges = {{.from = SENDER, .to = RECEIVER}},
    .refuses = IPM_CAP_LOCAL | IPM_CAP_FLOOR | IPM_CAP_CALL | IPM_CAP_LOSSY,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_RECEIVER,
    .latency = IPM_LATENCY_OPEN,
    .shared_size = open_loop_shared_size,
    .prepare = open_loop_prepare,
    .run = open_loop_run,
};
