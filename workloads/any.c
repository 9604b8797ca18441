/* SPDX-License-Identifier: MIT */
#include "workloads/any.h"

#include "base/relax.h"
#include "workloads/port.h"

#include <errno.h>
#include <sched.h>

enum { SPIN_NS = 20000 }; /* as long as futex spins: about what being woken costs */

void ipm_any_begin(struct ipm_any *any, struct ipm_run *run, int n)
{
    *any = (struct ipm_any){.n = n};
    run->timeout_ns = 0;
    any->wait = run->ports[0].recv->channel->config.wait;
    bool sleeps = any->wait == IPM_WAIT_BLOCK || any->wait == IPM_WAIT_SPIN_THEN_BLOCK;
    for (int i = 0; i < n; i++) {
        const struct ipm_port *port = &run->ports[i];
        any->entries[i].fd = sleeps ? port->mechanism->wait_fd(port->recv) : -1;
        any->entries[i].events = POLLIN;
    }
    /* Asleep at once, without a try: the first turn begins with poll(). */
    any->at = any->wait == IPM_WAIT_BLOCK ? n : 0;
}

void ipm_any_close(struct ipm_any *any, int port)
{
    any->closed[port] = true;
    any->entries[port].fd = -1; /* poll() passes over it */
}

/*
 * poll() and not epoll: a set for epoll would have to be opened, which nobody may do inside
 * the window.
 */
static int sleep_on_all(struct ipm_any *any, struct ipm_why *why)
{
    any->polls++;
    any->named = true;
    while (poll(any->entries, (nfds_t)any->n, -1) < 0) {
        if (errno != EINTR)
            return ipm_why_set(why, -errno, "poll %d channels: ", any->n);
    }
    return 0;
}

/* Every port has been asked once: what is done before they are asked again. */
static int next_turn(struct ipm_any *any, struct ipm_why *why)
{
    bool got = any->got;
    any->at = 0;
    any->got = any->named = false;
    if (any->wait == IPM_WAIT_BLOCK)
        return sleep_on_all(any, why);
    if (got) {
        any->spin_until_ns = 0;
        return 0;
    }
    if (any->wait == IPM_WAIT_YIELD) {
        (void)sched_yield();
        return 0;
    }
    ipm_relax();
    if (any->wait != IPM_WAIT_SPIN_THEN_BLOCK)
        return 0;
    int64_t now_ns = ipm_now_ns();
    if (any->spin_until_ns == 0)
        any->spin_until_ns = now_ns + SPIN_NS;
    if (now_ns < any->spin_until_ns)
        return 0;
    any->spin_until_ns = 0;
    return sleep_on_all(any, why);
}

int ipm_any_recv(struct ipm_any *any, struct ipm_run *run, size_t length, size_t n,
                 int *out_port, size_t *out_n, struct ipm_why *why)
{
    for (;;) {
        while (any->at < any->n) {
            int at = any->at++;
            if (any->closed[at] || (any->named && any->entries[at].revents == 0))
                continue;
            int result =
                ipm_port_recv_some(run, &run->ports[at], length, n, out_n, why);
            if (result == IPM_AGAIN)
                continue;
            if (result < 0)
                ipm_why_prefix(why, "channel %d: ", at);
            any->got = true;
            *out_port = at;
            return result;
        }
        int result = next_turn(any, why);
        if (result != 0)
            return result;
    }
}
