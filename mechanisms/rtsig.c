/* SPDX-License-Identifier: MIT */
#include "mechanisms/rtsig.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int ipm_rtsig_create(struct ipm_channel *channel, struct ipm_why *why)
{
    static unsigned channels; /* of this leader */
    struct ipm_rtsig_channel *state = channel->state;
    int pairs = (SIGRTMAX - SIGRTMIN + 1) / IPM_SIDES;
    if (pairs < 1)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "the C library leaves no real-time signals");
    int first = SIGRTMIN + IPM_SIDES * (int)(channels++ % (unsigned)pairs);
    for (int side = 0; side < IPM_SIDES; side++)
        state->signals[side] = first + side;
    /* The room is the user's, and others take of it meanwhile. */
    channel->capacity = (struct ipm_capacity){.bytes = 0, .messages = IPM_VARIES};
    return 0;
}

void ipm_rtsig_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static void fill(siginfo_t *info, int number, pid_t pid, uid_t uid, uint32_t value)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = number;
    info->si_code = SI_QUEUE;
    info->si_pid = pid;
    info->si_uid = uid;
    info->si_value.sival_int = (int)value;
}

static int queue(pid_t pid, int number, siginfo_t *info)
{
    return syscall(SYS_rt_sigqueueinfo, pid, number, info) == 0 ? 0 : -errno;
}

int ipm_rtsig_probe(struct ipm_why *why)
{
    siginfo_t info;
    sigset_t one;
    sigset_t before;
    int number = SIGRTMAX; /* the last one that create() would choose */
    (void)sigemptyset(&one);
    (void)sigaddset(&one, number);
    if (sigprocmask(SIG_BLOCK, &one, &before) != 0)
        return ipm_why_set(why, -errno, "sigprocmask: ");
    fill(&info, number, getpid(), getuid(), 0);
    int error = queue(getpid(), number, &info);
    if (error == 0 && sigtimedwait(&one, &info, &(struct timespec){0}) != number)
        error = -errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? 0 : ipm_why_set(why, error, "rt_sigqueueinfo to itself: ");
}

int ipm_rtsig_attach(struct ipm_rtsig *rtsig, struct ipm_endpoint *endpoint,
                     struct ipm_why *why)
{
    struct ipm_rtsig_channel *state = endpoint->channel->state;
    rtsig->self = getpid();
    rtsig->uid = getuid();
    rtsig->wait = endpoint->channel->config.wait;
    rtsig->out_signal = state->signals[endpoint->side];
    rtsig->in_signal = state->signals[ipm_token_peer(endpoint->side)];
    sigset_t before;
    (void)sigemptyset(&rtsig->in);
    (void)sigaddset(&rtsig->in, rtsig->in_signal);
    if (sigprocmask(SIG_BLOCK, &rtsig->in, &before) != 0)
        return ipm_why_set(why, -errno, "sigprocmask: ");
    rtsig->blocked_here = sigismember(&before, rtsig->in_signal) == 0;
    /* Blocked, it is queued all the same; this throws away what a stranger left. */
    if (signal(rtsig->in_signal, SIG_IGN) == SIG_ERR)
        return ipm_why_set(why, -errno, "signal(%d): ", rtsig->in_signal);
    atomic_store(&state->pids[endpoint->side], (int32_t)rtsig->self);
    return 0;
}

int ipm_rtsig_join(struct ipm_rtsig *rtsig, struct ipm_endpoint *endpoint,
                   struct ipm_why *why)
{
    struct ipm_rtsig_channel *state = endpoint->channel->state;
    rtsig->peer = atomic_load(&state->pids[ipm_token_peer(endpoint->side)]);
    /* 0 and less would be process groups. */
    if (rtsig->peer <= 0)
        return ipm_why_set(why, -EPROTO, "the peer has not said its process id");
    return 0;
}

void ipm_rtsig_detach(struct ipm_rtsig *rtsig)
{
    if (rtsig->blocked_here) {
        (void)signal(rtsig->in_signal, SIG_IGN); /* empties the queue, too */
        (void)sigprocmask(SIG_UNBLOCK, &rtsig->in, NULL);
    }
    rtsig->blocked_here = false;
}

static int post(void *state, int64_t deadline_ns)
{
    struct ipm_rtsig *rtsig = state;
    siginfo_t info;
    uint32_t turns = 0;
    fill(&info, rtsig->out_signal, rtsig->self, rtsig->uid, rtsig->sent);
    for (;;) {
        int error = queue(rtsig->peer, rtsig->out_signal, &info);
        if (error == 0) {
            rtsig->sent++;
            return 0;
        }
        if (error == -ESRCH)
            return IPM_CLOSED;
        if (error != -EAGAIN)
            return error;
        int result = ipm_wait_nap(rtsig->wait, &turns, deadline_ns, &rtsig->stats);
        if (result != 0)
            return result;
    }
}

int ipm_rtsig_send_n(struct ipm_rtsig *rtsig, const struct ipm_span *messages, size_t n,
                     int64_t deadline_ns, size_t *out_n)
{
    return ipm_token_send_each(post, rtsig, messages, n, deadline_ns, out_n);
}

int ipm_rtsig_accept(struct ipm_rtsig *rtsig, int code, pid_t pid, int value)
{
    if (code != SI_QUEUE || pid != rtsig->peer)
        return 1;
    if ((uint32_t)value != rtsig->taken)
        return -EPROTO;
    rtsig->taken++;
    return 0;
}
