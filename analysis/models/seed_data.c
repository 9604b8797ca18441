/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/seed_data.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct ipm_seed_partner ipm_seed_pair[IPM_SEED_KINDS] = {{"pipe", 2},
                                                               {"shm_pipe_token", 1}};

static bool belongs(const struct ipm_row *row, int which, int64_t size,
                    const char *touch)
{
    const struct ipm_factors *factors = &row->factors;
    return row->status == IPM_ROW_OK && !row->set_aside &&
           strcmp(row->pass, "timing") == 0 &&
           strcmp(factors->workload, "pingpong") == 0 &&
           strcmp(factors->mechanism, ipm_seed_pair[which].mechanism) == 0 &&
           factors->copies == ipm_seed_pair[which].copies &&
           strcmp(factors->placement, IPM_SEED_PLACEMENT) == 0 &&
           strcmp(factors->wait, IPM_SEED_WAIT) == 0 &&
           strcmp(factors->touch, touch) == 0 && factors->options[0] == '\0' &&
           strcmp(factors->policy, "other") == 0 &&
           (factors->reply_size < 0 || factors->reply_size == factors->size) &&
           (size < 0 || factors->size == size) && row->p50_ns > 0 &&
           row->invocation >= 0 && row->invocation < IPM_SEED_INVOCATIONS;
}

static int collect(const struct ipm_table *table, int which, int64_t size,
                   const char *touch, struct ipm_seed_series *series)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (!belongs(row, which, size, touch))
            continue;
        size_t number = (size_t)row->invocation;
        if (number >= series->room) {
            size_t room = number + 16;
            double *larger = realloc(series->by_invocation, room * sizeof(*larger));
            if (larger == NULL)
                return -ENOMEM;
            for (size_t k = series->room; k < room; k++)
                larger[k] = NAN;
            series->by_invocation = larger;
            series->room = room;
        }
        /* A repeated line of an invocation is not a second measurement. */
        if (isnan(series->by_invocation[number]))
            series->by_invocation[number] = row->p50_ns / 2;
    }
    double values[IPM_SEED_INVOCATIONS];
    size_t n = 0;
    for (size_t k = 0; k < series->room; k++) {
        if (!isnan(series->by_invocation[k]))
            values[n++] = series->by_invocation[k];
    }
    return ipm_estimate_pseudomedian(values, n, IPM_SUMMARY_LEVEL, &series->estimate);
}

/* Relative standard error: its interval's half width is 1.96 of them where errors are
 * normal, and wide where a machine had two paces. */
static double relative_error(const struct ipm_seed_series *series)
{
    const struct ipm_estimate *estimate = &series->estimate;
    return (estimate->high - estimate->low) / (2 * 1.96 * estimate->value);
}

/* Sizes that both were measured at, ascending; the caller frees the list. */
static int64_t *pair_sizes(const struct ipm_table *table, const char *touch,
                           size_t *out_n)
{
    int64_t *sizes = calloc(table->n_rows + 1, sizeof(*sizes));
    size_t n = 0;
    for (size_t i = 0; sizes != NULL && i < table->n_rows; i++) {
        int64_t size = table->rows[i].factors.size;
        bool both[IPM_SEED_KINDS] = {false, false};
        if (size <= 0 || !belongs(&table->rows[i], 0, -1, touch))
            continue;
        for (size_t k = 0; k < table->n_rows; k++)
            both[1] = both[1] || belongs(&table->rows[k], 1, size, touch);
        size_t at = 0;
        while (at < n && sizes[at] < size)
            at++;
        if (!both[1] || (at < n && sizes[at] == size))
            continue;
        memmove(sizes + at + 1, sizes + at, (n - at) * sizeof(*sizes));
        sizes[at] = size;
        n++;
    }
    *out_n = n;
    return sizes;
}

void ipm_seed_data_fini(struct ipm_seed_data *data)
{
    for (size_t i = 0; data->series != NULL && i < IPM_SEED_KINDS * data->n_sizes; i++)
        free(data->series[i].by_invocation);
    free(data->series);
    free(data->points);
    free(data->sizes);
}

/* Pairs of one round each: what drifts from round to round falls on both. */
static struct ipm_interval ratio_of(const struct ipm_seed_series *both)
{
    double values[IPM_SEED_INVOCATIONS];
    size_t n = 0;
    size_t room = both[0].room < both[1].room ? both[0].room : both[1].room;
    for (size_t k = 0; k < room; k++) {
        double ratio = both[0].by_invocation[k] / both[1].by_invocation[k];
        if (isfinite(ratio))
            values[n++] = ratio;
    }
    struct ipm_estimate estimate;
    ipm_estimate_median(values, n, IPM_SUMMARY_LEVEL, &estimate);
    return (struct ipm_interval){estimate.value, estimate.low, estimate.high};
}

int ipm_seed_gather(const struct ipm_table *table, const char *touch,
                    struct ipm_seed_data *data)
{
    data->sizes = pair_sizes(table, touch, &data->n_sizes);
    size_t n = IPM_SEED_KINDS * data->n_sizes;
    data->series = calloc(n + 1, sizeof(*data->series));
    data->points = calloc(n + 1, sizeof(*data->points));
    if (data->sizes == NULL || data->series == NULL || data->points == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct ipm_seed_series *series = &data->series[i];
        if (collect(table, (int)(i % IPM_SEED_KINDS), data->sizes[i / IPM_SEED_KINDS],
                    touch, series) != 0)
            return -ENOMEM;
        data->points[i] = (struct ipm_seed_point){
            .kind = i % IPM_SEED_KINDS == 0 ? IPM_SEED_PIPE : IPM_SEED_SHM,
            .size = (double)data->sizes[i / IPM_SEED_KINDS],
            .time_ns = series->estimate.value,
            .spread = relative_error(series),
            .ratio = {NAN, NAN, NAN},
            .n = series->estimate.n,
        };
    }
    for (size_t i = 0; i < data->n_sizes; i++)
        data->points[IPM_SEED_KINDS * i + IPM_SEED_SHM].ratio =
            ratio_of(&data->series[IPM_SEED_KINDS * i]);
    return 0;
}

double ipm_seed_chunk(const json_t *manifest)
{
    const json_t *describe = json_object_get(manifest, "describe");
    size_t i;
    json_t *mechanism;
    json_array_foreach(json_object_get(describe, "mechanisms"), i, mechanism)
    {
        const char *name = json_string_value(json_object_get(mechanism, "name"));
        if (name == NULL || strcmp(name, ipm_seed_pair[0].mechanism) != 0)
            continue;
        size_t k;
        json_t *mode;
        json_array_foreach(json_object_get(mechanism, "modes"), k, mode)
        {
            if (json_integer_value(json_object_get(mode, "copies")) ==
                ipm_seed_pair[0].copies)
                return json_number_value(json_object_get(mode, "chunk_bytes"));
        }
    }
    return 0;
}
