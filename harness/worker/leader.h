/* SPDX-License-Identifier: MIT */
/*
 * leader: the process that owns one invocation inside the sandbox - it creates the
 * channels, starts their helpers, forks the roles, reads the system's sensors around the
 * window, and sleeps on pidfds and the bell in between.
 */
#ifndef IPM_WORKER_LEADER_H
#define IPM_WORKER_LEADER_H

#include "harness/worker/background.h"
#include "harness/worker/board.h"
#include "harness/worker/helper.h"
#include "harness/worker/point.h"
#include "harness/worker/sandbox.h"
#include "harness/worker/wiring.h"
#include "workloads/open_loop.h"

/* What an invocation came to; input of the record. */
struct ipm_outcome {
    int error; /* 0: measured; < 0: failed in @phase for @why */
    enum ipm_phase phase;
    struct ipm_why why;
    int64_t create_ns, destroy_ns; /* of channels, their helpers included */
    size_t n_metrics;              /* of the system's sensors */
    struct ipm_metric metrics[IPM_METRICS_MAX];
    struct ipm_open_times *open; /* of an open loop, the caller's to free; else NULL */
    int n_channels;
    struct ipm_capacity capacities[IPM_WIRING_CHANNELS];
    int n_helpers;
    struct ipm_helper_share helpers[IPM_HELPERS_MAX];
    struct ipm_background_share background;
};

/**
 * ipm_lead() - measure one point
 * @board:   zeroed, of ipm_board_size()
 * @guard:   descriptor whose peer is the outer process: an error on it means that we are
 *           alone, and ends the invocation
 * @token:   for kernel names
 *
 * Always fills @out_outcome; when it returns, no role and no helper lives and no channel is left.
 */
void ipm_lead(const struct ipm_point *point, const struct ipm_sandbox *sandbox,
              struct ipm_board *board, int guard, const char *token,
              struct ipm_outcome *out_outcome);

#endif
