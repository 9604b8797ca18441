/* SPDX-License-Identifier: MIT */
/*
 * seccomp_notify: a synchronous call through the kernel's seccomp notifications, the nearest
 * that Linux has to the call of an L4 kernel.
 *
 * Side A, the caller, runs under a filter that hands one system call number, which no kernel
 * knows, to side B.  A's call stops inside that system call; B takes the notification, reads
 * the request, and answers; the answer is the return value.  Requests of up to 32 bytes
 * travel in four registers and replies of up to 7 in the return value; longer ones B copies
 * itself, once, out of and into A's memory (process_vm_readv, process_vm_writev), which
 * cannot change meanwhile: A is stopped.
 *
 * One system call carries both messages, so A's request leaves when A receives the reply:
 * IPM_CAP_CALL.  A's buffers are its caller's again after send_n(), long before; so requests
 * are written into memory that reserve_n() lends, and send_n(), which no mode uses, costs one
 * copy more.
 *
 * A cannot leave a call that has begun: it keeps no deadline but 0, which makes none.  With
 * WAIT_KILLABLE_RECV no signal interrupts a call that B has seen, so none is made twice.
 *
 * The listener is B's alone, passed through a socket pair: its end answers A with ENOSYS.
 * The end of A wakes B in poll(); in NOTIF_RECV itself only since Linux 6.11, so before that
 * B polls first.
 *
 * The filter and no_new_privs stay with A for the rest of its life, and every system call of
 * A passes the filter.  A thread may have one such listener at a time: one call channel per
 * caller.  B needs the right to trace A; where Yama stands, A names B as its tracer.
 */
#include "base/region.h"
#include "mechanisms/seccomp_call.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum sync_wake_up { SYNC_AUTO, SYNC_ON, SYNC_OFF };

struct seccomp_notify_options {
    int64_t sync_wake_up;
};

struct seccomp_notify_channel {
    int sockets_plus_one[IPM_SIDES];
    _Atomic int32_t server; /* process id of side B; 0: not known yet */
};

struct seccomp_notify_endpoint {
    enum ipm_side side;
    size_t max_message;
    unsigned char *lent; /* what reserve_n() lends */
    size_t length;       /* of the message in it */
    unsigned char *room; /* what peek_n() lends */
    struct ipm_span held;
    bool holds;                    /* `held` was received and not consumed */
    bool pending;                  /* A: a request waits for its call */
    struct ipm_call_server server; /* B's */
};

static int seccomp_notify_probe(struct ipm_why *why)
{
    int fd = ipm_call_install(why);
    if (fd < 0)
        return fd;
    (void)close(fd);
    return 0;
}

static int seccomp_notify_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct seccomp_notify_channel *state = channel->state;
    int fds[2];
    if (!channel->config.duplex)
        return ipm_why_set(why, -EOPNOTSUPP, "a call needs the way back, too");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair: ");
    for (int side = 0; side < IPM_SIDES; side++) {
        ipm_channel_own(channel, fds[side], IPM_OWNER(side));
        state->sockets_plus_one[side] = fds[side] + 1;
    }
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)channel->config.max_message, .messages = 1};
    return 0;
}

static void seccomp_notify_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

static int attach_caller(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct seccomp_notify_channel *state = endpoint->channel->state;
    const struct seccomp_notify_options *options = endpoint->channel->config.options;
    int socket = state->sockets_plus_one[IPM_SIDE_A] - 1;
    int listener = ipm_call_install(why);
    if (listener < 0)
        return listener;
    int error =
        options->sync_wake_up == SYNC_OFF ? 0 : ipm_call_wake_up_in_sync(listener);
    if (error != 0 && options->sync_wake_up == SYNC_ON) {
        error =
            ipm_why_set(why, -EOPNOTSUPP, "no synchronous wake-up before Linux 6.6");
    } else {
        error = ipm_call_pass(socket, listener);
        if (error != 0)
            (void)ipm_why_set(why, error, "passing the listener: ");
    }
    (void)close(listener);
    return error;
}

static int attach_server(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct seccomp_notify_channel *state = endpoint->channel->state;
    struct seccomp_notify_endpoint *own = endpoint->state;
    int error = ipm_call_server_init(&own->server, own->max_message, why);
    if (error == 0)
        atomic_store(&state->server, (int32_t)getpid());
    return error;
}

static int seccomp_notify_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    own->side = endpoint->side;
    own->max_message = endpoint->channel->config.max_message;
    /* A short request is read as whole registers. */
    size_t room = own->max_message;
    if (room < IPM_CALL_REQUEST_REGISTERS)
        room = IPM_CALL_REQUEST_REGISTERS;
    own->lent = calloc(1, room);
    own->room = calloc(1, room);
    if (own->lent == NULL || own->room == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for two messages");
    ipm_prefault(own->lent, room);
    ipm_prefault(own->room, room);
    return own->side == IPM_SIDE_A ? attach_caller(endpoint, why)
                                   : attach_server(endpoint, why);
}

static int seccomp_notify_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct seccomp_notify_channel *state = endpoint->channel->state;
    struct seccomp_notify_endpoint *own = endpoint->state;
    int32_t server = atomic_load(&state->server);
    if (own->side == IPM_SIDE_A) {
        /* EINVAL without Yama, where same user and dumpable are enough. */
        if (server > 0)
            (void)prctl(PR_SET_PTRACER, (unsigned long)server, 0, 0, 0);
        return 0;
    }
    int listener = -1;
    int error = ipm_call_take(state->sockets_plus_one[IPM_SIDE_B] - 1, &listener);
    if (error != 0)
        return ipm_why_set(why, error, "taking the listener: ");
    own->server.listener_plus_one = listener + 1;
    return 0;
}

static void seccomp_notify_detach(struct ipm_endpoint *endpoint)
{
    const struct seccomp_notify_channel *state = endpoint->channel->state;
    struct seccomp_notify_endpoint *own = endpoint->state;
    if (state->sockets_plus_one[endpoint->side] != 0 && own->lent != NULL)
        ipm_channel_drop(endpoint->channel,
                         state->sockets_plus_one[endpoint->side] - 1);
    ipm_call_server_fini(&own->server);
    free(own->lent);
    free(own->room);
    own->lent = NULL;
    own->room = NULL;
}

static int seccomp_notify_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                                    struct ipm_span *out_spans, size_t n,
                                    int64_t deadline_ns, size_t *out_n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    (void)n; /* there is one */
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    if (own->pending) /* nobody but this side can make room: by receiving the reply */
        return deadline_ns == IPM_FOREVER ? -EDEADLK : IPM_AGAIN;
    own->length = length;
    out_spans[0] = (struct ipm_span){own->lent, length};
    *out_n = 1;
    return 0;
}

static int seccomp_notify_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    if (n == 0)
        return 0;
    if (own->side == IPM_SIDE_B)
        return ipm_call_answer(&own->server, own->lent, own->length);
    own->pending = true;
    return 0;
}

static int seccomp_notify_send_n(struct ipm_endpoint *endpoint,
                                 const struct ipm_span *messages, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipm_span span;
        size_t lent = 0;
        int result = seccomp_notify_reserve_n(endpoint, messages[i].length, &span, 1,
                                              deadline_ns, &lent);
        if (result != 0)
            return result;
        memcpy(own->lent, messages[i].data, messages[i].length);
        result = seccomp_notify_publish_n(endpoint, 1);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

static int get(struct seccomp_notify_endpoint *own, struct ipm_span *span,
               int64_t deadline_ns)
{
    if (own->side == IPM_SIDE_B)
        return ipm_call_serve(&own->server, span, deadline_ns);
    if (deadline_ns == 0 || (!own->pending && deadline_ns != IPM_FOREVER))
        return IPM_AGAIN;
    if (!own->pending)
        return -EDEADLK; /* nothing was asked */
    int result = ipm_call(own->lent, own->length, span);
    own->pending = result == IPM_CLOSED; /* it stays so: asking again finds that out */
    return result;
}

static int seccomp_notify_recv_n(struct ipm_endpoint *endpoint,
                                 struct ipm_span *messages, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    if (own->holds) {
        if (own->held.length > messages[0].length)
            return -EMSGSIZE;
        memcpy(messages[0].data, own->held.data, own->held.length);
        messages[0].length = own->held.length;
        own->holds = false;
        *out_n = 1;
        return 0;
    }
    int result = get(own, &messages[0], deadline_ns);
    *out_n = result == 0;
    return result;
}

/* A message is copied to where the receiver wants it, so no mode lends it; this makes the
 * loan whole. */
static int seccomp_notify_peek_n(struct ipm_endpoint *endpoint,
                                 struct ipm_span *out_spans, size_t n,
                                 int64_t deadline_ns, size_t *out_n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    if (!own->holds) {
        own->held = (struct ipm_span){own->room, own->max_message};
        int result = get(own, &own->held, deadline_ns);
        if (result != 0)
            return result;
        own->holds = true;
    }
    out_spans[0] = own->held;
    *out_n = 1;
    return 0;
}

static int seccomp_notify_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct seccomp_notify_endpoint *own = endpoint->state;
    own->holds = own->holds && n == 0;
    return 0;
}

static const struct ipm_option seccomp_notify_option_rows[] = {
    {.name = "sync_wake_up",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct seccomp_notify_options, sync_wake_up),
     .fallback = "auto",
     .choices = (const char *const[]){"auto", "on", "off", NULL},
     .unit = "",
     .help = "tell the scheduler that the waker sleeps next; auto: if there is such"},
    {0},
};

const struct ipm_mechanism ipm_mechanism_seccomp_notify = {
    .abi = IPM_PLUGIN_ABI,
    .name = "seccomp_notify",
    .version = 1,
    .family = "call",
    .summary = "one system call carries request and reply",
    .options = seccomp_notify_option_rows,
    .options_size = sizeof(struct seccomp_notify_options),
    .capabilities =
        IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_LOAN | IPM_CAP_EOF | IPM_CAP_CALL,
    .waits = IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = IPM_CALL_LONGEST, .in_flight = 1},
    /* A call in registers takes three system calls, long messages up to four more. */
    .modes = {[1] = {.supported = true,
                     .send_in_place = true,
                     .facts = {.copies = 1,
                               .syncs = 1,
                               .system_calls = IPM_VARIES,
                               .wakeups = 1}}},
    .default_copies = 1,
    .channel_size = sizeof(struct seccomp_notify_channel),
    .endpoint_size = sizeof(struct seccomp_notify_endpoint),
    .probe = seccomp_notify_probe,
    .create = seccomp_notify_create,
    .destroy = seccomp_notify_destroy,
    .attach = seccomp_notify_attach,
    .join = seccomp_notify_join,
    .detach = seccomp_notify_detach,
    .send_n = seccomp_notify_send_n,
    .recv_n = seccomp_notify_recv_n,
    .reserve_n = seccomp_notify_reserve_n,
    .publish_n = seccomp_notify_publish_n,
    .peek_n = seccomp_notify_peek_n,
    .consume_n = seccomp_notify_consume_n,
};
