/* SPDX-License-Identifier: MIT */
#include "mechanisms/sync.h"

#include "base/clock.h"
#include "mechanisms/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct kind {
    int (*create)(struct ipm_sync_channel *sync, enum ipm_side side,
                  struct ipm_channel *channel, struct ipm_why *why);
    int (*sleep)(struct ipm_sync *own, int64_t deadline_ns);
    void (*wake)(struct ipm_sync *own);
};

static int futex_create(struct ipm_sync_channel *sync, enum ipm_side side,
                        struct ipm_channel *channel, struct ipm_why *why)
{
    (void)sync;
    (void)side;
    (void)channel;
    (void)why;
    return 0; /* the words are the ring's */
}

static int futex_sleep(struct ipm_sync *own, int64_t deadline_ns)
{
    return ipm_futex_wait(own->own_word, 1, deadline_ns);
}

static void futex_wake(struct ipm_sync *own)
{
    ipm_futex_wake(own->peer_word, 1);
}

/* Waits for something to read and takes at most @length bytes of it; IPM_CLOSED when there
 * is nobody left who could write. */
static int read_one(int fd, void *bytes, size_t length, int64_t deadline_ns)
{
    if (deadline_ns != IPM_FOREVER) {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        int ready = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        if (ready < 0)
            return errno == EINTR ? 0 : -errno;
        if (ready == 0)
            return ipm_now_ns() >= deadline_ns ? IPM_AGAIN : 0;
    }
    ssize_t got = read(fd, bytes, length);
    if (got == 0)
        return IPM_CLOSED;
    return got > 0 || errno == EINTR ? 0 : -errno;
}

static int eventfd_create(struct ipm_sync_channel *sync, enum ipm_side side,
                          struct ipm_channel *channel, struct ipm_why *why)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "eventfd: ");
    ipm_channel_own(channel, fd, IPM_OWNER_BOTH);
    sync->fds_plus_one[side][0] = sync->fds_plus_one[side][1] = fd + 1;
    return 0;
}

static int eventfd_sleep(struct ipm_sync *own, int64_t deadline_ns)
{
    uint64_t count;
    return read_one(own->own_fd, &count, sizeof(count), deadline_ns);
}

static void eventfd_wake(struct ipm_sync *own)
{
    uint64_t one = 1;
    (void)!write(own->peer_fd, &one, sizeof(one));
}

static int pipe_create(struct ipm_sync_channel *sync, enum ipm_side side,
                       struct ipm_channel *channel, struct ipm_why *why)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe2: ");
    ipm_channel_own(channel, fds[0], IPM_OWNER(side));
    ipm_channel_own(channel, fds[1], IPM_OWNER(IPM_SIDE_B - side));
    sync->fds_plus_one[side][0] = fds[0] + 1;
    sync->fds_plus_one[side][1] = fds[1] + 1;
    return 0;
}

static int pipe_sleep(struct ipm_sync *own, int64_t deadline_ns)
{
    char token;
    return read_one(own->own_fd, &token, 1, deadline_ns);
}

static void pipe_wake(struct ipm_sync *own)
{
    (void)!write(own->peer_fd, "", 1);
}

static int sem_create(struct ipm_sync_channel *sync, enum ipm_side side,
                      struct ipm_channel *channel, struct ipm_why *why)
{
    (void)channel;
    if (sem_init(&sync->semaphores[side], 1, 0) != 0)
        return ipm_why_set(why, -errno, "sem_init: ");
    return 0;
}

static int sem_sleep(struct ipm_sync *own, int64_t deadline_ns)
{
    int result;
    if (deadline_ns == IPM_FOREVER) {
        result = sem_wait(own->own_semaphore);
    } else {
        struct timespec until = ipm_timespec(deadline_ns);
        result = sem_clockwait(own->own_semaphore, CLOCK_MONOTONIC, &until);
    }
    if (result == 0 || errno == EINTR)
        return 0;
    return errno == ETIMEDOUT ? IPM_AGAIN : -errno;
}

static void sem_wake(struct ipm_sync *own)
{
    (void)sem_post(own->peer_semaphore);
}

const char *const ipm_sync_names[] = {"futex", "eventfd", "pipe_token", "sem", NULL};

static const struct kind kinds[] = {
    {futex_create, futex_sleep, futex_wake},
    {eventfd_create, eventfd_sleep, eventfd_wake},
    {pipe_create, pipe_sleep, pipe_wake},
    {sem_create, sem_sleep, sem_wake},
};

int ipm_sync_create(struct ipm_sync_channel *sync, int kind,
                    struct ipm_channel *channel, struct ipm_why *why)
{
    int error = 0;
    sync->kind = kind;
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = kinds[kind].create(sync, (enum ipm_side)side, channel, why);
    return error;
}

void ipm_sync_attach(struct ipm_sync *own, struct ipm_sync_channel *sync,
                     enum ipm_side side, _Atomic uint32_t *own_word,
                     _Atomic uint32_t *peer_word)
{
    enum ipm_side peer = side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    *own = (struct ipm_sync){
        .kind = sync->kind,
        .own_word = own_word,
        .peer_word = peer_word,
        .own_fd = sync->fds_plus_one[side][0] - 1,
        .peer_fd = sync->fds_plus_one[peer][1] - 1,
        .own_semaphore = &sync->semaphores[side],
        .peer_semaphore = &sync->semaphores[peer],
    };
}

int ipm_sync_sleep(struct ipm_sync *own, int64_t deadline_ns)
{
    return kinds[own->kind].sleep(own, deadline_ns);
}

void ipm_sync_wake(struct ipm_sync *own)
{
    kinds[own->kind].wake(own);
}
