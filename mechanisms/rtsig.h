/* SPDX-License-Identifier: MIT */
/*
 * rtsig: real-time signals as tokens, queued by the kernel between two processes; shared by
 * rt_signal and signalfd, which differ in how a signal is taken.
 *
 * Life cycle: create (leader) -> attach -> join (roles) -> send, accept -> detach.
 *
 * Each channel has a pair of signal numbers, one per direction, so that a role may hold
 * several channels (15 at once: glibc leaves 31 of the numbers).  The receiver blocks its
 * signal in attach(), before anybody can know its pid; the signals of one number arrive in
 * the order sent.  A signal carries the token's number: one that is lost or made up is seen.
 *
 * sigqueue() of glibc asks the kernel for pid and uid each time, which is two more system
 * calls; here rt_sigqueueinfo is called directly, with both known.
 *
 * What is queued counts against RLIMIT_SIGPENDING of the receiver, together with all other
 * signals and timers of the same user, and there is nothing to sleep on when it is full: the
 * sender naps (ipm_wait_nap).  A sender learns of its peer's death (ESRCH) once the leader
 * has reaped it; a receiver never does: no EOF.
 */
#ifndef IPM_MECHANISMS_RTSIG_H
#define IPM_MECHANISMS_RTSIG_H

#include "mechanisms/token.h"
#include "mechanisms/wait.h"

#include <signal.h>
#include <sys/types.h>

struct ipm_rtsig_channel {
    int signals[IPM_SIDES];          /* by the side that sends */
    _Atomic int32_t pids[IPM_SIDES]; /* 0: has not attached */
};

struct ipm_rtsig {
    sigset_t in; /* the signal that this side receives */
    int in_signal;
    int out_signal;
    pid_t self, peer;
    uid_t uid;
    uint32_t sent;
    uint32_t taken;
    bool blocked_here; /* it was not blocked before */
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

int ipm_rtsig_create(struct ipm_channel *channel, struct ipm_why *why);
void ipm_rtsig_destroy(struct ipm_channel *channel);
int ipm_rtsig_probe(struct ipm_why *why);

int ipm_rtsig_attach(struct ipm_rtsig *rtsig, struct ipm_endpoint *endpoint,
                     struct ipm_why *why);
int ipm_rtsig_join(struct ipm_rtsig *rtsig, struct ipm_endpoint *endpoint,
                   struct ipm_why *why);
/* Throws away what is still queued, and unblocks the signal.  It stays ignored: one that
 * the peer sends from now on must not kill this process.  Idempotent, accepts zeroes. */
void ipm_rtsig_detach(struct ipm_rtsig *rtsig);

/* send_n(): one signal per token. */
int ipm_rtsig_send_n(struct ipm_rtsig *rtsig, const struct ipm_span *messages, size_t n,
                     int64_t deadline_ns, size_t *out_n);

/**
 * ipm_rtsig_accept() - judge a signal that was taken from the queue
 *
 * Any process of this user may send us one.  si_pid is the sender's own word, so this
 * guards against accidents only.
 *
 * Return: 0 it is the peer's next token; 1 it is a stranger's; -EPROTO a token is missing.
 */
int ipm_rtsig_accept(struct ipm_rtsig *rtsig, int code, pid_t pid, int value);

#endif
