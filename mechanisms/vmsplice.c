/* SPDX-License-Identifier: MIT */
/*
 * vmsplice: side A puts its own pages into a pipe, side B reads them out: one copy.
 *
 * The pipe refers to the pages until they are read, and nothing tells when that is: a store
 * after publish_n() reaches the receiver.  So each message has a slot of whole pages in A's
 * private memory, and B counts what it has read (mechanisms/giveback.h) before A writes there
 * again.  A sender in place (copies 1) writes its message in the slot; one that is not
 * copies it there first (copies 2).
 *
 * Lengths do not travel in the pipe, where each would cost a slot and a read() of its own:
 * A leaves them in shared memory before it splices, and B reads exactly one message.  A
 * receiver that finds no length waits for the pipe - poll(), or looking again - and only
 * then looks at the length once more.
 *
 * A pipe's room is counted in pages, and the pages of a message count until it is given
 * back.  reserve_n() waits for room for the whole message, so that publish_n() need not.
 * A message longer than the pipe passes in parts while the receiver drains; publish_n(),
 * which knows no deadline, then waits for that, so reserve_n() lends room for such a message
 * only to a caller that waits for ever.
 */
#include "mechanisms/fdio.h"
#include "mechanisms/giveback.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    LARGEST_MESSAGE = 1 << 30, /* bytes */
    MOST_SLOTS = 256,
    MOST_CAPACITY = 4 << 20,   /* bytes, when depth asks for more */
    USUAL_CAPACITY = 1 << 20,  /* bytes; fs.pipe-max-size as it comes */
    LEAST_CAPACITY = 64 << 10, /* bytes; what a new pipe has */
};

struct announcement {
    _Alignas(IPM_CACHE_LINE) _Atomic uint64_t word; /* lap << 32 | length */
};

struct vmsplice_channel {
    int data_plus_one[2]; /* A writes, B reads; as pipe2() fills it */
    int wake_plus_one[2]; /* B writes, A reads: see giveback.h */
    uint64_t slots;       /* messages in flight at most, in [1, MOST_SLOTS] */
    size_t stride;        /* bytes from slot to slot, whole pages */
    uint64_t pipe_pages;  /* room of the data pipe */
    struct ipm_giveback_shared credit;
    struct announcement announced[MOST_SLOTS];
};

struct vmsplice_endpoint {
    struct vmsplice_channel *channel;
    struct ipm_fdio data; /* B: reads through it */
    struct ipm_giveback credit;
    unsigned char
        *memory;   /* A: the slots; B: room for the message that peek_n() lends */
    size_t mapped; /* bytes */
    size_t page_bytes, stride, max_message;
    uint64_t slots, pipe_pages;
    uint64_t mine;      /* messages published, or taken, by this side */
    uint64_t retired;   /* A: messages whose pages are accounted as free */
    uint64_t pages_out; /* A: pages in the pipe, as far as we know */
    uint32_t pages_of[MOST_SLOTS];
    size_t reserved;     /* A: length of the messages last lent */
    unsigned char *hand; /* A: what is left of a message that is announced */
    size_t hand_left;    /* bytes */
    bool peeked;         /* B: memory holds the next message */
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool sleeps(enum ipm_wait wait)
{
    return wait != IPM_WAIT_SPIN && wait != IPM_WAIT_YIELD;
}

static int set_capacity(struct vmsplice_channel *state, int fd, size_t slots,
                        struct ipm_why *why)
{
    size_t wanted = slots * state->stride;
    if (state->stride > MOST_CAPACITY / slots)
        wanted = MOST_CAPACITY;
    /* EPERM: above fs.pipe-max-size or the user's share of pipes; less will do. */
    while (wanted > LEAST_CAPACITY && fcntl(fd, F_SETPIPE_SZ, (int)wanted) < 0) {
        if (errno != EPERM)
            return ipm_why_set(why, -errno,
                               "set the pipe's capacity to %zu bytes: ", wanted);
        wanted /= 2;
    }
    int granted = fcntl(fd, F_GETPIPE_SZ);
    if (granted <= 0)
        return ipm_why_set(why, -errno, "read the pipe's capacity: ");
    state->pipe_pages = (size_t)granted / page_size();
    return 0;
}

static int vmsplice_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct vmsplice_channel *state = channel->state;
    const struct ipm_channel_config *config = &channel->config;
    size_t page = page_size();
    int *const pipes[] = {state->data_plus_one, state->wake_plus_one};
    for (int i = 0; i < 2; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0)
            return ipm_why_set(why, -errno, "pipe2: ");
        ipm_channel_own(channel, fds[0], IPM_OWNER(i == 0 ? IPM_SIDE_B : IPM_SIDE_A));
        ipm_channel_own(channel, fds[1], IPM_OWNER(i == 0 ? IPM_SIDE_A : IPM_SIDE_B));
        pipes[i][0] = fds[0] + 1;
        pipes[i][1] = fds[1] + 1;
    }
    size_t slots = config->depth > 2 ? config->depth : 2;
    slots = slots < MOST_SLOTS ? slots : MOST_SLOTS;
    state->stride = (config->max_message + page - 1) / page * page;
    int error = set_capacity(state, state->data_plus_one[1] - 1, slots, why);
    if (error != 0)
        return error;
    size_t fitting = state->pipe_pages / (state->stride / page);
    state->slots = slots < fitting ? slots : fitting > 0 ? fitting : 1;
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(state->pipe_pages * page),
        .messages = fitting > 0 ? (int64_t)state->slots : 0,
    };
    return 0;
}

static void vmsplice_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int vmsplice_probe(struct ipm_why *why)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return ipm_why_set(why, -errno, "pipe2: ");
    char sent[] = "vmsplice";
    char got[sizeof(sent)] = "";
    struct iovec span = {sent, sizeof(sent)};
    int error = 0;
    if (vmsplice(fds[1], &span, 1, SPLICE_F_NONBLOCK) != (ssize_t)sizeof(sent))
        error = ipm_why_set(why, -errno, "vmsplice: ");
    else if (read(fds[0], got, sizeof(got)) != (ssize_t)sizeof(got) ||
             strcmp(got, sent) != 0)
        error = ipm_why_set(why, -EIO, "vmsplice: something else came out");
    (void)close(fds[0]);
    (void)close(fds[1]);
    return error;
}

static int vmsplice_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct vmsplice_channel *state = endpoint->channel->state;
    const struct ipm_channel_config *config = &endpoint->channel->config;
    struct vmsplice_endpoint *own = endpoint->state;
    bool sends = endpoint->side == IPM_SIDE_A;
    own->channel = state;
    own->page_bytes = page_size();
    own->stride = state->stride;
    own->max_message = config->max_message;
    own->slots = state->slots;
    own->pipe_pages = state->pipe_pages;
    own->wait = config->wait;
    ipm_fdio_init(&own->data, state->data_plus_one[sends ? 1 : 0] - 1, false, config);
    ipm_giveback_init(&own->credit, &state->credit,
                      state->wake_plus_one[sends ? 0 : 1] - 1, false, config);
    size_t size = sends ? own->slots * own->stride : own->stride;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", size);
    own->memory = memory;
    own->mapped = size;
    if (sends)
        ipm_prefault(memory, size);
    return 0;
}

static void vmsplice_detach(struct ipm_endpoint *endpoint)
{
    struct vmsplice_endpoint *own = endpoint->state;
    ipm_fdio_fini(&own->data, endpoint->channel);
    ipm_giveback_fini(&own->credit, endpoint->channel);
    if (own->memory != NULL)
        (void)munmap(own->memory, own->mapped);
    own->memory = NULL;
}

/* --- side A ---------------------------------------------------------------------------- */

static uint64_t lap(const struct vmsplice_endpoint *own)
{
    return (own->mine / own->slots + 1) << 32;
}

/* After EAGAIN of a splice: 0 try again; IPM_AGAIN; -errno. */
static int wait_writable(struct vmsplice_endpoint *own, uint32_t *turns,
                         int64_t deadline_ns)
{
    if (!sleeps(own->wait))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {.fd = own->data.fd_plus_one - 1, .events = POLLOUT};
    own->stats.sleeps++;
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/* Splices what is left of the message in hand. */
static int splice_hand(struct vmsplice_endpoint *own, int64_t deadline_ns)
{
    bool inside = sleeps(own->wait) && deadline_ns == IPM_FOREVER;
    uint32_t turns = 0;
    while (own->hand_left > 0) {
        struct iovec span = {own->hand, own->hand_left};
        ssize_t moved = vmsplice(own->data.fd_plus_one - 1, &span, 1,
                                 inside ? 0 : SPLICE_F_NONBLOCK);
        if (moved > 0) {
            own->hand += moved;
            own->hand_left -= (size_t)moved;
            own->stats.partial += own->hand_left > 0;
            continue;
        }
        if (moved < 0 && errno == EPIPE)
            return IPM_CLOSED;
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && errno != EAGAIN)
            return -errno;
        int result = wait_writable(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Takes the next message, written in its slot, in hand and tells its length. */
static void announce(struct vmsplice_endpoint *own, size_t length)
{
    size_t slot = own->mine % own->slots;
    uint32_t pages = (uint32_t)((length + own->page_bytes - 1) / own->page_bytes);
    own->pages_of[slot] = pages;
    own->pages_out += pages;
    own->hand = own->memory + slot * own->stride;
    own->hand_left = length;
    atomic_store_explicit(&own->channel->announced[slot].word, lap(own) | length,
                          memory_order_release);
    own->mine++;
}

/* Messages of @length bytes that may be written now, at least one; waits for room.
 * @in_parts: one longer than the pipe may begin when the pipe is empty */
static int room_for(struct vmsplice_endpoint *own, size_t length, bool in_parts,
                    int64_t deadline_ns, size_t *out_room)
{
    uint64_t pages = (length + own->page_bytes - 1) / own->page_bytes;
    for (;;) {
        for (; own->retired < own->credit.given; own->retired++)
            own->pages_out -= own->pages_of[own->retired % own->slots];
        uint64_t slots = own->slots - (own->mine - own->retired);
        uint64_t fitting = in_parts && own->pages_out == 0 ? 1 : 0;
        if (own->pages_out + pages <= own->pipe_pages)
            fitting = (own->pipe_pages - own->pages_out) / pages;
        if (slots > 0 && fitting > 0) {
            *out_room = slots < fitting ? slots : fitting;
            return 0;
        }
        int result = ipm_giveback_wait(&own->credit, own->mine, deadline_ns);
        if (result != 0)
            return result;
    }
}

static bool in_range(const struct vmsplice_endpoint *own, size_t length)
{
    return length > 0 && length <= own->max_message;
}

static int vmsplice_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                              struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                              size_t *out_n)
{
    struct vmsplice_endpoint *own = endpoint->state;
    size_t room = 0;
    *out_n = 0;
    if (!in_range(own, length))
        return -EMSGSIZE;
    int result = splice_hand(own, deadline_ns);
    if (result == 0)
        result = room_for(own, length, deadline_ns == IPM_FOREVER, deadline_ns, &room);
    if (result != 0)
        return result;
    *out_n = n < room ? n : room;
    for (size_t i = 0; i < *out_n; i++)
        out_spans[i] = (struct ipm_span){
            own->memory + (own->mine + i) % own->slots * own->stride, length};
    own->reserved = length;
    return 0;
}

static int vmsplice_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct vmsplice_endpoint *own = endpoint->state;
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        announce(own, own->reserved);
        result = splice_hand(own, IPM_FOREVER);
    }
    return result;
}

static int vmsplice_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct vmsplice_endpoint *own = endpoint->state;
    bool begun = own->hand_left > 0; /* then messages[0] is copied and announced */
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t room = 0;
        if (!in_range(own, messages[i].length))
            return -EMSGSIZE;
        if (!begun) {
            int result = room_for(own, messages[i].length, true, deadline_ns, &room);
            if (result != 0)
                return result;
            memcpy(own->memory + own->mine % own->slots * own->stride, messages[i].data,
                   messages[i].length);
            announce(own, messages[i].length);
        }
        begun = false;
        int result = splice_hand(own, deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* --- side B ---------------------------------------------------------------------------- */

/* Nothing is announced: 0 look again; IPM_AGAIN; IPM_CLOSED; -errno. */
static int wait_readable(struct vmsplice_endpoint *own, uint32_t *spins,
                         uint32_t *turns, int64_t deadline_ns)
{
    bool spin = !sleeps(own->wait) && deadline_ns != 0;
    if (spin && ++*spins % IPM_SPINS_PER_CLOCK != 0)
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    struct pollfd entry = {.fd = own->data.fd_plus_one - 1, .events = POLLIN};
    int timeout_ms = spin ? 0 : ipm_poll_timeout_ms(deadline_ns);
    own->stats.sleeps += timeout_ms != 0;
    int ready = poll(&entry, 1, timeout_ms);
    if (ready < 0 && errno != EINTR)
        return -errno;
    if (ready > 0 && (entry.revents & POLLIN) == 0)
        return IPM_CLOSED;
    if (ready == 0 && !spin && ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    return spin ? ipm_wait_turn(own->wait, turns, deadline_ns) : 0;
}

/* Length of the next message; waits for it. */
static int next_length(struct vmsplice_endpoint *own, int64_t deadline_ns,
                       size_t *out_length)
{
    const struct announcement *announced =
        &own->channel->announced[own->mine % own->slots];
    uint32_t spins = 0;
    uint32_t turns = 0;
    for (int result = 0;;) {
        uint64_t word = atomic_load_explicit(&announced->word, memory_order_acquire);
        uint64_t length = word & UINT32_MAX;
        if (word - length == lap(own)) {
            *out_length = (size_t)length;
            return in_range(own, (size_t)length) ? 0 : -EPROTO;
        }
        if (result != 0)
            return result;
        result = wait_readable(own, &spins, &turns, deadline_ns);
    }
}

static int give_back(struct vmsplice_endpoint *own, size_t n)
{
    own->peeked = false;
    own->mine += n;
    return ipm_giveback_give(&own->credit, n);
}

/* Takes one message: the next would be another read() anyway. */
static int vmsplice_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct vmsplice_endpoint *own = endpoint->state;
    size_t length = 0;
    (void)n;
    *out_n = 0;
    int result = next_length(own, deadline_ns, &length);
    if (result != 0)
        return result;
    if (length > messages[0].length) {
        /* It is announced, but perhaps not spliced yet: whoever leaves over this must not
         * make the sender's call fail. */
        struct pollfd entry = {.fd = own->data.fd_plus_one - 1, .events = POLLIN};
        if (!own->peeked)
            (void)poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        return -EMSGSIZE;
    }
    if (own->peeked)
        memcpy(messages[0].data, own->memory, length);
    else
        result = ipm_fdio_recv(&own->data, messages[0].data, length, deadline_ns);
    if (result != 0)
        return result;
    messages[0].length = length;
    *out_n = 1;
    return give_back(own, 1);
}

/* Reads the next message to where it can be looked at. */
static int vmsplice_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct vmsplice_endpoint *own = endpoint->state;
    size_t length = 0;
    (void)n;
    *out_n = 0;
    int result = next_length(own, deadline_ns, &length);
    if (result == 0 && !own->peeked)
        result = ipm_fdio_recv(&own->data, own->memory, length, deadline_ns);
    if (result != 0)
        return result;
    own->peeked = true;
    out_spans[0] = (struct ipm_span){own->memory, length};
    *out_n = 1;
    return 0;
}

static int vmsplice_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    return n == 0 ? 0 : give_back(endpoint->state, n);
}

static int vmsplice_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct vmsplice_endpoint *own = endpoint->state;
    return own->data.fd_plus_one - 1;
}

static void vmsplice_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct vmsplice_endpoint *own = endpoint->state;
    *out_stats = own->stats;
    out_stats->sleeps += own->data.stats.sleeps + own->credit.io.stats.sleeps;
    out_stats->partial += own->data.stats.partial;
    out_stats->wakes += own->credit.io.stats.wakes;
}

/* Taking hold of the pages costs by the page.  A receiver that waits polls as well. */
#define FACTS(k)                                                                       \
    {                                                                                  \
        .copies = (k), .syncs = 2, .pages = 1, .chunk_bytes = USUAL_CAPACITY,          \
        .system_calls = 2, .wakeups = 1                                                \
    }

const struct ipm_mechanism ipm_mechanism_vmsplice = {
    .abi = IPM_PLUGIN_ABI,
    .name = "vmsplice",
    .version = 1,
    .family = "pages",
    .summary = "the sender's pages in a pipe, one way",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_LOAN | IPM_CAP_POLLFD | IPM_CAP_TIMED |
                    IPM_CAP_SHARED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = LARGEST_MESSAGE},
    .modes =
        {
            [1] = {.supported = true, .send_in_place = true, .facts = FACTS(1)},
            [2] = {.supported = true, .facts = FACTS(2)},
        },
    .default_copies = 1,
    .channel_size = sizeof(struct vmsplice_channel),
    .endpoint_size = sizeof(struct vmsplice_endpoint),
    .probe = vmsplice_probe,
    .create = vmsplice_create,
    .destroy = vmsplice_destroy,
    .attach = vmsplice_attach,
    .detach = vmsplice_detach,
    .send_n = vmsplice_send_n,
    .recv_n = vmsplice_recv_n,
    .reserve_n = vmsplice_reserve_n,
    .publish_n = vmsplice_publish_n,
    .peek_n = vmsplice_peek_n,
    .consume_n = vmsplice_consume_n,
    .wait_fd = vmsplice_wait_fd,
    .stats = vmsplice_stats,
};
