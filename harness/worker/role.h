/* SPDX-License-Identifier: MIT */
/*
 * role: one process of a workload, from fork to exit.
 */
#ifndef IPM_WORKER_ROLE_H
#define IPM_WORKER_ROLE_H

#include "harness/worker/board.h"
#include "harness/worker/point.h"
#include "harness/worker/wiring.h"

/**
 * ipm_role_run() - be the role in that seat, then exit
 *
 * Exit status 0: all rounds done and results on the board; 1: gave up, the board says in
 * which phase and why.
 */
_Noreturn void ipm_role_run(const struct ipm_point *point, struct ipm_wiring *wiring,
                            struct ipm_board *board, int seat);

/* The role whose clock bounds the window and whose samples count; of many the samples of the
 * first, and the clocks of all. */
int ipm_role_recording(const struct ipm_workload *workload);

/* Whether the window is bracketed: NULL, or why not. */
const char *ipm_role_no_bracket(const struct ipm_point *point);

#endif
