/* SPDX-License-Identifier: MIT */
/*
 * skeleton: the manual for writers of mechanisms, in the form of one that works.
 *
 * It connects two roles by a pair of UNIX SOCK_SEQPACKET sockets.  Copy this file, rename
 * `skeleton`, replace what the hooks do, and build it without the rest of the tree
 * (docs/adding-a-mechanism.md; in the source tree, -I with its top replaces pkg-config):
 *
 *     cc -std=gnu17 -D_GNU_SOURCE -O2 -shared -fPIC $(pkg-config --cflags ipcmeter) \
 *         -o mine.so mine.c
 *     ipcmeter conform --plugin ./mine.so                  does it keep its promises?
 *     ipcmeter list mechanisms --plugin ./mine.so          what the worker makes of it
 *     ipcmeter run --plugin ./mine.so --set mechanisms=mine
 *
 * The whole contract is in mechanisms/mechanism.h; what follows are the choices that a
 * mechanism has to make, in the order in which its hooks are called.  A plug-in links
 * nothing: the worker that loads it exports base/ and the ipm_channel_*() helpers.
 */
#include "base/clock.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LARGEST_MESSAGE = 65536, /* bytes; fits the default net.core.wmem_max */
    MESSAGE_OVERHEAD =
        512, /* bytes of SO_SNDBUF that one message takes beside itself */
    LARGEST_BUFFER = 1 << 30, /* bytes */
};

/* Options: one int64_t each, whatever the type.  Every option becomes an axis that a config
 * can sweep, here `skeleton.send_buffer`. */
struct skeleton_options {
    int64_t send_buffer_bytes; /* 0: from depth */
};

/* Channel state: zeroed, in memory that the leader and all roles share.  Plain numbers, no
 * pointers.  Descriptors are kept plus one, so that zero means none. */
struct skeleton_channel {
    int fds_plus_one[IPM_SIDES];
};

/* Endpoint state: zeroed, private to the role.  What the hot path needs is copied here, so
 * that sending touches one struct. */
struct skeleton_endpoint {
    int fd_plus_one;
    bool sleeps; /* wait block */
    size_t max_message;
    struct ipm_endpoint_stats stats;
};

/*
 * probe: is it available on this machine?  Do the real thing and undo it, rather than
 * compare version numbers.  The text is what a user reads in `ipcmeter list`.
 */
static int skeleton_probe(struct ipm_why *why)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair(SOCK_SEQPACKET): ");
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

static int skeleton_set_buffer(struct ipm_channel *channel, int fd, struct ipm_why *why)
{
    const struct skeleton_options *options = channel->config.options;
    int64_t bytes = options->send_buffer_bytes;
    if (bytes == 0) {
        int64_t each = (int64_t)channel->config.max_message + MESSAGE_OVERHEAD;
        int64_t depth = (int64_t)channel->config.depth;
        bytes = depth < LARGEST_BUFFER / each ? depth * each : LARGEST_BUFFER;
    }
    int size = (int)bytes;
    if (size > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0)
        return ipm_why_set(why, -errno, "set SO_SNDBUF to %d bytes: ", size);
    /* Report what was granted, not what was asked for; IPM_VARIES where nobody tells. */
    socklen_t length = sizeof(size);
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0)
        return ipm_why_set(why, -errno, "read SO_SNDBUF: ");
    channel->capacity = (struct ipm_capacity){.bytes = size, .messages = IPM_VARIES};
    return 0;
}

/*
 * create: make the kernel objects, in the leader, before it forks.
 *
 * Declare each descriptor right after opening it, and return on the first failure without
 * undoing anything: destroy() is called then too and closes what was declared.  Each role
 * later finds only its own descriptors open, so that the death of one is seen by the other.
 * An object with a name (a queue, a file) puts channel->config.token into it, is created
 * exclusively with mode 0600, and is unlinked here.
 */
static int skeleton_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct skeleton_channel *state = channel->state;
    int fds[IPM_SIDES];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair: ");
    for (int side = 0; side < IPM_SIDES; side++) {
        ipm_channel_own(channel, fds[side], IPM_OWNER(side));
        state->fds_plus_one[side] = fds[side] + 1;
    }
    for (int side = 0; side < IPM_SIDES; side++) {
        int error = skeleton_set_buffer(channel, fds[side], why);
        if (error != 0)
            return error;
    }
    return 0;
}

/* destroy: may be called twice, and after a create() that failed anywhere. */
static void skeleton_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

/*
 * attach: one end, in the role that will use it, pinned already.  Everything that is to be
 * allocated, mapped or touched for the first time belongs here.  What the peer must know
 * and fork() did not tell it (a pid, an address) goes into the channel state, and a hook
 * join() reads it once both ends have attached; sockets need neither.
 */
static int skeleton_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct skeleton_channel *state = endpoint->channel->state;
    struct skeleton_endpoint *own = endpoint->state;
    (void)why;
    own->fd_plus_one = state->fds_plus_one[endpoint->side];
    own->sleeps = endpoint->channel->config.wait != IPM_WAIT_SPIN;
    own->max_message = endpoint->channel->config.max_message;
    return 0;
}

/* detach: as forgiving as destroy().  Dropping the descriptor is what tells the peer. */
static void skeleton_detach(struct ipm_endpoint *endpoint)
{
    struct skeleton_endpoint *own = endpoint->state;
    if (own->fd_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->fd_plus_one - 1);
    own->fd_plus_one = 0;
}

/*
 * Waiting, after a call that would have had to: 0 try again, IPM_AGAIN, -errno.
 *
 * A deadline is absolute, on CLOCK_MONOTONIC; 0 means try once, IPM_FOREVER never comes.
 * ipm_wait_turn() is one turn of spinning that keeps to it.  Under wait block the role must
 * sleep; poll() does it here because a plain recv() knows no deadline.
 */
static int skeleton_wait(struct skeleton_endpoint *own, short events, uint32_t *turns,
                         int64_t deadline_ns)
{
    if (!own->sleeps)
        return ipm_wait_turn(IPM_WAIT_SPIN, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {.fd = own->fd_plus_one - 1, .events = events};
    own->stats.sleeps++;
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/* Waits inside the call itself when nothing but a message or the peer's end can end the
 * wait: one system call per message, which is what a program would do. */
static inline int skeleton_flags(const struct skeleton_endpoint *own,
                                 int64_t deadline_ns)
{
    bool inside = own->sleeps && deadline_ns == IPM_FOREVER;
    return MSG_NOSIGNAL | (inside ? 0 : MSG_DONTWAIT);
}

/*
 * send_n: the hot path.  No allocation, no log, no clock read that the deadline does not
 * ask for.  Say in *out_n how many messages were accepted, also when not all were; the
 * caller comes back with the rest.
 */
static int skeleton_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct skeleton_endpoint *own = endpoint->state;
    int flags = skeleton_flags(own, deadline_ns);
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < n) {
        const struct ipm_span *message = &messages[*out_n];
        /* An empty packet cannot be told from the end of the stream: min_length is 1. */
        if (message->length == 0 || message->length > own->max_message)
            return -EMSGSIZE;
        if (send(own->fd_plus_one - 1, message->data, message->length, flags) >= 0) {
            ++*out_n;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET)
            return IPM_CLOSED;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int result =
            errno == EINTR ? 0 : skeleton_wait(own, POLLOUT, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

/*
 * recv_n: waits for the first message only.  Taking one is allowed, and right where finding
 * out whether there is a second would cost a system call; a ring takes all it sees.
 * With FRAMED the length of each span becomes the length of its message.
 */
static int skeleton_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct skeleton_endpoint *own = endpoint->state;
    (void)n;
    /* MSG_TRUNC makes the kernel say how long the message was, room or no room. */
    int flags = skeleton_flags(own, deadline_ns) | MSG_TRUNC;
    uint32_t turns = 0;
    *out_n = 0;
    for (;;) {
        ssize_t got =
            recv(own->fd_plus_one - 1, messages[0].data, messages[0].length, flags);
        if (got > 0 && (size_t)got > messages[0].length)
            return -EMSGSIZE;
        if (got > 0) {
            messages[0].length = (size_t)got;
            *out_n = 1;
            return 0;
        }
        if (got == 0)
            return IPM_CLOSED;
        /* A peer that went with unread messages of ours is told once, before the last that
         * it had sent: read on. */
        bool again = errno == EINTR || errno == ECONNRESET;
        if (errno != EAGAIN && !again)
            return -errno;
        int result = again ? 0 : skeleton_wait(own, POLLIN, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

/* wait_fd: there iff IPM_CAP_POLLFD is. */
static int skeleton_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct skeleton_endpoint *own = endpoint->state;
    return own->fd_plus_one - 1;
}

/* stats: optional; counted where the path is slow anyway. */
static void skeleton_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct skeleton_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const struct ipm_option skeleton_option_rows[] = {
    {.name = "send_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct skeleton_options, send_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_BUFFER,
     .unit = "bytes",
     .help = "SO_SNDBUF to ask for; 0: for depth messages; net.core.wmem_max caps it"},
    {.name = NULL}, /* ends the table */
};

/* The mechanism: data first.  Promise only what the conformance suite can confirm. */
static const struct ipm_mechanism skeleton = {
    .abi = IPM_PLUGIN_ABI,
    .name = "skeleton",
    .version = 1,
    .family = "message",
    .summary = "example plug-in: UNIX seqpacket socket pair",
    .options = skeleton_option_rows,
    .options_size = sizeof(struct skeleton_options),
    .capabilities =
        IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = LARGEST_MESSAGE},
    /* By copies of the payload: into the kernel, and out of it again. */
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct skeleton_channel),
    .endpoint_size = sizeof(struct skeleton_endpoint),
    .probe = skeleton_probe,
    .create = skeleton_create,
    .destroy = skeleton_destroy,
    .attach = skeleton_attach,
    .detach = skeleton_detach,
    .send_n = skeleton_send_n,
    .recv_n = skeleton_recv_n,
    .wait_fd = skeleton_wait_fd,
    .stats = skeleton_stats,
};

/* The one symbol a plug-in exports: a NULL-terminated array, one entry per mechanism. */
const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&skeleton, NULL};
