/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * time_data: times over sizes out of a run's rows, and what the mechanism declares about them.
 *
 * A series is all that differs in the size alone.  Lock-step workloads only (pingpong,
 * self_loop, rate max): between messages of a stream the sides overlap, and no sum of their
 * parts is the time.  The time of a message is the invocation's median of an operation over
 * its messages.
 */
#ifndef IPM_ANALYSIS_TIME_DATA_H
#define IPM_ANALYSIS_TIME_DATA_H

#include "analysis/models/model.h"
#include "analysis/models/segments.h"
#include "analysis/summary.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IPM_TIME_INVOCATIONS = 3, /* that a size must have to be used */
    IPM_TIME_SIZES = 5,       /* that a line must have */
    IPM_TIME_CAPACITIES = 12,
    IPM_TIME_PRIOR = 60,
};

/* No invocation is taken to be surer than this share of its time. */
#define IPM_TIME_FLOOR 0.01
/* Further than so many errors from its size's median: no part of resampled medians. */
#define IPM_TIME_OUTLIER 5.0

struct ipm_time_size {
    double size;         /* bytes */
    const double *times; /* of a message, ns, by invocation; the series' */
    const int64_t *invocations;
    size_t n;
    double median;
    /* Of one invocation: Rousseeuw and Croux's Qn (1993), drawn towards the relative error
     * that is usual at neighbouring sizes as if by IPM_TIME_PRIOR more invocations, at least
     * IPM_TIME_FLOOR of the median. */
    double error;
};

/* k, m, p, C of docs/method.md; -1: varies or not declared.  C 0: one chunk per message. */
struct ipm_time_facts {
    double copies, syncs, pages, chunk_bytes;
};

struct ipm_time_series {
    const struct ipm_factors *factors; /* of a row; its size means nothing */
    struct ipm_time_size *sizes;       /* ascending */
    size_t n_sizes;
    size_t n_short; /* sizes left out for having too few invocations */
    double *times;
    int64_t *invocations;
    struct ipm_time_facts facts;
    struct ipm_segments_capacity capacities[IPM_TIME_CAPACITIES];
    size_t n_capacities;
};

struct ipm_time_data {
    struct ipm_time_series *series; /* in the order of their factors */
    size_t n_series;
    size_t n_short; /* series of too few sizes, not there */
    struct ipm_time_series copy, produce, consume; /* floors; n_sizes 0: not measured */
};

/**
 * ipm_time_gather() - the series of a run
 *
 * Return: 0, also when there are none; -ENOMEM.  @out_data needs fini only after 0.
 */
int ipm_time_gather(const struct ipm_model_input *input,
                    struct ipm_time_data *out_data);

/* Idempotent. */
void ipm_time_data_fini(struct ipm_time_data *data);

#define ipm_auto_time_data __attribute__((cleanup(ipm_time_data_fini)))

/* What a series takes at @size, on the straight line between neighbours; NaN outside of what
 * was measured.  @medians: by its sizes; NULL: its own. */
double ipm_time_between(const struct ipm_time_series *series, const double *medians,
                        double size);

#endif
