/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tally: the distribution of one invocation.
 *
 * A run has as many as it has records, and each is looked at once or twice: it stays packed, one
 * or two KiB, until somebody asks for its buckets.
 */
#ifndef IPM_ANALYSIS_TALLY_H
#define IPM_ANALYSIS_TALLY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct ipm_tally {
    uint8_t *packed; /* base/histogram.h, out of its Base64 */
    size_t length;   /* bytes of it */
    size_t n;        /* buckets in use */
    uint64_t count;  /* samples, each the mean of @per operations */
    int64_t per;
    double mean;     /* of the samples, in ns per operation; NaN when there are none */
    double variance; /* of them; NaN below two */
};

/**
 * ipm_tally_read() - from a distribution of a record
 * @distribution: null, or one that cannot be unpacked, gives an empty tally
 *
 * Return: 0; -ENOMEM.
 */
int ipm_tally_read(const json_t *distribution, struct ipm_tally *out_tally);

/**
 * ipm_tally_keep() - from packed bytes, of which it keeps a copy
 * @per: >= 1
 *
 * Return: 0; -EINVAL no packed histogram, or an empty one; -ENOMEM.
 */
int ipm_tally_keep(const uint8_t *packed, size_t length, int64_t per,
                   struct ipm_tally *out_tally);

/* Idempotent. */
void ipm_tally_fini(struct ipm_tally *tally);

/* Its buckets into room for tally->n: midpoints in ns per operation, ascending, different; and
 * samples in each, > 0. */
void ipm_tally_unpack(const struct ipm_tally *tally, double *values, double *counts);

#endif
