/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate: two arms, measured turn by turn into a result folder, and what is said of them.
 *
 *     DIR/manifest.json   as of a run, and `gate`: the arms and what became of the invocations
 *     DIR/records.jsonl   one line an invocation, with arm, stage, gate_block, place, sequence
 *     DIR/gate.json       the verdict with all it stands on (analysis/gate_json.h)
 *
 * The third schedule: which invocation comes next, analysis/gate.h says.  Here it is made.
 *
 * Before the first block every point is measured once with each arm, and the control points
 * until there are IPM_GATE_WARMUPS: that finds a point which an arm cannot measure, the figure
 * that a point has, and the pace of the cores (harness/pace.h).
 *
 * An invocation whose core was slow, or whose regime changed, is made again at once, and the
 * second one taken: that keeps a rare one out of a block.  Where they are common it would double the
 * time and win little, so that it is done for a share IPM_GATE_AGAIN of the values at the most;
 * the choice does not look at the value.  One that failed is made again IPM_GATE_RETRIES times;
 * then its point is `error`.
 */
#ifndef IPM_HARNESS_GATE_H
#define IPM_HARNESS_GATE_H

#include "analysis/gate.h"
#include "analysis/gate_noise.h"
#include "harness/gate_arm.h"
#include "harness/run.h"

enum { IPM_GATE_WARMUPS = 20, IPM_GATE_RETRIES = 2, IPM_GATE_AGAIN_FREE = 10 };

#define IPM_GATE_AGAIN 0.2 /* of the values, beside the free ones at the start */

/* Of the time of all CPUs: above this the machine was not fit, and the verdict is
 * `environment`.  How many of the values come from slow cores decides nothing: they come in both
 * arms alike, and the blocks scatter by them. */
#define IPM_GATE_STEAL_MOST 0.02

struct ipm_gate_request {
    struct ipm_run_request run;    /* its worker is arm A's; resume is not looked at */
    const struct ipm_arm *arms[2]; /* described */
    const struct ipm_gate_noise *noise; /* NULL: not calibrated */
    bool
        every_block; /* no screen: every point gets the confirming blocks (calibrate) */
};

/* What became of the invocations. */
struct ipm_gate_counts {
    size_t warmups;
    size_t values;  /* that the verdict stands on */
    size_t again;   /* made again: a slow core, or another regime */
    size_t slow;    /* of the values, such ones all the same */
    size_t retried; /* made again after a failure */
    double steal;   /* share of the time of all CPUs; NaN: not known */
};

struct ipm_gate_outcome {
    struct ipm_gate *gate; /* whose texts are the plan's and these: */
    char (*labels)[IPM_LABEL];
    struct ipm_gate_result result;
    struct ipm_gate_counts counts;
    bool interrupted;
    bool same; /* the arms are the same program */
    json_t *drift;
};

/* The parameters that a config asks for, the defaults where it does not. */
struct ipm_gate_params ipm_gate_params_of(const struct ipm_gating *asked,
                                          uint64_t seed);

/**
 * ipm_gate_run() - measure and judge; @out_outcome is the caller's to end, before the plan
 *
 * Return: 0, whatever the verdict and also when interrupted; before a folder is made -ENODATA
 *         the plan has no point under test, -EINVAL parameters that contradict each other, or too
 *         few blocks for so many points, -ENOTSUP built without GSL; then -EEXIST the folder
 *         holds a run; -ESTALE its records were taken away; -errno.
 */
int ipm_gate_run(const struct ipm_gate_request *request,
                 const struct ipm_prepared *prepared,
                 struct ipm_gate_outcome *out_outcome, struct ipm_why *why);

/* Idempotent. */
void ipm_gate_outcome_fini(struct ipm_gate_outcome *outcome);

#endif
