/* SPDX-License-Identifier: MIT */
/*
 * zeromq: PAIR sockets of libzmq over ipc://, a UNIX stream socket beneath.
 *
 * Side B binds in attach(); side A connects in join(), by when the name is there, and its
 * queue takes messages before the connection stands.  A call only puts a message into a
 * queue of the process; an I/O thread of the library carries it to the socket, and one at
 * the other end from there: three threads wake in turn for one message.
 *
 * Traps: the library aborts when it finds no descriptor for its poller, so there is a look
 * first.  The socket's file would outlive a killed process: destroy() unlinks it.  After a
 * peer's death the library goes on trying to connect and keeps what was sent: no end is to
 * be seen, only a queue that stays full.  Room is given back by the half queue, and a call
 * that does not block may learn of it up to a millisecond late.  Threads inherit the role's
 * CPU, so that one CPU carries one side; `io_threads` frees them.
 */
#include "mechanisms/modules/library.h"
#include "mechanisms/wait.h"

#include <sys/stat.h>
#include <zmq.h>

enum {
    DESCRIPTORS = 12, /* of a context with one socket, and as many to spare */
};

enum io_threads { IO_THREADS_PINNED, IO_THREADS_FREE };

static const char *const io_threads_names[] = {"pinned", "free", NULL};

struct zeromq_options {
    int64_t io_threads;
};

struct zeromq_channel {
    struct ipm_parting parting;
    char path[IPM_IPC_PATH];
};

struct zeromq_endpoint {
    void *context;
    void *socket;
    enum ipm_wait wait;
    size_t max_message;
    struct ipm_parting *parting;
    enum ipm_side side;
    uint64_t sent, received; /* messages */
    struct ipm_endpoint_stats stats;
};

static int zeromq_failure(struct ipm_why *why, const char *what)
{
    int error = zmq_errno();
    /* The library's own numbers mean nothing to strerror(). */
    if (error >= ZMQ_HAUSNUMERO)
        return ipm_why_set(why, -EPROTO, "%s: %s", what, zmq_strerror(error));
    return ipm_why_set(why, -error, "%s: ", what);
}

/* In a child of its own: the library is never started in the leader. */
static int zeromq_probe(struct ipm_why *why)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "ipc://@ipcmeter-probe-%d", (int)getpid());
    if (zmq_has("ipc") != 1)
        return ipm_why_set(why, -EOPNOTSUPP, "libzmq was built without ipc://");
    void *context = zmq_ctx_new();
    void *socket = context == NULL ? NULL : zmq_socket(context, ZMQ_PAIR);
    int error = 0;
    if (socket == NULL || zmq_bind(socket, name) != 0)
        error = zeromq_failure(why, "ipc socket");
    if (socket != NULL)
        (void)zmq_close(socket);
    if (context != NULL)
        (void)zmq_ctx_term(context);
    return error;
}

static int zeromq_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct zeromq_channel *state = channel->state;
    channel->capacity = (struct ipm_capacity){IPM_VARIES, IPM_VARIES};
    return ipm_ipc_path(channel, "zmq", state->path, why);
}

static void zeromq_destroy(struct ipm_channel *channel)
{
    struct zeromq_channel *state = channel->state;
    if (state->path[0] != '\0')
        (void)unlink(state->path);
    ipm_channel_close(channel);
}

/* The two queues together hold depth messages; a socket's buffer lies between them. */
static int zeromq_set_up(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    struct zeromq_endpoint *own = endpoint->state;
    size_t depth = config->depth > config->batch ? config->depth : config->batch;
    int room = depth < 2 ? 1 : depth < 1 << 20 ? (int)(depth / 2) : 1 << 19;
    int linger_ms = 0; /* by then the parting is over */
    if (zmq_setsockopt(own->socket, ZMQ_SNDHWM, &room, sizeof(room)) != 0 ||
        zmq_setsockopt(own->socket, ZMQ_RCVHWM, &room, sizeof(room)) != 0 ||
        zmq_setsockopt(own->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) != 0)
        return zeromq_failure(why, "socket options");
    return 0;
}

static int zeromq_free_threads(struct zeromq_endpoint *own, struct ipm_why *why)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
    for (int cpu = 0; cpu < cpus; cpu++) {
        if (zmq_ctx_set(own->context, ZMQ_THREAD_AFFINITY_CPU_ADD, cpu) != 0)
            return zeromq_failure(why, "affinity of the I/O threads");
    }
    return 0;
}

static void zeromq_address(const struct ipm_endpoint *endpoint,
                           char address[IPM_IPC_PATH + 8])
{
    const struct zeromq_channel *state = endpoint->channel->state;
    (void)snprintf(address, IPM_IPC_PATH + 8, "ipc://%s", state->path);
}

static int zeromq_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct zeromq_options *options = config->options;
    struct zeromq_endpoint *own = endpoint->state;
    own->wait = config->wait;
    own->max_message = config->max_message;
    struct zeromq_channel *state = endpoint->channel->state;
    own->parting = &state->parting;
    own->side = endpoint->side;
    int error = ipm_ipc_descriptors(DESCRIPTORS, why);
    if (error != 0)
        return error;
    own->context = zmq_ctx_new();
    if (own->context == NULL)
        return zeromq_failure(why, "context");
    if (options->io_threads == IO_THREADS_FREE)
        error = zeromq_free_threads(own, why);
    if (error != 0)
        return error;
    own->socket = zmq_socket(own->context, ZMQ_PAIR);
    if (own->socket == NULL)
        return zeromq_failure(why, "PAIR socket");
    error = zeromq_set_up(endpoint, why);
    if (error != 0 || endpoint->side == IPM_SIDE_A)
        return error;
    char address[IPM_IPC_PATH + 8];
    zeromq_address(endpoint, address);
    mode_t before = umask(0177);
    if (zmq_bind(own->socket, address) != 0)
        error = zeromq_failure(why, "bind");
    (void)umask(before);
    return error;
}

static int zeromq_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct zeromq_endpoint *own = endpoint->state;
    char address[IPM_IPC_PATH + 8];
    if (endpoint->side == IPM_SIDE_B)
        return 0;
    zeromq_address(endpoint, address);
    return zmq_connect(own->socket, address) == 0 ? 0 : zeromq_failure(why, "connect");
}

static void zeromq_detach(struct ipm_endpoint *endpoint)
{
    struct zeromq_endpoint *own = endpoint->state;
    if (own->parting != NULL)
        ipm_parting_wait(own->parting, own->side, own->sent);
    own->parting = NULL;
    if (own->socket != NULL)
        (void)zmq_close(own->socket);
    own->socket = NULL;
    while (own->context != NULL && zmq_ctx_term(own->context) != 0 &&
           zmq_errno() == EINTR)
        ;
    own->context = NULL;
}

static bool zeromq_sleeps(const struct zeromq_endpoint *own)
{
    return own->wait != IPM_WAIT_SPIN && own->wait != IPM_WAIT_YIELD;
}

static int zeromq_flags(const struct zeromq_endpoint *own, int64_t deadline_ns)
{
    return zeromq_sleeps(own) && deadline_ns == IPM_FOREVER ? 0 : ZMQ_DONTWAIT;
}

/* After a call that failed: 0 try again; IPM_AGAIN; -errno. */
static int zeromq_wait(struct zeromq_endpoint *own, short events, uint32_t *turns,
                       int64_t deadline_ns)
{
    int error = zmq_errno();
    if (error == EINTR)
        return 0;
    if (error == EMSGSIZE)
        return -EPROTO; /* nothing of ours: lengths were looked at before */
    if (error != EAGAIN)
        return error >= ZMQ_HAUSNUMERO ? -EPROTO : -error;
    if (!zeromq_sleeps(own))
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    zmq_pollitem_t item = {.socket = own->socket, .events = events};
    own->stats.sleeps++;
    if (zmq_poll(&item, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 &&
        zmq_errno() != EINTR)
        return -zmq_errno();
    return 0;
}

static int zeromq_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct zeromq_endpoint *own = endpoint->state;
    int flags = zeromq_flags(own, deadline_ns);
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < n) {
        const struct ipm_span *message = &messages[*out_n];
        if (message->length > own->max_message)
            return -EMSGSIZE;
        if (zmq_send(own->socket, message->data, message->length, flags) >= 0) {
            own->sent++;
            ++*out_n;
            continue;
        }
        int result = zeromq_wait(own, ZMQ_POLLOUT, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

static int zeromq_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct zeromq_endpoint *own = endpoint->state;
    int flags = zeromq_flags(own, deadline_ns);
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < n) {
        struct ipm_span *message = &messages[*out_n];
        /* What a message has too much is cut off, and the result says that it was. */
        int got = zmq_recv(own->socket, message->data, message->length, flags);
        if (got >= 0 && (size_t)got > message->length)
            return -EMSGSIZE;
        if (got >= 0) {
            message->length = (size_t)got;
            ++*out_n;
            ipm_parting_received(own->parting, own->side, ++own->received);
            flags = ZMQ_DONTWAIT; /* the rest only if it is in the queue already */
            continue;
        }
        if (*out_n > 0)
            return 0;
        int result = zeromq_wait(own, ZMQ_POLLIN, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

static void zeromq_stats(const struct ipm_endpoint *endpoint,
                         struct ipm_endpoint_stats *out_stats)
{
    const struct zeromq_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const struct ipm_option zeromq_option_rows[] = {
    {.name = "io_threads",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct zeromq_options, io_threads),
     .fallback = "pinned",
     .choices = io_threads_names,
     .unit = "",
     .help = "the library's threads: on their role's CPU, or on any"},
    {.name = NULL},
};

static const struct ipm_mechanism zeromq = {
    .abi = IPM_PLUGIN_ABI,
    .name = "zeromq",
    .version = 1,
    .family = "message",
    .summary = "ZeroMQ PAIR sockets over ipc://",
    .options = zeromq_option_rows,
    .options_size = sizeof(struct zeromq_options),
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED |
                    IPM_CAP_ALLOCATES | IPM_CAP_THREADS,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 0},
    /* Into the library's message, into the kernel, out of it, out of the message; below
     * 8 KiB there is one more, into the batch that the I/O thread writes. */
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 4,
                               .syncs = IPM_VARIES,
                               .system_calls = IPM_VARIES,
                               .wakeups = IPM_VARIES}}},
    .default_copies = 2,
    .channel_size = sizeof(struct zeromq_channel),
    .endpoint_size = sizeof(struct zeromq_endpoint),
    .probe = zeromq_probe,
    .create = zeromq_create,
    .destroy = zeromq_destroy,
    .attach = zeromq_attach,
    .join = zeromq_join,
    .detach = zeromq_detach,
    .send_n = zeromq_send_n,
    .recv_n = zeromq_recv_n,
    .stats = zeromq_stats,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&zeromq, NULL};
