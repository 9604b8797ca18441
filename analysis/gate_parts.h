/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_parts: what gate.c, gate_check.c, gate_judge.c and nobody else share. */
#ifndef IPM_ANALYSIS_GATE_PARTS_H
#define IPM_ANALYSIS_GATE_PARTS_H

#include "analysis/gate.h"

/* A point as far as it was measured. */
struct ipm_gate_series {
    struct ipm_gate_block *blocks[IPM_GATE_STAGES]; /* into the gate's */
    size_t n_blocks[IPM_GATE_STAGES];               /* complete ones */
    struct ipm_estimate screened; /* the effect as the screen saw it, a logarithm */
    bool suspect;
    bool goes_on; /* is confirmed */
    bool settled; /* a look decided it: no more blocks */
    bool b_first; /* the block that is next in line */
    char failure[IPM_GATE_REASON];
};

struct ipm_gate {
    struct ipm_gate_params params;
    struct ipm_gate_point *points;
    struct ipm_gate_series *series;
    struct ipm_gate_block *blocks;
    size_t n_points;
    size_t *order; /* of this round */
    size_t n_order;
    size_t at;    /* in it */
    size_t round; /* of this stage */
    size_t look;  /* from 0 */
    size_t place; /* in the block */
    enum ipm_gate_stage stage;
    uint64_t random, sequence;
    bool done;
    bool starved; /* no memory to judge the screen: no verdict can be */
    char disturbance[IPM_GATE_REASON];
};

/* Return: 0; -EINVAL as ipm_gate_new() has it. */
int ipm_gate_check(const struct ipm_gate_params *params,
                   const struct ipm_gate_point *points, size_t n_points,
                   struct ipm_why *why);

/* Logarithms. */
double ipm_gate_margin(const struct ipm_gate *gate, size_t point);
double ipm_gate_smallest_effect(const struct ipm_gate *gate, size_t point);

/* Is it called at the error that the gate may make?  Of a control point: either way. */
bool ipm_gate_called(const struct ipm_gate *gate,
                     const struct ipm_gate_finding *finding);

/* Is equivalence shown by an effect with this interval? */
bool ipm_gate_equivalent(const struct ipm_gate *gate, size_t point,
                         enum ipm_gate_stage stage, const struct ipm_estimate *effect);

/* The effect by the blocks of one stage.  Return: 0; -ENOMEM. */
int ipm_gate_effect(const struct ipm_gate *gate, size_t point,
                    enum ipm_gate_stage stage, struct ipm_estimate *out_effect);

#endif
