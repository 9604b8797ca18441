/* SPDX-License-Identifier: MIT */
/*
 * faulty: a mechanism that misbehaves on purpose, as a plug-in - a socket pair that, after
 * a given number of messages sent by side B or at a given hook, does what `fault` says.
 * `faulty_broker` is the same with a helper, a shell, that it does not need; side B can make
 * it end through a FIFO.
 * The tests of the worker's failure paths load it the way a user's plug-in is loaded.
 */
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault {
    FAULT_NONE,
    FAULT_CREATE,  /* create() fails */
    FAULT_ATTACH,  /* attach() fails at side B */
    FAULT_JOIN,    /* join() fails at side B */
    FAULT_ERROR,   /* send_n() returns -EIO */
    FAULT_EXIT,    /* the role exits with status 3 */
    FAULT_KILL,    /* the role kills itself */
    FAULT_HANG,    /* the role sleeps for ever */
    FAULT_CORRUPT, /* one byte of the payload is turned over */
    FAULT_CLOSE,   /* side B closes its end */
    FAULT_ABSENT,  /* the helper is not installed */
    FAULT_EARLY,   /* the helper ends before it is ready */
    FAULT_MUTE,    /* the helper never says that it is ready */
    FAULT_DIES,    /* the helper exits with status 4 */
};

static const char *const fault_names[] = {
    "none",    "create", "attach", "join",  "error", "exit", "kill", "hang",
    "corrupt", "close",  "absent", "early", "mute",  "dies", NULL};

struct faulty_options {
    int64_t fault;
    int64_t after; /* messages that side B sends well */
};

struct faulty_channel {
    int fds[IPM_SIDES];
    char fifo[160]; /* of the broker; "": none */
};

struct faulty_endpoint {
    int fd;
    int64_t sent;
};

static int faulty_create(struct ipm_channel *channel, struct ipm_why *why)
{
    const struct faulty_options *options = channel->config.options;
    struct faulty_channel *state = channel->state;
    int fds[2];
    if (options->fault == FAULT_CREATE)
        return ipm_why_set(why, -ENOSPC, "planted: no room: ");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair: ");
    for (int side = 0; side < IPM_SIDES; side++) {
        ipm_channel_own(channel, fds[side], IPM_OWNER(side));
        state->fds[side] = fds[side];
    }
    channel->capacity = (struct ipm_capacity){IPM_VARIES, IPM_VARIES};
    return 0;
}

static int broker_create(struct ipm_channel *channel, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &channel->config;
    struct faulty_channel *state = channel->state;
    (void)snprintf(state->fifo, sizeof(state->fifo), "%s/faulty-%s",
                   config->directory[0] == '\0' ? "/tmp" : config->directory,
                   config->token);
    if (mkfifo(state->fifo, 0600) != 0)
        return ipm_why_set(why, -errno, "mkfifo: ");
    return faulty_create(channel, why);
}

static int broker_helper(const struct ipm_channel *channel,
                         struct ipm_helper *out_helper, struct ipm_why *why)
{
    const struct faulty_options *options = channel->config.options;
    const struct faulty_channel *state = channel->state;
    const char *script = "echo 'so far'; echo it is ready; read _ <\"$0\"; exit 4";
    (void)why;
    if (options->fault == FAULT_EARLY)
        script = "echo out of luck >&2; exit 5";
    if (options->fault == FAULT_MUTE)
        script = "echo 'not yet'; exec sleep 1000";
    const char *shell = options->fault == FAULT_ABSENT ? "no-such-broker" : "sh";
    (void)snprintf(out_helper->text, sizeof(out_helper->text), "%s", state->fifo);
    const char *const argv[] = {shell, "-c", script, out_helper->text, NULL};
    memcpy(out_helper->argv, argv, sizeof(argv));
    out_helper->ready = "is ready";
    return 0;
}

static int end_helper(const struct faulty_channel *channel)
{
    int fd = open(channel->fifo, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "\n", 1) != 1)
        return -errno;
    return close(fd) == 0 ? 0 : -errno;
}

static void faulty_destroy(struct ipm_channel *channel)
{
    struct faulty_channel *state = channel->state;
    if (state->fifo[0] != '\0')
        (void)unlink(state->fifo);
    ipm_channel_close(channel);
}

static bool strikes(const struct ipm_endpoint *endpoint, enum fault fault)
{
    const struct faulty_options *options = endpoint->channel->config.options;
    return endpoint->side == IPM_SIDE_B && options->fault == (int64_t)fault;
}

static int faulty_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct faulty_channel *channel = endpoint->channel->state;
    struct faulty_endpoint *state = endpoint->state;
    state->fd = channel->fds[endpoint->side];
    return strikes(endpoint, FAULT_ATTACH) ? ipm_why_set(why, -EPERM, "planted: ") : 0;
}

static int faulty_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    return strikes(endpoint, FAULT_JOIN) ? ipm_why_set(why, -EPERM, "planted: ") : 0;
}

static void faulty_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

static int misbehave(struct ipm_endpoint *endpoint, unsigned char *copy)
{
    const struct faulty_options *options = endpoint->channel->config.options;
    struct faulty_endpoint *state = endpoint->state;
    switch ((enum fault)options->fault) {
    case FAULT_ERROR:
        return -EIO;
    case FAULT_EXIT:
        _exit(3);
    case FAULT_KILL:
        (void)raise(SIGKILL);
        break;
    case FAULT_HANG:
        for (;;)
            (void)pause();
    case FAULT_CORRUPT:
        copy[0] = (unsigned char)~copy[0];
        break;
    case FAULT_CLOSE:
        (void)shutdown(state->fd, SHUT_RDWR);
        break;
    case FAULT_DIES:
        return end_helper(endpoint->channel->state);
    default:
        break;
    }
    return 0;
}

static int faulty_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    const struct faulty_options *options = endpoint->channel->config.options;
    struct faulty_endpoint *state = endpoint->state;
    unsigned char copy[4096];
    (void)deadline_ns;
    for (*out_n = 0; *out_n < n; ++*out_n) {
        const struct ipm_span *message = &messages[*out_n];
        if (message->length > sizeof(copy))
            return -EMSGSIZE;
        memcpy(copy, message->data, message->length);
        if (endpoint->side == IPM_SIDE_B && state->sent++ == options->after) {
            int error = misbehave(endpoint, copy);
            if (error != 0)
                return error;
        }
        if (send(state->fd, copy, message->length, MSG_NOSIGNAL) < 0)
            return errno == EPIPE ? IPM_CLOSED : -errno;
    }
    return 0;
}

static int faulty_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    const struct faulty_endpoint *state = endpoint->state;
    (void)n;
    (void)deadline_ns;
    *out_n = 0;
    ssize_t got = recv(state->fd, messages[0].data, messages[0].length, 0);
    if (got <= 0)
        return got == 0 ? IPM_CLOSED : -errno;
    messages[0].length = (size_t)got;
    *out_n = 1;
    return 0;
}

#define OPTION(field) IPM_OPTION_FIELD(struct faulty_options, field)

static const struct ipm_option faulty_option_rows[] = {
    {.name = "fault",
     .type = IPM_OPTION_CHOICE,
     .offset = OPTION(fault),
     .fallback = "none",
     .choices = fault_names,
     .unit = "",
     .help = "what goes wrong"},
    {.name = "after",
     .type = IPM_OPTION_INTEGER,
     .offset = OPTION(after),
     .fallback = "0",
     .min = 0,
     .max = INT64_C(1) << 40,
     .unit = "messages",
     .help = "replies that go well before it"},
    {.name = NULL},
};

#define FAULTY_COMMON                                                                  \
    .abi = IPM_PLUGIN_ABI, .version = 1, .family = "test",                             \
    .options = faulty_option_rows, .options_size = sizeof(struct faulty_options),      \
    .waits = IPM_WAIT_BIT(IPM_WAIT_BLOCK),                                             \
    .limits = {.min_length = 1, .max_length = 4096},                                   \
    .modes = {[2] = {.supported = true,                                                \
                     .facts = {.copies = 2, .syncs = 2, .system_calls = 2}}},          \
    .default_copies = 2, .channel_size = sizeof(struct faulty_channel),                \
    .endpoint_size = sizeof(struct faulty_endpoint), .destroy = faulty_destroy,        \
    .attach = faulty_attach, .join = faulty_join, .detach = faulty_detach,             \
    .send_n = faulty_send_n, .recv_n = faulty_recv_n

static const struct ipm_mechanism faulty = {
    FAULTY_COMMON,
    .name = "faulty",
    .summary = "misbehaves on purpose",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX,
    .create = faulty_create,
};

static const struct ipm_mechanism faulty_broker = {
    FAULTY_COMMON,
    .name = "faulty_broker",
    .summary = "misbehaves on purpose, or its helper does",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_BROKER,
    .create = broker_create,
    .helper = broker_helper,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&faulty, &faulty_broker,
                                                             NULL};
