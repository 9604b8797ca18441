/* SPDX-License-Identifier: MIT */
/*
 * rt_signal: real-time signals (mechanisms/rtsig.h), taken with rt_sigtimedwait(): no
 * handler runs.
 */
#include "mechanisms/rtsig.h"

struct rt_signal_endpoint {
    struct ipm_rtsig rtsig;
};

static int rt_signal_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct rt_signal_endpoint *own = endpoint->state;
    return ipm_rtsig_attach(&own->rtsig, endpoint, why);
}

static int rt_signal_join(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct rt_signal_endpoint *own = endpoint->state;
    return ipm_rtsig_join(&own->rtsig, endpoint, why);
}

static void rt_signal_detach(struct ipm_endpoint *endpoint)
{
    struct rt_signal_endpoint *own = endpoint->state;
    ipm_rtsig_detach(&own->rtsig);
}

static int rt_signal_take(void *state, int64_t deadline_ns)
{
    struct ipm_rtsig *rtsig = state;
    bool sleeps = rtsig->wait == IPM_WAIT_BLOCK;
    uint32_t turns = 0;
    for (;;) {
        struct timespec left = {0};
        siginfo_t info;
        if (sleeps && deadline_ns != 0 && deadline_ns != IPM_FOREVER) {
            int64_t left_ns = deadline_ns - ipm_now_ns();
            left = ipm_timespec(left_ns > 0 ? left_ns : 0);
        }
        bool forever = sleeps && deadline_ns == IPM_FOREVER;
        if (sigtimedwait(&rtsig->in, &info, forever ? NULL : &left) >= 0) {
            int result = ipm_rtsig_accept(rtsig, info.si_code, info.si_pid,
                                          info.si_value.sival_int);
            if (result <= 0)
                return result;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        if (sleeps && ipm_now_ns() >= deadline_ns)
            return IPM_AGAIN;
        int result = sleeps ? 0 : ipm_wait_turn(rtsig->wait, &turns, deadline_ns);
        if (result != 0)
            return result;
    }
}

static int rt_signal_send_n(struct ipm_endpoint *endpoint,
                            const struct ipm_span *messages, size_t n,
                            int64_t deadline_ns, size_t *out_n)
{
    struct rt_signal_endpoint *own = endpoint->state;
    return ipm_rtsig_send_n(&own->rtsig, messages, n, deadline_ns, out_n);
}

static int rt_signal_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                            size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct rt_signal_endpoint *own = endpoint->state;
    (void)n;
    return ipm_token_recv_one(rt_signal_take, &own->rtsig, messages, deadline_ns,
                              out_n);
}

static void rt_signal_stats(const struct ipm_endpoint *endpoint,
                            struct ipm_endpoint_stats *out_stats)
{
    const struct rt_signal_endpoint *own = endpoint->state;
    *out_stats = own->rtsig.stats;
}

const struct ipm_mechanism ipm_mechanism_rt_signal = {
    .abi = IPM_PLUGIN_ABI,
    .name = "rt_signal",
    .version = 1,
    .family = "token",
    .summary = "queued real-time signals, taken without a handler",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true,
                     .facts = {.syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct ipm_rtsig_channel),
    .endpoint_size = sizeof(struct rt_signal_endpoint),
    .probe = ipm_rtsig_probe,
    .create = ipm_rtsig_create,
    .destroy = ipm_rtsig_destroy,
    .attach = rt_signal_attach,
    .join = rt_signal_join,
    .detach = rt_signal_detach,
    .send_n = rt_signal_send_n,
    .recv_n = rt_signal_recv_n,
    .stats = rt_signal_stats,
};
