/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_simulation: suites made up so that what a gate should say of them is known.
 *
 * Each suite is a gate (analysis/gate.h) that is asked and answered exactly as a driver asks
 * and answers it; only the invocations are drawn.  The logarithm of the cost of invocation t
 * is the point's own plus
 *
 *     the arm's effect where one was planted
 *   + the arm's bias at this point      normal, drawn once for each suite
 *   + a drift x_t = r x_(t-1) + e_t     over all invocations in the order of time
 *   + a jump level                      now and then drawn anew
 *   + its own scatter                   normal, or Student's t with 2 degrees of freedom
 *   + a slow mode                       in some invocations
 *   + a spoilt one                      an exponential, in some invocations.
 *
 * The same stream feeds the design that most tools use: ten invocations of each point with A,
 * then ten of each with B, Mann-Whitney at 5 % for each point.
 *
 * The classes are guesses at what machines do (statistics.md 3), not fits.
 */
#ifndef IPM_ANALYSIS_GATE_SIMULATION_H
#define IPM_ANALYSIS_GATE_SIMULATION_H

#include "analysis/gate.h"

#include <jansson.h>

/* Logarithms, and chances for each invocation. */
struct ipm_gate_class {
    const char *name, *summary;
    double scatter;                  /* standard deviation, or the scale of t */
    bool heavy;                      /* t with 2 degrees of freedom */
    double spoilt_chance, spoilt;    /* mean of the exponential */
    double drift_step, drift_memory; /* sd of e, r */
    double bias;                     /* sd over points */
    double mode_chance, mode;        /* by how much the slow mode is slower */
    double jump_chance, jump;        /* sd of the level */
};

enum { IPM_GATE_CLASSES = 6 };

/* quiet, drift, bimodal, arm_bias, heavy_tail, regime_jumps */
extern const struct ipm_gate_class ipm_gate_classes[IPM_GATE_CLASSES];

/* What is simulated. */
struct ipm_gate_simulation {
    const struct ipm_gate_class *noise;
    struct ipm_gate_params params; /* its seed is not used */
    size_t suites, points, controls;
    /* Null sessions that the points' noise is calibrated from, 0: uncalibrated.  Made anew
     * every IPM_GATE_CALIBRATED suites; one pair of builds makes all sessions of one. */
    size_t sessions;
    double slower; /* of one random point of each suite, as a share; 0: none */
    bool naive;    /* the other design, too */
    uint64_t seed;
};

enum { IPM_GATE_CALIBRATED = 500 };

/* Suites, and points where it says so. */
struct ipm_gate_simulated {
    size_t suites;
    size_t verdicts[IPM_GATE_VERDICTS];
    size_t false_alarms; /* a point that is not slower was called */
    size_t found;        /* the slower point was called, or with no other point: */
    size_t found_alone;
    size_t passed;       /* the slower point was said to pass, or the suite was */
    size_t suspected;    /* the screen suspected a point that is not slower: what a gate
                            without confirmation would have called */
    size_t naive_alarms; /* the other design called a point that is not slower */
    double blocks;       /* for each point, controls included, on average */
};

/**
 * ipm_gate_simulate() - so many suites; the same numbers in every run
 *
 * Return: 0; -ENOTSUP built without GSL; -ENOMEM; what ipm_gate_new() refuses.
 */
int ipm_gate_simulate(const struct ipm_gate_simulation *simulation,
                      struct ipm_gate_simulated *out_simulated, struct ipm_why *why);

#endif
