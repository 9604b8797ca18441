/* SPDX-License-Identifier: MIT */
/*
 * signalfd: real-time signals (mechanisms/rtsig.h), read from a descriptor.
 *
 * One read takes as many signals as are queued and fit, 128 bytes each, so a receiver that
 * asks for several tokens gets them for one system call.  None is kept back: poll() on the
 * descriptor tells the truth about the peer's tokens.  (A stranger's signal makes it
 * readable, too, and is then thrown away.)
 */
#include "mechanisms/rtsig.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { AT_ONCE = 16 }; /* signals per read */

struct signalfd_endpoint {
    struct ipm_rtsig rtsig;
    int fd_plus_one;
};

static int signalfd_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct signalfd_endpoint *own = endpoint->state;
    int error = ipm_rtsig_attach(&own->rtsig, endpoint, why);
    if (error != 0)
        return error;
    bool sleeps = own->rtsig.wait == IPM_WAIT_BLOCK;
    int fd = signalfd(-1, &own->rtsig.in, SFD_CLOEXEC | (sleeps ? 0 : SFD_NONBLOCK));
    if (fd < 0)
        return ipm_why_set(why, -errno, "signalfd: ");
    own->fd_plus_one = fd + 1;
    return 0;
}

static int signalfd_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct signalfd_endpoint *own = endpoint->state;
    return ipm_rtsig_join(&own->rtsig, endpoint, why);
}

static void signalfd_detach(struct ipm_endpoint *endpoint)
{
    struct signalfd_endpoint *own = endpoint->state;
    if (own->fd_plus_one != 0)
        (void)close(own->fd_plus_one - 1);
    own->fd_plus_one = 0;
    ipm_rtsig_detach(&own->rtsig);
}

static int signalfd_probe(struct ipm_why *why)
{
    sigset_t none;
    (void)sigemptyset(&none);
    int fd = signalfd(-1, &none, SFD_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "signalfd: ");
    (void)close(fd);
    return ipm_rtsig_probe(why);
}

/* After a read that found nothing, or before one that must not sleep. */
static int signalfd_poll(struct signalfd_endpoint *own, int64_t deadline_ns)
{
    struct pollfd entry = {.fd = own->fd_plus_one - 1, .events = POLLIN};
    own->rtsig.stats.sleeps += deadline_ns != 0;
    for (;;) {
        int ready = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ipm_now_ns() >= deadline_ns)
            return IPM_AGAIN;
    }
}

/* Counts the peer's tokens among @n signals. */
static int accept_all(struct signalfd_endpoint *own,
                      const struct signalfd_siginfo *signals, size_t n,
                      size_t *out_tokens)
{
    *out_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        int result = ipm_rtsig_accept(&own->rtsig, signals[i].ssi_code,
                                      (pid_t)signals[i].ssi_pid, signals[i].ssi_int);
        if (result < 0)
            return result;
        *out_tokens += result == 0;
    }
    return 0;
}

static int signalfd_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct signalfd_endpoint *own = endpoint->state;
    struct signalfd_siginfo signals[AT_ONCE];
    size_t room = (n < AT_ONCE ? n : AT_ONCE) * sizeof(signals[0]);
    bool sleeps = own->rtsig.wait == IPM_WAIT_BLOCK;
    uint32_t turns = 0;
    *out_n = 0;
    for (;;) {
        bool polls = sleeps && deadline_ns != IPM_FOREVER;
        int result = polls ? signalfd_poll(own, deadline_ns) : 0;
        if (result != 0)
            return result;
        ssize_t got = read(own->fd_plus_one - 1, signals, room);
        if (got > 0) {
            result = accept_all(own, signals, (size_t)got / sizeof(signals[0]), out_n);
            if (result < 0 || *out_n > 0) {
                ipm_token_taken(messages, *out_n);
                return result;
            }
        } else if (got == 0) {
            return -EPROTO;
        } else if (errno == EAGAIN) {
            result = ipm_wait_turn(own->rtsig.wait, &turns, deadline_ns);
            if (result != 0)
                return result;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int signalfd_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct signalfd_endpoint *own = endpoint->state;
    return ipm_rtsig_send_n(&own->rtsig, messages, n, deadline_ns, out_n);
}

static int signalfd_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct signalfd_endpoint *own = endpoint->state;
    return own->fd_plus_one - 1;
}

static void signalfd_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct signalfd_endpoint *own = endpoint->state;
    *out_stats = own->rtsig.stats;
}

const struct ipm_mechanism ipm_mechanism_signalfd = {
    .abi = IPM_PLUGIN_ABI,
    .name = "signalfd",
    .version = 1,
    .family = "token",
    .summary = "queued real-time signals, read from a descriptor",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_POLLFD | IPM_CAP_TIMED |
                    IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true,
                     .facts = {.syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct ipm_rtsig_channel),
    .endpoint_size = sizeof(struct signalfd_endpoint),
    .probe = signalfd_probe,
    .create = ipm_rtsig_create,
    .destroy = ipm_rtsig_destroy,
    .attach = signalfd_attach,
    .join = signalfd_join,
    .detach = signalfd_detach,
    .send_n = signalfd_send_n,
    .recv_n = signalfd_recv_n,
    .wait_fd = signalfd_wait_fd,
    .stats = signalfd_stats,
};
