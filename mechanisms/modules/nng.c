/* SPDX-License-Identifier: MIT */
/*
 * nng: PAIR0 sockets of libnng over ipc://, a UNIX stream socket beneath.
 *
 * Side B listens in attach(); side A dials in join(), by when B listens.  A sender whose
 * connection is idle writes to the socket itself; threads of the library do the rest: one
 * that polls, several that finish what it began.
 *
 * Traps: a process that forks after the library has started aborts in the child: nothing
 * before attach() touches it, and the last detach() of a process ends it, or its threads'
 * descriptors would stay.  Messages above 1 MiB are refused unless RECVMAXSZ is lifted.
 * Closing drops what is queued here, and a peer that closes makes the library drop what it
 * has not read yet: the parting of library.h is for that.  After a peer's death the library goes on dialling and
 * queues what is sent: no end is to be seen, only a queue that stays full.  Threads inherit
 * the role's CPU.
 */
#include "mechanisms/modules/library.h"
#include "mechanisms/wait.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

enum {
    DESCRIPTORS = 16,   /* of the library, a listener and a connection, and to spare */
    MOST_QUEUED = 8192, /* messages; the library takes no larger queue */
};

struct nng_channel {
    struct ipm_parting parting;
    char path[IPM_IPC_PATH];
};

struct nng_endpoint {
    bool counted; /* among the users of the library */
    bool open;
    nng_socket socket;
    nng_duration send_limit, recv_limit; /* as set last */
    enum ipm_wait wait;
    size_t max_message;
    struct ipm_parting *parting;
    enum ipm_side side;
    uint64_t sent, received; /* messages */
    struct ipm_endpoint_stats stats;
};

static int nng_users; /* endpoints of this process */

/* The library's errors as errno: all below NNG_ESYSERR are its own. */
static int nng_error(int number)
{
    static const struct {
        int number, error;
    } known[] = {
        {NNG_ENOMEM, -ENOMEM},         {NNG_EINVAL, -EINVAL},
        {NNG_EAGAIN, -EAGAIN},         {NNG_ETIMEDOUT, -ETIMEDOUT},
        {NNG_EADDRINUSE, -EADDRINUSE}, {NNG_EPERM, -EACCES},
        {NNG_EMSGSIZE, -EMSGSIZE},     {NNG_ENOFILES, -EMFILE},
        {NNG_ENOENT, -ENOENT},         {NNG_ECONNREFUSED, -ECONNREFUSED},
        {NNG_ENOTSUP, -EOPNOTSUPP},
    };
    if ((number & NNG_ESYSERR) != 0)
        return -(number & ~NNG_ESYSERR);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == number)
            return known[i].error;
    }
    return -EPROTO;
}

static int nng_failure(struct ipm_why *why, const char *what, int number)
{
    return ipm_why_set(why, nng_error(number), "%s: %s", what, nng_strerror(number));
}

/* In a child of its own, which is thrown away: the library may be started there. */
static int nng_probe(struct ipm_why *why)
{
    char url[64];
    nng_socket socket;
    int number = nng_pair0_open(&socket);
    if (number != 0)
        return nng_failure(why, "pair0 socket", number);
    (void)snprintf(url, sizeof(url), "abstract://ipcmeter-probe-%d", (int)getpid());
    number = nng_listen(socket, url, NULL, 0);
    (void)nng_close(socket);
    return number == 0 ? 0 : nng_failure(why, "listen", number);
}

static int nng_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct nng_channel *state = channel->state;
    channel->capacity = (struct ipm_capacity){IPM_VARIES, IPM_VARIES};
    return ipm_ipc_path(channel, "nng", state->path, why);
}

static void nng_destroy(struct ipm_channel *channel)
{
    struct nng_channel *state = channel->state;
    if (state->path[0] != '\0')
        (void)unlink(state->path);
    ipm_channel_close(channel);
}

/* The two queues together hold depth messages; a socket's buffer lies between them. */
static int nng_set_up(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    struct nng_endpoint *own = endpoint->state;
    size_t depth = config->depth > config->batch ? config->depth : config->batch;
    size_t half = depth < 2 ? 1 : depth / 2;
    int room = half < MOST_QUEUED ? (int)half : MOST_QUEUED;
    int number = nng_socket_set_int(own->socket, NNG_OPT_SENDBUF, room);
    if (number == 0)
        number = nng_socket_set_int(own->socket, NNG_OPT_RECVBUF, room);
    if (number == 0)
        number = nng_socket_set_size(own->socket, NNG_OPT_RECVMAXSZ, 0);
    return number == 0 ? 0 : nng_failure(why, "socket options", number);
}

static void nng_address(const struct ipm_endpoint *endpoint, char url[IPM_IPC_PATH + 8])
{
    const struct nng_channel *state = endpoint->channel->state;
    (void)snprintf(url, IPM_IPC_PATH + 8, "ipc://%s", state->path);
}

static int nng_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct nng_endpoint *own = endpoint->state;
    own->wait = endpoint->channel->config.wait;
    own->max_message = endpoint->channel->config.max_message;
    struct nng_channel *state = endpoint->channel->state;
    own->parting = &state->parting;
    own->side = endpoint->side;
    int error = ipm_ipc_descriptors(DESCRIPTORS, why);
    if (error != 0)
        return error;
    nng_users++;
    own->counted = true;
    int number = nng_pair0_open(&own->socket);
    if (number != 0)
        return nng_failure(why, "pair0 socket", number);
    own->open = true;
    own->send_limit = own->recv_limit = NNG_DURATION_DEFAULT;
    error = nng_set_up(endpoint, why);
    if (error != 0 || endpoint->side == IPM_SIDE_A)
        return error;
    char url[IPM_IPC_PATH + 8];
    nng_listener listener;
    nng_address(endpoint, url);
    number = nng_listener_create(&listener, own->socket, url);
    if (number == 0)
        number = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    if (number == 0)
        number = nng_listener_start(listener, 0);
    return number == 0 ? 0 : nng_failure(why, "listen", number);
}

static int nng_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct nng_endpoint *own = endpoint->state;
    char url[IPM_IPC_PATH + 8];
    if (endpoint->side == IPM_SIDE_B)
        return 0;
    nng_address(endpoint, url);
    int number = nng_dial(own->socket, url, NULL, 0);
    /* Nobody listens yet: dial on behind our back. */
    if (number == NNG_ENOENT || number == NNG_ECONNREFUSED)
        number = nng_dial(own->socket, url, NULL, NNG_FLAG_NONBLOCK);
    return number == 0 ? 0 : nng_failure(why, "dial", number);
}

static void nng_detach(struct ipm_endpoint *endpoint)
{
    struct nng_endpoint *own = endpoint->state;
    if (own->parting != NULL)
        ipm_parting_wait(own->parting, own->side, own->sent);
    own->parting = NULL;
    if (own->open)
        (void)nng_close(own->socket);
    own->open = false;
    if (own->counted && --nng_users == 0)
        nng_fini();
    own->counted = false;
}

static bool nng_sleeps(const struct nng_endpoint *own)
{
    return own->wait != IPM_WAIT_SPIN && own->wait != IPM_WAIT_YIELD;
}

static int nng_flags(const struct nng_endpoint *own, int64_t deadline_ns)
{
    return nng_sleeps(own) && deadline_ns != 0 ? 0 : NNG_FLAG_NONBLOCK;
}

/* Gives a call that is to sleep its time; most calls have it already. */
static int nng_limit(struct nng_endpoint *own, const char *option, nng_duration *limit,
                     int64_t deadline_ns)
{
    int wanted_ms = deadline_ns == IPM_FOREVER ? NNG_DURATION_INFINITE
                                               : ipm_poll_timeout_ms(deadline_ns);
    if (!nng_sleeps(own) || deadline_ns == 0 || *limit == wanted_ms)
        return 0;
    *limit = wanted_ms;
    own->stats.sleeps += deadline_ns != IPM_FOREVER;
    return nng_socket_set_ms(own->socket, option, wanted_ms);
}

/* After a call that failed: 0 try again; IPM_AGAIN; -errno. */
static int nng_wait(const struct nng_endpoint *own, int number, uint32_t *turns,
                    int64_t deadline_ns)
{
    if (number != NNG_EAGAIN && number != NNG_ETIMEDOUT)
        return nng_error(number);
    if (!nng_sleeps(own))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    return deadline_ns == 0 || ipm_now_ns() >= deadline_ns ? IPM_AGAIN : 0;
}

static int nng_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct nng_endpoint *own = endpoint->state;
    int flags = nng_flags(own, deadline_ns);
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < n) {
        const struct ipm_span *message = &messages[*out_n];
        if (message->length > own->max_message)
            return -EMSGSIZE;
        int number = nng_limit(own, NNG_OPT_SENDTIMEO, &own->send_limit, deadline_ns);
        if (number == 0)
            number = nng_send(own->socket, message->data, message->length, flags);
        if (number == 0) {
            own->sent++;
            ++*out_n;
            continue;
        }
        int result = nng_wait(own, number, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

static int nng_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct nng_endpoint *own = endpoint->state;
    int flags = nng_flags(own, deadline_ns);
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < n) {
        struct ipm_span *message = &messages[*out_n];
        size_t length = message->length;
        int number = nng_limit(own, NNG_OPT_RECVTIMEO, &own->recv_limit, deadline_ns);
        if (number == 0)
            number = nng_recv(own->socket, message->data, &length, flags);
        /* What a message has too much is cut off; the length says that it was. */
        if (number == 0 && length > message->length)
            return -EMSGSIZE;
        if (number == 0) {
            message->length = length;
            ++*out_n;
            ipm_parting_received(own->parting, own->side, ++own->received);
            flags = NNG_FLAG_NONBLOCK; /* the rest only if it is there already */
            continue;
        }
        if (*out_n > 0 && number != NNG_EMSGSIZE)
            return 0;
        int result = nng_wait(own, number, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Made when first asked for: each message then costs a write to it, and PAIR0 never closes
 * it. */
static int nng_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct nng_endpoint *own = endpoint->state;
    int fd = -1;
    return nng_socket_get_int(own->socket, NNG_OPT_RECVFD, &fd) == 0 ? fd : -1;
}

static void nng_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats)
{
    const struct nng_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const struct ipm_mechanism nng = {
    .abi = IPM_PLUGIN_ABI,
    .name = "nng",
    .version = 1,
    .family = "message",
    .summary = "nng pair sockets over ipc://",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED |
                    IPM_CAP_ALLOCATES | IPM_CAP_THREADS,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 0},
    /* Into the library's message, into the kernel, out of it, out of the message. */
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 4,
                               .syncs = IPM_VARIES,
                               .system_calls = IPM_VARIES,
                               .wakeups = IPM_VARIES}}},
    .default_copies = 2,
    .channel_size = sizeof(struct nng_channel),
    .endpoint_size = sizeof(struct nng_endpoint),
    .probe = nng_probe,
    .create = nng_create,
    .destroy = nng_destroy,
    .attach = nng_attach,
    .join = nng_join,
    .detach = nng_detach,
    .send_n = nng_send_n,
    .recv_n = nng_recv_n,
    .wait_fd = nng_wait_fd,
    .stats = nng_stats,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&nng, NULL};
