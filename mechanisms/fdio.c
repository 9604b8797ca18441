/* SPDX-License-Identifier: MIT */
#include "mechanisms/fdio.h"

#include "mechanisms/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum direction { READ, WRITE };

static bool waits_in_kernel(enum ipm_wait wait)
{
    return wait != IPM_WAIT_SPIN && wait != IPM_WAIT_YIELD;
}

void ipm_fdio_init(struct ipm_fdio *io, int fd, bool socket,
                   const struct ipm_channel_config *config)
{
    *io = (struct ipm_fdio){
        .fd_plus_one = fd + 1,
        .socket = socket,
        .wait = config->wait,
        .plain = waits_in_kernel(config->wait),
        .max_message = config->max_message,
    };
}

void ipm_fdio_fini(struct ipm_fdio *io, struct ipm_channel *channel)
{
    if (io->fd_plus_one != 0)
        ipm_channel_drop(channel, io->fd_plus_one - 1);
    io->fd_plus_one = 0;
}

static __attribute__((noinline)) int set_nonblocking(struct ipm_fdio *io,
                                                     bool nonblocking)
{
    int fd = io->fd_plus_one - 1;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    flags = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (fcntl(fd, F_SETFL, flags) != 0)
        return -errno;
    io->nonblocking = nonblocking;
    io->plain = !nonblocking && waits_in_kernel(io->wait);
    return 0;
}

static inline ssize_t move_once(const struct ipm_fdio *io, enum direction direction,
                                unsigned char *at, size_t length, bool nonblocking)
{
    int fd = io->fd_plus_one - 1;
    int flags = MSG_NOSIGNAL | (nonblocking ? MSG_DONTWAIT : 0);
    if (direction == READ)
        return io->socket ? recv(fd, at, length, flags) : read(fd, at, length);
    return io->socket ? send(fd, at, length, flags) : write(fd, at, length);
}

/* After EAGAIN: 0 try again; IPM_AGAIN; -errno. */
static int wait_ready(struct ipm_fdio *io, enum direction direction, uint32_t *turns,
                      int64_t deadline_ns)
{
    if (!waits_in_kernel(io->wait))
        return ipm_wait_turn(io->wait, turns, deadline_ns);
    if (deadline_ns == 0 || ipm_now_ns() >= deadline_ns)
        return IPM_AGAIN;
    struct pollfd entry = {
        .fd = io->fd_plus_one - 1,
        .events = direction == READ ? POLLIN : POLLOUT,
    };
    io->stats.sleeps++;
    /* Whatever poll() says, the caller tries once more: a socket with little room takes a
     * message long before it polls writable. */
    if (poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns)) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/* After an attempt that moved @moved bytes: moves the rest of the message. */
static __attribute__((noinline)) int carry_on(struct ipm_fdio *io,
                                              enum direction direction, void *data,
                                              size_t length, size_t *done,
                                              ssize_t moved, int64_t deadline_ns)
{
    bool nonblocking = !waits_in_kernel(io->wait) || deadline_ns != IPM_FOREVER;
    uint32_t turns = 0;
    for (;;) {
        if (moved > 0) {
            io->stats.partial += *done == 0 && (size_t)moved < length;
            *done += (size_t)moved;
            if (*done == length) {
                *done = 0;
                return 0;
            }
        } else if (moved == 0 || errno == EPIPE || errno == ECONNRESET ||
                   errno == io->hangup) {
            return IPM_CLOSED;
        } else if (errno == EAGAIN) {
            int result = wait_ready(io, direction, &turns, deadline_ns);
            if (result != 0)
                return result;
        } else if (errno != EINTR) {
            return -errno;
        }
        moved = move_once(io, direction, (unsigned char *)data + *done, length - *done,
                          nonblocking);
    }
}

static __attribute__((noinline)) int transfer(struct ipm_fdio *io,
                                              enum direction direction, void *data,
                                              size_t length, size_t *done,
                                              int64_t deadline_ns)
{
    bool nonblocking = !waits_in_kernel(io->wait) || deadline_ns != IPM_FOREVER;
    if (nonblocking != io->nonblocking && !io->socket) {
        int error = set_nonblocking(io, nonblocking);
        if (error != 0)
            return error;
    }
    if (length == 0)
        return 0;
    ssize_t moved = move_once(io, direction, (unsigned char *)data + *done,
                              length - *done, nonblocking);
    return carry_on(io, direction, data, length, done, moved, deadline_ns);
}

/*
 * One message.  Hot where nothing is in hand and one call that blocks moves it whole: kept
 * in line, for after a switch of processes the CPU has forgotten where calls return to, and
 * each further one between here and the workload is a wrong guess.
 */
static inline __attribute__((always_inline)) int
move_whole(struct ipm_fdio *io, enum direction direction, void *data, size_t length,
           size_t *in_hand, int64_t deadline_ns)
{
    if (!io->plain || *in_hand != 0 || deadline_ns != IPM_FOREVER || length == 0)
        return transfer(io, direction, data, length, in_hand, deadline_ns);
    ssize_t moved = move_once(io, direction, data, length, false);
    if (__builtin_expect(moved == (ssize_t)length, 1))
        return 0;
    return carry_on(io, direction, data, length, in_hand, moved, deadline_ns);
}

int ipm_fdio_send(struct ipm_fdio *io, const void *data, size_t length,
                  int64_t deadline_ns)
{
    /* Only read from: move_whole() is one function for both directions. */
    return move_whole(io, WRITE, (void *)(uintptr_t)data, length, &io->sent,
                      deadline_ns);
}

int ipm_fdio_recv(struct ipm_fdio *io, void *data, size_t length, int64_t deadline_ns)
{
    return move_whole(io, READ, data, length, &io->received, deadline_ns);
}

static inline bool in_range(const struct ipm_fdio *io, size_t length)
{
    return length > 0 && length <= io->max_message;
}

int ipm_fdio_send_n(struct ipm_fdio *io, const struct ipm_span *messages, size_t n,
                    int64_t deadline_ns, size_t *out_n)
{
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!in_range(io, messages[i].length))
            return -EMSGSIZE;
        int result = move_whole(io, WRITE, messages[i].data, messages[i].length,
                                &io->sent, deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

int ipm_fdio_recv_n(struct ipm_fdio *io, struct ipm_span *messages, size_t n,
                    int64_t deadline_ns, size_t *out_n)
{
    (void)n;
    *out_n = 0;
    if (!in_range(io, messages[0].length))
        return -EMSGSIZE;
    int result = move_whole(io, READ, messages[0].data, messages[0].length,
                            &io->received, deadline_ns);
    if (result == 0)
        *out_n = 1;
    return result;
}
