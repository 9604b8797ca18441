/* SPDX-License-Identifier: MIT */
/*
 * uring_msgring: a token is a completion that one role's ring posts into the other's.
 *
 * IORING_OP_MSG_RING names the target ring by a descriptor.  UNIX sockets refuse to carry
 * one of io_uring, so each side publishes its pid and number in attach() and the other takes
 * a copy by pidfd_getfd() in join().  That asks for the right to trace: the same user, and
 * under Yama the peer's consent, which attach() gives.
 *
 * Room: the kernel never refuses such a message.  What does not fit the completion queue
 * goes to a list of its own, allocated per message, so the queue as such is never full.
 * Each side counts in shared memory what it took, and a sender keeps no more than the
 * capacity under way.  One that sleeps for room says so beside, and gets a completion of
 * another kind as soon as some was made.
 *
 * A ring outlives its owner as long as the peer holds the descriptor: sending to a dead
 * side goes on to succeed until the room is used up.  Its end is seen by a poll request on
 * its pidfd, which waits in the same ring as the tokens; detach() posts a completion.
 *
 * The ring cannot serve as wait_fd(): not every completion is a token.  With setup polled a
 * kernel thread sends, so that what a killed sender had handed over may still be lost.
 */
#include "base/process.h"
#include "base/region.h"
#include "mechanisms/modules/uring.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DEFAULT_DEPTH = 16,    /* tokens */
    LARGEST_DEPTH = 16384, /* tokens; a queue of completions ends at 65536 */
    SPARE = 8,             /* completions that are no tokens */
    LARGEST_BATCH = 256,   /* submissions at once */
};

/* What a completion is. */
enum { TOKEN = 1, CREDIT, DETACHED, DIED, SENT };

struct uring_msgring_options {
    struct ipm_uring_options ring;
};

/* What the sides share.  Apart, because in a ping-pong `taken` moves with every message and
 * `starved` hardly ever. */
struct side {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t taken; /* tokens that this side received */
    _Alignas(
        IPM_LINE_PAIR) _Atomic uint32_t starved; /* it sleeps until there is room */
    pid_t pid;                 /* written in attach(), read in join() */
    _Atomic int ring_plus_one; /* 0 again in detach() */
};

struct uring_msgring_channel {
    /* One more than the sides: the state is aligned to a line, a side to a pair of them. */
    unsigned char room[(IPM_SIDES + 1) * sizeof(struct side)];
};

struct uring_msgring_endpoint {
    struct io_uring ring;
    bool open;    /* the ring is */
    bool gone;    /* the peer is */
    bool refused; /* a token, for that reason */
    int failed;   /* -errno of a submission that failed */
    int pidfd_plus_one, peer_ring_plus_one;
    enum ipm_wait wait;
    struct side *own, *peer;
    uint64_t capacity; /* tokens under way per direction */
    uint64_t sent;
    uint64_t received;
    uint64_t arrived; /* seen in the ring, not received yet */
    struct ipm_endpoint_stats stats;
};

/* --- life cycle ------------------------------------------------------------------------ */

static int uring_msgring_create(struct ipm_channel *channel, struct ipm_why *why)
{
    const struct uring_msgring_options *options = channel->config.options;
    size_t depth = channel->config.depth > 0 ? channel->config.depth : DEFAULT_DEPTH;
    channel->capacity = (struct ipm_capacity){
        .messages = depth < LARGEST_DEPTH ? (int64_t)depth : LARGEST_DEPTH,
    };
    return ipm_uring_suits(&channel->config, &options->ring, why);
}

static void uring_msgring_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static struct side *sides(struct ipm_channel *channel)
{
    uintptr_t start = (uintptr_t)channel->state;
    return (void *)((start + IPM_LINE_PAIR - 1) & ~(uintptr_t)(IPM_LINE_PAIR - 1));
}

static int uring_msgring_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct uring_msgring_options *options = config->options;
    struct uring_msgring_endpoint *own = endpoint->state;
    struct side *both = sides(endpoint->channel);
    own->own = &both[endpoint->side];
    own->peer = &both[endpoint->side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A];
    own->wait = config->wait;
    own->capacity = (uint64_t)endpoint->channel->capacity.messages;
    size_t batch = config->batch < LARGEST_BATCH ? config->batch : LARGEST_BATCH;
    int error = ipm_uring_open(&own->ring, (unsigned)batch + SPARE,
                               (unsigned)own->capacity + SPARE, &options->ring, why);
    if (error != 0)
        return error;
    own->open = true;
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* without Yama: EINVAL */
    own->own->pid = getpid();
    atomic_store(&own->own->ring_plus_one, own->ring.ring_fd + 1);
    return 0;
}

static int copy_fd(int pidfd, int fd, struct ipm_why *why)
{
    long copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    if (copy >= 0)
        return (int)copy;
    int error = -errno;
    if (error == -EPERM)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "pidfd_getfd: %s (a seccomp profile, or "
                           "kernel.yama.ptrace_scope above 1)",
                           strerror(-error));
    return ipm_why_set(why, error, "pidfd_getfd: ");
}

/* The peer may have sent, detached and ended before we come here: what it sent is in our
 * ring all the same. */
static bool left_already(int error)
{
    return error == -ESRCH || error == -EBADF;
}

static int uring_msgring_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct uring_msgring_endpoint *own = endpoint->state;
    int error = 0;
    int pidfd = ipm_pidfd_open(own->peer->pid, why);
    own->gone = left_already(pidfd);
    if (pidfd < 0)
        return own->gone ? 0 : pidfd;
    own->pidfd_plus_one = pidfd + 1;
    int copy = copy_fd(pidfd, atomic_load(&own->peer->ring_plus_one) - 1, why);
    own->gone = left_already(copy);
    if (copy < 0)
        return own->gone ? 0 : copy;
    own->peer_ring_plus_one = copy + 1;
    struct io_uring_sqe *sqe = ipm_uring_push(&own->ring, &error);
    if (sqe != NULL) {
        io_uring_prep_poll_add(sqe, pidfd, POLLIN);
        io_uring_sqe_set_data64(sqe, DIED);
        error = ipm_uring_enter(&own->ring, 0);
    }
    return error < 0 ? ipm_why_set(why, error, "io_uring poll of the peer: ") : 0;
}

/* --- completions ----------------------------------------------------------------------- */

/* Pushes @n messages of one kind. */
static int post(struct uring_msgring_endpoint *own, uint64_t kind, size_t n)
{
    int error = 0;
    for (size_t i = 0; i < n; i++) {
        struct io_uring_sqe *sqe = ipm_uring_push(&own->ring, &error);
        if (sqe == NULL)
            return error;
        io_uring_prep_msg_ring(sqe, own->peer_ring_plus_one - 1, 0, kind, 0);
        /* Of our own completions only the failures are of interest. */
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
        io_uring_sqe_set_data64(sqe, SENT);
    }
    return ipm_uring_enter(&own->ring, 0);
}

/* Takes note of every completion that is there.  0; -errno. */
static inline int drain(struct uring_msgring_endpoint *own)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&own->ring, &cqe) == 0) {
        switch (cqe->user_data) {
        case TOKEN:
            own->arrived++;
            break;
        case CREDIT:
            break;
        case DETACHED:
        case DIED:
            own->gone = true;
            break;
        case SENT: /* owner dead: the peer's thread is no more, though its ring is */
            if (cqe->res == -EOWNERDEAD)
                own->gone = own->refused = true;
            else
                own->failed = cqe->res;
            break;
        default:
            own->failed = -EPROTO;
        }
        io_uring_cqe_seen(&own->ring, cqe);
    }
    if (own->arrived > own->capacity)
        own->failed = -EPROTO;
    return own->failed;
}

static void uring_msgring_detach(struct ipm_endpoint *endpoint)
{
    struct uring_msgring_endpoint *own = endpoint->state;
    if (own->peer_ring_plus_one != 0) {
        (void)post(own, DETACHED, 1);
        /* A polling thread has what we sent still to send. */
        while ((own->ring.flags & IORING_SETUP_SQPOLL) != 0 &&
               io_uring_sq_ready(&own->ring) > 0)
            (void)sched_yield();
        (void)close(own->peer_ring_plus_one - 1);
    }
    own->peer_ring_plus_one = 0;
    if (own->open) {
        atomic_store(&own->own->ring_plus_one, 0);
        io_uring_queue_exit(&own->ring);
    }
    own->open = false;
    if (own->pidfd_plus_one != 0)
        (void)close(own->pidfd_plus_one - 1);
    own->pidfd_plus_one = 0;
}

static bool sleeps(const struct uring_msgring_endpoint *own)
{
    return own->wait != IPM_WAIT_SPIN && own->wait != IPM_WAIT_YIELD;
}

/* Waits for a completion, after drain() found none: 0 look again; IPM_AGAIN; -errno. */
static int wait_completion(struct uring_msgring_endpoint *own, uint32_t *turns,
                           int64_t deadline_ns)
{
    if (!sleeps(own))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == IPM_FOREVER) {
        own->stats.sleeps++;
        return ipm_uring_enter(&own->ring, 1);
    }
    int64_t left_ns = deadline_ns == 0 ? 0 : deadline_ns - ipm_now_ns();
    if (left_ns <= 0)
        return IPM_AGAIN;
    struct timespec left = ipm_timespec(left_ns);
    struct __kernel_timespec timeout = {.tv_sec = left.tv_sec, .tv_nsec = left.tv_nsec};
    struct io_uring_cqe *cqe;
    own->stats.sleeps++;
    int error = io_uring_wait_cqe_timeout(&own->ring, &cqe, &timeout);
    return error == -ETIME || error == -EINTR || error >= 0 ? 0 : error;
}

/* --- tokens ---------------------------------------------------------------------------- */

/* Tokens that may be sent now, at least one: 0 with *@out_room; IPM_AGAIN; IPM_CLOSED;
 * -errno. */
static int wait_room(struct uring_msgring_endpoint *own, int64_t deadline_ns,
                     uint64_t *out_room)
{
    uint32_t turns = 0;
    bool announced = false;
    for (;;) {
        uint64_t taken = atomic_load_explicit(&own->peer->taken, memory_order_acquire);
        if (own->sent - taken > own->capacity)
            return -EPROTO;
        *out_room = own->capacity - (own->sent - taken);
        if (*out_room > 0)
            return 0;
        int result = drain(own);
        if (result != 0)
            return result;
        if (own->gone)
            return IPM_CLOSED;
        if (sleeps(own) && deadline_ns != 0 && !announced) {
            atomic_store_explicit(&own->own->starved, 1, memory_order_relaxed);
            ipm_full_fence(); /* then look once more: the peer does it the other way */
            announced = true;
            continue;
        }
        result = wait_completion(own, &turns, deadline_ns);
        if (result != 0)
            return result;
        announced = false;
    }
}

static int uring_msgring_send_n(struct ipm_endpoint *endpoint,
                                const struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct uring_msgring_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length != 0)
            return -EMSGSIZE;
    }
    if (own->peer_ring_plus_one == 0)
        return IPM_CLOSED;
    while (*out_n < n) {
        uint64_t room = 0;
        int result = wait_room(own, deadline_ns, &room);
        if (result != 0)
            return result;
        size_t left = n - *out_n;
        left = left < room ? left : (size_t)room;
        result = post(own, TOKEN, left);
        if (result == 0)
            result = drain(own); /* one that failed says so at once */
        if (result != 0)
            return result;
        /* Not `gone`: a peer may take the last token and leave before we look. */
        if (own->refused)
            return IPM_CLOSED;
        own->sent += left;
        *out_n += left;
    }
    return 0;
}

/* The peer may send again; wakes it when it sleeps until then. */
static inline int give_room(struct uring_msgring_endpoint *own)
{
    atomic_store_explicit(&own->own->taken, own->received, memory_order_release);
    if (!sleeps(own))
        return 0;
    ipm_full_fence();
    if (atomic_load_explicit(&own->peer->starved, memory_order_relaxed) == 0 ||
        own->peer_ring_plus_one == 0)
        return 0;
    atomic_store_explicit(&own->peer->starved, 0, memory_order_relaxed);
    own->stats.wakes++;
    return post(own, CREDIT, 1);
}

static int uring_msgring_recv_n(struct ipm_endpoint *endpoint,
                                struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct uring_msgring_endpoint *own = endpoint->state;
    uint32_t turns = 0;
    *out_n = 0;
    while (own->arrived == 0) {
        int result = drain(own);
        if (result != 0)
            return result;
        if (own->arrived > 0)
            break;
        if (own->gone)
            return IPM_CLOSED;
        result = wait_completion(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    size_t taken = own->arrived < n ? (size_t)own->arrived : n;
    for (size_t i = 0; i < taken; i++)
        messages[i].length = 0;
    own->arrived -= taken;
    own->received += taken;
    *out_n = taken;
    return give_room(own);
}

static void uring_msgring_stats(const struct ipm_endpoint *endpoint,
                                struct ipm_endpoint_stats *out_stats)
{
    const struct uring_msgring_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

/* --- table ----------------------------------------------------------------------------- */

/* Both rings are ours here, so whether a stranger's may be copied only join() learns. */
static int uring_msgring_probe(struct ipm_why *why)
{
    const struct ipm_uring_options options = {.setup = IPM_URING_PLAIN, .poll_cpu = -1};
    struct uring_msgring_endpoint from = {.wait = IPM_WAIT_BLOCK, .capacity = 1};
    struct uring_msgring_endpoint to = from;
    int error = ipm_uring_open(&from.ring, SPARE, SPARE, &options, why);
    if (error != 0)
        return error;
    error = ipm_uring_open(&to.ring, SPARE, SPARE, &options, why);
    if (error != 0)
        return error;
    int pidfd = ipm_pidfd_open(getpid(), why);
    int copy = pidfd < 0 ? pidfd : copy_fd(pidfd, to.ring.ring_fd, why);
    if (copy < 0)
        return copy;
    from.peer_ring_plus_one = copy + 1;
    error = post(&from, TOKEN, 1);
    if (error == 0)
        error = drain(&from);
    if (error == 0)
        error = drain(&to);
    if (error != 0)
        return ipm_why_set(why, error, "IORING_OP_MSG_RING: ");
    if (to.arrived != 1)
        return ipm_why_set(why, -EIO, "IORING_OP_MSG_RING posts nothing: ");
    (void)close(copy);
    (void)close(pidfd);
    io_uring_queue_exit(&to.ring);
    io_uring_queue_exit(&from.ring);
    return 0;
}

static const struct ipm_option uring_msgring_option_rows[] = {
    IPM_URING_OPTION_ROWS(struct uring_msgring_options, ring, "plain"),
    {.name = NULL},
};

const struct ipm_mechanism ipm_uring_msgring = {
    .abi = IPM_PLUGIN_ABI,
    .name = "uring_msgring",
    .version = 1,
    .family = "token",
    .summary = "io_uring message from ring to ring",
    .options = uring_msgring_option_rows,
    .options_size = sizeof(struct uring_msgring_options),
    .capabilities =
        IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.in_flight = LARGEST_DEPTH},
    .modes =
        {[0] = {.supported = true,
                .facts = {.copies = 0, .syncs = 2, .system_calls = 1, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct uring_msgring_channel),
    .endpoint_size = sizeof(struct uring_msgring_endpoint),
    .probe = uring_msgring_probe,
    .create = uring_msgring_create,
    .destroy = uring_msgring_destroy,
    .attach = uring_msgring_attach,
    .join = uring_msgring_join,
    .detach = uring_msgring_detach,
    .send_n = uring_msgring_send_n,
    .recv_n = uring_msgring_recv_n,
    .stats = uring_msgring_stats,
};
