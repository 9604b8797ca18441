/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticker: what a run says on stderr, between invocations and never during one.
 *
 * As JSON lines, each {event, done, total, failed, elapsed_ns, seconds_left} and more:
 *
 *     start
 *     invocation   label, pass, invocation, block, try, status, reason, again
 *     warning      text
 *     end          how, reason, failures, left_out ({reason: {mechanism: count}}), resume
 *
 * `again`: the invocation is to be tried once more.  `resume`: the command that goes on
 * with the run; null when it is done.
 */
#ifndef IPM_HARNESS_TICKER_H
#define IPM_HARNESS_TICKER_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_ticker_mode {
    IPM_TICKER_AUTO,  /* a redrawn line on a terminal, else plain */
    IPM_TICKER_PLAIN, /* a line for every twentieth of the run, and for each failure */
    IPM_TICKER_JSONL, /* one JSON object per event */
    IPM_TICKER_NONE,
};

extern const char *const ipm_ticker_names[]; /* by mode, NULL-terminated */

struct ipm_ticker {
    enum ipm_ticker_mode mode;
    int64_t left_ns;    /* estimate of what is left */
    int64_t done_ns;    /* what was thought of that which is done */
    size_t total, done; /* invocations */
    size_t failed;      /* of those done, the ones given up */
    int64_t begun_ns;   /* CLOCK_MONOTONIC */
    int last_step;      /* twentieths said so far */
};

/* Says nothing yet. */
void ipm_ticker_init(struct ipm_ticker *ticker, enum ipm_ticker_mode mode);

/* @left and @left_ns: invocations to be measured, and the estimate. */
void ipm_ticker_start(struct ipm_ticker *ticker, size_t left, int64_t left_ns);

/* The estimate has changed: a run for precision finds out what it needs. */
void ipm_ticker_expect(struct ipm_ticker *ticker, size_t left, int64_t left_ns);

/* After an invocation that was planned to take @planned_ns.  @again: it failed, and will be
 * tried once more. */
void ipm_ticker_record(struct ipm_ticker *ticker, const char *label,
                       const json_t *record, int64_t planned_ns, bool again);

void ipm_ticker_warn(struct ipm_ticker *ticker, const char *text);

struct ipm_ticker_end {
    const char *how;                   /* "done", "interrupted", "stopped" */
    const char *reason;                /* of "stopped"; else NULL */
    const json_t *failures, *left_out; /* harness/tally.h */
    const char *resume;                /* NULL: nothing to go on with */
};

/* The last word. */
void ipm_ticker_end(struct ipm_ticker *ticker, const struct ipm_ticker_end *end);

#endif
