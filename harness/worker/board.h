/* SPDX-License-Identifier: MIT */
/*
 * board: the shared page through which leader and roles meet.
 *
 *     roles   ATTACH - JOIN - VERIFY - WARMUP ... - [gate] WINDOW [gate] - DRAIN - DETACH
 *     leader                                   start sensors    stop sensors
 *
 * A barrier holds the roles until all have come.  At a gate the last to come rings the
 * leader's bell (an eventfd), and the leader opens.  Both sleep on one futex word, so that
 * nothing runs beside a role that is still at work.
 */
#ifndef IPM_WORKER_BOARD_H
#define IPM_WORKER_BOARD_H

#include "base/blocks.h"
#include "base/histogram.h"
#include "base/metric.h"
#include "base/region.h"
#include "base/why.h"
#include "harness/worker/bracket.h"
#include "harness/worker/memory_node.h"
#include "harness/worker/offset.h"
#include "harness/worker/point.h"
#include "harness/worker/sensors/sensor.h"
#include "workloads/workload.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IPM_BOARD_MAGIC UINT64_C(0x64726f61625f6d70) /* "pm_board" */

enum { IPM_BOARD_VERSION = 1 };

enum ipm_phase {
    IPM_PHASE_SANDBOX,
    IPM_PHASE_CREATE,
    IPM_PHASE_FORK,
    IPM_PHASE_ATTACH,
    IPM_PHASE_JOIN,
    IPM_PHASE_VERIFY,
    IPM_PHASE_WARMUP,
    IPM_PHASE_WINDOW,
    IPM_PHASE_DRAIN,
    IPM_PHASE_DETACH,
    IPM_PHASE_GONE,
};

extern const char *const ipm_phase_names[];

struct ipm_board_role {
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t phase; /* enum ipm_phase, as reached */
    int error;                                      /* < 0: it gave up, @why says why */
    struct ipm_why why;
    int64_t attach_ns, detach_ns;
    uint64_t operations, messages, payload_bytes; /* of the window */
    int64_t first_ns, last_ns;
    double core_step_ns[2]; /* before and after; NaN: another seat of its CPU took it */
    double values[IPM_WORKLOAD_METRICS]; /* the workload's own metrics; NaN: none */
    struct ipm_endpoint_stats stats;
    bool counted;                   /* all its endpoints keep these counts */
    struct ipm_memory_pages memory; /* where its pages lie */
    size_t n_metrics;
    struct ipm_metric metrics[IPM_METRICS_MAX];
};

struct ipm_board {
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t arrived; /* roles at the current barrier */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t opened; /* barriers opened so far: futex */
    _Alignas(IPM_LINE_PAIR) _Atomic uint32_t phase;  /* of the leader */
    int n_seats;
    int bell; /* eventfd */

    /* The round to come, written by role 0 before its barrier. */
    uint64_t batch, max_batches;
    int64_t duration_ns;
    uint64_t window_batch; /* the batch of the measured window */
    bool warm;             /* no more warm-up rounds */
    int64_t warmup_spent_ns;
    double clock_cost_ns;
    double bracket_ns[2]; /* before and after the window; NaN: not taken */

    struct ipm_pace paces[IPM_PAIRS_MAX];
    struct ipm_bracket bracket;
    struct ipm_offset_line offset_line;
    struct ipm_offset offset; /* side B's clock minus side A's; of pair 0 */
    struct ipm_blocks
        blocks; /* of the recording role of pair 0; none where all record */
    struct ipm_histogram histogram; /* of the role, or the roles, whose samples count */
    _Atomic uint32_t histogram_busy; /* a role adds its own to it */
    struct ipm_board_role seats[];   /* n_seats of them */
};

/* Bytes of a board for so many seats. */
static inline size_t ipm_board_size(int seats)
{
    return sizeof(struct ipm_board) + (size_t)seats * sizeof(struct ipm_board_role);
}

/* Waits until all roles have come. */
void ipm_board_barrier(struct ipm_board *board);

/* The same, and the leader opens. */
void ipm_board_gate(struct ipm_board *board);

/* Leader: lets everybody at the gate go on. */
void ipm_board_open(struct ipm_board *board);

#endif
