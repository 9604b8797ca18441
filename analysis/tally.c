/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/tally.h"

#include "base/base64.h"
#include "base/histogram.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PACKED_BYTES = IPM_HISTOGRAM_PACKED / 4 * 3 };

static double midpoint(const struct ipm_histogram_bucket *bucket, int64_t per)
{
    return ipm_histogram_midpoint(ipm_histogram_index(bucket->value)) / (double)per;
}

static void sum_up(const struct ipm_histogram_bucket *buckets, struct ipm_tally *tally)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < tally->n; i++) {
        tally->count += buckets[i].count;
        sum += midpoint(&buckets[i], tally->per) * (double)buckets[i].count;
    }
    tally->mean = sum / (double)tally->count;
    for (size_t i = 0; i < tally->n; i++) {
        double apart = midpoint(&buckets[i], tally->per) - tally->mean;
        squares += apart * apart * (double)buckets[i].count;
    }
    tally->variance = tally->count < 2 ? NAN : squares / (double)(tally->count - 1);
}

int ipm_tally_keep(const uint8_t *packed, size_t length, int64_t per,
                   struct ipm_tally *out_tally)
{
    struct ipm_histogram_bucket buckets[IPM_HISTOGRAM_PAIRS];
    size_t n = 0;
    *out_tally = (struct ipm_tally){.per = per, .mean = NAN, .variance = NAN};
    if (ipm_histogram_buckets(packed, length, buckets, &n) != 0 || n == 0)
        return -EINVAL;
    out_tally->packed = malloc(length);
    if (out_tally->packed == NULL)
        return -ENOMEM;
    memcpy(out_tally->packed, packed, length);
    out_tally->length = length;
    out_tally->n = n;
    sum_up(buckets, out_tally);
    return 0;
}

int ipm_tally_read(const json_t *distribution, struct ipm_tally *out_tally)
{
    *out_tally = (struct ipm_tally){.per = 1, .mean = NAN, .variance = NAN};
    const char *text = json_string_value(json_object_get(distribution, "histogram"));
    if (text == NULL)
        return 0;
    (void)ipm_json_get_integer(distribution, "per", &out_tally->per, NULL);
    if (out_tally->per < 1)
        out_tally->per = 1;
    uint8_t bytes[PACKED_BYTES];
    size_t length = 0;
    if (ipm_base64_decode(text, bytes, sizeof(bytes), &length) != 0)
        return 0;
    int error = ipm_tally_keep(bytes, length, out_tally->per, out_tally);
    return error == -EINVAL ? 0 : error;
}

void ipm_tally_fini(struct ipm_tally *tally)
{
    free(tally->packed);
    memset(tally, 0, sizeof(*tally));
}

void ipm_tally_unpack(const struct ipm_tally *tally, double *values, double *counts)
{
    struct ipm_histogram_bucket buckets[IPM_HISTOGRAM_PAIRS];
    size_t n = 0;
    /* Cannot fail: these bytes were unpacked before. */
    (void)ipm_histogram_buckets(tally->packed, tally->length, buckets, &n);
    for (size_t i = 0; i < n; i++) {
        values[i] = midpoint(&buckets[i], tally->per);
        counts[i] = (double)buckets[i].count;
    }
}
