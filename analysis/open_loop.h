/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * open_loop: what the records say of messages that were sent at planned times.
 *
 *     response = received - planned     what a user of the system waits
 *     service  = received - sent        what the channel and the receiver take
 *     lag      = sent - planned         what the sender was late
 *
 * A closed loop has the second one alone: while a receiver stands still it sends nothing and
 * times nothing, which is called coordinated omission.
 */
#ifndef IPM_ANALYSIS_OPEN_LOOP_H
#define IPM_ANALYSIS_OPEN_LOOP_H

#include "analysis/tally.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum ipm_open_loop_time {
    IPM_OPEN_LOOP_RESPONSE,
    IPM_OPEN_LOOP_SERVICE,
    IPM_OPEN_LOOP_LAG,
    IPM_OPEN_LOOP_TIMES,
};

/* Of one invocation. */
struct ipm_open_loop {
    double rate_per_s; /* messages of each sender; NaN when absent */
    double pairs;      /* senders, >= 1 */
    double planned, sent, completed, backlog; /* messages of the window */
    bool not_achieved;                        /* less than 99 % of the plan was sent */
    const char *refused;                      /* why times are missing; "" */
    struct ipm_tally times[IPM_OPEN_LOOP_TIMES]; /* empty where they are */
};

/* Of all invocations of a point. */
struct ipm_open_loop_sums {
    size_t invocations;   /* 0: not such a workload */
    size_t not_achieved;  /* of them */
    double offered_per_s; /* of all senders; median, NaN when unknown */
    double planned, sent, completed, backlog; /* sums */
};

/**
 * ipm_open_loop_read() - the part of a record
 * @refused: kept, so it must outlive @out_loop
 *
 * Return: 0, and the caller finishes @out_loop; 1 the record has none; -ENOMEM.
 */
int ipm_open_loop_read(const json_t *record, const char *refused,
                       struct ipm_open_loop *out_loop);

/* Idempotent. */
void ipm_open_loop_fini(struct ipm_open_loop *loop);

struct ipm_row;
struct ipm_figure;

enum { IPM_OPEN_LOOP_FIGURES = 2 * IPM_OPEN_LOOP_TIMES };

/**
 * ipm_open_loop_figures() - response_p50_ns, response_p99_ns, then service and send_lag
 * @rows: ok rows of one point's timing pass
 * @out_figures: room for IPM_OPEN_LOOP_FIGURES
 * @out_n: 0 when no row is of an open loop
 *
 * Of all messages of all invocations, by the rules of analysis/tails.h.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_open_loop_figures(const struct ipm_row *const *rows, size_t n,
                          struct ipm_figure *out_figures, size_t *out_n);

/* Return: 0; -ENOMEM. */
int ipm_open_loop_sum(const struct ipm_row *const *rows, size_t n,
                      struct ipm_open_loop_sums *out_sums);

#endif
