/* SPDX-License-Identifier: MIT */
/*
 * giveback: how many messages the receiver has given back, so that the sender may write their
 * memory again; for mechanisms that carry the messages themselves over a descriptor.
 *
 * A counter in shared memory: giving back costs a store, looking costs a load, and neither
 * a system call.  A sender that has to wait sleeps in read() on a descriptor that the
 * receiver holds the other end of, so that the receiver's death wakes it too.  It says so in
 * `sleeps` and looks at the counter once more; the receiver counts and then looks at
 * `sleeps` (Dekker's pattern, as in ring.h).  Whoever takes `sleeps` down decides: the
 * receiver sends one byte for it, the sender none is due.  So bytes never pile up.
 *
 * Life cycle: init (attach) -> wait | give -> fini (detach).
 */
#ifndef IPM_MECHANISMS_GIVEBACK_H
#define IPM_MECHANISMS_GIVEBACK_H

#include "base/region.h"
#include "mechanisms/fdio.h"
#include "mechanisms/wait.h"

/* Part of a channel's state; all zero at first. */
struct ipm_giveback_shared {
    _Alignas(IPM_LINE_PAIR) _Atomic uint64_t given;  /* messages */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t sleeps; /* 1: the sender wants a byte */
};

struct ipm_giveback {
    struct ipm_giveback_shared *shared;
    struct ipm_fdio io; /* for the byte: the sender reads it, the receiver writes it */
    uint64_t given;     /* messages; as the sender saw it last */
    enum ipm_wait wait;
    bool due; /* sender: a byte is on its way that nobody waits for */
};

/* @fd stays the channel's until fini() drops it. */
void ipm_giveback_init(struct ipm_giveback *back, struct ipm_giveback_shared *shared,
                       int fd, bool socket, const struct ipm_channel_config *config);
void ipm_giveback_fini(struct ipm_giveback *back, struct ipm_channel *channel);

/**
 * ipm_giveback_wait() - sender: wait until more is given back than back->given says
 * @sent: messages sent so far; the receiver's figure is checked against it
 *
 * Return: 0; IPM_AGAIN; IPM_CLOSED the receiver is gone; -EPROTO no sane figure; -errno.
 */
int ipm_giveback_wait(struct ipm_giveback *back, uint64_t sent, int64_t deadline_ns);

/* Receiver: gives @n messages back.  0 also when the sender is gone; -errno. */
int ipm_giveback_give(struct ipm_giveback *back, size_t n);

#endif
