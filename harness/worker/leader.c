/* SPDX-License-Identifier: MIT */
#include "harness/worker/leader.h"

#include "base/clock.h"
#include "base/process.h"
#include "harness/worker/leader_causes.h"
#include "harness/worker/role.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t settle_ns = 10 * IPM_NS_PER_SECOND; /* for all but the window */

static int raise_roles(struct ipm_troupe *troupe, struct ipm_wiring *wiring)
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

static void dismiss(struct ipm_troupe *troupe)
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

/*
 * Sleeps until the bell rings (1), all roles are gone (0), or something failed (< 0).  One
 * system call while nothing happens.
 */
static int attend(struct ipm_troupe *troupe, int64_t allowed_ns)
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
            ipm_troupe_fail(troupe, IPM_PHASE_WINDOW,
                            ipm_why_set(&troupe->outcome->why, -errno, "poll: "));
            return troupe->outcome->error;
        }
        if (ready == 0)
            return ipm_troupe_overdue(troupe, allowed_ns);
        if (entries[1].revents != 0)
            _exit(1); /* nobody is left who would read the record */
        /* First: its death is the cause of what the roles have to say. */
        int ended = ipm_troupe_mourn(troupe);
        if (ended != 0)
            return ended;
        for (int seat = 0; seat < troupe->n; seat++) {
            if (entries[seat + 2].revents == 0)
                continue;
            int error = ipm_troupe_reap(troupe, seat);
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

static void measure(struct ipm_troupe *troupe, struct ipm_sensor_set *sensors)
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
        ipm_troupe_fail(troupe, IPM_PHASE_WINDOW, error);
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
    struct ipm_troupe troupe = {
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
    /* Behind it: the load's memory is not the channels'. */
    if (error == 0)
        error = ipm_memory_bind(point->memory_node, &outcome->why);
    ipm_memory_mark();
    int64_t start_ns = ipm_now_ns();
    if (error == 0)
        error =
            ipm_wiring_create(&wiring, point, token, sandbox->directory, &outcome->why);
    if (error == 0)
        error = ipm_helpers_start(&troupe.helpers, &wiring, point, &outcome->why);
    outcome->create_ns = ipm_now_ns() - start_ns;
    if (error != 0)
        ipm_troupe_fail(&troupe, IPM_PHASE_CREATE, error);

    if (error == 0) {
        outcome->n_channels = wiring.n_channels;
        for (int i = 0; i < wiring.n_channels; i++)
            outcome->capacities[i] = wiring.entries[i].channel.capacity;
        atomic_store(&board->phase, IPM_PHASE_FORK);
        troupe.bell = board->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        error = troupe.bell < 0 ? ipm_why_set(&outcome->why, -errno, "eventfd: ")
                                : raise_roles(&troupe, &wiring);
        if (error != 0)
            ipm_troupe_fail(&troupe, IPM_PHASE_FORK, error);
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
    ipm_troupe_find_cause(&troupe);
    dismiss(&troupe);
    ipm_background_stop(&background);
    start_ns = ipm_now_ns();
    ipm_helpers_stop(&troupe.helpers);
    ipm_wiring_destroy(&wiring);
    outcome->destroy_ns = ipm_now_ns() - start_ns;
}
