/* SPDX-License-Identifier: MIT */
/*
 * posix_mq: one POSIX message queue, side A sends, side B receives.
 *
 * The queue is opened twice, for writing and for reading, so that each side has its own
 * O_NONBLOCK and no more rights than it needs; its name is gone before create() returns.
 * All messages have one priority, which keeps them in order.
 *
 * Nothing tells a queue's reader that the writers are gone: no EOF.  Time-outs are on
 * CLOCK_REALTIME; a deadline is converted for each call and looked at again when it fires,
 * so that a step of the wall clock cannot end a wait early.
 */
#include "base/cleanup.h"
#include "base/process.h"
#include "base/region.h"
#include "base/units.h"
#include "mechanisms/longest.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_MESSAGE = 16 << 20, /* bytes; HARD_MSGSIZEMAX of the kernel */
    DEFAULT_DEPTH = 10,         /* messages; fs.mqueue.msg_default */
};

struct posix_mq_channel {
    int fds_plus_one[IPM_SIDES];
    size_t message_bytes; /* mq_msgsize: least room that mq_receive() accepts */
};

struct posix_mq_endpoint {
    int fd_plus_one;
    enum ipm_wait wait;
    size_t max_message;
    size_t message_bytes;
    char *short_room; /* receives for spans shorter than mq_msgsize; side B's only */
    struct ipm_endpoint_stats stats;
};

static bool spins(enum ipm_wait wait)
{
    return wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD;
}

static int64_t mq_limit(const char *name, int64_t fallback)
{
    char path[64];
    char text[32];
    int64_t limit = fallback;
    (void)snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
    if (ipm_read_file(path, text, sizeof(text)) == 0)
        (void)ipm_parse_integer(text, &limit, NULL);
    return limit;
}

/* The writing end of a new queue; -errno.  RLIMIT_MSGQUEUE shows as EMFILE: then a shorter
 * queue is tried, and the capacity read back says how short it became. */
static int mq_make(const char *name, int flags, struct mq_attr *attributes)
{
    for (;;) {
        mqd_t fd = mq_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600,
                           attributes);
        if (fd >= 0)
            return fd;
        if (errno != EMFILE || attributes->mq_maxmsg == 1)
            return -errno;
        attributes->mq_maxmsg /= 2;
    }
}

static int mq_why(struct ipm_why *why, int error, const struct mq_attr *attributes)
{
    if (error == -EINVAL)
        return ipm_why_set(why, error,
                           "a message of %ld bytes is more than fs.mqueue.msgsize_max "
                           "(%lld) allows",
                           attributes->mq_msgsize,
                           (long long)mq_limit("msgsize_max", IPM_VARIES));
    if (error == -EMFILE)
        return ipm_why_set(why, error,
                           "a queue of one message of %ld bytes is more than "
                           "RLIMIT_MSGQUEUE (or RLIMIT_NOFILE) allows",
                           attributes->mq_msgsize);
    return ipm_why_set(why, error, "mq_open: ");
}

static int posix_mq_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct posix_mq_channel *state = channel->state;
    const struct ipm_channel_config *config = &channel->config;
    int64_t most = mq_limit("msg_max", DEFAULT_DEPTH);
    int64_t depth = config->depth > 0 ? (int64_t)config->depth : DEFAULT_DEPTH;
    struct mq_attr attributes = {
        .mq_maxmsg = (long)(depth < most ? depth : most),
        .mq_msgsize = (long)(config->max_message > 0 ? config->max_message : 1),
    };
    char name[sizeof(config->token) + 8];
    (void)snprintf(name, sizeof(name), "/ipm-%s", config->token);
    int flags = spins(config->wait) ? O_NONBLOCK : 0;

    int writer = mq_make(name, flags, &attributes);
    if (writer < 0)
        return mq_why(why, writer, &attributes);
    ipm_channel_own(channel, writer, IPM_OWNER(IPM_SIDE_A));
    int reader = mq_open(name, O_RDONLY | O_CLOEXEC | flags);
    int error = reader < 0 ? -errno : 0;
    (void)mq_unlink(name);
    if (error != 0)
        return ipm_why_set(why, error, "mq_open for reading: ");
    ipm_channel_own(channel, reader, IPM_OWNER(IPM_SIDE_B));

    if (mq_getattr(reader, &attributes) != 0)
        return ipm_why_set(why, -errno, "mq_getattr: ");
    state->fds_plus_one[IPM_SIDE_A] = writer + 1;
    state->fds_plus_one[IPM_SIDE_B] = reader + 1;
    state->message_bytes = (size_t)attributes.mq_msgsize;
    channel->capacity = (struct ipm_capacity){
        .bytes = attributes.mq_maxmsg * (int64_t)config->max_message,
        .messages = attributes.mq_maxmsg,
    };
    return 0;
}

static void posix_mq_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int posix_mq_probe(struct ipm_why *why)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    char name[64];
    (void)snprintf(name, sizeof(name), "/ipm-probe-%d", (int)getpid());
    int fd = mq_make(name, 0, &attributes);
    if (fd < 0)
        return mq_why(why, fd, &attributes);
    (void)mq_unlink(name);
    (void)mq_close(fd);
    return 0;
}

/* Are there two queues - there and back - for one message of @bytes each? */
static bool two_fit(int64_t bytes)
{
    int fds[2] = {-1, -1};
    for (int i = 0; i < 2; i++) {
        struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = (long)bytes};
        char name[64];
        (void)snprintf(name, sizeof(name), "/ipm-limit-%d-%d", (int)getpid(), i);
        fds[i] = mq_make(name, 0, &attributes);
        if (fds[i] >= 0)
            (void)mq_unlink(name);
    }
    bool fit = fds[0] >= 0 && fds[1] >= 0;
    ipm_cleanup_fd(&fds[0]);
    ipm_cleanup_fd(&fds[1]);
    return fit;
}

static void posix_mq_limits_here(struct ipm_limits *limits)
{
    limits->max_length = ipm_longest(limits->max_length, two_fit);
}

static int posix_mq_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct posix_mq_channel *state = endpoint->channel->state;
    struct posix_mq_endpoint *own = endpoint->state;
    own->fd_plus_one = state->fds_plus_one[endpoint->side];
    own->wait = endpoint->channel->config.wait;
    own->max_message = endpoint->channel->config.max_message;
    own->message_bytes = state->message_bytes;
    if (endpoint->side == IPM_SIDE_A)
        return 0;
    own->short_room = malloc(own->message_bytes);
    if (own->short_room == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for one message");
    ipm_prefault(own->short_room, own->message_bytes);
    return 0;
}

static void posix_mq_detach(struct ipm_endpoint *endpoint)
{
    struct posix_mq_endpoint *own = endpoint->state;
    if (own->fd_plus_one != 0)
        ipm_channel_drop(endpoint->channel, own->fd_plus_one - 1);
    own->fd_plus_one = 0;
    free(own->short_room);
    own->short_room = NULL;
}

/* The same instant on CLOCK_REALTIME; one long gone when the call is to try once. */
static struct timespec realtime(int64_t deadline_ns)
{
    if (deadline_ns == 0)
        return (struct timespec){0};
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t left_ns = deadline_ns - ipm_now_ns();
    int64_t now_ns = (int64_t)now.tv_sec * IPM_NS_PER_SECOND + now.tv_nsec;
    return ipm_timespec(now_ns + (left_ns > 0 ? left_ns : 0));
}

/* After a failed call: 0 try again; IPM_AGAIN; -errno. */
static int mq_again(const struct posix_mq_endpoint *own, uint32_t *turns,
                    int64_t deadline_ns)
{
    if (errno == EINTR)
        return 0;
    if (errno == EAGAIN)
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (errno == ETIMEDOUT)
        return ipm_now_ns() < deadline_ns ? 0 : IPM_AGAIN;
    return -errno;
}

static int mq_put(struct posix_mq_endpoint *own, const struct ipm_span *message,
                  int64_t deadline_ns)
{
    mqd_t fd = own->fd_plus_one - 1;
    bool timed = !spins(own->wait) && deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    for (;;) {
        struct timespec until = {0};
        if (timed)
            until = realtime(deadline_ns);
        int sent = timed ? mq_timedsend(fd, message->data, message->length, 0, &until)
                         : mq_send(fd, message->data, message->length, 0);
        if (sent == 0)
            return 0;
        int result = mq_again(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int posix_mq_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct posix_mq_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > own->max_message)
            return -EMSGSIZE;
        int result = mq_put(own, &messages[i], deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* Takes one message: only another system call could tell whether a second is there. */
static int posix_mq_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct posix_mq_endpoint *own = endpoint->state;
    (void)n;
    mqd_t fd = own->fd_plus_one - 1;
    bool direct = messages[0].length >= own->message_bytes;
    char *room = direct ? messages[0].data : own->short_room;
    bool timed = !spins(own->wait) && deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    ssize_t got = -1;
    *out_n = 0;
    for (;;) {
        struct timespec until = {0};
        if (timed)
            until = realtime(deadline_ns);
        got = timed ? mq_timedreceive(fd, room, own->message_bytes, NULL, &until)
                    : mq_receive(fd, room, own->message_bytes, NULL);
        if (got >= 0)
            break;
        int result = mq_again(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    if ((size_t)got > messages[0].length)
        return -EMSGSIZE;
    if (!direct)
        memcpy(messages[0].data, room, (size_t)got);
    messages[0].length = (size_t)got;
    *out_n = 1;
    return 0;
}

static int posix_mq_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct posix_mq_endpoint *own = endpoint->state;
    return own->fd_plus_one - 1;
}

const struct ipm_mechanism ipm_mechanism_posix_mq = {
    .abi = IPM_PLUGIN_ABI,
    .name = "posix_mq",
    .version = 1,
    .family = "message",
    .summary = "POSIX message queue, one way",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_POLLFD | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = LARGEST_MESSAGE},
    .modes =
        {[2] = {.supported = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct posix_mq_channel),
    .endpoint_size = sizeof(struct posix_mq_endpoint),
    .probe = posix_mq_probe,
    .limits_here = posix_mq_limits_here,
    .create = posix_mq_create,
    .destroy = posix_mq_destroy,
    .attach = posix_mq_attach,
    .detach = posix_mq_detach,
    .send_n = posix_mq_send_n,
    .recv_n = posix_mq_recv_n,
    .wait_fd = posix_mq_wait_fd,
};
