/* SPDX-License-Identifier: MIT */
/*
 * sync: what a blocked side sleeps on; one table row per kind.
 *
 *   futex       the word in which the side says that it sleeps
 *   eventfd     one eventfd per side
 *   pipe_token  one pipe per side, one byte per wake-up
 *   sem         one process-shared POSIX semaphore per side
 *
 * A wake-up may be stale - meant for a sleep that did not come about - so that whoever
 * wakes looks again.  Each sleep is announced before, each announcement earns one wake-up
 * at most: stale ones do not pile up.
 */
#ifndef IPM_MECHANISMS_SYNC_H
#define IPM_MECHANISMS_SYNC_H

#include "mechanisms/mechanism.h"

#include <semaphore.h>
#include <stdatomic.h>

extern const char *const ipm_sync_names[]; /* for an option; NULL-terminated */

/* Lives in the channel state, zeroed at first. */
struct ipm_sync_channel {
    int kind;                       /* index into ipm_sync_names */
    int fds_plus_one[IPM_SIDES][2]; /* by the side that sleeps: to read, to write */
    sem_t semaphores[IPM_SIDES];    /* by the side that sleeps */
};

/* One side's view. */
struct ipm_sync {
    int kind;
    _Atomic uint32_t *own_word, *peer_word; /* 1: sleeps */
    int own_fd, peer_fd;
    sem_t *own_semaphore, *peer_semaphore;
};

int ipm_sync_create(struct ipm_sync_channel *sync, int kind,
                    struct ipm_channel *channel, struct ipm_why *why);

/* @own_word, @peer_word: in shared memory; the futex, and nothing to the other kinds. */
void ipm_sync_attach(struct ipm_sync *own, struct ipm_sync_channel *sync,
                     enum ipm_side side, _Atomic uint32_t *own_word,
                     _Atomic uint32_t *peer_word);

/* Sleeps until woken.  0 look again; IPM_AGAIN the deadline has passed; IPM_CLOSED the peer
 * is gone, as a pipe alone can tell; -errno. */
int ipm_sync_sleep(struct ipm_sync *own, int64_t deadline_ns);

/* Wakes the peer. */
void ipm_sync_wake(struct ipm_sync *own);

#endif
