/* SPDX-License-Identifier: MIT */
#include "harness/worker/leader.h"

#include "base/clock.h"
#include "base/process.h"
#include "harness/worker/role.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t settle_ns = 10 * IPM_NS_PER_SECOND; /* for all but the window */

static const int64_t aftermath_ns = 200000000; /* for the cause of a failure */

struct troupe {
    const struct ipm_point *point;
    struct ipm_board *board;
    struct ipm_outcome *outcome;
    int guard;
    int bell;
    int n;                     /* roles forked, by seat */
    pid_t pids[IPM_SEATS_MAX]; /* 0: reaped */
    int pidfds[IPM_SEATS_MAX]; /* -1: none */
    int alive;
    struct ipm_helpers helpers;
    struct ipm_background *background;
};

/* Valid until the next call. */
static const char *role_name(const struct troupe *troupe, int seat)
{
    static char text[IPM_ROLE_TEXT];
    return ipm_point_role_name(troupe->point, seat, text);
}

static void fail(struct troupe *troupe, enum ipm_phase phase, int error)
{
    if (troupe->outcome->error == 0) {
        troupe->outcome->error = error;
        troupe->outcome->phase = phase;
    }
}

static int raise_roles(struct troupe *troupe, struct ipm_wiring *wiring)
{
    struct ipm_why *why = &troupe->outcome->why;
    for (int seat = 0; seat < troupe->board->n_seats; seat++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(troupe->guard);
            ipm_helpers_forget(&troupe->helpers);
            ipm_role_run(troupe->point, wiring, troupe->board, seat);
        }
        if (pid < 0)
            return ipm_why_set(why, -errno, "fork: ");
        troupe->pids[troupe->n++] = pid;
        troupe->alive++;
    }
    /* Nobody but the roles may hold a channel open: a role's end is the channel's. */
    for (int i = 0; i < wiring->n_channels; i++)
        ipm_channel_close(&wiring->entries[i].channel);
    /* After the last fork, so that no role inherits one. */
    for (int seat = 0; seat < troupe->n; seat++) {
        troupe->pidfds[seat] = ipm_pidfd_open(troupe->pids[seat], why);
        if (troupe->pidfds[seat] < 0)
            return troupe->pidfds[seat];
    }
    return 0;
}

static void dismiss(struct troupe *troupe)
{
    for (int seat = 0; seat < troupe->n; seat++) {
        if (troupe->pids[seat] != 0)
            (void)kill(troupe->pids[seat], SIGKILL);
    }
    for (int seat = 0; seat < troupe->n; seat++) {
        int status;
        while (troupe->pids[seat] != 0 && waitpid(troupe->pids[seat], &status, 0) < 0 &&
               errno == EINTR)
            ;
        if (troupe->pidfds[seat] >= 0)
            (void)close(troupe->pidfds[seat]);
    }
}

/* A role ended: was that the end of its part? */
static int reap(struct troupe *troupe, int seat)
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
        fail(troupe, phase, ipm_why_set(why, error, "wait for role %s: ", name));
        return error;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && phase == IPM_PHASE_GONE)
        return 0;
    if (troupe->outcome->error != 0)
        return troupe->outcome->error;
    if (left->error != 0) {
        *why = left->why;
        ipm_why_prefix(why, "role %s: ", name);
        fail(troupe, phase, left->error);
    } else {
        char text[IPM_STATUS_TEXT];
        error = ipm_why_set(why, -ECHILD, "role %s %s", name,
                            ipm_status_text(status, text));
        fail(troupe, phase, error);
    }
    return troupe->outcome->error;
}

/* The earliest phase that a living role is in, and that role's name. */
static enum ipm_phase slowest_phase(const struct troupe *troupe, const char **out_name)
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
static int mourn(struct troupe *troupe, int helper)
{
    const char *name;
    enum ipm_phase phase = slowest_phase(troupe, &name);
    struct ipm_why *why = &troupe->outcome->why;
    fail(troupe, phase, ipm_helpers_ended(&troupe->helpers, helper, why));
    return troupe->outcome->error;
}

/* Those that have ended already. */
static int mourn_all(struct troupe *troupe)
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
static int next_to_end(const struct troupe *troupe, int64_t deadline_ns)
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
static void find_cause(struct troupe *troupe)
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
        if (reap(troupe, seat) == 0) {
            outcome->error = -EPIPE;
            outcome->phase = phase;
            outcome->why = why;
        }
    }
    if (outcome->error != -EPIPE)
        return;
    outcome->error = 0;
    if (mourn_all(troupe) == 0)
        outcome->error = -EPIPE;
    outcome->phase = phase;
}

static int overdue(struct troupe *troupe, int64_t allowed_ns)
{
    const char *name;
    enum ipm_phase slowest = slowest_phase(troupe, &name);
    int error = ipm_why_set(&troupe->outcome->why, -ETIMEDOUT,
                            "hung: role %s and its peers made no progress for %.3g s",
                            name, (double)allowed_ns / 1e9);
    fail(troupe, slowest, error);
    return error;
}

/*
 * Sleeps until the bell rings (1), all roles are gone (0), or something failed (< 0).  One
 * system call while nothing happens.
 */
static int attend(struct troupe *troupe, int64_t allowed_ns)
{
    int64_t deadline_ns = ipm_now_ns() + allowed_ns;
    while (troupe->alive > 0) {
        struct pollfd entries[IPM_SEATS_MAX + IPM_HELPERS_MAX + 2];
        nfds_t n = 0;
        entries[n++] = (struct pollfd){.fd = troupe->bell, .events = POLLIN};
        entries[n++] = (struct pollfd){.fd = troupe->guard, .events = 0};
        for (int seat = 0; seat < troupe->n; seat++)
            entries[n++] =
                (struct pollfd){.fd = troupe->pidfds[seat], .events = POLLIN};
        const struct ipm_helpers *helpers = &troupe->helpers;
        for (int i = 0; i < helpers->n; i++)
            entries[n++] = (struct pollfd){
                .fd = helpers->entries[i].process.pidfd_plus_one - 1, .events = POLLIN};
        int ready = poll(entries, n, ipm_poll_timeout_ms(deadline_ns));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0) {
            fail(troupe, IPM_PHASE_WINDOW,
                 ipm_why_set(&troupe->outcome->why, -errno, "poll: "));
            return troupe->outcome->error;
        }
        if (ready == 0)
            return overdue(troupe, allowed_ns);
        if (entries[1].revents != 0)
            _exit(1); /* nobody is left who would read the record */
        /* First: its death is the cause of what the roles have to say. */
        int ended = mourn_all(troupe);
        if (ended != 0)
            return ended;
        for (int seat = 0; seat < troupe->n; seat++) {
            if (entries[seat + 2].revents == 0)
                continue;
            int error = reap(troupe, seat);
            if (error != 0)
                return error;
        }
        uint64_t rung;
        if (entries[0].revents != 0 &&
            read(troupe->bell, &rung, sizeof(rung)) == sizeof(rung))
            return 1;
    }
    return 0;
}

static void measure(struct troupe *troupe, struct ipm_sensor_set *sensors)
{
    const struct ipm_point *point = troupe->point;
    struct ipm_board *board = troupe->board;
    int64_t before_ns = settle_ns + 10 * point->warmup_ns;
    if (attend(troupe, before_ns) != 1)
        return;
    ipm_helpers_open_bills(&troupe->helpers);
    ipm_background_open_bill(troupe->background);
    ipm_sensor_set_start(sensors);
    ipm_board_open(board);
    if (attend(troupe, point->timeout_ns) != 1)
        return;
    ipm_sensor_set_stop(sensors);
    ipm_helpers_close_bills(&troupe->helpers);
    ipm_background_close_bill(troupe->background);
    ipm_board_open(board);
    (void)attend(troupe, settle_ns);
    troupe->outcome->n_metrics =
        ipm_sensor_set_read(sensors, troupe->outcome->metrics, IPM_METRICS_MAX);
    int error = ipm_background_share(troupe->background, &troupe->outcome->background,
                                     &troupe->outcome->why);
    if (error != 0)
        fail(troupe, IPM_PHASE_WINDOW, error);
    else if (point->n_background > 0 && troupe->outcome->n_metrics < IPM_METRICS_MAX)
        troupe->outcome->metrics[troupe->outcome->n_metrics++] =
            ipm_background_metric(&troupe->outcome->background);
    troupe->outcome->n_helpers = troupe->helpers.n;
    for (int i = 0; i < troupe->helpers.n; i++)
        ipm_helpers_share(&troupe->helpers, i, &troupe->outcome->helpers[i]);
}

/* Of all pairs; NULL where there are none. */
static struct ipm_open_times *keep_open_times(const struct ipm_wiring *wiring)
{
    if (wiring->point->workload->latency != IPM_LATENCY_OPEN)
        return NULL;
    struct ipm_open_times *times = calloc(1, sizeof(*times));
    if (times == NULL)
        return NULL;
    for (int kind = 0; kind < IPM_OPEN_TIMES; kind++)
        ipm_histogram_reset(&times->histograms[kind]);
    for (int pair = 0; pair < wiring->point->traffic.pairs; pair++)
        ipm_open_loop_merge(times, ipm_wiring_shared(wiring, pair));
    return times;
}

/*
 * Roles of policy fifo that spin on every CPU would starve whoever has to end them: we stand
 * above them, asleep but for what they cannot do.  Roles do not inherit it.  Where it is
 * denied, their own policy is as well, and they say so.
 */
static void stay_ahead(const struct ipm_point *point)
{
    struct sched_param parameter = {.sched_priority = IPM_FIFO_PRIORITY + 1};
    if (point->policy == IPM_POLICY_FIFO)
        (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter);
}

void ipm_lead(const struct ipm_point *point, const struct ipm_sandbox *sandbox,
              struct ipm_board *board, int guard, const char *token,
              struct ipm_outcome *out_outcome)
{
    struct ipm_outcome *outcome = out_outcome;
    memset(outcome, 0, sizeof(*outcome));
    struct troupe troupe = {
        .point = point, .board = board, .outcome = outcome, .guard = guard};
    for (int seat = 0; seat < IPM_SEATS_MAX; seat++)
        troupe.pidfds[seat] = -1;
    board->n_seats = ipm_point_seats(point);
    board->bracket_ns[0] = board->bracket_ns[1] = NAN;

    stay_ahead(point);
    static struct ipm_wiring wiring; /* too large for a comfortable stack */
    wiring.states = wiring.shared = IPM_REGION_NONE; /* destroyed, created or not */
    static struct ipm_background background;
    troupe.background = &background;
    atomic_store(&board->phase, IPM_PHASE_CREATE);
    /* First, so that it inherits none of the channels. */
    int error = ipm_background_start(&background, point, guard, &outcome->why);
    int64_t start_ns = ipm_now_ns();
    if (error == 0)
        error =
            ipm_wiring_create(&wiring, point, token, sandbox->directory, &outcome->why);
    if (error == 0)
        error = ipm_helpers_start(&troupe.helpers, &wiring, point, &outcome->why);
    outcome->create_ns = ipm_now_ns() - start_ns;
    if (error != 0)
        fail(&troupe, IPM_PHASE_CREATE, error);

    if (error == 0) {
        outcome->n_channels = wiring.n_channels;
        for (int i = 0; i < wiring.n_channels; i++)
            outcome->capacities[i] = wiring.entries[i].channel.capacity;
        atomic_store(&board->phase, IPM_PHASE_FORK);
        troupe.bell = board->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        error = troupe.bell < 0 ? ipm_why_set(&outcome->why, -errno, "eventfd: ")
                                : raise_roles(&troupe, &wiring);
        if (error != 0)
            fail(&troupe, IPM_PHASE_FORK, error);
    }
    if (error == 0) {
        struct ipm_sensor_set sensors;
        struct ipm_sensor_context context = ipm_point_sensing(point);
        troupe.helpers.traced = troupe.helpers.n > 0 && ipm_system_calls_twin(&context);
        ipm_sensor_set_open(&sensors, IPM_SCOPE_SYSTEM, &context);
        atomic_store(&board->phase, IPM_PHASE_WINDOW);
        measure(&troupe, &sensors);
        ipm_sensor_set_close(&sensors);
        outcome->open = keep_open_times(&wiring);
    }
    find_cause(&troupe);
    dismiss(&troupe);
    ipm_background_stop(&background);
    start_ns = ipm_now_ns();
    ipm_helpers_stop(&troupe.helpers);
    ipm_wiring_destroy(&wiring);
    outcome->destroy_ns = ipm_now_ns() - start_ns;
}
