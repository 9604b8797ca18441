/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary: what the rows of a run say about each point.
 *
 * Intervals of times and rates hold what differs from run to run, as far as the config says
 * how much that is (repeat.between_runs).  A figure is a median over invocations, but for the percentiles and the maximum, which are of
 * all messages of all invocations (analysis/tails.h).  Figures of other passes
 * (counters, energy) are joined to the point they were measured at.  A summary borrows its
 * texts from the table: it must not outlive it.
 */
#ifndef IPM_ANALYSIS_SUMMARY_H
#define IPM_ANALYSIS_SUMMARY_H

#include "analysis/stats.h"
#include "analysis/table.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum { IPM_FIGURE_NAME = 64 };

#define IPM_SUMMARY_LEVEL 0.95 /* of every interval in a report */

struct ipm_figure {
    char name[IPM_FIGURE_NAME]; /* "p50_ns", "cpu_ns_per_message" ... */
    const char *unit;           /* "ns", "1/s", "B/s", or the metric's */
    const char *pass;           /* it was measured in; "" when nowhere */
    const char *provenance;     /* of energy; else "" */
    struct ipm_estimate estimate;
    const char *reason; /* why there is no value (estimate.n is 0); else "" */
};

struct ipm_pass_count {
    const char *pass;
    size_t rows[IPM_ROW_STATUSES]; /* by status; ok without repeated lines */
};

/* Of a point's timing pass: samples, and how many independent ones they are worth. */
struct ipm_sampling {
    double samples, effective;
    bool by_batch_means; /* else the latter is no more than the count */
};

/* What came off p50_ns to make p50_corrected_ns, by medians. */
struct ipm_overhead {
    double clock_ns, loop_ns; /* NaN: not known, and not taken off */
    bool bound;               /* more than IPM_OVERHEAD_SHARE of p50_ns */
};

struct ipm_point {
    const char *id; /* the record's point hash */
    struct ipm_factors factors;
    bool floor;
    bool token;  /* its mechanism carries no payload, whatever the size */
    bool mapped; /* one of a core-to-core map's pairs (analysis/core_map.h) */
    struct ipm_pass_count *passes; /* in the order of their names */
    size_t n_passes;
    size_t regime_changed;       /* ok invocations in which the machine changed */
    size_t slow_core, set_aside; /* ok invocations; analysis/slow_core.h */
    const char *sample;          /* of the timing pass, as in struct ipm_row */
    int64_t timing_batch;        /* the largest of its invocations */
    double messages_per_operation;
    size_t steady[IPM_STEADY_STATES]; /* ok invocations of the timing pass, by state */
    struct ipm_sampling sampling;
    struct ipm_overhead overhead;
    struct ipm_open_loop_sums open_loop;
    struct ipm_figure *figures; /* the fixed ones first, then metrics by name */
    size_t n_figures;
};

/* A metric that no invocation of the run has. */
struct ipm_absence {
    const char *name, *unit, *reason;
};

struct ipm_health {
    size_t rows[IPM_ROW_STATUSES]; /* by status */
    size_t repeated;       /* ok lines of an invocation that had one; not used */
    size_t regime_changed; /* ok rows, as these two */
    size_t slow_core, set_aside;
    size_t not_steady; /* ok rows of the timing pass without a steady state */
    size_t builds;     /* different workers among the ok rows */
};

struct ipm_summary {
    struct ipm_point *points; /* sorted by factors */
    size_t n_points;
    struct ipm_absence *absent; /* sorted by name */
    size_t n_absent;
    struct ipm_health health;
};

/**
 * ipm_summary_make() - summarise a table
 * @manifest: tells floors from mechanisms; may be an empty object
 *
 * Return: 0; -ENOMEM.  @out_summary needs fini only after 0.
 */
int ipm_summary_make(const struct ipm_table *table, const json_t *manifest,
                     struct ipm_summary *out_summary, struct ipm_why *why);

/* Idempotent. */
void ipm_summary_fini(struct ipm_summary *summary);

#define ipm_auto_summary __attribute__((cleanup(ipm_summary_fini)))

/* The point's figure of that name, or NULL when the point has no such figure. */
const struct ipm_figure *ipm_point_figure(const struct ipm_point *point,
                                          const char *name);

/* Its value; NaN when there is no such figure, or it has no value. */
double ipm_point_value(const struct ipm_point *point, const char *name);

/* Order of two points: workload, mechanism, copies, wait, placement, size, the rest. */
int ipm_factors_compare(const struct ipm_factors *a, const struct ipm_factors *b);

#endif
