/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_parts: what gate.c and gate_measure.c share, and nobody else. */
#ifndef IPM_HARNESS_GATE_PARTS_H
#define IPM_HARNESS_GATE_PARTS_H

#include "harness/gate.h"
#include "harness/gate_value.h"
#include "harness/pace.h"
#include "harness/session.h"

/* A point of the plan. */
struct entry {
    const struct ipm_point *point;
    char *label; /* the outcome's */
    const char *mechanism;
    bool control;
    bool left_out;          /* a floor without a figure that could be compared */
    size_t pace;            /* which of the paces: those of the same CPUs share one */
    int64_t invocations[2]; /* made with each arm */
    int64_t elapsed_ns;     /* of their windows */
    enum ipm_gate_metric metric; /* IPM_GATE_METRICS: not known yet */
    char failure[IPM_GATE_REASON];
};

struct driver {
    struct ipm_session session;
    const struct ipm_gate_request *request;
    struct entry *entries; /* of every point of the plan */
    size_t n_entries;
    size_t *gated; /* index of the gate to that of entries */
    size_t n_gated;
    struct ipm_pace *paces;
    char (*cpus)[IPM_HASH_TEXT]; /* of each pace */
    size_t n_paces;
    char (*labels)[IPM_LABEL]; /* the outcome's, as the gate */
    struct ipm_gate *gate;
    struct ipm_gate_counts counts;
    size_t made;
    int64_t begun_ns;
    bool interrupted;
};

/* Each point with each arm, then the control points.  Return: 0; 1 interrupted; -errno. */
int ipm_gate_warm_up(struct driver *driver, struct ipm_why *why);

/* What the gate asks for, to its end.  Return: 0; 1 interrupted; -errno. */
int ipm_gate_measure(struct driver *driver, struct ipm_why *why);

#endif
