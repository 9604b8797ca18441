/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seed_data: the measurements that the seed model is about, out of a run's rows.
 *
 * Ping-pongs over `pipe` (2 copies) and `shm_pipe_token` (1 copy), placement same_cpu, wait
 * block, defaults otherwise.  The time of a message is half a round trip.
 */
#ifndef IPM_ANALYSIS_SEED_DATA_H
#define IPM_ANALYSIS_SEED_DATA_H

#include "analysis/models/seed_fit.h"
#include "analysis/summary.h"

#define IPM_SEED_PLACEMENT "same_cpu"
#define IPM_SEED_WAIT      "block"

enum { IPM_SEED_INVOCATIONS = 4096 };

/* By enum ipm_seed_kind. */
extern const struct ipm_seed_partner {
    const char *mechanism;
    int64_t copies;
} ipm_seed_pair[IPM_SEED_KINDS];

/* One size of one mechanism: median time of a message by invocation, ns; NaN where there
 * is none. */
struct ipm_seed_series {
    double *by_invocation;
    size_t room;
    struct ipm_estimate estimate; /* pseudomedian over invocations */
};

struct ipm_seed_data {
    size_t n_sizes;
    int64_t *sizes; /* measured with both mechanisms, ascending, bytes */
    struct ipm_seed_series *series; /* IPM_SEED_KINDS per size, by kind */
    struct ipm_seed_point *points;  /* the same order */
};

/**
 * ipm_seed_gather() - the pair's measurements of one touch
 *
 * Return: 0, also when there are none; -ENOMEM.  Always call ipm_seed_data_fini().
 */
int ipm_seed_gather(const struct ipm_table *table, const char *touch,
                    struct ipm_seed_data *data);

void ipm_seed_data_fini(struct ipm_seed_data *data);

#define ipm_auto_seed_data __attribute__((cleanup(ipm_seed_data_fini)))

/* Bytes that a pipe moves per wake-up, as its worker declares; 0: the manifest is silent. */
double ipm_seed_chunk(const json_t *manifest);

#endif
