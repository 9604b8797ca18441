/* SPDX-License-Identifier: MIT */
/*
 * workload: the contract of who talks to whom and when.
 *
 * A workload declares its roles and the channels between them; the worker makes them and
 * calls run() in each role, once per ROUND.  A round is a verified exchange, a piece of
 * warm-up, the measured window, or the drain: run() is the only loop and cannot tell which.
 *
 * The unit inside a round is the timing BATCH: `batch` operations between two clock reads,
 * the same number in every role.  Role 0 is the PACER.  It asks ipm_pace() before each
 * batch, which reads the clock, records the batch that ended, decides whether the next one
 * is the last and says so in shared memory before a message of it is sent.  Every other
 * role asks ipm_last() right after the first message of a batch.  Inside a batch there is
 * no clock read, no flag and no poison message.
 *
 * The last row of the roles may stand for MANY: as many roles as traffic.fan says, each with
 * an instance of the edge that is many.  Role and edge indices of the instances follow one
 * another: those of the first are the rows'.
 */
#ifndef IPM_WORKLOADS_WORKLOAD_H
#define IPM_WORKLOADS_WORKLOAD_H

#include "base/blocks.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "base/mix.h"
#include "base/option.h"
#include "base/payload.h"
#include "base/region.h"
#include "base/why.h"
#include "mechanisms/mechanism.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPM_RATE_MAX = 1000000000, /* messages per second */
    IPM_WORKLOAD_ROLES = 8,
    IPM_WORKLOAD_EDGES = 8,
    IPM_WORKLOAD_METRICS = 8,
    IPM_FAN_MAX = 16,
};

struct ipm_role {
    const char *name;
    enum ipm_side side; /* placement maps side A and side B to the two CPUs */
    bool mortal;        /* its death is data, not a failure */
    bool many;          /* as many as traffic.fan says; the last row alone may be */
    bool spins;         /* whatever the wait strategy: no other may have its CPU */
};

/* A channel between two roles. */
struct ipm_edge {
    int from, to;          /* role indices; equal: one role holds both ends */
    bool duplex;           /* both directions are used */
    const char *mechanism; /* NULL: the swept one ("measured"); else this one */
    bool
        many; /* one for each of the many roles; the last row, and iff there are many */
};

enum ipm_better { IPM_BETTER_LOWER, IPM_BETTER_HIGHER };

/* How the values that several roles report become one. */
enum ipm_merge { IPM_MERGE_SUM, IPM_MERGE_MIN, IPM_MERGE_MAX, IPM_MERGE_MEAN };

struct ipm_metric_row {
    const char *name;
    const char *unit;
    enum ipm_better better;
    enum ipm_merge merge;
};

/* Which clock bounds the window: elapsed_ns of the record. */
enum ipm_elapsed {
    IPM_ELAPSED_PACER, /* role 0, first send to last receive */
    /* the last row of roles, first to last message received; of an open loop from the start of
     * its plan */
    IPM_ELAPSED_RECEIVER,
};

/* What a sample of the recorder is. */
enum ipm_latency_kind {
    IPM_LATENCY_ROUND_TRIP, /* send to reply, one operation per sample */
    IPM_LATENCY_INTERVAL, /* between messages: not a latency, recorded as interval_ns */
    IPM_LATENCY_OPEN,     /* three times of every message: workloads/open_loop.h */
    IPM_LATENCY_GAP, /* the same for one message at a time; every role's samples count */
};

struct ipm_run;
struct ipm_traffic;

struct ipm_workload {
    uint32_t abi;     /* IPM_PLUGIN_ABI */
    const char *name; /* [a-z0-9_]+, the file's stem */
    int version;
    const char *family;      /* "closed loop", "stream", "one role" ... */
    const char *summary;     /* at most 60 characters */
    const char *const *axes; /* shared axes that mean something to it; NULL ends it */

    int n_roles, n_edges;
    struct ipm_role roles[IPM_WORKLOAD_ROLES];
    struct ipm_edge edges[IPM_WORKLOAD_EDGES];
    unsigned needs;   /* capabilities every measured mechanism must have */
    unsigned refuses; /* capabilities that it cannot work with */
    int64_t min_size; /* bytes */
    bool smallest;    /* its messages are as small as the mechanism takes them */
    bool lock_step;   /* at most one message is ever in flight per direction */
    bool waits_any; /* role 0 receives on several channels: to sleep it needs POLLFD */
    /* Row of the roles that start every message: what all roles did in the window is divided
     * by their messages.  0: the pacer. */
    int starting;
    int messages_per_operation;
    enum ipm_elapsed elapsed;
    enum ipm_latency_kind latency;
    /* name NULL ends it, at most IPM_WORKLOAD_METRICS; NULL: none of its own. */
    const struct ipm_metric_row *metrics;
    const char *only;  /* the one mechanism that it can measure; NULL: any that can */
    const char *model; /* name of the model that predicts it; NULL: none */

    /* Memory that all roles of a pair share, of this many bytes; NULL: none.  0: the point
     * cannot be, it would be too much. */
    size_t (*shared_size)(const struct ipm_traffic *traffic, int64_t window_ns);
    /* Once, before the roles begin; the memory is zeroed. */
    void (*prepare)(void *shared, const struct ipm_traffic *traffic, int64_t window_ns,
                    uint64_t seed);

    /**
     * run - one role's part in one round
     *
     * Return: 0; -EOPNOTSUPP in a verified round: such messages cannot be, which is a
     *         skip; -errno with @why; IPM_AGAIN or IPM_CLOSED as a call on a port returned it
     *         (the worker turns both into failures).
     */
    int (*run)(struct ipm_run *run, struct ipm_why *why);
};

/* How planned send times lie. */
enum ipm_arrivals { IPM_ARRIVALS_CONSTANT, IPM_ARRIVALS_POISSON };

extern const char *const ipm_arrivals_names[]; /* NULL-terminated */

/* What runs on other CPUs meanwhile. */
enum ipm_background_kind {
    IPM_BACKGROUND_NONE,
    IPM_BACKGROUND_CPU,      /* integers, in registers */
    IPM_BACKGROUND_MEMORY,   /* reads and writes more memory than the caches hold */
    IPM_BACKGROUND_SWITCHES, /* two processes that take turns, on each CPU */
};

extern const char *const ipm_background_names[]; /* NULL-terminated */

/* What travels: filled from the point, the same in every role. */
struct ipm_traffic {
    int64_t size;        /* bytes per message; of a mix, their mean */
    int64_t reply_size;  /* bytes per reply; -1: as its request */
    int64_t depth;       /* messages in flight wanted */
    int64_t batch;       /* messages per call where a workload sends several in a row */
    int64_t touch;       /* enum ipm_touch */
    int64_t pairs;       /* independent copies of the whole workload, at once */
    int64_t fan;         /* how many the many roles are */
    int64_t rate;        /* messages/s of each sender; 0: as fast as it goes */
    int64_t arrivals;    /* enum ipm_arrivals */
    int64_t compute_ns;  /* that a server spins between request and reply */
    int64_t working_set; /* bytes that a receiver reads after each message; 0: none */
    int64_t working_set_stride; /* bytes from read to read */
    int64_t background;         /* enum ipm_background_kind */
};

/* Both directions of one edge, as one role sees it; see workloads/port.h. */
struct ipm_port {
    const struct ipm_mechanism *mechanism;
    struct ipm_endpoint *send; /* NULL: this role does not send on the edge */
    struct ipm_endpoint *recv; /* NULL: it does not receive on it */
    bool send_in_place;
    bool receive_in_place;
    bool quiet; /* this round neither touches nor verifies payloads, nor reads a set */
    enum ipm_touch touch;
    unsigned char *out;         /* batch * stride bytes, for sending by copy */
    unsigned char *in;          /* the same, for receiving */
    size_t stride;              /* distance between messages in out and in, bytes */
    struct ipm_span *out_spans; /* batch of them: over out, or what reserve_n() lent */
    struct ipm_span *in_spans;  /* over in, or what peek_n() showed */
    size_t out_length;          /* bytes; what each span over out says */
    size_t in_length;
    uint64_t sent; /* messages in this round: with the salt, seeds of their payloads */
    uint64_t received;
    /* With a mix: IPM_MIX_ENTRIES + batch of them, of the lengths in its table, each at
     * its place in out, or in; so that a span of messages costs nothing to lay out. */
    struct ipm_span *out_mixed, *in_mixed;
    uint64_t
        salt; /* the edge's: a message of another channel is not taken for its own */
};

/* Shared by all roles of a run. */
struct ipm_pace {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t last_batch; /* UINT64_MAX: not decided */
};

/* One role's part in a round.  Filled by the worker before run(), results read after. */
struct ipm_run {
    const struct ipm_workload *workload;
    const struct ipm_traffic *traffic;
    int role;
    struct ipm_port *ports; /* by edge index; only this role's edges are filled */
    struct ipm_pace *pace;
    void *shared;                     /* as shared_size() asked for; else NULL */
    const unsigned char *working_set; /* traffic.working_set bytes of this role's own */
    struct ipm_histogram *histogram;  /* NULL: nothing is recorded in this round */
    struct ipm_blocks *blocks;        /* its samples in order; never NULL beside it */
    bool verify; /* payloads are filled and compared byte by byte */
    uint64_t
        batch; /* operations per timing batch; a multiple of traffic.batch, and where
                     * there are many roles of as much for each of them */
    uint64_t max_batches;            /* the round's last batch at the latest; >= 1 */
    int64_t duration_ns;             /* the pacer's: no batch starts later than this */
    int64_t timeout_ns;              /* absolute: IPM_FOREVER in the window */
    bool one_cpu;                    /* side a and side b share a CPU */
    const struct ipm_mix_table *mix; /* NULL: every message has traffic.size */

    uint64_t batches;          /* batches begun */
    uint64_t operations;       /* done, in this role's view */
    uint64_t messages;         /* sent or received, as the workload counts deliveries */
    uint64_t payload_bytes;    /* of those messages */
    int64_t first_ns, last_ns; /* bounds of elapsed_ns in this role's view */
    double metrics[IPM_WORKLOAD_METRICS]; /* by row; NaN: not this role's to say */
};

/* Records one sample: the time of a whole batch, in nanoseconds. */
static inline void ipm_sample(struct ipm_run *run, int64_t elapsed_ns)
{
    if (run->histogram == NULL)
        return;
    ipm_histogram_add(run->histogram, elapsed_ns > 0 ? (uint64_t)elapsed_ns : 0);
    ipm_blocks_follow(run->blocks, run->histogram);
}

/**
 * ipm_pace() - pacer, before each batch: one clock read
 *
 * Return: true when the batch about to start is the last.
 */
static inline bool ipm_pace(struct ipm_run *run)
{
    int64_t now_ns = ipm_now_ns();
    if (run->batches == 0)
        run->first_ns = now_ns;
    else
        ipm_sample(run, now_ns - run->last_ns);
    run->last_ns = now_ns;
    bool last = run->batches + 1 >= run->max_batches ||
                now_ns - run->first_ns >= run->duration_ns;
    if (last)
        atomic_store_explicit(&run->pace->last_batch, run->batches,
                              memory_order_release);
    run->batches++;
    return last;
}

/* Pacer, after its last batch: the closing clock read. */
static inline void ipm_pace_end(struct ipm_run *run)
{
    int64_t now_ns = ipm_now_ns();
    ipm_sample(run, now_ns - run->last_ns);
    run->last_ns = now_ns;
}

/**
 * ipm_last() - any other role, right after the first message of a batch
 *
 * Return: true when this batch is the last.
 */
static inline bool ipm_last(struct ipm_run *run)
{
    uint64_t last = atomic_load_explicit(&run->pace->last_batch, memory_order_acquire);
    return run->batches++ == last;
}

#endif
