/* SPDX-License-Identifier: MIT */
/*
 * memfd_pass: messages in sealed memfds, whose descriptors travel over a socket.
 *
 * Side A keeps a pool of memfds, mapped by it all the time, one message each.  It hands a
 * message over by a packet {slot, length} on a UNIX SOCK_SEQPACKET socket, with the memfd's
 * descriptor beside it (SCM_RIGHTS).  Option `mapping` says what B does:
 *
 *   fresh   the descriptor comes with every message; B maps it, reads, unmaps, closes:
 *           what receiving from strangers costs
 *   pooled  the descriptor comes when a memfd is used for the first time; B keeps the
 *           mapping, and later packets name it by its slot: shared memory, in the end
 *
 * In both B first makes sure that nobody can shrink the memory under it (F_SEAL_SHRINK,
 * then the size): else a sender could kill it by SIGBUS.  The facts below are those of
 * fresh, the default; pooled takes two system calls and remaps nothing.
 *
 * A writes a memfd again once B has counted it as given back (mechanisms/giveback.h): a
 * counter in shared memory, and a byte over the same socket only for a sender that sleeps.
 * Packets back would cost two system calls more per message.
 *
 * Mapping is done by the kernel for this process and takes page tables: no allocation of
 * ours, but no constant cost either.
 */
#include "base/cleanup.h"
#include "mechanisms/giveback.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LARGEST_MESSAGE = 1 << 30, /* bytes */
    MOST_SLOTS = 128, /* packets under way: the socket's default buffer has room */
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
};

enum mapping { FRESH, POOLED };

struct memfd_pass_options {
    int64_t mapping;
};

struct packet {
    uint64_t length; /* bytes */
    uint64_t slot;
};

struct memfd_pass_channel {
    int fds_plus_one[IPM_SIDES];
    uint64_t slots; /* memfds, in [1, MOST_SLOTS] */
    size_t stride;  /* bytes of each, whole pages */
    struct ipm_giveback_shared credit;
};

struct view {
    int fd_plus_one;   /* A: of its memfd */
    unsigned char *at; /* NULL: not mapped */
};

struct memfd_pass_endpoint {
    struct ipm_giveback credit;
    int fd; /* of the socket; the credit's to drop */
    enum ipm_wait wait;
    bool pooled;
    uint64_t slots;
    size_t stride, max_message;
    uint64_t mine;   /* messages published, or given back, by this side */
    size_t reserved; /* A: length of the messages last lent */
    struct view views[MOST_SLOTS];
    struct ipm_span
        held; /* B: the message that came and is not given back; data or NULL */
    size_t held_mapped; /* bytes */
    struct ipm_endpoint_stats stats;
};

static bool sleeps(enum ipm_wait wait)
{
    return wait != IPM_WAIT_SPIN && wait != IPM_WAIT_YIELD;
}

static int memfd_pass_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct memfd_pass_channel *state = channel->state;
    const struct ipm_channel_config *config = &channel->config;
    int fds[IPM_SIDES];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair(SOCK_SEQPACKET): ");
    for (int side = 0; side < IPM_SIDES; side++) {
        ipm_channel_own(channel, fds[side], IPM_OWNER(side));
        state->fds_plus_one[side] = fds[side] + 1;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t message = config->max_message > 0 ? config->max_message : 1;
    state->stride = (message + page - 1) / page * page;
    size_t slots = config->depth > 2 ? config->depth : 2;
    size_t fitting = MOST_CAPACITY / state->stride;
    fitting = fitting < MOST_SLOTS ? fitting : MOST_SLOTS;
    state->slots = slots < fitting ? slots : fitting > 2 ? fitting : 2;
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(state->slots * config->max_message),
        .messages = (int64_t)state->slots,
    };
    return 0;
}

static void memfd_pass_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

/* A memfd of @size bytes that can neither shrink nor grow, mapped for writing. */
static int view_make(struct view *view, size_t size, struct ipm_why *why)
{
    ipm_auto_fd int fd = memfd_create("ipcmeter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ipm_why_set(why, -errno, "memfd_create: ");
    if (ftruncate(fd, (off_t)size) != 0)
        return ipm_why_set(why, -errno, "ftruncate to %zu bytes: ", size);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return ipm_why_set(why, -errno, "seal memfd: ");
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", size);
    ipm_prefault(at, size);
    *view = (struct view){.fd_plus_one = ipm_steal_fd(&fd) + 1, .at = at};
    return 0;
}

static void view_drop(struct view *view, size_t size)
{
    if (view->at != NULL)
        (void)munmap(view->at, size);
    if (view->fd_plus_one != 0)
        (void)close(view->fd_plus_one - 1);
    *view = (struct view){0};
}

static int memfd_pass_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct memfd_pass_channel *state = endpoint->channel->state;
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct memfd_pass_options *options = config->options;
    struct memfd_pass_endpoint *own = endpoint->state;
    own->fd = state->fds_plus_one[endpoint->side] - 1;
    ipm_giveback_init(&own->credit, &state->credit, own->fd, true, config);
    own->wait = config->wait;
    own->pooled = options->mapping == POOLED;
    own->slots = state->slots;
    own->stride = state->stride;
    own->max_message = config->max_message;
    int error = 0;
    for (uint64_t i = 0; endpoint->sends && i < own->slots && error == 0; i++)
        error = view_make(&own->views[i], own->stride, why);
    return error;
}

static void drop_held(struct memfd_pass_endpoint *own)
{
    if (own->held.data != NULL && !own->pooled)
        (void)munmap(own->held.data, own->held_mapped);
    own->held = (struct ipm_span){0};
}

static void memfd_pass_detach(struct ipm_endpoint *endpoint)
{
    struct memfd_pass_endpoint *own = endpoint->state;
    ipm_giveback_fini(&own->credit, endpoint->channel);
    drop_held(own);
    for (size_t i = 0; i < MOST_SLOTS; i++)
        view_drop(&own->views[i], own->stride);
}

/* --- side A ---------------------------------------------------------------------------- */

/* Never waits: more packets than the socket takes are never under way. */
static int put_packet(const struct memfd_pass_endpoint *own, size_t length)
{
    size_t slot = own->mine % own->slots;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct packet packet = {.length = length, .slot = slot};
    struct iovec body = {&packet, sizeof(packet)};
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    if (!own->pooled || own->mine < own->slots) {
        int fd = own->views[slot].fd_plus_one - 1;
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    for (;;) {
        if (sendmsg(own->fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(packet))
            return 0;
        if (errno == EPIPE || errno == ECONNRESET)
            return IPM_CLOSED;
        if (errno != EINTR)
            return -errno;
    }
}

static int memfd_pass_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                                struct ipm_span *out_spans, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    struct memfd_pass_endpoint *own = endpoint->state;
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    if (own->mine - own->credit.given >= own->slots) {
        int result = ipm_giveback_wait(&own->credit, own->mine, deadline_ns);
        if (result != 0)
            return result;
    }
    size_t room = own->slots - (own->mine - own->credit.given);
    *out_n = n < room ? n : room;
    for (size_t i = 0; i < *out_n; i++)
        out_spans[i] =
            (struct ipm_span){own->views[(own->mine + i) % own->slots].at, length};
    own->reserved = length;
    return 0;
}

static int memfd_pass_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct memfd_pass_endpoint *own = endpoint->state;
    for (size_t i = 0; i < n; i++) {
        int result = put_packet(own, own->reserved);
        if (result != 0)
            return result;
        own->mine++;
    }
    return 0;
}

static int memfd_pass_send_n(struct ipm_endpoint *endpoint,
                             const struct ipm_span *messages, size_t n,
                             int64_t deadline_ns, size_t *out_n)
{
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipm_span slot;
        size_t lent = 0;
        int result = memfd_pass_reserve_n(endpoint, messages[i].length, &slot, 1,
                                          deadline_ns, &lent);
        if (result != 0)
            return result;
        memcpy(slot.data, messages[i].data, messages[i].length);
        result = memfd_pass_publish_n(endpoint, 1);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* --- side B ---------------------------------------------------------------------------- */

/* After EAGAIN: 0 try again; IPM_AGAIN; -errno. */
static int wait_packet(struct memfd_pass_endpoint *own, uint32_t *turns,
                       int64_t deadline_ns)
{
    if (!sleeps(own->wait))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {.fd = own->fd, .events = POLLIN};
    own->stats.sleeps++;
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/* The descriptor beside a packet, -1 when there is none.  More than one cannot come: there
 * is room for one, and the kernel closes the rest and says so. */
static int passed_fd(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (header != NULL && header->cmsg_level == SOL_SOCKET &&
        header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

/* @out_fd: the caller's to close; -1: none came. */
static int take_packet(struct memfd_pass_endpoint *own, int64_t deadline_ns,
                       struct packet *out_packet, int *out_fd)
{
    bool inside = sleeps(own->wait) && deadline_ns == IPM_FOREVER;
    uint32_t turns = 0;
    for (;;) {
        union {
            struct cmsghdr header;
            char room[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec body = {out_packet, sizeof(*out_packet)};
        struct msghdr message = {.msg_iov = &body,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof(control)};
        ssize_t got =
            recvmsg(own->fd, &message, MSG_CMSG_CLOEXEC | (inside ? 0 : MSG_DONTWAIT));
        if (got > 0) {
            *out_fd = passed_fd(&message);
            if ((message.msg_flags & MSG_CTRUNC) != 0)
                return -EMFILE; /* no room for it in our table */
            return got == (ssize_t)sizeof(*out_packet) ? 0 : -EPROTO;
        }
        if (got == 0)
            return IPM_CLOSED;
        /* Reset: the peer left a byte of ours unread.  It says so once, before the packets
         * that are still there. */
        if (errno == EINTR || errno == ECONNRESET)
            continue;
        if (errno != EAGAIN)
            return -errno;
        int result = wait_packet(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

/* Maps the first @size bytes of a stranger's memory, if it is safe to read. */
static int map_passed(int fd, size_t size, int flags, unsigned char **out_at)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || fstat(fd, &status) != 0)
        return -errno;
    if ((seals & F_SEAL_SHRINK) == 0 || status.st_size < 0 ||
        (uint64_t)status.st_size < size)
        return -EPROTO;
    void *at = mmap(NULL, size, PROT_READ, MAP_SHARED | flags, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    *out_at = at;
    return 0;
}

/* Waits for the next message and makes it readable; nothing when one is held. */
static int hold(struct memfd_pass_endpoint *own, int64_t deadline_ns)
{
    if (own->held.data != NULL)
        return 0;
    ipm_auto_fd int fd = -1;
    struct packet packet;
    int result = take_packet(own, deadline_ns, &packet, &fd);
    if (result != 0)
        return result;
    if (packet.length > own->max_message || packet.slot != own->mine % own->slots)
        return -EPROTO;
    size_t length = (size_t)packet.length;
    struct view *view = &own->views[packet.slot];
    if ((fd >= 0) != (view->at == NULL))
        return -EPROTO; /* one that we did not need, or none that we do */
    unsigned char *at = view->at;
    if (own->pooled && at == NULL) {
        result = map_passed(fd, own->stride, MAP_POPULATE, &at);
        view->at = at;
    } else if (!own->pooled) {
        own->held_mapped = length > 0 ? length : 1;
        result = map_passed(fd, own->held_mapped, 0, &at);
    }
    if (result == 0)
        own->held = (struct ipm_span){at, length};
    return result;
}

static int give_back(struct memfd_pass_endpoint *own)
{
    drop_held(own);
    own->mine++;
    return ipm_giveback_give(&own->credit, 1);
}

/* One message at a time: whether a second is there, only another system call could tell. */
static int memfd_pass_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                             size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct memfd_pass_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    int result = hold(own, deadline_ns);
    if (result != 0)
        return result;
    out_spans[0] = own->held;
    *out_n = 1;
    return 0;
}

static int memfd_pass_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    return n == 0 ? 0 : give_back(endpoint->state);
}

static int memfd_pass_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                             size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct memfd_pass_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    int result = hold(own, deadline_ns);
    if (result != 0)
        return result;
    if (own->held.length > messages[0].length)
        return -EMSGSIZE;
    memcpy(messages[0].data, own->held.data, own->held.length);
    messages[0].length = own->held.length;
    *out_n = 1;
    return give_back(own);
}

static int memfd_pass_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct memfd_pass_endpoint *own = endpoint->state;
    return own->fd;
}

static void memfd_pass_stats(const struct ipm_endpoint *endpoint,
                             struct ipm_endpoint_stats *out_stats)
{
    const struct memfd_pass_endpoint *own = endpoint->state;
    *out_stats = own->stats;
    out_stats->sleeps += own->credit.io.stats.sleeps;
    out_stats->wakes += own->credit.io.stats.wakes;
}

/* Probes what the rest stands on: sealing. */
static int memfd_pass_probe(struct ipm_why *why)
{
    struct view view = {0};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int error = view_make(&view, page, why);
    view_drop(&view, page);
    return error;
}

static const struct ipm_option memfd_pass_option_rows[] = {
    {.name = "mapping",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct memfd_pass_options, mapping),
     .fallback = "fresh",
     .choices = (const char *const[]){"fresh", "pooled", NULL},
     .unit = "",
     .help = "fresh: pass and map each message; pooled: each memfd once"},
    {.name = NULL},
};

/* fresh: sendmsg, recvmsg, F_GET_SEALS, fstat, mmap, close, munmap. */
#define FACTS(k)                                                                       \
    {                                                                                  \
        .copies = (k), .syncs = 2, .pages = 1, .system_calls = 7, .wakeups = 1         \
    }

const struct ipm_mechanism ipm_mechanism_memfd_pass = {
    .abi = IPM_PLUGIN_ABI,
    .name = "memfd_pass",
    .version = 1,
    .family = "pages",
    .summary = "sealed memory passed by descriptor, one way",
    .options = memfd_pass_option_rows,
    .options_size = sizeof(struct memfd_pass_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_POLLFD | IPM_CAP_FDPASS |
                    IPM_CAP_TIMED | IPM_CAP_SHARED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = LARGEST_MESSAGE},
    .modes =
        {
            [0] = {.supported = true,
                   .send_in_place = true,
                   .receive_in_place = true,
                   .facts = FACTS(0)},
            [1] = {.supported = true, .receive_in_place = true, .facts = FACTS(1)},
            [2] = {.supported = true, .facts = FACTS(2)},
        },
    .default_copies = 0,
    .channel_size = sizeof(struct memfd_pass_channel),
    .endpoint_size = sizeof(struct memfd_pass_endpoint),
    .probe = memfd_pass_probe,
    .create = memfd_pass_create,
    .destroy = memfd_pass_destroy,
    .attach = memfd_pass_attach,
    .detach = memfd_pass_detach,
    .send_n = memfd_pass_send_n,
    .recv_n = memfd_pass_recv_n,
    .reserve_n = memfd_pass_reserve_n,
    .publish_n = memfd_pass_publish_n,
    .peek_n = memfd_pass_peek_n,
    .consume_n = memfd_pass_consume_n,
    .wait_fd = memfd_pass_wait_fd,
    .stats = memfd_pass_stats,
};
