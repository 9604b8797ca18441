/* SPDX-License-Identifier: MIT */
#include "mechanisms/ring.h"

void ipm_ring_wake(struct ipm_ring *ring)
{
    if (atomic_exchange_explicit(ring->peer_sleeps, 0, memory_order_relaxed) != 0) {
        ipm_futex_wake(ring->peer_sleeps, 1);
        ring->stats.wakes++;
    }
}

void ipm_ring_close(struct ipm_ring *ring, enum ipm_side side)
{
    atomic_store(&ring->shared->sides[side].closed, 1);
    ipm_ring_wake(ring);
}

/* Sleeps unless *@word has moved.  0 look again; IPM_AGAIN; -errno. */
static int ring_sleep(struct ipm_ring *ring, const _Atomic uint64_t *word,
                      uint64_t unwanted, int64_t deadline_ns)
{
    int result = 0;
    atomic_store_explicit(ring->own_sleeps, 1, memory_order_relaxed);
    ipm_full_fence();
    if (atomic_load_explicit(word, memory_order_acquire) == unwanted &&
        atomic_load(ring->peer_closed) == 0) {
        ring->stats.sleeps++;
        result = ipm_futex_wait(ring->own_sleeps, 1, deadline_ns);
    }
    atomic_store_explicit(ring->own_sleeps, 0, memory_order_relaxed);
    return result;
}

int ipm_ring_wait(struct ipm_ring *ring, const _Atomic uint64_t *word,
                  uint64_t unwanted, int64_t deadline_ns)
{
    int64_t spin_until_ns = 0;
    uint32_t turns = 0;
    while (atomic_load_explicit(word, memory_order_acquire) == unwanted) {
        bool look = turns % IPM_SPINS_PER_CLOCK == 0;
        if (look && atomic_load(ring->peer_closed) != 0)
            return atomic_load(word) != unwanted ? 0 : IPM_CLOSED;
        bool sleep = ring->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
        if (ring->wait == IPM_WAIT_SPIN_THEN_BLOCK && look && deadline_ns != 0) {
            int64_t now_ns = ipm_now_ns();
            if (spin_until_ns == 0)
                spin_until_ns = now_ns + ring->spin_ns;
            sleep = now_ns >= spin_until_ns;
        }
        int result = sleep ? ring_sleep(ring, word, unwanted, deadline_ns)
                           : ipm_wait_turn(ring->wait, &turns, deadline_ns);
        if (result != 0 && atomic_load_explicit(word, memory_order_acquire) == unwanted)
            return result;
        /* After a sleep look at `closed` at once: that may be what woke us. */
        turns = sleep ? 0 : turns + (deadline_ns == IPM_FOREVER);
    }
    return 0;
}
