/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate: whether arm B costs more than arm A, by data that are asked for one value at a time.
 *
 * It measures nothing: it says which point is to be measured next with which arm, is told
 * the value, and in the end gives a verdict.  A driver and a simulation take the same way.
 *
 *     ipm_gate_new -> { ipm_gate_next -> ipm_gate_record | ipm_gate_fail }* -> ipm_gate_judge
 *
 * The design (the word d is the difference of logarithms, positive where B costs more):
 *
 * Block: A B B A or B A A B of one point, four fresh invocations one behind the other;
 *     d = mean log cost of B - mean log cost of A.  What drifts linearly over the four
 *     cancels.  Which of the two orders is drawn by coin for every other block of a point,
 *     the block after it takes the other one.  A round has one block of each point, in a
 *     fresh random order.  The block is the unit of replication.
 * Screen: @screen_blocks of every point.  Nothing is claimed from them but equivalence.  A
 *     point goes on when its median d is above @screen_limit (suspect) or below minus its
 *     margin (a possible improvement), or when its equivalence is not shown yet.
 * Confirm: @confirm_blocks fresh ones of those that go on and of all control points; those of
 *     the screen are not used again.  Then a look: a point is settled when it is called or
 *     passes; of those that are not, and of the control points, @confirm_blocks more, up to
 *     @looks looks, each at all confirming blocks so far.  A quiet machine is done at the
 *     first one, a noisy one gets the blocks that it needs.
 *     H0: the median of d is at most log(1 + margin), tested by the exact sign test
 *     (Conover, Practical Nonparametric Statistics, 3.4), Holm's (1979) correction over all
 *     points confirmed but the possible improvements, at @alpha / @looks in each look: the
 *     chance of one false alarm in the suite.  Holm calls no true null before one of the m0
 *     of them has a p-value of at most alpha / (m0 looks); over all looks, whatever was
 *     settled on the way, that happens with a chance of at most alpha.
 *     The effect is Hodges and Lehmann's estimate with Wilcoxon's interval
 *     (ipm_estimate_pseudomedian; d is symmetric about its centre where the arms differ in a
 *     factor alone, since the order of the arms is random).
 * Margin: the larger of the declared one and @noise_factor times the point's noise in A/A
 *     gates (analysis/gate_noise.h): two builds of one source differ by their layout, which
 *     no repetition cures, and not alpha but the margin keeps that from being a finding.
 * Pass: only by equivalence: an upper bound is below log(1 + smallest effect).  The bound is
 *     the larger of the interval's upper end and the estimate + z noise, z the normal
 *     deviate of the level: the interval knows how blocks scatter, and not by how much two
 *     builds of one source differ in all blocks alike.  The screen has half of 1 - level =
 *     5 %, the looks share the other half: a point that is slower by the smallest effect or
 *     more passes with at most that chance.  The screen's six blocks are the fewest that have
 *     an interval of 95 %.
 * Environment: control points (floors, no code under test) are tested both ways against
 *     their own margins, Holm at @alpha; when one moved, the machine did.
 * Unstable: a regression of which fewer than @superiority of the blocks have d > 0 (the
 *     probability of superiority for dependent groups, Grissom and Kim 2005, 5.4) is
 *     inconclusive: a mixture of modes passes tests of location.
 * Changes: Benjamini and Hochberg (1995) at @q over all points, both ways, against the
 *     margin: a list for people; decides nothing.
 */
#ifndef IPM_ANALYSIS_GATE_H
#define IPM_ANALYSIS_GATE_H

#include "analysis/stats.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_gate_arm { IPM_GATE_A, IPM_GATE_B };

enum ipm_gate_stage { IPM_GATE_SCREEN, IPM_GATE_CONFIRM, IPM_GATE_STAGES };

enum ipm_gate_verdict {
    IPM_GATE_PASS, /* of a control point: it did not move */
    IPM_GATE_REGRESSION,
    IPM_GATE_INCONCLUSIVE, /* neither was shown */
    IPM_GATE_ENVIRONMENT,  /* the machine moved */
    IPM_GATE_ERROR,        /* something could not be measured */
    IPM_GATE_VERDICTS,
};

enum ipm_gate_change {
    IPM_GATE_SAME,
    IPM_GATE_WORSE,
    IPM_GATE_BETTER,
    IPM_GATE_CHANGES
};

/* "a", "b"; "screen", "confirm"; "pass", "regression" ...; "none", "worse", "better" */
extern const char *const ipm_gate_arm_names[2];
extern const char *const ipm_gate_stage_names[IPM_GATE_STAGES];
extern const char *const ipm_gate_verdict_names[IPM_GATE_VERDICTS];
extern const char *const ipm_gate_change_names[IPM_GATE_CHANGES];

enum {
    IPM_GATE_BLOCK = 4,                           /* invocations */
    IPM_GATE_BLOCKS_MOST = IPM_PSEUDOMEDIAN_MOST, /* of a stage */
    IPM_GATE_REASON = 320,
    IPM_GATE_SENTENCE = 2 * IPM_GATE_REASON,
    IPM_GATE_WARNINGS = 8,
};

/* All as shares, 0.05 for 5 %. */
struct ipm_gate_params {
    size_t
        screen_blocks; /* 1 to IPM_GATE_BLOCKS_MOST; below 6 nothing passes by them */
    size_t confirm_blocks;  /* of each look, 1 or more; enough for alpha */
    size_t looks;           /* 1 or more; in all at most IPM_GATE_BLOCKS_MOST blocks */
    double screen_limit;    /* >= 0 */
    double margin;          /* >= 0: what is declared to be no regression */
    double smallest_effect; /* >= margin, > 0: what a pass rules out */
    double noise_factor;    /* >= 0 */
    double alpha, q, level; /* in (0, 1) */
    double superiority;     /* in [0, 1] */
    uint64_t seed;          /* below 2^53: orders depend on it and on failures alone */
};

/* 6 blocks, 3 looks of 32 each, limit 1 %, margin 2 %, smallest effect 5 %, factor 3, alpha
 * 0.01, q 0.05, level 0.95, superiority 0.75, seed 1 */
extern const struct ipm_gate_params ipm_gate_defaults;

/* A point and the one metric of it that is gated; texts must outlive the gate. */
struct ipm_gate_point {
    const char *id;    /* the point's hash */
    const char *label; /* for people */
    const char *metric;
    const char *unit;       /* "" is one */
    bool more_is_better;    /* the cost is 1 / value */
    bool control;           /* a floor */
    double noise;           /* of its A/A gates: sd of d, a logarithm; NaN: not known */
    double smallest_effect; /* NaN: that of the gate */
};

/* One invocation to be made. */
struct ipm_gate_trial {
    size_t point; /* index */
    enum ipm_gate_arm arm;
    enum ipm_gate_stage stage;
    size_t block; /* from 0, within point and stage */
    size_t place; /* in the block, 0 to 3 */
    uint64_t
        sequence; /* from 0, over the whole gate; one that is asked for again keeps it */
};

/* A block as it was measured. */
struct ipm_gate_block {
    double values[IPM_GATE_BLOCK]; /* in the metric's unit, in the order of time */
    uint64_t sequence;             /* of the first of them */
    bool b_first;                  /* B A A B */
    double d;                      /* above 0: B costs more */
};

struct ipm_gate;

/**
 * ipm_gate_new() - a gate over @points, of which it keeps a copy
 *
 * Return: 0; -EINVAL no points under test, a parameter is out of its range, or the confirming
 *         blocks of a look are too few for @alpha with so many points: at least
 *         log2(n looks / alpha), and log2(2 controls looks / alpha); -ENOTSUP built without
 *         GSL; -ENOMEM.
 */
int ipm_gate_new(const struct ipm_gate_params *params,
                 const struct ipm_gate_point *points, size_t n_points,
                 struct ipm_gate **out_gate, struct ipm_why *why);

void ipm_gate_free(struct ipm_gate *gate);

/**
 * ipm_gate_next() - the invocation that is wanted now
 *
 * The same one until it was recorded or its point failed: it may be tried again.
 *
 * Return: 0; 1 all is done.
 */
int ipm_gate_next(struct ipm_gate *gate, struct ipm_gate_trial *out_trial);

/**
 * ipm_gate_record() - the value of the invocation that ipm_gate_next() named
 * @value: in the metric's unit
 *
 * Return: 0; -EINVAL @value is no number above 0, which has no logarithm (the invocation is
 *         still wanted), or nothing was asked for.
 */
int ipm_gate_record(struct ipm_gate *gate, double value, struct ipm_why *why);

/* Takes a point out, at any time and for good: an arm crashes at it, or has it not.  The
 * verdict will be `error`, with @reason.  The first reason stays. */
void ipm_gate_fail(struct ipm_gate *gate, size_t point, const char *reason);

/* The machine was seen to be unfit while the gate ran (steal, another regime): the verdict
 * will be `environment`, with @reason.  The first reason stays. */
void ipm_gate_disturbed(struct ipm_gate *gate, const char *reason);

/* What a driver shows: invocations recorded, and those that are still to come as far as is
 * known now, to the end of the screen or of this look. */
void ipm_gate_progress(const struct ipm_gate *gate, uint64_t *out_made,
                       uint64_t *out_left);

const struct ipm_gate_point *ipm_gate_point(const struct ipm_gate *gate, size_t point);
const struct ipm_gate_params *ipm_gate_params(const struct ipm_gate *gate);

/* Complete blocks of a stage, in the order of time; the gate's. */
const struct ipm_gate_block *ipm_gate_blocks(const struct ipm_gate *gate, size_t point,
                                             enum ipm_gate_stage stage,
                                             size_t *out_n_blocks);

/* What is said of one point.  Logarithms of the cost of B over that of A. */
struct ipm_gate_finding {
    enum ipm_gate_verdict verdict;
    enum ipm_gate_stage stage;  /* whose blocks decided; the only ones used below */
    bool suspect;               /* the screen saw it cost more; no claim */
    struct ipm_estimate effect; /* a logarithm, with its interval */
    double upper;    /* a pass needs it below the smallest effect; NaN: none */
    double margin;   /* a logarithm */
    size_t n_beyond; /* blocks, of effect.n, with d above the margin */
    double p;        /* of these; NaN: not tested */
    double p_holm;   /* adjusted, for the looks too; NaN: not in the family */
    double p_change,
        p_listed; /* both ways; by Benjamini and Hochberg, for the looks too; NaN: not
                     tested */
    enum ipm_gate_change change;
    double
        superiority; /* share of blocks with d > 0, those with d = 0 by half; NaN: none */
    bool unstable;
    char reason
        [IPM_GATE_REASON]; /* one sentence without a full stop: why this verdict */
};

struct ipm_gate_result {
    enum ipm_gate_verdict verdict;
    char sentence[IPM_GATE_SENTENCE];  /* why */
    bool complete;                     /* everything asked for was measured */
    struct ipm_gate_finding *findings; /* one for each point */
    size_t n_findings;
    size_t n_verdicts[IPM_GATE_VERDICTS]; /* points under test by verdict */
    size_t n_changes[IPM_GATE_CHANGES];   /* of the list */
    size_t n_family;                      /* points that Holm corrected for */
    struct ipm_estimate shift; /* median of the effects of all points under test: shown
                                  beside, decides nothing */
    char warnings[IPM_GATE_WARNINGS][IPM_GATE_REASON];
    size_t n_warnings;
};

/**
 * ipm_gate_judge() - the verdict on what was recorded so far
 *
 * Before all is done it can only be error, environment or inconclusive.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_gate_judge(const struct ipm_gate *gate, struct ipm_gate_result *out_result);

/* Idempotent. */
void ipm_gate_result_fini(struct ipm_gate_result *result);

#endif
