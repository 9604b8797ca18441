/* SPDX-License-Identifier: MIT */
/*
 * leader_causes: who ended, and what an invocation died of.  Part of leader.
 */
#ifndef IPM_WORKER_LEADER_CAUSES_H
#define IPM_WORKER_LEADER_CAUSES_H

#include "harness/worker/leader.h"

struct ipm_troupe {
    const struct ipm_point *point;
    struct ipm_board *board;
    struct ipm_outcome *outcome;
    int guard;
    int bell;
    int n;                     /* roles forked, by seat */
    pid_t pids[IPM_SEATS_MAX]; /* 0: reaped */
    int pidfds[IPM_SEATS_MAX]; /* -1: none */
    int alive;
    struct ipm_helpers helpers;
    struct ipm_background *background;
};

/* Notes the first failure; later ones follow from it. */
void ipm_troupe_fail(struct ipm_troupe *troupe, enum ipm_phase phase, int error);

/* A role ended: was that the end of its part?  Return: 0; else the outcome's error. */
int ipm_troupe_reap(struct ipm_troupe *troupe, int seat);

/* Helpers that have ended already.  Return: 0; else the outcome's error. */
int ipm_troupe_mourn(struct ipm_troupe *troupe);

/* Whose failure it is that nothing happened for so long.  Return: -ETIMEDOUT. */
int ipm_troupe_overdue(struct ipm_troupe *troupe, int64_t allowed_ns);

/* Where a channel was closed: which death closed it, if one is seen within a moment. */
void ipm_troupe_find_cause(struct ipm_troupe *troupe);

#endif
