/* SPDX-License-Identifier: MIT */
/*
 * uring_pipe, uring_unix: the pipe of `pipe` and the sockets of `unix_stream`, moved by
 * io_uring.
 *
 * create() is theirs, so the kernel objects are the same and only the way in differs: each
 * transfer is one submission, handed over and awaited by one io_uring_enter().  What can be
 * moved at once is moved while it is submitted; else the kernel polls the descriptor and
 * tries again by itself.  The descriptor is registered with the ring, which spares looking
 * it up per message.  Buffers are not: they are the caller's, and a registered one of ours
 * would cost a third copy.
 *
 * Waiting: block sleeps in io_uring_enter(); spin and yield watch the completion queue in
 * user space, and enter only when the ring says that a completion is to be made.
 *
 * Deadlines: 0 submits with NOWAIT.  A finite one submits a second entry linked to the
 * first, a timeout that cancels it.  The kernel decides the race: the transfer's own
 * completion says either that it was cancelled with nothing moved, or how much it moved.
 * Both completions are reaped before the call returns, so no buffer is in use after it.
 *
 * Nothing is submitted ahead of a call: the descriptor itself can be polled.
 *
 * Traps: a registered descriptor stays open until it is unregistered, or until the kernel
 * has torn the ring of a dead process down, so end of file comes a little later than from
 * a plain one.  Before Linux 6.4 a pipe cannot be tried without blocking and io_uring would
 * hand each message to a worker thread: that is another mechanism, and probe() refuses it.
 */
#include "mechanisms/modules/uring.h"
#include "mechanisms/stream.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SUBMISSIONS = 4, /* a transfer and its timeout, with room for a polling thread */
    COMPLETIONS = 8,
    LARGEST_TRANSFER = 1 << 30,      /* bytes of one submission; the rest follows */
    LARGEST_ROOM = 1 << 30,          /* bytes, as the options of pipe and unix_stream */
    INNER_OPTIONS = 256,             /* bytes of the option struct of either */
    PIPE_CHUNK = 65536,              /* bytes; what a new pipe has */
    UNIX_CHUNK = 32768 + 4096 - 320, /* bytes; see unix_stream.c */
};

/* What a completion belongs to. */
enum { TRANSFER = 1, TIMEOUT };

enum direction { READ, WRITE };

extern const struct ipm_mechanism ipm_mechanism_pipe, ipm_mechanism_unix_stream;

struct uring_stream_options {
    int64_t room_bytes; /* handed to the mechanism whose create() we use */
    struct ipm_uring_options ring;
};

/* Begins with what ipm_stream_own() fills; behind it, room for what else create() keeps. */
struct uring_stream_channel {
    struct ipm_stream_channel stream;
    int64_t rest[16];
};

struct uring_stream_endpoint {
    struct io_uring ring;
    bool open; /* the ring is */
    bool socket;
    int fd_plus_one;
    enum ipm_wait wait;
    size_t max_message; /* bytes */
    size_t sent;        /* bytes of the message in hand that are written */
    size_t received;    /* bytes of the message in hand that are read */
    struct ipm_endpoint_stats stats;
};

/* --- life cycle ------------------------------------------------------------------------ */

/* Runs create() of @inner with its default options, but for @option. */
static int create_like(struct ipm_channel *channel, const struct ipm_mechanism *inner,
                       const char *option, struct ipm_why *why)
{
    const struct uring_stream_options *own = channel->config.options;
    const struct ipm_option *row = ipm_option_find(inner->options, option);
    _Alignas(16) unsigned char options[INNER_OPTIONS];
    if (row == NULL || inner->options_size > sizeof(options) ||
        inner->channel_size > sizeof(struct uring_stream_channel))
        return ipm_why_set(why, -EPROTO, "this worker's %s is not the one we know",
                           inner->name);
    ipm_option_defaults(inner->options, options);
    memcpy(options + row->offset, &own->room_bytes, sizeof(own->room_bytes));
    channel->config.options = options;
    int error = inner->create(channel, why);
    channel->config.options = own;
    return error != 0 ? error : ipm_uring_suits(&channel->config, &own->ring, why);
}

static int uring_pipe_create(struct ipm_channel *channel, struct ipm_why *why)
{
    return create_like(channel, &ipm_mechanism_pipe, "capacity", why);
}

static int uring_unix_create(struct ipm_channel *channel, struct ipm_why *why)
{
    return create_like(channel, &ipm_mechanism_unix_stream, "send_buffer", why);
}

static int uring_stream_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct uring_stream_channel *state = endpoint->channel->state;
    const struct uring_stream_options *options = config->options;
    struct uring_stream_endpoint *own = endpoint->state;
    own->fd_plus_one = state->stream.fds_plus_one[endpoint->side];
    own->socket = state->stream.socket;
    own->wait = config->wait;
    own->max_message = config->max_message;
    int error =
        ipm_uring_open(&own->ring, SUBMISSIONS, COMPLETIONS, &options->ring, why);
    if (error != 0)
        return error;
    own->open = true;
    int fd = own->fd_plus_one - 1;
    error = io_uring_register_files(&own->ring, &fd, 1);
    return error < 0 ? ipm_why_set(why, error, "io_uring_register_files: ") : 0;
}

static void uring_stream_detach(struct ipm_endpoint *endpoint)
{
    struct uring_stream_endpoint *own = endpoint->state;
    if (own->open) {
        /* At once: closing the ring tears it down some time later, and only then would
         * the peer see the end. */
        (void)io_uring_unregister_files(&own->ring);
        io_uring_queue_exit(&own->ring);
    }
    own->open = false;
    if (own->fd_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->fd_plus_one - 1);
    own->fd_plus_one = 0;
}

/* --- transfers ------------------------------------------------------------------------- */

static void prepare(const struct uring_stream_endpoint *own, struct io_uring_sqe *sqe,
                    enum direction direction, void *at, size_t length, bool once)
{
    unsigned bytes = length < LARGEST_TRANSFER ? (unsigned)length : LARGEST_TRANSFER;
    int flags = MSG_NOSIGNAL | (once ? MSG_DONTWAIT : 0);
    if (own->socket && direction == READ)
        io_uring_prep_recv(sqe, 0, at, bytes, flags);
    else if (own->socket)
        io_uring_prep_send(sqe, 0, at, bytes, flags);
    else if (direction == READ)
        io_uring_prep_read(sqe, 0, at, bytes, 0);
    else
        io_uring_prep_write(sqe, 0, at, bytes, 0);
    if (once && !own->socket)
        sqe->rw_flags = RWF_NOWAIT;
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE); /* 0 is the index of our only one */
    io_uring_sqe_set_data64(sqe, TRANSFER);
}

/* Waits for @n completions, one of them the transfer's: what it returned; -errno. */
static int await(struct uring_stream_endpoint *own, unsigned n)
{
    bool sleeps = own->wait != IPM_WAIT_SPIN && own->wait != IPM_WAIT_YIELD;
    uint32_t turns = 0;
    int result = 0;
    int error = ipm_uring_enter(&own->ring, sleeps ? n : 0);
    while (error == 0) {
        struct io_uring_cqe *cqe;
        while (n > 0 && io_uring_peek_cqe(&own->ring, &cqe) == 0) {
            if (cqe->user_data == TRANSFER)
                result = cqe->res;
            io_uring_cqe_seen(&own->ring, cqe);
            n--;
        }
        if (n == 0)
            return result;
        /* What was not handed over at once, or a signal that came first. */
        if (sleeps || (io_uring_sq_ready(&own->ring) > 0 &&
                       (own->ring.flags & IORING_SETUP_SQPOLL) == 0))
            error = ipm_uring_enter(&own->ring, sleeps ? n : 0);
        else
            (void)ipm_wait_turn(own->wait, &turns, IPM_FOREVER);
    }
    return error;
}

/* Moves at least one byte: how many; -EAGAIN or -ECANCELED the deadline passed; 0 the end
 * of the stream; -errno. */
static inline int move(struct uring_stream_endpoint *own, enum direction direction,
                       void *at, size_t length, int64_t deadline_ns)
{
    bool timed = deadline_ns != 0 && deadline_ns != IPM_FOREVER;
    struct __kernel_timespec until; /* read while the entry is submitted */
    int error = 0;
    struct io_uring_sqe *sqe = ipm_uring_push(&own->ring, &error);
    if (sqe == NULL)
        return error;
    prepare(own, sqe, direction, at, length, deadline_ns == 0);
    if (timed) {
        sqe->flags |= IOSQE_IO_LINK;
        sqe = ipm_uring_push(&own->ring, &error);
        if (sqe == NULL)
            return error;
        struct timespec absolute = ipm_timespec(deadline_ns);
        until = (struct __kernel_timespec){.tv_sec = absolute.tv_sec,
                                           .tv_nsec = absolute.tv_nsec};
        io_uring_prep_link_timeout(sqe, &until, IORING_TIMEOUT_ABS);
        io_uring_sqe_set_data64(sqe, TIMEOUT);
    }
    return await(own, timed ? 2 : 1);
}

static inline int transfer(struct uring_stream_endpoint *own, enum direction direction,
                           void *data, size_t length, size_t *done, int64_t deadline_ns)
{
    while (*done < length) {
        int moved = move(own, direction, (unsigned char *)data + *done, length - *done,
                         deadline_ns);
        if (moved > 0) {
            own->stats.partial += *done == 0 && (size_t)moved < length;
            *done += (size_t)moved;
            continue;
        }
        if (moved == 0 || moved == -EPIPE || moved == -ECONNRESET)
            return IPM_CLOSED;
        if (moved == -EINTR)
            continue;
        if (moved != -EAGAIN && moved != -ECANCELED)
            return moved;
        if (deadline_ns == IPM_FOREVER)
            return moved; /* nobody asked for that */
        if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
            return IPM_AGAIN;
    }
    *done = 0;
    return 0;
}

static bool in_range(const struct uring_stream_endpoint *own, size_t length)
{
    return length > 0 && length <= own->max_message;
}

static int uring_stream_send_n(struct ipm_endpoint *endpoint,
                               const struct ipm_span *messages, size_t n,
                               int64_t deadline_ns, size_t *out_n)
{
    struct uring_stream_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!in_range(own, messages[i].length))
            return -EMSGSIZE;
        int result = transfer(own, WRITE, messages[i].data, messages[i].length,
                              &own->sent, deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

static int uring_stream_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                               size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct uring_stream_endpoint *own = endpoint->state;
    (void)n; /* whether there is a second one only another submission could tell */
    *out_n = 0;
    if (!in_range(own, messages[0].length))
        return -EMSGSIZE;
    int result = transfer(own, READ, messages[0].data, messages[0].length,
                          &own->received, deadline_ns);
    if (result == 0)
        *out_n = 1;
    return result;
}

static int uring_stream_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct uring_stream_endpoint *own = endpoint->state;
    return own->fd_plus_one - 1;
}

static void uring_stream_stats(const struct ipm_endpoint *endpoint,
                               struct ipm_endpoint_stats *out_stats)
{
    const struct uring_stream_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

/* --- probes ---------------------------------------------------------------------------- */

/* Writes one byte into @fds[1] and reads it from @fds[0], each without waiting. */
static int try_transfer(struct uring_stream_endpoint *own, const int fds[2],
                        struct ipm_why *why)
{
    const struct ipm_uring_options options = {.setup = IPM_URING_DEFERRED,
                                              .poll_cpu = -1};
    unsigned char byte = 7;
    for (int step = WRITE; step >= READ; step--) {
        int error = ipm_uring_open(&own->ring, SUBMISSIONS, COMPLETIONS, &options, why);
        if (error != 0)
            return error;
        int moved = io_uring_register_files(&own->ring, &fds[step], 1);
        if (moved == 0)
            moved = move(own, (enum direction)step, &byte, 1, 0);
        io_uring_queue_exit(&own->ring);
        if (moved == -EOPNOTSUPP)
            return ipm_why_set(why, moved,
                               "io_uring would hand each message to a worker thread: "
                               "no trying without waiting before Linux 6.4");
        if (moved != 1)
            return ipm_why_set(why, moved < 0 ? moved : -EIO,
                               "io_uring %s: ", step == WRITE ? "write" : "read");
    }
    return byte == 7 ? 0 : ipm_why_set(why, -EIO, "io_uring moved another byte: ");
}

static int probe_both(bool socket, struct ipm_why *why)
{
    struct uring_stream_endpoint own = {.socket = socket, .wait = IPM_WAIT_BLOCK};
    int fds[2];
    int failed = socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)
                        : pipe2(fds, O_CLOEXEC);
    if (failed != 0)
        return ipm_why_set(why, -errno, socket ? "socketpair: " : "pipe2: ");
    int error = try_transfer(&own, fds, why);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return error;
}

static int uring_pipe_probe(struct ipm_why *why)
{
    return probe_both(false, why);
}

static int uring_unix_probe(struct ipm_why *why)
{
    return probe_both(true, why);
}

/* --- tables ---------------------------------------------------------------------------- */

#define ROOM_ROW(text)                                                                 \
    .type = IPM_OPTION_SIZE,                                                           \
    .offset = IPM_OPTION_FIELD(struct uring_stream_options, room_bytes),               \
    .fallback = "0", .min = 0, .max = LARGEST_ROOM, .unit = "bytes", .help = (text)

static const struct ipm_option uring_pipe_option_rows[] = {
    {.name = "capacity",
     ROOM_ROW("room in the pipe; 0: for depth messages, at most fs.pipe-max-size")},
    IPM_URING_OPTION_ROWS(struct uring_stream_options, ring, "deferred"),
    {.name = NULL},
};

static const struct ipm_option uring_unix_option_rows[] = {
    {.name = "send_buffer",
     ROOM_ROW(
         "SO_SNDBUF to ask for; 0: for depth messages; net.core.wmem_max caps it")},
    IPM_URING_OPTION_ROWS(struct uring_stream_options, ring, "deferred"),
    {.name = NULL},
};

#define FACTS(chunk)                                                                   \
    {                                                                                  \
        .copies = 2, .syncs = 2, .chunk_bytes = (chunk), .system_calls = 2,            \
        .wakeups = 1                                                                   \
    }

#define HOOKS                                                                          \
    .abi = IPM_PLUGIN_ABI, .version = 1, .family = "stream",                           \
    .options_size = sizeof(struct uring_stream_options),                               \
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |              \
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),                                             \
    .limits = {.min_length = 1}, .default_copies = 2,                                  \
    .channel_size = sizeof(struct uring_stream_channel),                               \
    .endpoint_size = sizeof(struct uring_stream_endpoint),                             \
    .destroy = ipm_stream_destroy, .attach = uring_stream_attach,                      \
    .detach = uring_stream_detach, .send_n = uring_stream_send_n,                      \
    .recv_n = uring_stream_recv_n, .wait_fd = uring_stream_wait_fd,                    \
    .stats = uring_stream_stats

const struct ipm_mechanism ipm_uring_pipe = {
    .name = "uring_pipe",
    .summary = "pipe by io_uring",
    .options = uring_pipe_option_rows,
    .capabilities = IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .modes = {[2] = {.supported = true, .facts = FACTS(PIPE_CHUNK)}},
    .probe = uring_pipe_probe,
    .create = uring_pipe_create,
    HOOKS,
};

const struct ipm_mechanism ipm_uring_unix = {
    .name = "uring_unix",
    .summary = "UNIX stream sockets by io_uring",
    .options = uring_unix_option_rows,
    .capabilities = IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .modes = {[2] = {.supported = true, .facts = FACTS(UNIX_CHUNK)}},
    .probe = uring_unix_probe,
    .create = uring_unix_create,
    HOOKS,
};
