/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/capacity.h"

#include "base/cleanup.h"
#include "harness/describe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ipm_capacity_share(const struct ipm_factors *factors, double *out_share)
{
    size_t length = strlen(factors->rate);
    if (length < 2 || factors->rate[length - 1] != '%')
        return false;
    *out_share = strtod(factors->rate, NULL) / 100;
    return true;
}

/* The stream that shows what the point's channel can carry. */
static void stream_of(const struct ipm_factors *factors, struct ipm_factors *out_stream)
{
    *out_stream = *factors;
    out_stream->workload = "stream";
    out_stream->rate = "max";
    out_stream->batch = 1;
    out_stream->options = json_copy(factors->options);
    (void)json_object_del(out_stream->options, "arrivals");
}

void ipm_capacity_key(const struct ipm_factors *factors, char key[IPM_HASH_TEXT])
{
    struct ipm_factors stream;
    ipm_auto_json json_t *json = json_object();
    stream_of(factors, &stream);
    ipm_factors_json(&stream, json);
    ipm_json_hash(json, key);
    json_decref(stream.options);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* One point's capacity into @capacity. */
static int measure_one(const struct ipm_point *point, json_t *capacity,
                       int (*measure)(void *context, const struct ipm_point *point,
                                      json_t **out_record, struct ipm_why *why),
                       void *context, struct ipm_why *why)
{
    double rates[IPM_CAPACITY_WINDOWS];
    struct ipm_point stream = *point;
    stream_of(&point->factors, &stream.factors);
    json_t *windows = json_array();
    int n = 0;
    int error = 0;
    (void)json_object_set_new(capacity, "windows", windows);
    for (int i = 0; i < IPM_CAPACITY_WINDOWS && error == 0; i++) {
        json_t *record = NULL;
        error = measure(context, &stream, &record, why);
        const json_t *throughput = json_object_get(record, "throughput");
        double rate = json_number_value(json_object_get(throughput, "messages_per_s"));
        if (error == 0 && rate > 0) {
            rates[n++] = rate;
            (void)json_array_append_new(windows, ipm_json_number(rate));
        } else if (error == 0) {
            (void)json_object_set_new(
                capacity, "reason",
                json_string(ipm_describe_text(record, "reason", "no reason given")));
        }
        json_decref(record);
    }
    json_decref(stream.factors.options);
    if (error != 0)
        return error;
    qsort(rates, (size_t)n, sizeof(rates[0]), by_value);
    (void)json_object_set_new(capacity, "messages_per_s",
                              n > 0 ? ipm_json_number(rates[n / 2]) : json_null());
    return 0;
}

bool ipm_capacity_missing(const struct ipm_factors *factors, const json_t *known,
                          char key[IPM_HASH_TEXT])
{
    double share;
    if (!ipm_capacity_share(factors, &share))
        return false;
    ipm_capacity_key(factors, key);
    return json_object_get(known, key) == NULL;
}

int ipm_capacity_measure(const struct ipm_plan *plan, json_t *capacities,
                         int (*measure)(void *context, const struct ipm_point *point,
                                        json_t **out_record, struct ipm_why *why),
                         void *context, struct ipm_why *why)
{
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        char key[IPM_HASH_TEXT];
        if (!ipm_capacity_missing(&point->factors, capacities, key))
            continue;
        ipm_auto_json json_t *capacity = json_object();
        int error = measure_one(point, capacity, measure, context, why);
        if (error != 0)
            return error;
        if (json_object_set(capacities, key, capacity) != 0)
            return ipm_why_set(why, -ENOMEM, "no memory");
    }
    return 0;
}

int64_t ipm_capacity_resolve(const json_t *capacities,
                             const struct ipm_factors *factors)
{
    char key[IPM_HASH_TEXT];
    double share;
    if (!ipm_capacity_share(factors, &share))
        return 0;
    ipm_capacity_key(factors, key);
    double rate = json_number_value(
        json_object_get(json_object_get(capacities, key), "messages_per_s"));
    if (!(rate > 0))
        return -1;
    return (int64_t)fmax(1, round(rate * share));
}
