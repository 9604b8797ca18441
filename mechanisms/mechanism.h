/* SPDX-License-Identifier: MIT */
/*
 * mechanism: the contract of a way to get bytes across.
 *
 * A mechanism connects two roles by a CHANNEL; each role holds one ENDPOINT of it.
 *
 *     leader                          role A (side 0)             role B (side 1)
 *     probe
 *     create(channel)
 *        fork ----------------------> attach(endpoint) ---------- attach(endpoint)
 *                                     ......... barrier: all have attached .........
 *                                     join(endpoint) ------------ join(endpoint)
 *                                     send_n, recv_n, ...         recv_n, send_n, ...
 *                                     detach(endpoint)            detach(endpoint)
 *     destroy(channel)
 *
 * Rules, for every mechanism and plug-in:
 *  - It never forks, pins, times, counts, logs or exits: the worker does.  Nothing
 *    allocates after attach() unless IPM_CAP_ALLOCATES says so.  A process that it needs
 *    beside the roles is declared by helper().
 *  - create() and attach() simply return on failure; the worker then calls destroy() or
 *    detach(), which are void, idempotent and accept half-built state.  State comes zeroed:
 *    keep descriptors as fd + 1, or set them to -1 first thing.
 *  - Kernel objects are 0600, exclusive, close-on-exec, and their names carry
 *    config.token; a name is unlinked inside create() when the object outlives its name.
 *  - Errors: < 0 is -errno and fatal for the channel; 0 is done; > 0 is a condition below.
 *  - A role's descriptors of a channel that are not its own are closed for it before
 *    attach(): say whose each is by ipm_channel_own().
 *
 * Calls take spans of messages, so that an indirect call costs each message little: a
 * plug-in gets the same speed as ours.
 */
#ifndef IPM_MECHANISMS_MECHANISM_H
#define IPM_MECHANISMS_MECHANISM_H

#include "base/clock.h"
#include "base/option.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { IPM_PLUGIN_ABI = 1 }; /* raised when this header changes incompatibly */

/* Conditions; each is handled by the direct caller. */
enum {
    IPM_AGAIN = 1,  /* the deadline passed first */
    IPM_CLOSED = 2, /* the peer detached or died, and nothing is left to read */
};

/* What a mechanism can do; each bit is a promise that the conformance suite checks. */
enum ipm_capability {
    IPM_CAP_FRAMED = 1 << 0,    /* keeps message borders; recv_n() reports lengths */
    IPM_CAP_DUPLEX = 1 << 1,    /* one channel carries both directions */
    IPM_CAP_LOAN = 1 << 2,      /* reserve/publish and peek/consume exist */
    IPM_CAP_POLLFD = 1 << 3,    /* wait_fd() exists */
    IPM_CAP_FANIN = 1 << 4,     /* many senders may share one channel */
    IPM_CAP_FDPASS = 1 << 5,    /* can carry descriptors */
    IPM_CAP_TIMED = 1 << 6,     /* honours finite deadlines when it blocks */
    IPM_CAP_SHARED = 1 << 7,    /* the sender can still change what it has sent */
    IPM_CAP_LOCAL = 1 << 8,     /* both ends must be in one process */
    IPM_CAP_ALLOCATES = 1 << 9, /* allocates while sending or receiving */
    IPM_CAP_THREADS = 1 << 10,  /* starts threads of its own in a role */
    IPM_CAP_BROKER = 1 << 11,   /* needs a helper process */
    IPM_CAP_FLOOR = 1 << 12,    /* no IPC at all: a bound on what IPC can reach here */
    IPM_CAP_TOKEN = 1 << 13,    /* carries no payload: every message has length 0 */
    IPM_CAP_EOF = 1 << 14,      /* a peer's death alone makes calls return IPM_CLOSED */
    IPM_CAP_LOSSY =
        1 << 15, /* a slow receiver misses messages; the rest stay in order */
    IPM_CAP_FANOUT = 1 << 16, /* many receivers may share one channel, each sees all */
    IPM_CAP_VOLATILE = 1 << 17, /* what is not received yet dies with a killed sender */
    /* Request and reply alternate: what side A sends goes out when it receives the reply,
     * both in one call, which A cannot leave: it keeps no deadline but 0. */
    IPM_CAP_CALL = 1 << 18,
};

extern const char *const ipm_capability_names[]; /* by bit number, NULL-terminated */

/* How an endpoint waits for room or for a message. */
enum ipm_wait {
    IPM_WAIT_NONE,            /* nothing to wait for: floors, one role at both ends */
    IPM_WAIT_SPIN,            /* re-read, with the CPU's pause instruction */
    IPM_WAIT_YIELD,           /* re-read, with sched_yield() in between */
    IPM_WAIT_BLOCK,           /* sleep in the kernel at once */
    IPM_WAIT_SPIN_THEN_BLOCK, /* spin for a bounded time, then sleep */
    IPM_WAIT_COUNT,
};

extern const char *const ipm_wait_names[]; /* by enum ipm_wait, NULL-terminated */

#define IPM_WAIT_BIT(wait) (1u << (wait))

struct ipm_limits {
    int64_t min_length; /* bytes, >= 0 */
    int64_t max_length; /* bytes; 0: no limit of its own */
    int64_t in_flight;  /* messages per direction; 0: no limit of its own */
};

enum { IPM_VARIES = -1 };

/*
 * What one message costs in principle, for one number of copies (docs/method.md):
 * T(s) = k s c_copy + m c_sync ceil(s / C) + p c_page ceil(s / 4096).
 * IPM_VARIES where it depends; tested where it can be counted, else a model's covariate.
 */
struct ipm_facts {
    /* k: CPU copies of the payload inside the mechanism: the mode's index, or more when
     * a helper or a library's threads copy too. */
    int copies;
    int syncs;           /* m: synchronising operations, both sides together */
    int pages;           /* p: 1 when cost grows with pages remapped, else 0 */
    int64_t chunk_bytes; /* C: bytes moved per synchronisation; 0: the whole message */
    double system_calls; /* per message, both sides, when nobody has to wait */
    double wakeups;      /* per message in lock-step under wait block */
};

/* One way to use a mechanism, told apart by who copies the payload. */
struct ipm_mode {
    bool supported;
    bool send_in_place;    /* the sender writes into memory that reserve_n() lends */
    bool receive_in_place; /* the receiver reads memory that peek_n() lends */
    struct ipm_facts facts;
};

enum { IPM_MODES = 3 }; /* indexed by copies: 0, 1, 2 */

enum { IPM_OPTIONS_SIZE_MAX = 512 }; /* bytes of a mechanism's option struct */

/* What the plan wants from a channel.  Read-only for mechanisms. */
struct ipm_channel_config {
    size_t max_message; /* longest message of this run, bytes */
    /* Messages in flight wanted per direction; 0: at most one ever is, and the mechanism
     * chooses the room that makes it fastest. */
    size_t depth;
    size_t batch;        /* most messages handed over by one call, >= 1 */
    enum ipm_wait wait;  /* one that it honours; NONE: nobody has to wait */
    int copies;          /* one of the modes it supports */
    bool duplex;         /* both directions are used; else only side 0 sends */
    char token[40];      /* run token for names: [a-z0-9-]+ */
    char directory[96];  /* private directory for names that are paths */
    const void *options; /* the mechanism's own option struct, filled; NULL: none */
};

/* Room between sender and receiver as granted, read back where the kernel tells. */
struct ipm_capacity {
    int64_t bytes;    /* IPM_VARIES: unknown */
    int64_t messages; /* of config.max_message bytes; IPM_VARIES: unknown */
};

enum ipm_side { IPM_SIDE_A, IPM_SIDE_B, IPM_SIDES };

enum { IPM_CHANNEL_FDS = 8 };

struct ipm_mechanism;

struct ipm_channel {
    const struct ipm_mechanism *mechanism;
    struct ipm_channel_config config;
    void *state; /* mechanism->channel_size bytes, shared by all roles */
    struct ipm_capacity capacity; /* set by create() */
    int n_fds;
    struct {
        int fd;
        unsigned owners; /* bit per side */
    } fds[IPM_CHANNEL_FDS];
};

struct ipm_endpoint {
    struct ipm_channel *channel;
    enum ipm_side side;
    bool sends;    /* this side sends on this channel */
    bool receives; /* this side receives on it */
    void *state;   /* mechanism->endpoint_size bytes, private to the role, zeroed */
};

/* One message: where it is and how long. */
struct ipm_span {
    void *data;
    size_t length; /* bytes */
};

/* What an endpoint did since attach(); counted only outside the fast path. */
struct ipm_endpoint_stats {
    uint64_t sleeps;   /* times it went to sleep in the kernel */
    uint64_t wakes;    /* wake-up calls it made for its peer */
    uint64_t partial;  /* transfers that took more than one system call */
    uint64_t missed;   /* LOSSY: messages overwritten before this endpoint read them */
    char dispatch[16]; /* the kernel that it chose by itself; "": there was no choice */
};

enum { IPM_HELPER_ARGUMENTS = 16, IPM_HELPER_TEXT = 1024 };

/* A process beside the roles: a broker. */
struct ipm_helper {
    /* NULL-terminated; [0] is looked up in PATH.  Constants, or parts of @text. */
    const char *argv[IPM_HELPER_ARGUMENTS];
    char text[IPM_HELPER_TEXT];
    /* It is ready once a line of its standard output or of its standard error contains
     * this; "": any line. */
    const char *ready;
};

struct ipm_mechanism {
    uint32_t abi;       /* IPM_PLUGIN_ABI */
    const char *name;   /* [a-z0-9_]+, the file's stem */
    int version;        /* raised when a default or the meaning of a figure changes */
    const char *family; /* "stream", "message", "shared memory", "token", "floor" ... */
    const char *summary;              /* at most 60 characters */
    const struct ipm_option *options; /* NULL: none */
    size_t options_size;

    unsigned capabilities; /* enum ipm_capability */
    unsigned waits;        /* IPM_WAIT_BIT()s honoured; 0: IPM_WAIT_NONE alone */
    struct ipm_limits limits;
    struct ipm_mode modes[IPM_MODES];
    int default_copies; /* a supported mode */
    size_t channel_size;
    size_t endpoint_size;

    /**
     * probe - really try it, inside the sandbox, and leave nothing behind
     * NULL: always available.  0, or -errno with the reason in @why.
     */
    int (*probe)(struct ipm_why *why);

    /* limits_here - optional: narrow the declared limits to what this machine grants a
     * process now, by trying; inside the sandbox, after a probe that succeeded. */
    void (*limits_here)(struct ipm_limits *limits);

    /**
     * create - kernel objects and shared memory; leader, before fork; starts no library
     *
     * Return: 0; -EOPNOTSUPP this machine or this combination of options cannot have it:
     *         the record is then `skipped` with the reason; any other -errno fails it.
     */
    int (*create)(struct ipm_channel *channel, struct ipm_why *why);
    void (*destroy)(struct ipm_channel *channel);

    /* helper - iff IPM_CAP_BROKER: the process that this channel needs; after create().
     * The worker starts it, waits until it is ready, bills it and ends it (SIGTERM, then
     * SIGKILL) before destroy(). */
    int (*helper)(const struct ipm_channel *channel, struct ipm_helper *out_helper,
                  struct ipm_why *why);

    /* attach - map, prefault, publish what the peer needs; role, pinned already.
     * -EOPNOTSUPP as for create(). */
    int (*attach)(struct ipm_endpoint *endpoint, struct ipm_why *why);
    /* join - optional; every endpoint of the channel has attached: read what it left. */
    int (*join)(struct ipm_endpoint *endpoint, struct ipm_why *why);
    void (*detach)(struct ipm_endpoint *endpoint);

    /**
     * send_n - hand over @n messages, in order, copying them
     * @messages:    lengths in [min_length, min(max_length, config.max_message)]
     * @n:           in [1, config.batch]
     * @deadline_ns: absolute CLOCK_MONOTONIC; 0: try once; IPM_FOREVER
     * @out_n:       messages accepted; written on every return >= 0
     *
     * The buffers are the caller's again on return.  The peer sees a message whole or not
     * at all.  After IPM_AGAIN the next call must start with the first message that was
     * not accepted: a stream may have taken a part of it.
     *
     * Return: 0 all @n accepted; IPM_AGAIN; IPM_CLOSED; -EMSGSIZE when a length is out of
     *         range (nothing of that message was sent); -errno.
     */
    int (*send_n)(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                  size_t n, int64_t deadline_ns, size_t *out_n);

    /**
     * recv_n - take 1 to @n messages, in order, copying them
     * @messages: data and room; with FRAMED, length becomes the message's; without it the
     *            caller must ask for exactly the length that was sent
     * @out_n:    messages taken; written on every return >= 0
     *
     * Waits for the first message only.  A message longer than the room is -EMSGSIZE.
     *
     * Return: 0 with *@out_n in [1, @n]; IPM_AGAIN; IPM_CLOSED; -errno.
     */
    int (*recv_n)(struct ipm_endpoint *endpoint, struct ipm_span *messages, size_t n,
                  int64_t deadline_ns, size_t *out_n);

    /*
     * reserve_n - borrow room for 1 to @n messages of @length bytes each; publish_n - hand
     * the first @n reserved over.  Reserving again before publishing lends the same room.
     * Present iff IPM_CAP_LOAN.
     */
    int (*reserve_n)(struct ipm_endpoint *endpoint, size_t length,
                     struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                     size_t *out_n);
    int (*publish_n)(struct ipm_endpoint *endpoint, size_t n);

    /*
     * peek_n - look at the next 1 to @n messages where they lie; consume_n - give the
     * first @n of them back.  Peeking again before consuming shows the same messages.
     * Present iff IPM_CAP_LOAN.
     */
    int (*peek_n)(struct ipm_endpoint *endpoint, struct ipm_span *out_spans, size_t n,
                  int64_t deadline_ns, size_t *out_n);
    int (*consume_n)(struct ipm_endpoint *endpoint, size_t n);

    /* wait_fd - a descriptor that polls readable when recv_n() would not wait. */
    int (*wait_fd)(const struct ipm_endpoint *endpoint);

    /* stats - optional. */
    void (*stats)(const struct ipm_endpoint *endpoint,
                  struct ipm_endpoint_stats *out_stats);
};

/* The one symbol that a plug-in defines: its mechanisms, then NULL. */
extern const struct ipm_mechanism *const ipm_plugin_mechanisms[]
    __attribute__((visibility("default")));

/**
 * ipm_channel_own() - declare a descriptor of a channel and whose it is
 * @owners: 1u << side, or both
 *
 * Called by create() for each descriptor, right after opening it: destroy() in the leader
 * closes them all, each role closes those it does not own.  At most IPM_CHANNEL_FDS.
 */
void ipm_channel_own(struct ipm_channel *channel, int fd, unsigned owners);

/* Closes every declared descriptor @side does not own, and forgets it in this process.
 * Called by the worker. */
void ipm_channel_keep(struct ipm_channel *channel, enum ipm_side side);

/* Closes one declared descriptor now and forgets it, in this process only; for detach(), so
 * that the peer sees the end.  One that is not declared (any more) is left alone. */
void ipm_channel_drop(struct ipm_channel *channel, int fd);

/* Closes every declared descriptor that is still open.  Idempotent; for destroy(). */
void ipm_channel_close(struct ipm_channel *channel);

#define IPM_OWNER(side) (1u << (side))
#define IPM_OWNER_BOTH  (IPM_OWNER(IPM_SIDE_A) | IPM_OWNER(IPM_SIDE_B))

#ifdef __cplusplus
}
#endif

#endif
