/* SPDX-License-Identifier: MIT */
/*
 * library: what libraries that make their own sockets and queues need from us - a name, the
 * certainty that there are descriptors for what they open without looking, and a parting:
 * what a sender has handed to a queue of its own process may be lost when it leaves, so it
 * stays until the receiver has it.
 */
#ifndef IPM_MECHANISMS_LIBRARY_H
#define IPM_MECHANISMS_LIBRARY_H

#include "base/clock.h"
#include "base/region.h"
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { IPM_IPC_PATH = sizeof(((struct sockaddr_un *)NULL)->sun_path) };

/**
 * ipm_ipc_path() - the path of a channel's socket
 * @suffix: what kind of thing it is
 *
 * Return: 0; -ENAMETOOLONG for a socket, where the private directory is a deep one.
 */
static inline int ipm_ipc_path(const struct ipm_channel *channel, const char *suffix,
                               char path[IPM_IPC_PATH], struct ipm_why *why)
{
    const struct ipm_channel_config *config = &channel->config;
    const char *directory = config->directory[0] == '\0' ? "/tmp" : config->directory;
    int used =
        snprintf(path, IPM_IPC_PATH, "%s/%s.%s", directory, config->token, suffix);
    if (used < 0 || used >= IPM_IPC_PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "a socket in %s: ", directory);
    return 0;
}

/* Are @n more descriptors to be had?  For libraries that abort the process when not. */
static inline int ipm_ipc_descriptors(int n, struct ipm_why *why)
{
    int fds[32];
    int opened = 0;
    int error = 0;
    while (error == 0 && opened < n && opened < (int)(sizeof(fds) / sizeof(fds[0]))) {
        fds[opened] = eventfd(0, EFD_CLOEXEC);
        if (fds[opened] < 0)
            error = -errno;
        else
            opened++;
    }
    while (opened > 0)
        (void)close(fds[--opened]);
    return error == 0
               ? 0
               : ipm_why_set(why, error, "the library needs %d descriptors: ", n);
}

/* Part of a channel's state: what each side has received, for nobody but a leaving peer. */
struct ipm_parting {
    struct {
        _Alignas(IPM_LINE_PAIR) _Atomic uint64_t received;
        _Atomic bool left;
    } sides[IPM_SIDES];
};

static inline void ipm_parting_received(struct ipm_parting *parting, enum ipm_side side,
                                        uint64_t received)
{
    atomic_store_explicit(&parting->sides[side].received, received,
                          memory_order_release);
}

/* For detach(), before the library is told: returns when the peer has received @sent
 * messages, has left, or has taken none for a second. */
static inline void ipm_parting_wait(struct ipm_parting *parting, enum ipm_side side,
                                    uint64_t sent)
{
    enum ipm_side peer = side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    uint64_t seen = 0;
    int64_t deadline_ns = ipm_now_ns() + IPM_NS_PER_SECOND;
    while (!atomic_load(&parting->sides[peer].left)) {
        uint64_t received = atomic_load(&parting->sides[peer].received);
        if (received >= sent)
            break;
        if (received != seen)
            deadline_ns = ipm_now_ns() + IPM_NS_PER_SECOND;
        else if (ipm_now_ns() >= deadline_ns)
            break;
        seen = received;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    atomic_store(&parting->sides[side].left, true);
}

#endif
