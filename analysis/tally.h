/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tally: the distribution of one invocation, as the buckets that are in use.
 *
 * A histogram unpacked takes 116 KiB whatever it holds; a few hundred buckets are usual.
 */
#ifndef IPM_ANALYSIS_TALLY_H
#define IPM_ANALYSIS_TALLY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct ipm_tally {
    size_t n;         /* buckets */
    double *values;   /* their midpoints in ns per operation, ascending, different */
    uint64_t *counts; /* > 0 */
    uint64_t count;   /* sum of them */
    int64_t per;      /* operations per sample */
};

/**
 * ipm_tally_read() - from a distribution of a record
 * @distribution: null, or one that cannot be unpacked, gives an empty tally
 *
 * Return: 0; -ENOMEM.
 */
int ipm_tally_read(const json_t *distribution, struct ipm_tally *out_tally);

/* Idempotent. */
void ipm_tally_fini(struct ipm_tally *tally);

/* Variance of the samples, each the mean of @per operations; NaN below two. */
double ipm_tally_variance(const struct ipm_tally *tally);

#endif
