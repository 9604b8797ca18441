/* SPDX-License-Identifier: MIT */
/*
 * sysv_msg: a System V message queue per direction.
 *
 * msgsnd() and msgrcv() want a `long` right before the payload, which the caller's buffers
 * have no room for.  So the queue works in place on a buffer of its own that begins with
 * that word: reserve_n() and peek_n() lend what lies behind it, and the kernel's two copies
 * are all there are.  send_n() and recv_n() exist for callers that have a buffer already;
 * they cost one copy more each, and no mode uses them.
 *
 * The kernel has no timeout here and nothing to poll: a finite deadline under block is kept
 * by trying and napping in turns (ipm_wait_nap).  IPM_FOREVER sleeps in the call itself.
 *
 * A queue holds msg_qbytes bytes of payload, and as many messages of no length at all.
 * Raising it beyond kernel.msgmnb takes CAP_SYS_RESOURCE; what was granted is read back.
 * A message of up to kernel.msgmax bytes lies in the kernel as a chain of pages.
 *
 * No name (IPC_PRIVATE), but no descriptor either: only IPC_RMID in destroy(), or the end of
 * the IPC namespace, removes a queue.  When the leader is killed outside a namespace of its
 * own, the queues stay.  Removing one wakes whoever sleeps in it: IPM_CLOSED.  The death of
 * a peer alone does not: no EOF.
 */
#include "base/region.h"
#include "mechanisms/longest.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

enum { LARGEST_MESSAGE = 16 << 20 }; /* bytes; the sandbox raises kernel.msgmax to it */

/* A message as the kernel wants it; the payload begins on a line of its own. */
struct sysv_msg_buffer {
    unsigned char padding[IPM_CACHE_LINE - sizeof(long)];
    long type;
    unsigned char data[];
};

struct sysv_msg_channel {
    int ids_plus_one[IPM_SIDES]; /* by the side that sends; 0: none */
};

struct sysv_msg_endpoint {
    int out, in; /* ids; -1: none */
    struct sysv_msg_buffer *sending, *receiving;
    size_t max_message;
    size_t reserved; /* length of the message lent for sending */
    size_t length;   /* of the message held in `receiving` */
    bool holds;      /* one was received and not consumed */
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

/* A new queue of @bytes, or of as much as this process may have; -errno. */
static int queue_make(uint64_t bytes)
{
    struct msqid_ds status;
    int id = msgget(IPC_PRIVATE, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0)
        return -errno;
    int error = msgctl(id, IPC_STAT, &status) != 0 ? -errno : 0;
    msglen_t own_choice = status.msg_qbytes;
    for (status.msg_qbytes = bytes; error == 0 && bytes > 0;) {
        if (msgctl(id, IPC_SET, &status) == 0)
            break;
        if (errno != EPERM || status.msg_qbytes <= own_choice) {
            error = -errno;
        } else {
            uint64_t half = status.msg_qbytes / 2;
            status.msg_qbytes = half > own_choice ? half : own_choice;
        }
    }
    if (error == 0)
        return id;
    (void)msgctl(id, IPC_RMID, NULL);
    return error;
}

/* Tries one message of @bytes, and takes it out again.  0; -errno with the reason. */
static int queue_try(int id, size_t bytes, struct ipm_why *why)
{
    struct sysv_msg_buffer *buffer = calloc(1, sizeof(*buffer) + bytes);
    if (buffer == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for one message");
    buffer->type = 1;
    int error = 0;
    if (msgsnd(id, &buffer->type, bytes, IPC_NOWAIT) != 0)
        error =
            errno == EINVAL
                ? ipm_why_set(why, -EMSGSIZE,
                              "a message of %zu bytes is more than kernel.msgmax",
                              bytes)
            : errno == EAGAIN
                ? ipm_why_set(why, -EMSGSIZE,
                              "a message of %zu bytes is more than a queue may hold "
                              "(kernel.msgmnb)",
                              bytes)
                : ipm_why_set(why, -errno, "msgsnd: ");
    else if (msgrcv(id, &buffer->type, bytes, 0, IPC_NOWAIT) != (ssize_t)bytes)
        error = ipm_why_set(why, -errno, "msgrcv: ");
    free(buffer);
    return error;
}

static int sysv_msg_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct sysv_msg_channel *state = channel->state;
    const struct ipm_channel_config *config = &channel->config;
    uint64_t each = config->max_message > 0 ? config->max_message : 1;
    struct msqid_ds status = {0};
    for (int side = 0; side < (config->duplex ? IPM_SIDES : 1); side++) {
        /* In lock-step what the kernel gives will do, unless a message is larger. */
        int id = queue_make(config->depth * each);
        if (id < 0)
            return ipm_why_set(why, id, "a System V message queue: ");
        state->ids_plus_one[side] = id + 1;
        if (msgctl(id, IPC_STAT, &status) != 0)
            return ipm_why_set(why, -errno, "msgctl(IPC_STAT): ");
        if (status.msg_qbytes < each) {
            status.msg_qbytes = each;
            (void)msgctl(id, IPC_SET, &status); /* the try below says whether it is */
        }
        int error = queue_try(id, config->max_message, why);
        if (error != 0)
            return error;
        if (msgctl(id, IPC_STAT, &status) != 0)
            return ipm_why_set(why, -errno, "msgctl(IPC_STAT): ");
    }
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)status.msg_qbytes,
        .messages = (int64_t)(status.msg_qbytes / each),
    };
    return 0;
}

static void sysv_msg_destroy(struct ipm_channel *channel)
{
    struct sysv_msg_channel *state = channel->state;
    for (int side = 0; side < IPM_SIDES; side++) {
        if (state->ids_plus_one[side] != 0)
            (void)msgctl(state->ids_plus_one[side] - 1, IPC_RMID, NULL);
        state->ids_plus_one[side] = 0;
    }
}

static int sysv_msg_probe(struct ipm_why *why)
{
    int id = queue_make(0);
    if (id < 0)
        return ipm_why_set(why, id, "a System V message queue: ");
    int error = queue_try(id, 1, why);
    (void)msgctl(id, IPC_RMID, NULL);
    return error;
}

static bool fits_here(int64_t bytes)
{
    struct ipm_why why = {0};
    int id = queue_make((uint64_t)bytes);
    if (id < 0)
        return false;
    int error = queue_try(id, (size_t)bytes, &why);
    (void)msgctl(id, IPC_RMID, NULL);
    return error == 0;
}

static void sysv_msg_limits_here(struct ipm_limits *limits)
{
    limits->max_length = ipm_longest(limits->max_length, fits_here);
}

static struct sysv_msg_buffer *buffer_make(size_t bytes)
{
    struct sysv_msg_buffer *buffer = NULL;
    size_t size = sizeof(*buffer) + bytes;
    if (posix_memalign((void **)&buffer, IPM_CACHE_LINE, size) != 0)
        return NULL;
    memset(buffer, 0, size);
    buffer->type = 1; /* any positive number: all messages of a queue are alike */
    return buffer;
}

static int sysv_msg_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct sysv_msg_channel *state = endpoint->channel->state;
    struct sysv_msg_endpoint *own = endpoint->state;
    own->out = state->ids_plus_one[endpoint->side] - 1;
    own->in = state->ids_plus_one[endpoint->side == IPM_SIDE_A] - 1;
    own->wait = endpoint->channel->config.wait;
    own->max_message = endpoint->channel->config.max_message;
    own->sending = buffer_make(own->max_message);
    own->receiving = buffer_make(own->max_message);
    if (own->sending == NULL || own->receiving == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for two messages");
    return 0;
}

static void sysv_msg_detach(struct ipm_endpoint *endpoint)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    free(own->sending);
    free(own->receiving);
    own->sending = own->receiving = NULL;
}

/* IPC_NOWAIT where the call must not sleep. */
static int flags_of(const struct sysv_msg_endpoint *own, int64_t deadline_ns)
{
    bool sleeps = own->wait == IPM_WAIT_BLOCK && deadline_ns == IPM_FOREVER;
    return sleeps ? 0 : IPC_NOWAIT;
}

/* After a failed call: 0 try again; IPM_AGAIN; IPM_CLOSED; -errno. */
static int failed(struct sysv_msg_endpoint *own, uint32_t *turns, int64_t deadline_ns)
{
    if (errno == EINTR)
        return 0;
    if (errno == EIDRM)
        return IPM_CLOSED;
    if (errno != EAGAIN && errno != ENOMSG)
        return -errno;
    return ipm_wait_nap(own->wait, turns, deadline_ns, &own->stats);
}

/* Sends what lies in the buffer. */
static int put(struct sysv_msg_endpoint *own, size_t length, int64_t deadline_ns)
{
    uint32_t turns = 0;
    int flags = flags_of(own, deadline_ns);
    while (msgsnd(own->out, &own->sending->type, length, flags) != 0) {
        int result = failed(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Has a message in the buffer. */
static int get(struct sysv_msg_endpoint *own, int64_t deadline_ns)
{
    uint32_t turns = 0;
    int flags = flags_of(own, deadline_ns);
    while (!own->holds) {
        ssize_t got =
            msgrcv(own->in, &own->receiving->type, own->max_message, 0, flags);
        if (got >= 0) {
            own->length = (size_t)got;
            own->holds = true;
            break;
        }
        int result = failed(own, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
    return 0;
}

/*
 * The room for a message is ours whether or not the queue has any: the waiting is
 * publish_n()'s, which has no deadline.  So reserve_n() waits until the queue would take it,
 * by looking, when the deadline is finite.
 */
static int sysv_msg_reserve_n(struct ipm_endpoint *endpoint, size_t length,
                              struct ipm_span *out_spans, size_t n, int64_t deadline_ns,
                              size_t *out_n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    (void)n; /* there is one buffer */
    *out_n = 0;
    if (length > own->max_message)
        return -EMSGSIZE;
    uint32_t turns = 0;
    while (deadline_ns != IPM_FOREVER) {
        struct msqid_ds status;
        if (msgctl(own->out, IPC_STAT, &status) != 0)
            return errno == EIDRM || errno == EINVAL ? IPM_CLOSED : -errno;
        /* Only this side adds to the queue: room that is there stays. */
        if (length + status.__msg_cbytes <= status.msg_qbytes &&
            status.msg_qnum < status.msg_qbytes)
            break;
        int result = ipm_wait_nap(own->wait, &turns, deadline_ns, &own->stats);
        if (result != 0)
            return result;
    }
    own->reserved = length;
    out_spans[0] = (struct ipm_span){own->sending->data, length};
    *out_n = 1;
    return 0;
}

static int sysv_msg_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    return n == 0 ? 0 : put(own, own->reserved, IPM_FOREVER);
}

static int sysv_msg_peek_n(struct ipm_endpoint *endpoint, struct ipm_span *out_spans,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    int result = get(own, deadline_ns);
    if (result != 0)
        return result;
    out_spans[0] = (struct ipm_span){own->receiving->data, own->length};
    *out_n = 1;
    return 0;
}

static int sysv_msg_consume_n(struct ipm_endpoint *endpoint, size_t n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    own->holds = own->holds && n == 0;
    return 0;
}

static int sysv_msg_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length > own->max_message)
            return -EMSGSIZE;
        memcpy(own->sending->data, messages[i].data, messages[i].length);
        int result = put(own, messages[i].length, deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

static int sysv_msg_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct sysv_msg_endpoint *own = endpoint->state;
    (void)n;
    *out_n = 0;
    int result = get(own, deadline_ns);
    if (result != 0)
        return result;
    if (own->length > messages[0].length)
        return -EMSGSIZE;
    memcpy(messages[0].data, own->receiving->data, own->length);
    messages[0].length = own->length;
    own->holds = false;
    *out_n = 1;
    return 0;
}

static void sysv_msg_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct sysv_msg_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_sysv_msg = {
    .abi = IPM_PLUGIN_ABI,
    .name = "sysv_msg",
    .version = 1,
    .family = "message",
    .summary = "System V message queues, one per direction",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_LOAN | IPM_CAP_TIMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.max_length = LARGEST_MESSAGE},
    .modes =
        {[2] = {.supported = true,
                .send_in_place = true,
                .receive_in_place = true,
                .facts = {.copies = 2, .syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct sysv_msg_channel),
    .endpoint_size = sizeof(struct sysv_msg_endpoint),
    .probe = sysv_msg_probe,
    .limits_here = sysv_msg_limits_here,
    .create = sysv_msg_create,
    .destroy = sysv_msg_destroy,
    .attach = sysv_msg_attach,
    .detach = sysv_msg_detach,
    .send_n = sysv_msg_send_n,
    .recv_n = sysv_msg_recv_n,
    .reserve_n = sysv_msg_reserve_n,
    .publish_n = sysv_msg_publish_n,
    .peek_n = sysv_msg_peek_n,
    .consume_n = sysv_msg_consume_n,
    .stats = sysv_msg_stats,
};
