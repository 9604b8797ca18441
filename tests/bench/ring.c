/* SPDX-License-Identifier: MIT */
/*
 * bench_ring: shm_ring against what it has to beat, in one interleaved run of two processes.
 *
 *     bench_ring [ROUNDS [CPU_A CPU_B [MILLISECONDS [OPTION=VALUE]...]]]
 *
 *   throughput  one message per call, copied in and out, spin: against Boost.Lockfree's
 *               spsc_queue with room for as many messages in the same kind of memory
 *   line        copies 0, 56 bytes: interval and round trip against the round trip of two
 *               cache lines between the same CPUs, taken before and after
 *   memcpy      copies 1, payload that the receiver does not touch: against memcpy into the
 *               same memory by the same CPU, whose lines the peer has just read.  The ring's
 *               own lines stay in the sender's cache meanwhile: more than 1 says that passing
 *               a message costs less than getting lines back, not that it copies faster
 *
 * A pair is subject and reference, a millisecond each, in an order that alternates from
 * round to round, with the line's round trip taken before, between and after.  CPUs of a
 * virtual machine move: a pair counts when those three lie within 25 % of each other.  The
 * verdict is over the median of all ratios that count; below it, by regime.
 */
#include "base/clock.h"
#include "base/option.h"
#include "base/process.h"
#include "base/region.h"
#include "mechanisms/backing.h"
#include "mechanisms/mechanism.h"
#include "tests/bench/boost_queue.h"
#include "tests/bench/pair.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct ipm_mechanism ipm_mechanism_shm_ring;
static const struct ipm_mechanism *const ring = &ipm_mechanism_shm_ring;

enum {
    JOBS = 16,
    LINE_ROUNDS = 800,
    LARGEST = 1 << 20,
};

enum kind {
    RING_STREAM,
    BOOST_STREAM,
    RING_INTERVAL,
    RING_ROUND_TRIP,
    RING_LARGE,
    COPY
};

/* One contestant: its memory and endpoints exist before the processes part. */
struct job {
    enum kind kind;
    size_t size;
    const struct ipm_boost_queue *boost;
    void *boost_memory;
    struct ipm_channel channels[2]; /* there, and back for round trips */
};

struct page {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t arrived; /* barrier */
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t ping;
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t pong;
    _Alignas(IPM_LINE_PAIR) double consumer_ns; /* what side B measured */
    _Alignas(IPM_LINE_PAIR) uint64_t counts[JOBS];
};

static struct page *page;
static struct job jobs[JOBS];
static int n_jobs;
static int cpus[IPM_SIDES] = {0, 1};
static struct ipm_pair pairs[JOBS];
static int n_pairs;
static int64_t round_ns = 1000000;
static unsigned char *buffers[IPM_SIDES];

static void *share(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    ipm_prefault(memory, bytes);
    return memory;
}

/* Both sides meet; a spin, so that nobody has to wake up. */
static void meet(uint64_t *turn)
{
    *turn += 2;
    atomic_fetch_add(&page->arrived, 1);
    while (atomic_load_explicit(&page->arrived, memory_order_acquire) < *turn)
        ;
}

static double line_ns(enum ipm_side side)
{
    int64_t start_ns = ipm_now_ns();
    for (uint64_t i = 0; i < LINE_ROUNDS; i++) {
        if (side == IPM_SIDE_A) {
            uint64_t number =
                atomic_load_explicit(&page->ping, memory_order_relaxed) + 1;
            atomic_store_explicit(&page->ping, number, memory_order_release);
            while (atomic_load_explicit(&page->pong, memory_order_acquire) != number)
                ;
        } else {
            uint64_t number =
                atomic_load_explicit(&page->pong, memory_order_relaxed) + 1;
            while (atomic_load_explicit(&page->ping, memory_order_acquire) != number)
                ;
            atomic_store_explicit(&page->pong, number, memory_order_release);
        }
    }
    return (double)(ipm_now_ns() - start_ns) / LINE_ROUNDS;
}

static char **settings; /* "name=value", for every ring */
static int n_settings;

static void apply(const char *setting, void *options)
{
    char name[40];
    struct ipm_why why = {0};
    const char *value = strchr(setting, '=');
    (void)snprintf(name, sizeof(name), "%.*s",
                   value == NULL ? 0 : (int)(value - setting), setting);
    if (value == NULL ||
        ipm_option_set(ring->options, options, name, value + 1, &why) != 0) {
        (void)fprintf(stderr, "%s: %s\n", setting, why.text);
        exit(2);
    }
}

static void add_ring_channel(struct job *job, int i, int copies, size_t depth)
{
    static _Alignas(16) unsigned char options[IPM_OPTIONS_SIZE_MAX];
    struct ipm_why why = {0};
    ipm_option_defaults(ring->options, options);
    for (int k = 0; k < n_settings; k++)
        apply(settings[k], options);
    struct ipm_channel *channel = &job->channels[i];
    *channel = (struct ipm_channel){
        .mechanism = ring,
        .config = {.max_message = job->size,
                   .depth = depth,
                   .batch = 1,
                   .wait = IPM_WAIT_SPIN,
                   .copies = copies,
                   .options = options},
        .state = share(ring->channel_size),
    };
    (void)snprintf(channel->config.token, sizeof(channel->config.token),
                   "bench-%d-%d-%d", (int)getpid(), n_jobs, i);
    if (ring->create(channel, &why) != 0) {
        (void)fprintf(stderr, "create: %s\n", why.text);
        exit(1);
    }
}

static struct job *add(enum kind kind, size_t size)
{
    struct job *job = &jobs[n_jobs];
    *job = (struct job){.kind = kind, .size = size};
    page->counts[n_jobs++] = 0;
    return job;
}

static struct ipm_pair *add_pair(double wanted, bool at_least)
{
    struct ipm_pair *pair = &pairs[n_pairs++];
    pair->job = n_jobs;
    pair->wanted = wanted;
    pair->against_line = !at_least;
    return pair;
}

static void prepare(void)
{
    for (const struct ipm_boost_queue *q = ipm_boost_queues; q->record != 0; q++) {
        (void)add_pair(q->record <= 56 ? 1.5 : 1.0, true);
        add_ring_channel(add(RING_STREAM, q->record), 0, 2, q->capacity);
        struct job *other = add(BOOST_STREAM, q->record);
        other->boost = q;
        other->boost_memory = share(q->size);
        q->construct(other->boost_memory);
    }
    (void)add_pair(0.2, false);
    add_ring_channel(add(RING_INTERVAL, 56), 0, 0, 64);
    (void)add_pair(1.25, false);
    struct job *trips = add(RING_ROUND_TRIP, 56);
    add_ring_channel(trips, 0, 0, 0);
    add_ring_channel(trips, 1, 0, 0);
    static const size_t large[] = {16 << 10, LARGEST};
    for (size_t i = 0; i < 2; i++) {
        (void)add_pair(0.85, true);
        add_ring_channel(add(RING_LARGE, large[i]), 0, 1, 0);
        (void)add(COPY, large[i]);
    }
    for (int side = 0; side < IPM_SIDES; side++)
        buffers[side] = share(LARGEST);
}

/* --- one process's ends ------------------------------------------------------------------ */

static struct ipm_endpoint ends[JOBS][2];

static void attach_all(enum ipm_side side)
{
    struct ipm_why why = {0};
    for (int i = 0; i < n_jobs; i++) {
        for (int c = 0; c < 2; c++) {
            if (jobs[i].channels[c].mechanism == NULL)
                continue;
            enum ipm_side own = c == 0               ? side
                                : side == IPM_SIDE_A ? IPM_SIDE_B
                                                     : IPM_SIDE_A;
            void *state = NULL;
            if (posix_memalign(&state, IPM_LINE_PAIR, ring->endpoint_size) != 0)
                abort();
            memset(state, 0, ring->endpoint_size);
            ends[i][c] = (struct ipm_endpoint){.channel = &jobs[i].channels[c],
                                               .side = own,
                                               .sends = own == IPM_SIDE_A,
                                               .receives = own == IPM_SIDE_B,
                                               .state = state};
            if (ring->attach(&ends[i][c], &why) != 0) {
                (void)fprintf(stderr, "attach: %s\n", why.text);
                exit(1);
            }
        }
    }
}

static void must(int result)
{
    if (result != 0) {
        (void)fprintf(stderr, "the ring says %d\n", result);
        exit(1);
    }
}

/* As a caller of a mechanism calls it: through its table. */
static void send_copied(const struct ipm_mechanism *m, struct ipm_endpoint *end,
                        size_t size, uint64_t count, unsigned char *buffer)
{
    struct ipm_span span = {buffer, size};
    size_t n;
    for (uint64_t i = 0; i < count; i++)
        must(m->send_n(end, &span, 1, IPM_FOREVER, &n));
}

static void receive_copied(const struct ipm_mechanism *m, struct ipm_endpoint *end,
                           size_t size, uint64_t count, unsigned char *buffer)
{
    size_t n;
    for (uint64_t i = 0; i < count; i++) {
        struct ipm_span span = {buffer, size};
        must(m->recv_n(end, &span, 1, IPM_FOREVER, &n));
    }
}

static inline void send_in_place(const struct ipm_mechanism *m,
                                 struct ipm_endpoint *end, size_t size)
{
    struct ipm_span span;
    size_t n;
    must(m->reserve_n(end, size, &span, 1, IPM_FOREVER, &n));
    must(m->publish_n(end, 1));
}

static inline void receive_in_place(const struct ipm_mechanism *m,
                                    struct ipm_endpoint *end)
{
    struct ipm_span span;
    size_t n;
    must(m->peek_n(end, &span, 1, IPM_FOREVER, &n));
    must(m->consume_n(end, 1));
}

/* Side A's part of one job. */
static void play_a(int j, uint64_t count)
{
    struct job *job = &jobs[j];
    const struct ipm_mechanism *volatile table = ring;
    const struct ipm_mechanism *m = table;
    switch (job->kind) {
    case RING_STREAM:
    case RING_LARGE:
        send_copied(m, &ends[j][0], job->size, count, buffers[IPM_SIDE_A]);
        break;
    case BOOST_STREAM:
        job->boost->run_push(job->boost_memory, buffers[IPM_SIDE_A], count);
        break;
    case RING_INTERVAL:
        for (uint64_t i = 0; i < count; i++)
            send_in_place(m, &ends[j][0], job->size);
        break;
    case RING_ROUND_TRIP:
        for (uint64_t i = 0; i < count; i++) {
            send_in_place(m, &ends[j][0], job->size);
            receive_in_place(m, &ends[j][1]);
        }
        break;
    case COPY:
        break;
    }
}

static void play_b(int j, uint64_t count)
{
    struct job *job = &jobs[j];
    const struct ipm_mechanism *volatile table = ring;
    const struct ipm_mechanism *m = table;
    switch (job->kind) {
    case RING_STREAM:
        receive_copied(m, &ends[j][0], job->size, count, buffers[IPM_SIDE_B]);
        break;
    case BOOST_STREAM:
        job->boost->run_pop(job->boost_memory, buffers[IPM_SIDE_B], count);
        break;
    case RING_INTERVAL:
    case RING_LARGE:
        for (uint64_t i = 0; i < count; i++)
            receive_in_place(m, &ends[j][0]);
        break;
    case RING_ROUND_TRIP:
        for (uint64_t i = 0; i < count; i++) {
            receive_in_place(m, &ends[j][0]);
            send_in_place(m, &ends[j][1], job->size);
        }
        break;
    case COPY:
        break;
    }
}

/* --- memcpy into the ring's memory ------------------------------------------------------- */

/* The payload lines of the ring that job @j - 1 uses: whatever is mapped of it. */
static unsigned char *ring_memory(int j, size_t *out_bytes)
{
    const struct ipm_backing *backing = jobs[j - 1].channels[0].state;
    static void *mapped[JOBS];
    if (mapped[j] == NULL) {
        struct ipm_why why = {0};
        if (ipm_backing_map(backing, &mapped[j], &why) != 0) {
            (void)fprintf(stderr, "%s\n", why.text);
            exit(1);
        }
    }
    *out_bytes = backing->size;
    return mapped[j];
}

/* Side B reads every line; then side A copies message after message into it.  In front lie
 * the ring's control block and words, which stay as they are. */
static double play_copy(int j, enum ipm_side side, uint64_t *turn)
{
    enum { CONTROL = 8192 };
    size_t bytes = 0;
    unsigned char *memory = ring_memory(j, &bytes);
    size_t size = jobs[j].size;
    size_t fits = (bytes - CONTROL) / size;
    if (fits == 0)
        must(-ENOSPC);
    int64_t total_ns = 0;
    uint64_t copied = 0;
    int64_t end_ns = ipm_now_ns() + round_ns;
    for (bool more = true; more;) {
        meet(turn);
        if (side == IPM_SIDE_B) {
            volatile unsigned char sink = 0;
            for (size_t at = CONTROL; at < CONTROL + fits * size; at += 64)
                sink = (unsigned char)(sink + memory[at]);
        }
        meet(turn);
        if (side == IPM_SIDE_A) {
            int64_t start_ns = ipm_now_ns();
            for (size_t i = 0; i < fits; i++)
                memcpy(memory + CONTROL + i * size, buffers[IPM_SIDE_A], size);
            total_ns += ipm_now_ns() - start_ns;
            copied += fits;
            page->consumer_ns = ipm_now_ns() < end_ns ? 1 : 0;
        }
        meet(turn);
        more = page->consumer_ns > 0;
        meet(turn);
    }
    return copied > 0 ? (double)total_ns / (double)copied : 0;
}

/* --- rounds ------------------------------------------------------------------------------ */

static double play(int j, enum ipm_side side, uint64_t count, uint64_t *turn)
{
    if (jobs[j].kind == COPY)
        return play_copy(j, side, turn);
    meet(turn);
    int64_t start_ns = ipm_now_ns();
    if (side == IPM_SIDE_A)
        play_a(j, count);
    else
        play_b(j, count);
    double own_ns = (double)(ipm_now_ns() - start_ns) / (double)count;
    if (side == IPM_SIDE_B)
        page->consumer_ns = own_ns;
    meet(turn);
    double ns = page->consumer_ns;
    meet(turn);
    return ns;
}

static double probe(enum ipm_side side, uint64_t *turn)
{
    meet(turn);
    double ns = line_ns(side);
    meet(turn);
    return ns;
}

/* Side A's figures are the ones that are kept. */
static void play_pair(struct ipm_pair *pair, enum ipm_side side, bool reversed,
                      uint64_t *turn)
{
    double lines[3];
    double ns[2] = {0, 0};
    int steps = pair->against_line ? 1 : 2;
    lines[0] = probe(side, turn);
    for (int step = 0; step < steps; step++) {
        int which = reversed && steps == 2 ? 1 - step : step;
        int job = pair->job + which;
        ns[which] = play(job, side, page->counts[job], turn);
        lines[step + 1] = probe(side, turn);
    }
    ipm_pair_add(pair, ns, lines, steps + 1);
}

/* How many messages fill a window. */
static void calibrate(enum ipm_side side, uint64_t *turn)
{
    for (int j = 0; j < n_jobs; j++) {
        uint64_t count = 8;
        for (int step = 0; jobs[j].kind != COPY && step < 24; step++) {
            /* The best of three: one that lost its CPU says nothing. */
            double ns = INFINITY;
            for (int i = 0; i < 3; i++)
                ns = fmin(ns, play(j, side, count, turn));
            if (ns * (double)count >= (double)round_ns / 2)
                break;
            count *= 2;
        }
        page->counts[j] = count;
    }
}

static void run(enum ipm_side side, int rounds)
{
    struct ipm_why why = {0};
    uint64_t turn = 0;
    if (ipm_pin_self(cpus[side], &why) != 0) {
        (void)fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    attach_all(side);
    for (int round = 0; round < rounds; round++) {
        if (round % 50 == 0)
            calibrate(side, &turn);
        for (int k = 0; k < n_pairs; k++)
            play_pair(&pairs[k], side, round % 2 == 1, &turn);
    }
}

static int report(int rounds)
{
    static const char *const names[] = {
        [RING_STREAM] = "stream, copied, against Boost",
        [RING_INTERVAL] = "interval in place, against the line",
        [RING_ROUND_TRIP] = "round trip in place, against the line",
        [RING_LARGE] = "copies 1, against memcpy",
    };
    int missed = 0;
    (void)printf("CPUs %d and %d, %d rounds; ns per message, medians [quartiles]\n",
                 cpus[0], cpus[1], rounds);
    for (int k = 0; k < n_pairs; k++) {
        const struct job *job = &jobs[pairs[k].job];
        missed += !ipm_pair_report(&pairs[k], job->size, names[job->kind]);
    }
    return missed;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    if (argc > 3) {
        cpus[IPM_SIDE_A] = atoi(argv[2]);
        cpus[IPM_SIDE_B] = atoi(argv[3]);
    }
    if (argc > 4)
        round_ns = atoi(argv[4]) * INT64_C(1000000);
    if (argc > 5) {
        settings = argv + 5;
        n_settings = argc - 5;
    }
    if (rounds < 1 || rounds > IPM_PAIR_ROUNDS || round_ns <= 0) {
        (void)fprintf(stderr, "usage: bench_ring [ROUNDS [CPU_A CPU_B [MILLISECONDS "
                              "[OPTION=VALUE]...]]]\n");
        return 2;
    }
    page = share(sizeof(*page));
    prepare();
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0) {
        (void)ipm_die_with_parent(NULL);
        run(IPM_SIDE_B, rounds);
        _exit(0);
    }
    run(IPM_SIDE_A, rounds);
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return report(rounds) > 0;
}
