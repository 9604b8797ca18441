/* SPDX-License-Identifier: MIT */
/*
 * any: receiving on several channels at once, by the point's wait strategy.
 *
 * Under spin and yield every channel is tried in turn.  Under block it is poll() that waits,
 * on the descriptors that IPM_CAP_POLLFD promises, and only those that it names are tried.
 * spin_then_block tries for a while before it polls.  Who has been served is passed over until
 * all others have been asked, so that no sender is favoured by the receiver.
 */
#ifndef IPM_WORKLOADS_ANY_H
#define IPM_WORKLOADS_ANY_H

#include "workloads/workload.h"

#include <poll.h>

struct ipm_any {
    enum ipm_wait wait;
    int n;                 /* ports */
    int at;                /* the port that is asked next; n: a turn has ended */
    bool got;              /* something came in this turn */
    bool named;            /* in this turn poll() has named those that have something */
    uint64_t polls;        /* calls of poll() so far */
    int64_t spin_until_ns; /* spin_then_block: 0: not begun */
    bool closed[IPM_FAN_MAX];
    struct pollfd entries[IPM_FAN_MAX];
};

/**
 * ipm_any_begin() - role, at the start of a round
 * @n: ports to receive on: run->ports[0] to [@n - 1]; at most IPM_FAN_MAX
 *
 * The round's timeout becomes 0, as ports are to be tried and not to be waited for: this role
 * must not send.
 */
void ipm_any_begin(struct ipm_any *any, struct ipm_run *run, int n);

/* Receives on that port no more. */
void ipm_any_close(struct ipm_any *any, int port);

/**
 * ipm_any_recv() - 1 to @n messages of @length bytes from whichever port has some
 * @out_port: whose they are
 * @out_n:    how many
 *
 * At least one port must be open; it waits for ever.
 *
 * Return: 0; IPM_CLOSED; -errno with @why; -EBADMSG as ipm_port_recv().
 */
int ipm_any_recv(struct ipm_any *any, struct ipm_run *run, size_t length, size_t n,
                 int *out_port, size_t *out_n, struct ipm_why *why);

#endif
