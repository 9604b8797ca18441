/* SPDX-License-Identifier: MIT */
#include "harness/worker/role.h"

#include "base/clock.h"
#include "harness/worker/core_step.h"
#include "harness/worker/role_settle.h"
#include "mechanisms/wait.h"
#include "workloads/open_loop.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CLOCKS_ALONE = 20, /* one operation that lasts so many clock reads is timed alone */
    CLOCKS_PER_BATCH = 100, /* a batch of shorter ones lasts at least so many */
    WARMUP_ROUNDS = 4,      /* warm-up is cut into at least so many rounds */
    POLLS_PER_CLOCK = 1000, /* of a role at rest: its clock reads are not to be seen */
    BATCH_GROWTH = 16, /* at most from round to round: one odd round cannot overshoot */
    VERIFIED_MESSAGES = 64,
    VERIFIED_LEAST = 4,
    VERIFIED_BYTES = 1 << 20, /* filling and comparing is slow: large ones are fewer */
};

static const uint64_t most_in_batch = UINT64_C(1) << 24;

struct part {
    const struct ipm_point *point;
    struct ipm_wiring *wiring;
    struct ipm_board *board;
    struct ipm_board_role *own;
    int seat, role, pair;
    unsigned char *working_set; /* NULL: none */
};

int ipm_role_recording(const struct ipm_workload *workload)
{
    return workload->elapsed == IPM_ELAPSED_PACER ? 0 : workload->n_roles - 1;
}

const char *ipm_role_no_bracket(const struct ipm_point *point)
{
    if (point->workload->n_roles < 2)
        return "not_applicable: one role has no peer";
    if (point->cpus[IPM_SIDE_A] == point->cpus[IPM_SIDE_B])
        return "not_applicable: both sides run on one CPU";
    return NULL;
}

static void enter(struct part *part, enum ipm_phase phase)
{
    atomic_store(&part->own->phase, (uint32_t)phase);
}

static _Noreturn void give_up(struct part *part, int error, const struct ipm_why *why)
{
    part->own->why = *why;
    part->own->error = error;
    _exit(1);
}

/* After the first messages, when all memory has been touched, and long before the window. */
static int prove_memory(struct part *part, struct ipm_why *why)
{
    struct ipm_memory_pages *pages = &part->own->memory;
    ipm_memory_count(pages);
    return ipm_memory_prove(pages, part->point->memory_node, why);
}

/* The armed roles without their messages, for the baseline of energy: asleep, or polling
 * and yielding where the wait strategy does. */
static void rest(struct part *part, struct ipm_run *run)
{
    const enum ipm_wait wait = part->point->wait;
    run->first_ns = ipm_now_ns();
    int64_t end_ns = run->first_ns + part->point->window_ns;
    if (wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD) {
        while (ipm_now_ns() < end_ns) {
            for (int i = 0; i < POLLS_PER_CLOCK; i++) {
                (void)atomic_load_explicit(&part->board->paces[part->pair].last_batch,
                                           memory_order_acquire);
                if (wait == IPM_WAIT_YIELD)
                    (void)sched_yield();
                else
                    ipm_relax();
            }
        }
    } else {
        struct timespec end = ipm_timespec(end_ns);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
            ;
    }
    run->last_ns = ipm_now_ns();
}

/* One round of the workload.  A port's conditions are failures here: nobody may leave. */
static void play(struct part *part, struct ipm_run *run)
{
    struct ipm_why why = {.error = 0, .text = ""};
    for (int edge = 0; edge < ipm_point_edges(part->point); edge++) {
        struct ipm_port *port = &part->wiring->ports[edge];
        port->sent = port->received = 0;
        port->quiet =
            !run->verify && port->touch == IPM_TOUCH_NONE && part->working_set == NULL;
    }
    run->workload = part->point->workload;
    run->traffic = &part->point->traffic;
    run->role = part->role;
    run->ports = part->wiring->ports;
    run->working_set = part->working_set;
    run->mix = part->point->mix.n > 0 ? &part->point->mix_table : NULL;
    run->shared = ipm_wiring_shared(part->wiring, part->pair);
    run->pace = &part->board->paces[part->pair];
    run->batch = part->board->batch;
    run->max_batches = part->board->max_batches;
    run->duration_ns = part->board->duration_ns;
    run->timeout_ns = IPM_FOREVER;
    const int *cpus = &part->point->cpus[IPM_SIDES * part->pair];
    run->one_cpu = cpus[IPM_SIDE_A] == cpus[IPM_SIDE_B];
    int result = part->point->workload->run(run, &why);
    if (result == IPM_CLOSED)
        result = ipm_why_set(&why, -EPIPE, "the peer closed the channel");
    else if (result == IPM_AGAIN)
        result = ipm_why_set(&why, -ETIMEDOUT, "the channel timed out");
    if (result != 0)
        give_up(part, result, &why);
}

static void set_round(struct ipm_board *board, uint64_t batch, uint64_t max_batches,
                      int64_t duration_ns)
{
    board->batch = batch;
    board->max_batches = max_batches;
    board->duration_ns = duration_ns;
    for (int pair = 0; pair < IPM_PAIRS_MAX; pair++)
        atomic_store(&board->paces[pair].last_batch, UINT64_MAX);
}

static void play_verified(struct part *part)
{
    uint64_t unit = ipm_point_unit(part->point);
    int64_t longest = ipm_point_longest(part->point);
    int64_t messages = longest > 0 ? VERIFIED_BYTES / longest : VERIFIED_MESSAGES;
    messages = messages > VERIFIED_MESSAGES ? VERIFIED_MESSAGES : messages;
    messages = messages < VERIFIED_LEAST ? VERIFIED_LEAST : messages;
    if (part->seat == 0)
        set_round(part->board, unit, ((uint64_t)messages + unit - 1) / unit, INT64_MAX);
    ipm_board_barrier(part->board);
    struct ipm_run run = {.verify = true};
    play(part, &run);
    ipm_board_barrier(part->board);
}

/* Role 0, after a warm-up round: is the batch long enough, and enough time spent? */
static void judge_warmup(struct part *part, const struct ipm_run *run)
{
    struct ipm_board *board = part->board;
    uint64_t unit = ipm_point_unit(part->point);
    int64_t elapsed_ns = run->last_ns - run->first_ns;
    double batch_ns = (double)elapsed_ns / (double)run->batches;
    int clocks = board->batch == unit ? CLOCKS_ALONE : CLOCKS_PER_BATCH;
    double wanted_ns = clocks * board->clock_cost_ns;
    board->warmup_spent_ns += elapsed_ns;
    /* Messages at planned times are timed one by one. */
    bool alone = part->point->workload->latency == IPM_LATENCY_OPEN;
    board->warm = alone || batch_ns >= wanted_ns || board->batch >= most_in_batch;
    if (!board->warm) {
        /* A quarter more than computed, so that a slightly faster window still holds. */
        wanted_ns = CLOCKS_PER_BATCH * board->clock_cost_ns;
        double factor = 1.25 * wanted_ns / (batch_ns > 1 ? batch_ns : 1);
        double batch = (double)board->batch * fmin(factor, BATCH_GROWTH);
        board->batch = ((uint64_t)ceil(batch) + unit - 1) / unit * unit;
    }
    board->warm = board->warm && board->warmup_spent_ns >= part->point->warmup_ns;
}

static void warm_up(struct part *part)
{
    struct ipm_board *board = part->board;
    int64_t round_ns = part->point->warmup_ns / WARMUP_ROUNDS;
    if (part->seat == 0) {
        struct ipm_clock_cost cost;
        ipm_clock_measure(&cost);
        board->clock_cost_ns = cost.median_ns;
        board->batch = ipm_point_unit(part->point);
        board->warm = false;
    }
    do {
        if (part->seat == 0)
            set_round(board, board->batch, UINT64_MAX, round_ns);
        ipm_board_barrier(board);
        struct ipm_run run = {.verify = false};
        play(part, &run);
        ipm_board_barrier(board);
        if (part->seat == 0)
            judge_warmup(part, &run);
        ipm_board_barrier(board);
    } while (!board->warm);
}

/* The first seat of each CPU speaks for it: two of them would only take turns. */
static double core_step_ns(const struct part *part)
{
    int cpu = ipm_point_cpu(part->point, part->seat);
    for (int seat = 0; seat < part->seat; seat++) {
        if (ipm_point_cpu(part->point, seat) == cpu)
            return NAN;
    }
    return ipm_core_step_measure();
}

static void bracket(struct part *part, int which)
{
    struct ipm_board *board = part->board;
    part->own->core_step_ns[which] = core_step_ns(part);
    ipm_board_barrier(board);
    if (ipm_role_no_bracket(part->point) == NULL) {
        const struct ipm_role *roles = part->point->workload->roles;
        int answering = 0;
        while (roles[answering].side == roles[0].side)
            answering++;
        if (part->seat == 0)
            board->bracket_ns[which] = ipm_bracket_ask(&board->bracket);
        else if (part->seat == answering)
            ipm_bracket_answer(&board->bracket);
        if (part->seat == 0 && which == 0)
            board->offset = ipm_offset_ask(&board->offset_line);
        else if (part->seat == answering && which == 0)
            ipm_offset_answer(&board->offset_line);
    }
    ipm_board_barrier(board);
}

/* Adds a role's samples to those of the others, after the window. */
static void pool_samples(struct ipm_board *board, const struct ipm_histogram *own)
{
    while (atomic_exchange(&board->histogram_busy, 1) != 0)
        (void)sched_yield();
    ipm_histogram_merge(&board->histogram, own);
    atomic_store(&board->histogram_busy, 0);
}

static void play_window(struct part *part, struct ipm_sensor_set *sensors)
{
    static struct ipm_histogram own_samples; /* too large for a comfortable stack */
    static struct ipm_blocks own_blocks;
    struct ipm_board *board = part->board;
    bool gap = part->point->workload->latency == IPM_LATENCY_GAP;
    bool recording = gap || part->role == ipm_role_recording(part->point->workload);
    bool pooled = recording && (gap || part->point->traffic.pairs > 1);
    struct ipm_run run = {.verify = false};
    for (int i = 0; i < IPM_WORKLOAD_METRICS; i++)
        run.metrics[i] = NAN;
    if (part->seat == 0)
        ipm_histogram_reset(&board->histogram);
    if (pooled)
        ipm_histogram_reset(&own_samples);
    ipm_blocks_reset(&own_blocks);
    run.blocks = &own_blocks;
    run.histogram = pooled ? &own_samples : recording ? &board->histogram : NULL;
    if (part->seat == 0) {
        board->window_batch = board->batch;
        set_round(board, board->batch, UINT64_MAX, part->point->window_ns);
    }

    ipm_board_gate(board);
    ipm_sensor_set_start(sensors);
    if (part->point->idle)
        rest(part, &run);
    else
        play(part, &run);
    ipm_sensor_set_stop(sensors);
    ipm_board_gate(board);
    if (pooled)
        pool_samples(board, &own_samples);
    if (recording && part->point->workload->latency == IPM_LATENCY_OPEN &&
        !part->point->idle) /* at rest nothing was planned */
        ipm_open_loop_keep(run.shared);
    if (recording && !gap && part->pair == 0)
        board->blocks = own_blocks;

    struct ipm_board_role *own = part->own;
    own->operations = run.operations;
    own->messages = run.messages;
    own->payload_bytes = run.payload_bytes;
    own->first_ns = run.first_ns;
    own->last_ns = run.last_ns;
    memcpy(own->values, run.metrics, sizeof(own->values));
    own->n_metrics = ipm_sensor_set_read(sensors, own->metrics, IPM_METRICS_MAX);
}

/* Who sleeps on several channels does so in a call of its own, which none of them counts. */
static bool sleeps_by_itself(const struct part *part)
{
    const enum ipm_wait wait = part->point->wait;
    return part->point->workload->waits_any && part->role == 0 &&
           (wait == IPM_WAIT_BLOCK || wait == IPM_WAIT_SPIN_THEN_BLOCK);
}

_Noreturn void ipm_role_run(const struct ipm_point *point, struct ipm_wiring *wiring,
                            struct ipm_board *board, int seat)
{
    struct ipm_why why = {.error = 0, .text = ""};
    struct part part = {.point = point,
                        .wiring = wiring,
                        .board = board,
                        .own = &board->seats[seat],
                        .seat = seat,
                        .role = ipm_point_role(point, seat),
                        .pair = ipm_point_pair(point, seat)};
    enter(&part, IPM_PHASE_ATTACH);
    int error = ipm_role_settle(point, wiring, seat, &why);
    if (error != 0)
        give_up(&part, error, &why);

    struct ipm_sensor_set sensors;
    struct ipm_sensor_context context = ipm_point_sensing(point);
    ipm_sensor_set_open(&sensors, IPM_SCOPE_TASK, &context);
    int64_t start_ns = ipm_now_ns();
    error = ipm_wiring_attach(wiring, &why);
    part.own->attach_ns = ipm_now_ns() - start_ns;
    if (error != 0)
        give_up(&part, error, &why);
    error = ipm_role_working_set(point, &part.working_set, &why);
    if (error != 0)
        give_up(&part, error, &why);
    ipm_board_barrier(board);
    enter(&part, IPM_PHASE_JOIN);
    error = ipm_wiring_join(wiring, &why);
    if (error != 0)
        give_up(&part, error, &why);
    ipm_board_barrier(board);

    enter(&part, IPM_PHASE_VERIFY);
    play_verified(&part);
    error = prove_memory(&part, &why);
    if (error != 0)
        give_up(&part, error, &why);
    enter(&part, IPM_PHASE_WARMUP);
    warm_up(&part);
    bracket(&part, 0);
    enter(&part, IPM_PHASE_WINDOW);
    play_window(&part, &sensors);
    bracket(&part, 1);
    enter(&part, IPM_PHASE_DRAIN);
    play_verified(&part);

    enter(&part, IPM_PHASE_DETACH);
    part.own->counted =
        ipm_wiring_stats(wiring, &part.own->stats) && !sleeps_by_itself(&part);
    ipm_sensor_set_close(&sensors);
    start_ns = ipm_now_ns();
    ipm_wiring_detach(wiring);
    part.own->detach_ns = ipm_now_ns() - start_ns;
    enter(&part, IPM_PHASE_GONE);
    _exit(0);
}
