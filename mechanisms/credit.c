/* SPDX-License-Identifier: MIT */
#include "mechanisms/credit.h"

#include <errno.h>

static bool sleeps(const struct ipm_credit *credit)
{
    return credit->wait != IPM_WAIT_SPIN && credit->wait != IPM_WAIT_YIELD;
}

void ipm_credit_init(struct ipm_credit *credit, struct ipm_credit_shared *shared,
                     int fd, bool socket, const struct ipm_channel_config *config)
{
    *credit = (struct ipm_credit){.shared = shared, .wait = config->wait};
    ipm_fdio_init(&credit->io, fd, socket, config);
}

void ipm_credit_fini(struct ipm_credit *credit, struct ipm_channel *channel)
{
    ipm_fdio_fini(&credit->io, channel);
}

/* One byte is due for each time the receiver took `sleeps` down. */
static int take_byte(struct ipm_credit *credit, int64_t deadline_ns)
{
    unsigned char byte = 0;
    int result = ipm_fdio_recv(&credit->io, &byte, 1, deadline_ns);
    if (result == 0)
        credit->due = false;
    return result;
}

/* 0 look again. */
static int sleep_once(struct ipm_credit *credit, int64_t deadline_ns)
{
    struct ipm_credit_shared *shared = credit->shared;
    if (credit->due)
        return take_byte(credit, deadline_ns);
    atomic_store_explicit(&shared->sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    int result = 0;
    bool woken = false;
    if (atomic_load_explicit(&shared->given, memory_order_acquire) == credit->given) {
        result = take_byte(credit, deadline_ns);
        woken = result == 0;
    }
    if (!woken &&
        atomic_exchange_explicit(&shared->sleeps, 0, memory_order_relaxed) == 0)
        credit->due = true;
    return result;
}

/* Spinning sees no death: now and then the descriptor is asked. */
static int spin_once(struct ipm_credit *credit, uint32_t *spins, uint32_t *turns,
                     int64_t deadline_ns)
{
    if (++*spins % IPM_SPINS_PER_CLOCK == 0) {
        int result = take_byte(credit, 0);
        if (result != IPM_AGAIN)
            return result == 0 ? -EPROTO : result;
    }
    return ipm_wait_turn(credit->wait, turns, deadline_ns);
}

int ipm_credit_wait(struct ipm_credit *credit, uint64_t sent, int64_t deadline_ns)
{
    uint32_t spins = 0;
    uint32_t turns = 0;
    int result = 0;
    for (;;) {
        uint64_t given =
            atomic_load_explicit(&credit->shared->given, memory_order_acquire);
        if (given - credit->given > sent - credit->given)
            return -EPROTO;
        if (given != credit->given) {
            credit->given = given;
            return 0;
        }
        if (result != 0)
            return result;
        if (deadline_ns == 0)
            result = IPM_AGAIN;
        else if (sleeps(credit))
            result = sleep_once(credit, deadline_ns);
        else
            result = spin_once(credit, &spins, &turns, deadline_ns);
    }
}

int ipm_credit_give(struct ipm_credit *credit, size_t n)
{
    struct ipm_credit_shared *shared = credit->shared;
    credit->given += n;
    atomic_store_explicit(&shared->given, credit->given, memory_order_release);
    if (!sleeps(credit))
        return 0;
    ipm_full_fence();
    if (atomic_load_explicit(&shared->sleeps, memory_order_relaxed) == 0 ||
        atomic_exchange_explicit(&shared->sleeps, 0, memory_order_relaxed) == 0)
        return 0;
    unsigned char byte = 0;
    int result = ipm_fdio_send(&credit->io, &byte, 1, IPM_FOREVER);
    credit->io.stats.wakes++;
    return result == IPM_CLOSED ? 0 : result;
}
