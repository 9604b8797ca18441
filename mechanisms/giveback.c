/* SPDX-License-Identifier: MIT */
#include "mechanisms/giveback.h"

#include <errno.h>

static bool sleeps(const struct ipm_giveback *back)
{
    return back->wait != IPM_WAIT_SPIN && back->wait != IPM_WAIT_YIELD;
}

void ipm_giveback_init(struct ipm_giveback *back, struct ipm_giveback_shared *shared,
                       int fd, bool socket, const struct ipm_channel_config *config)
{
    *back = (struct ipm_giveback){.shared = shared, .wait = config->wait};
    ipm_fdio_init(&back->io, fd, socket, config);
}

void ipm_giveback_fini(struct ipm_giveback *back, struct ipm_channel *channel)
{
    ipm_fdio_fini(&back->io, channel);
}

/* One byte is due for each time the receiver took `sleeps` down. */
static int take_byte(struct ipm_giveback *back, int64_t deadline_ns)
{
    unsigned char byte = 0;
    int result = ipm_fdio_recv(&back->io, &byte, 1, deadline_ns);
    if (result == 0)
        back->due = false;
    return result;
}

/* 0 look again. */
static int sleep_once(struct ipm_giveback *back, int64_t deadline_ns)
{
    struct ipm_giveback_shared *shared = back->shared;
    if (back->due)
        return take_byte(back, deadline_ns);
    atomic_store_explicit(&shared->sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    int result = 0;
    bool woken = false;
    if (atomic_load_explicit(&shared->given, memory_order_acquire) == back->given) {
        result = take_byte(back, deadline_ns);
        woken = result == 0;
    }
    if (!woken &&
        atomic_exchange_explicit(&shared->sleeps, 0, memory_order_relaxed) == 0)
        back->due = true;
    return result;
}

/* Spinning sees no death: now and then the descriptor is asked. */
static int spin_once(struct ipm_giveback *back, uint32_t *spins, uint32_t *turns,
                     int64_t deadline_ns)
{
    if (++*spins % IPM_SPINS_PER_CLOCK == 0) {
        int result = take_byte(back, 0);
        if (result != IPM_AGAIN)
            return result == 0 ? -EPROTO : result;
    }
    return ipm_wait_turn(back->wait, turns, deadline_ns);
}

int ipm_giveback_wait(struct ipm_giveback *back, uint64_t sent, int64_t deadline_ns)
{
    uint32_t spins = 0;
    uint32_t turns = 0;
    int result = 0;
    for (;;) {
        uint64_t given =
            atomic_load_explicit(&back->shared->given, memory_order_acquire);
        if (given - back->given > sent - back->given)
            return -EPROTO;
        if (given != back->given) {
            back->given = given;
            return 0;
        }
        if (result != 0)
            return result;
        if (deadline_ns == 0)
            result = IPM_AGAIN;
        else if (sleeps(back))
            result = sleep_once(back, deadline_ns);
        else
            result = spin_once(back, &spins, &turns, deadline_ns);
    }
}

int ipm_giveback_give(struct ipm_giveback *back, size_t n)
{
    struct ipm_giveback_shared *shared = back->shared;
    back->given += n;
    atomic_store_explicit(&shared->given, back->given, memory_order_release);
    if (!sleeps(back))
        return 0;
    ipm_full_fence();
    if (atomic_load_explicit(&shared->sleeps, memory_order_relaxed) == 0 ||
        atomic_exchange_explicit(&shared->sleeps, 0, memory_order_relaxed) == 0)
        return 0;
    unsigned char byte = 0;
    int result = ipm_fdio_send(&back->io, &byte, 1, IPM_FOREVER);
    back->io.stats.wakes++;
    return result == IPM_CLOSED ? 0 : result;
}
