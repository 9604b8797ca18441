/* SPDX-License-Identifier: MIT */
/*
 * dbus: method calls by sd-bus through a dbus-daemon of our own.
 *
 * create() writes the daemon's configuration; the worker starts it as the helper.  Both ends
 * connect in attach() and own a name that both know, so that nothing is left to tell.  A
 * message is a call that wants no reply, with one array of bytes.
 *
 * Traps: the daemon has no flow control for such calls - beyond its limits it drops or
 * disconnects - so a window of `depth` messages stands above it: the receiver gives credits
 * back by the half window, each time one more call.  A call's return value tells that the
 * library has it: only a flush says that the kernel has, and it may sleep whatever the wait
 * strategy.  The daemon's socket is open to everybody who may see it; EXTERNAL lets in its
 * own user alone.  A peer's death shows only as silence.
 */
#include "base/cleanup.h"
#include "base/process.h"
#include "mechanisms/helper.h"
#include "mechanisms/modules/library.h"
#include "mechanisms/wait.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

enum {
    LOCK_STEP_WINDOW = 64,              /* messages: a credit is rare then */
    MOST_IN_WINDOW = 1 << 16,           /* messages */
    LARGEST_MESSAGE = 64 << 20,         /* bytes: of an array, by the specification */
    LARGEST_DAEMON_MESSAGE = 128 << 20, /* bytes: the daemon takes no more either */
};

static const char *const dbus_names[IPM_SIDES] = {"ipcmeter.a", "ipcmeter.b"};
static const char dbus_object[] = "/m";
static const char dbus_data[] = "D";
static const char dbus_credit[] = "C";

/* Its own user alone may connect: that is the default where no policy names users. */
static const char configuration[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
    "1.0//EN\"\n"
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig>\n"
    "  <listen>unix:path=%s</listen>\n"
    "  <auth>EXTERNAL</auth>\n"
    "  <policy context=\"default\">\n"
    "    <allow send_destination=\"*\"/>\n"
    "    <allow receive_type=\"method_call\"/>\n"
    "    <allow receive_sender=\"org.freedesktop.DBus\"/>\n"
    "    <allow own_prefix=\"ipcmeter\"/>\n"
    "  </policy>\n"
    "  <limit name=\"max_message_size\">%d</limit>\n"
    "  <limit name=\"max_incoming_bytes\">2000000000</limit>\n"
    "  <limit name=\"max_outgoing_bytes\">2000000000</limit>\n"
    "</busconfig>\n";

struct dbus_channel {
    char socket[IPM_IPC_PATH];
    char configuration[IPM_IPC_PATH];
};

struct dbus_endpoint {
    sd_bus *bus;
    const char *peer;
    enum ipm_wait wait;
    size_t max_message;
    size_t window;
    size_t credits;          /* messages that may be sent */
    size_t owed;             /* messages received and not given back */
    sd_bus_message **queued; /* received while waiting for a credit: a ring of window */
    size_t first, n_queued;
    struct ipm_endpoint_stats stats;
};

static int dbus_probe(struct ipm_why *why)
{
    sd_bus *bus = NULL;
    int error = ipm_helper_find("dbus-daemon", "dbus", why);
    if (error == 0 && (error = sd_bus_new(&bus)) < 0)
        return ipm_why_set(why, error, "sd_bus_new: ");
    (void)sd_bus_unref(bus);
    return error;
}

static size_t dbus_window(const struct ipm_channel_config *config)
{
    size_t window = config->depth == 0 ? LOCK_STEP_WINDOW : config->depth;
    window = window > config->batch ? window : config->batch;
    return window < MOST_IN_WINDOW ? window : MOST_IN_WINDOW;
}

static int dbus_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct dbus_channel *state = channel->state;
    char text[sizeof(configuration) + IPM_IPC_PATH + 32];
    int error = ipm_ipc_path(channel, "bus", state->socket, why);
    if (error != 0)
        return error;
    channel->capacity =
        (struct ipm_capacity){IPM_VARIES, (int64_t)dbus_window(&channel->config)};
    char path[IPM_IPC_PATH];
    error = ipm_ipc_path(channel, "conf", path, why);
    if (error != 0)
        return error;
    ipm_auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ipm_why_set(why, -errno, "create %s: ", path);
    memcpy(state->configuration, path, sizeof(path));
    (void)snprintf(text, sizeof(text), configuration, state->socket,
                   LARGEST_DAEMON_MESSAGE);
    error = ipm_write_all(fd, text, strlen(text));
    return error == 0 ? 0 : ipm_why_set(why, error, "write %s: ", path);
}

static void dbus_destroy(struct ipm_channel *channel)
{
    struct dbus_channel *state = channel->state;
    if (state->configuration[0] != '\0')
        (void)unlink(state->configuration);
    if (state->socket[0] != '\0')
        (void)unlink(state->socket);
    ipm_channel_close(channel);
}

static int dbus_helper(const struct ipm_channel *channel, struct ipm_helper *out_helper,
                       struct ipm_why *why)
{
    const struct dbus_channel *state = channel->state;
    (void)why;
    (void)snprintf(out_helper->text, sizeof(out_helper->text), "--config-file=%s",
                   state->configuration);
    const char *const argv[] = {"dbus-daemon",    "--nofork",        "--nopidfile",
                                out_helper->text, "--print-address", NULL};
    memcpy(out_helper->argv, argv, sizeof(argv));
    out_helper->ready = "unix:path=";
    return 0;
}

static int dbus_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &endpoint->channel->config;
    const struct dbus_channel *state = endpoint->channel->state;
    struct dbus_endpoint *own = endpoint->state;
    char address[IPM_IPC_PATH + 16];
    own->peer = dbus_names[endpoint->side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A];
    own->wait = config->wait;
    own->max_message = config->max_message;
    own->window = own->credits = dbus_window(config);
    own->queued = calloc(own->window, sizeof(sd_bus_message *));
    if (own->queued == NULL)
        return ipm_why_set(why, -ENOMEM, "a queue of %zu messages: ", own->window);
    (void)snprintf(address, sizeof(address), "unix:path=%s", state->socket);
    int error = sd_bus_new(&own->bus);
    if (error >= 0)
        error = sd_bus_set_address(own->bus, address);
    if (error >= 0)
        error = sd_bus_set_bus_client(own->bus, 1);
    if (error >= 0)
        error = sd_bus_start(own->bus);
    if (error >= 0)
        error = sd_bus_request_name(own->bus, dbus_names[endpoint->side], 0);
    return error < 0 ? ipm_why_set(why, error, "connect to the bus: ") : 0;
}

static sd_bus_message *dbus_take(struct dbus_endpoint *own)
{
    sd_bus_message *message = own->queued[own->first];
    own->first = (own->first + 1) % own->window;
    own->n_queued--;
    return message;
}

static void dbus_detach(struct ipm_endpoint *endpoint)
{
    struct dbus_endpoint *own = endpoint->state;
    while (own->n_queued > 0)
        (void)sd_bus_message_unref(dbus_take(own));
    own->bus = sd_bus_close_unref(own->bus);
    free(own->queued);
    own->queued = NULL;
}

/* The library's errors: a bus that is gone is a channel that is closed. */
static int dbus_error(int error)
{
    switch (error) {
    case -ENOTCONN:
    case -ECONNRESET:
    case -EPIPE:
    case -ESHUTDOWN:
        return IPM_CLOSED;
    default:
        return error;
    }
}

/* Sorts one message that came: data into the queue, credits to the others. */
static int dbus_sort(struct dbus_endpoint *own, sd_bus_message *message)
{
    uint32_t credits = 0;
    if (sd_bus_message_is_method_call(message, NULL, dbus_data) > 0) {
        if (own->n_queued == own->window)
            return -EPROTO; /* more than the window that we gave */
        own->queued[(own->first + own->n_queued++) % own->window] =
            sd_bus_message_ref(message);
    } else if (sd_bus_message_is_method_call(message, NULL, dbus_credit) > 0) {
        if (sd_bus_message_read(message, "u", &credits) < 0 ||
            credits > own->window - own->credits)
            return -EPROTO;
        own->credits += credits;
    }
    return 0; /* whatever else the bus has to say */
}

/* Takes in what has come, as far as one step goes: 1 something; 0 nothing is there. */
static int dbus_step(struct dbus_endpoint *own)
{
    sd_bus_message *message = NULL;
    int result = sd_bus_process(own->bus, &message);
    if (result > 0 && message != NULL) {
        int error = dbus_sort(own, message);
        result = error != 0 ? error : result;
    }
    (void)sd_bus_message_unref(message);
    return result;
}

/* One step, or a wait for something to come: 0 look again; IPM_AGAIN; IPM_CLOSED; -errno. */
static int dbus_wait(struct dbus_endpoint *own, uint32_t *turns, int64_t deadline_ns)
{
    int result = dbus_step(own);
    if (result < 0)
        return dbus_error(result);
    if (result > 0)
        return 0;
    if (own->wait == IPM_WAIT_SPIN || own->wait == IPM_WAIT_YIELD)
        return ipm_wait_turn(own->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    int events = sd_bus_get_events(own->bus);
    if (events < 0)
        return dbus_error(events);
    struct pollfd entry = {.fd = sd_bus_get_fd(own->bus), .events = (short)events};
    own->stats.sleeps++;
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

static int dbus_call(struct dbus_endpoint *own, const char *member,
                     sd_bus_message **out_message)
{
    int error = sd_bus_message_new_method_call(own->bus, out_message, own->peer,
                                               dbus_object, NULL, member);
    return error < 0 ? error : sd_bus_message_set_expect_reply(*out_message, 0);
}

static int dbus_send_one(struct dbus_endpoint *own, const struct ipm_span *span)
{
    sd_bus_message *message = NULL;
    int error = dbus_call(own, dbus_data, &message);
    if (error >= 0)
        error = sd_bus_message_append_array(message, 'y', span->data, span->length);
    if (error >= 0)
        error = sd_bus_send(own->bus, message, NULL);
    (void)sd_bus_message_unref(message);
    return error < 0 ? dbus_error(error) : 0;
}

static int dbus_give_back(struct dbus_endpoint *own)
{
    sd_bus_message *message = NULL;
    int error = dbus_call(own, dbus_credit, &message);
    if (error >= 0)
        error = sd_bus_message_append(message, "u", (uint32_t)own->owed);
    if (error >= 0)
        error = sd_bus_send(own->bus, message, NULL);
    if (error >= 0)
        error = sd_bus_flush(own->bus);
    (void)sd_bus_message_unref(message);
    own->owed = 0;
    return error < 0 ? dbus_error(error) : 0;
}

static int dbus_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct dbus_endpoint *own = endpoint->state;
    uint32_t turns = 0;
    int result = 0;
    *out_n = 0;
    while (result == 0 && *out_n < n) {
        if (messages[*out_n].length > own->max_message) {
            result = -EMSGSIZE;
        } else if (own->credits == 0) {
            result = dbus_wait(own, &turns, deadline_ns);
        } else {
            result = dbus_send_one(own, &messages[*out_n]);
            own->credits -= result == 0;
            *out_n += result == 0;
        }
    }
    int flushed = sd_bus_flush(own->bus);
    return flushed < 0 ? dbus_error(flushed) : result;
}

static int dbus_receive_one(struct dbus_endpoint *own, struct ipm_span *span)
{
    sd_bus_message *message = dbus_take(own);
    const void *bytes = NULL;
    size_t length = 0;
    int error = sd_bus_message_read_array(message, 'y', &bytes, &length);
    if (error >= 0 && length > span->length)
        error = -EMSGSIZE;
    if (error >= 0 && length > 0)
        memcpy(span->data, bytes, length);
    span->length = error >= 0 ? length : span->length;
    (void)sd_bus_message_unref(message);
    own->owed++;
    return error < 0 ? error : 0;
}

static int dbus_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                       size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct dbus_endpoint *own = endpoint->state;
    uint32_t turns = 0;
    int result = 0;
    *out_n = 0;
    while (result == 0 && *out_n < n) {
        if (own->n_queued > 0) {
            result = dbus_receive_one(own, &messages[*out_n]);
            *out_n += result == 0;
        } else if (*out_n == 0) {
            result = dbus_wait(own, &turns, deadline_ns);
        } else {
            /* The rest only if it is there already. */
            int step = dbus_step(own);
            if (step <= 0)
                break; /* an error will be back */
        }
    }
    if (result == 0 && own->owed >= (own->window + 1) / 2)
        result = dbus_give_back(own);
    /* What was taken is the caller's, whatever became of the credit. */
    return *out_n > 0 && result == IPM_CLOSED ? 0 : result;
}

static void dbus_stats(const struct ipm_endpoint *endpoint,
                       struct ipm_endpoint_stats *out_stats)
{
    const struct dbus_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

static const struct ipm_mechanism dbus = {
    .abi = IPM_PLUGIN_ABI,
    .name = "dbus",
    .version = 1,
    .family = "message",
    .summary = "D-Bus method calls by sd-bus, private daemon",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED |
                    IPM_CAP_ALLOCATES | IPM_CAP_BROKER,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 0, .max_length = LARGEST_MESSAGE},
    /* Into the library's message, into the kernel, out of it into the daemon, there into a
     * message, into the kernel, out of it, out of the message. */
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 7,
                               .syncs = IPM_VARIES,
                               .system_calls = IPM_VARIES,
                               .wakeups = 2}}},
    .default_copies = 2,
    .channel_size = sizeof(struct dbus_channel),
    .endpoint_size = sizeof(struct dbus_endpoint),
    .probe = dbus_probe,
    .create = dbus_create,
    .destroy = dbus_destroy,
    .helper = dbus_helper,
    .attach = dbus_attach,
    .detach = dbus_detach,
    .send_n = dbus_send_n,
    .recv_n = dbus_recv_n,
    .stats = dbus_stats,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&dbus, NULL};
