/* SPDX-License-Identifier: MIT */
#include "mechanisms/ring.h"

enum {
    MEAN = 8, /* a new figure's weight in a running mean is 1 / MEAN */
    FIRST_WAKE_NS = 20000,
    LEAST_SPIN_NS = 1000,
    MOST_SPIN_NS = 500000,
    ROOM_LOOKS = 8,  /* for a quarter of the ring, about a microsecond in all, ... */
    ROOM_PAUSES = 4, /* ... with so many pauses between: looking takes the line away */
    TRY_AGAIN = 16, /* after so many waits without spinning, spin once: things change */
};

void ipm_ring_attach(struct ipm_ring *ring, struct ipm_ring_shared *shared,
                     enum ipm_side side, const struct ipm_channel_config *config)
{
    enum ipm_side peer = side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    ring->shared = shared;
    ring->own_sleeps = &shared->sides[side].sleeps;
    ring->peer_sleeps = &shared->sides[peer].sleeps;
    ring->peer_closed = &shared->sides[peer].closed;
    ring->own_woken_ns = &shared->sides[side].woken_ns;
    ring->peer_woken_ns = &shared->sides[peer].woken_ns;
    ring->sync =
        (struct ipm_sync){.own_word = ring->own_sleeps, .peer_word = ring->peer_sleeps};
    ring->max_message = config->max_message;
    ring->wait = config->wait;
    ring->wakes =
        ring->wait == IPM_WAIT_BLOCK || ring->wait == IPM_WAIT_SPIN_THEN_BLOCK;
    ring->patience.wake_ns = FIRST_WAKE_NS;
}

void ipm_ring_wake(struct ipm_ring *ring)
{
    if (atomic_exchange_explicit(ring->peer_sleeps, 0, memory_order_relaxed) == 0)
        return;
    if (ring->wait == IPM_WAIT_SPIN_THEN_BLOCK)
        atomic_store_explicit(ring->peer_woken_ns, ipm_now_ns(), memory_order_relaxed);
    ipm_sync_wake(&ring->sync);
    ring->stats.wakes++;
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
        result = ipm_sync_sleep(&ring->sync, deadline_ns);
    }
    atomic_store_explicit(ring->own_sleeps, 0, memory_order_relaxed);
    return result;
}

static void learn(int64_t *mean_ns, int64_t figure_ns)
{
    *mean_ns += (figure_ns - *mean_ns) / MEAN;
}

/*
 * How long to spin before sleeping.  Spinning as long as a wake-up takes costs at most twice
 * what the best decision would have cost, whatever comes (Karlin, Li, Manasse, Owicki,
 * "Empirical studies of competitive spinning for a shared-memory multiprocessor", SOSP
 * 1991).  Where waits have lately been much longer than that, spinning is known to be in
 * vain, and is left out but for a try now and then.
 */
static int64_t spin_budget_ns(struct ipm_ring_patience *patience)
{
    if (patience->fixed_ns > 0)
        return patience->fixed_ns;
    int64_t wake_ns = patience->wake_ns;
    wake_ns = wake_ns < LEAST_SPIN_NS ? LEAST_SPIN_NS : wake_ns;
    wake_ns = wake_ns > MOST_SPIN_NS ? MOST_SPIN_NS : wake_ns;
    if (patience->wait_ns > 2 * wake_ns && ++patience->skipped % TRY_AGAIN != 0)
        return 0;
    return wake_ns;
}

/* spin_then_block: 0 when the word has moved, or as ring_sleep(). */
static int spin_then_sleep(struct ipm_ring *ring, const _Atomic uint64_t *word,
                           uint64_t unwanted, int64_t deadline_ns)
{
    struct ipm_ring_patience *patience = &ring->patience;
    int64_t start_ns = ipm_now_ns();
    int64_t now_ns = start_ns;
    int64_t until_ns = start_ns + spin_budget_ns(patience);
    int result = 0;
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    while (now_ns < until_ns) {
        for (int i = 0; i < IPM_SPINS_PER_CLOCK; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != unwanted) {
                learn(&patience->wait_ns, now_ns - start_ns);
                return 0;
            }
            ipm_relax();
        }
        if (atomic_load(ring->peer_closed) != 0)
            return 0;
        now_ns = ipm_now_ns();
    }
    if (deadline_ns <= now_ns)
        return IPM_AGAIN;
    uint64_t sleeps = ring->stats.sleeps;
    result = ring_sleep(ring, word, unwanted, deadline_ns);
    now_ns = ipm_now_ns();
    int64_t woken_ns = atomic_load_explicit(ring->own_woken_ns, memory_order_relaxed);
    if (result == 0 && ring->stats.sleeps != sleeps && woken_ns > start_ns &&
        woken_ns < now_ns)
        learn(&patience->wake_ns, now_ns - woken_ns);
    learn(&patience->wait_ns, now_ns - start_ns);
    return result;
}

int ipm_ring_wait(struct ipm_ring *ring, const _Atomic uint64_t *word,
                  uint64_t unwanted, int64_t deadline_ns)
{
    uint32_t turns = 0;
    if (ring->wait == IPM_WAIT_SPIN && deadline_ns != 0) {
        for (int i = 0; i < IPM_EAGER_LOOKS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != unwanted)
                return 0;
        }
    }
    while (atomic_load_explicit(word, memory_order_acquire) == unwanted) {
        if (turns % IPM_SPINS_PER_CLOCK == 0 && atomic_load(ring->peer_closed) != 0)
            return atomic_load(word) != unwanted ? 0 : IPM_CLOSED;
        int result;
        if (deadline_ns == 0 || !ring->wakes)
            result = ipm_wait_turn(ring->wait, &turns, deadline_ns);
        else if (ring->wait == IPM_WAIT_BLOCK)
            result = ring_sleep(ring, word, unwanted, deadline_ns);
        else
            result = spin_then_sleep(ring, word, unwanted, deadline_ns);
        if (result != 0 && atomic_load_explicit(word, memory_order_acquire) == unwanted)
            return result;
        /* After a sleep look at `closed` at once: that may be what woke us. */
        turns = ring->wakes ? 0 : turns + (deadline_ns == IPM_FOREVER);
    }
    return 0;
}

int ipm_ring_wait_room(struct ipm_ring *ring, int64_t deadline_ns)
{
    const _Atomic uint64_t *head = &ring->shared->head;
    int result = ipm_ring_wait(ring, head, ring->head_seen, deadline_ns);
    if (result != 0 || ring->wait != IPM_WAIT_SPIN || deadline_ns == 0)
        return result;
    uint64_t most = ring->capacity - ring->capacity / 4;
    for (int looks = 0; looks < ROOM_LOOKS; looks++) {
        for (int i = 0; i < ROOM_PAUSES; i++)
            ipm_relax();
        if (ring->mine - atomic_load_explicit(head, memory_order_relaxed) <= most)
            break;
    }
    return 0;
}
