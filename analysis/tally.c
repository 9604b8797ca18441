/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/tally.h"

#include "base/cleanup.h"
#include "base/histogram.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int fill(const struct ipm_histogram *histogram, struct ipm_tally *tally)
{
    size_t used = 0;
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++)
        used += histogram->buckets[i] > 0;
    tally->values = calloc(used + 1, sizeof(*tally->values));
    tally->counts = calloc(used + 1, sizeof(*tally->counts));
    if (tally->values == NULL || tally->counts == NULL) {
        ipm_tally_fini(tally);
        return -ENOMEM;
    }
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] == 0)
            continue;
        tally->values[tally->n] = ipm_histogram_midpoint(i) / (double)tally->per;
        tally->counts[tally->n++] = histogram->buckets[i];
    }
    tally->count = histogram->count;
    return 0;
}

int ipm_tally_read(const json_t *distribution, struct ipm_tally *out_tally)
{
    *out_tally = (struct ipm_tally){.per = 1};
    const char *text = json_string_value(json_object_get(distribution, "histogram"));
    if (text == NULL)
        return 0;
    (void)ipm_json_get_integer(distribution, "per", &out_tally->per, NULL);
    if (out_tally->per < 1)
        out_tally->per = 1;
    ipm_auto_free struct ipm_histogram *histogram = malloc(sizeof(*histogram));
    if (histogram == NULL)
        return -ENOMEM;
    struct ipm_why why;
    if (ipm_histogram_unpack(text, histogram, &why) != 0)
        return 0;
    return fill(histogram, out_tally);
}

void ipm_tally_fini(struct ipm_tally *tally)
{
    free(tally->values);
    free(tally->counts);
    memset(tally, 0, sizeof(*tally));
}

double ipm_tally_variance(const struct ipm_tally *tally)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < tally->n; i++)
        sum += tally->values[i] * (double)tally->counts[i];
    double mean = sum / (double)tally->count;
    for (size_t i = 0; i < tally->n; i++) {
        double apart = tally->values[i] - mean;
        squares += apart * apart * (double)tally->counts[i];
    }
    return tally->count < 2 ? NAN : squares / (double)(tally->count - 1);
}
