/* SPDX-License-Identifier: MIT */
#include "harness/worker/leader_causes.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t aftermath_ns = 200000000; /* for the cause of a failure */

/* Valid until the next call. */
static const char *role_name(const struct ipm_troupe *troupe, int seat)
{
    static char text[IPM_ROLE_TEXT];
    return ipm_point_role_name(troupe->point, seat, text);
}

void ipm_troupe_fail(struct ipm_troupe *troupe, enum ipm_phase phase, int error)
{
    if (troupe->outcome->error == 0) {
        troupe->outcome->error = error;
        troupe->outcome->phase = phase;
    }
}

int ipm_troupe_reap(struct ipm_troupe *troupe, int seat)
{
    struct ipm_why *why = &troupe->outcome->why;
    const struct ipm_board_role *left = &troupe->board->seats[seat];
    const char *name = role_name(troupe, seat);
    int status = 0;
    int error =
        ipm_wait_until(troupe->pids[seat], troupe->pidfds[seat], IPM_FOREVER, &status);
    (void)close(troupe->pidfds[seat]);
    troupe->pidfds[seat] = -1;
    troupe->pids[seat] = 0;
    troupe->alive--;
    enum ipm_phase phase = (enum ipm_phase)atomic_load(&left->phase);
    if (error != 0) {
        ipm_troupe_fail(troupe, phase,
                        ipm_why_set(why, error, "wait for role %s: ", name));
        return error;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && phase == IPM_PHASE_GONE)
        return 0;
    if (troupe->outcome->error != 0)
        return troupe->outcome->error;
    if (left->error != 0) {
        *why = left->why;
        ipm_why_prefix(why, "role %s: ", name);
        ipm_troupe_fail(troupe, phase, left->error);
    } else {
        char text[IPM_STATUS_TEXT];
        error = ipm_why_set(why, -ECHILD, "role %s %s", name,
                            ipm_status_text(status, text));
        ipm_troupe_fail(troupe, phase, error);
    }
    return troupe->outcome->error;
}

/* The earliest phase that a living role is in, and that role's name. */
static enum ipm_phase slowest_phase(const struct ipm_troupe *troupe,
                                    const char **out_name)
{
    uint32_t slowest = IPM_PHASE_GONE;
    *out_name = "?";
    for (int seat = 0; seat < troupe->n; seat++) {
        uint32_t phase = atomic_load(&troupe->board->seats[seat].phase);
        if (troupe->pidfds[seat] >= 0 && phase < slowest) {
            slowest = phase;
            *out_name = role_name(troupe, seat);
        }
    }
    return (enum ipm_phase)slowest;
}

/* A helper ended: that is never the end of its part. */
static int mourn(struct ipm_troupe *troupe, int helper)
{
    const char *name;
    enum ipm_phase phase = slowest_phase(troupe, &name);
    struct ipm_why *why = &troupe->outcome->why;
    ipm_troupe_fail(troupe, phase, ipm_helpers_ended(&troupe->helpers, helper, why));
    return troupe->outcome->error;
}

int ipm_troupe_mourn(struct ipm_troupe *troupe)
{
    int error = 0;
    for (int i = 0; i < troupe->helpers.n && error == 0; i++) {
        const struct ipm_helper_process *process = &troupe->helpers.entries[i].process;
        struct pollfd entry = {.fd = process->pidfd_plus_one - 1, .events = POLLIN};
        if (process->pid != 0 && poll(&entry, 1, 0) == 1)
            error = mourn(troupe, i);
    }
    return error;
}

/* Which role ends first, until then; < 0: none does. */
static int next_to_end(const struct ipm_troupe *troupe, int64_t deadline_ns)
{
    struct pollfd entries[IPM_SEATS_MAX]; /* poll() passes over those of -1 */
    for (int seat = 0; seat < troupe->n; seat++)
        entries[seat] = (struct pollfd){.fd = troupe->pidfds[seat], .events = POLLIN};
    int ready = 0;
    do {
        ready = poll(entries, (nfds_t)troupe->n, ipm_poll_timeout_ms(deadline_ns));
    } while (ready < 0 && errno == EINTR);
    for (int seat = 0; seat < troupe->n && ready > 0; seat++) {
        if (entries[seat].revents != 0)
            return seat;
    }
    return -1;
}

/*
 * "The peer closed the channel" is what a death looks like from the other end.  The role
 * or the helper that died may be reaped a moment later: its own words are the cause.
 * Whichever ends first is heard first; of several roles most live on.
 */
void ipm_troupe_find_cause(struct ipm_troupe *troupe)
{
    struct ipm_outcome *outcome = troupe->outcome;
    enum ipm_phase phase = outcome->phase;
    struct ipm_why why = outcome->why;
    int64_t deadline_ns = ipm_now_ns() + aftermath_ns;
    while (outcome->error == -EPIPE && troupe->alive > 0) {
        int seat = next_to_end(troupe, deadline_ns);
        if (seat < 0)
            break;
        outcome->error = 0;
        if (ipm_troupe_reap(troupe, seat) == 0) {
            outcome->error = -EPIPE;
            outcome->phase = phase;
            outcome->why = why;
        }
    }
    if (outcome->error != -EPIPE)
        return;
    outcome->error = 0;
    if (ipm_troupe_mourn(troupe) == 0)
        outcome->error = -EPIPE;
    outcome->phase = phase;
}

int ipm_troupe_overdue(struct ipm_troupe *troupe, int64_t allowed_ns)
{
    const char *name;
    enum ipm_phase slowest = slowest_phase(troupe, &name);
    int error = ipm_why_set(&troupe->outcome->why, -ETIMEDOUT,
                            "hung: role %s and its peers made no progress for %.3g s",
                            name, (double)allowed_ns / 1e9);
    ipm_troupe_fail(troupe, slowest, error);
    return error;
}
