/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_data.h"

#include "analysis/manifest.h"
#include "analysis/models/time_facts.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_statistics_double.h>
#endif

/* One invocation of one size. */
struct entry {
    const struct ipm_factors *factors;
    struct ipm_factors key; /* without the size */
    int64_t size, invocation;
    double time_ns;
    size_t line; /* repeated invocations: the first counts */
};

static double messages_of(const struct ipm_row *row)
{
    if (row->messages > 0 && row->operations > 0)
        return round((double)row->messages / (double)row->operations);
    return strcmp(row->factors.workload, "pingpong") == 0 ? 2 : 1;
}

static bool is_lock_step(const struct ipm_row *row)
{
    const struct ipm_factors *factors = &row->factors;
    return row->status == IPM_ROW_OK && !row->set_aside &&
           strcmp(row->pass, "timing") == 0 &&
           (strcmp(factors->workload, "pingpong") == 0 ||
            strcmp(factors->workload, "self_loop") == 0) &&
           strcmp(factors->rate, "max") == 0 &&
           (row->sample == NULL || strcmp(row->sample, "interval") != 0) &&
           factors->size > 0 && row->p50_ns > 0 && isfinite(row->p50_ns) &&
           (factors->reply_size < 0 || factors->reply_size == factors->size) &&
           messages_of(row) >= 1;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = ipm_factors_compare(&left->key, &right->key);
    if (order != 0)
        return order;
    if (left->size != right->size)
        return left->size < right->size ? -1 : 1;
    if (left->invocation != right->invocation)
        return left->invocation < right->invocation ? -1 : 1;
    return left->line < right->line ? -1 : left->line > right->line;
}

/* @sorted are @n >= 2 values. */
static double scale_of(const double *sorted, size_t n)
{
#if IPM_HAVE_GSL
    ipm_auto_free double *work = calloc(3 * n, sizeof(*work));
    ipm_auto_free int *work_int = calloc(5 * n, sizeof(*work_int));
    if (work != NULL && work_int != NULL)
        return gsl_stats_Qn_from_sorted_data(sorted, 1, n, work, work_int);
    return NAN;
#else
    (void)sorted;
    (void)n;
    return 0; /* nothing will be fitted either */
#endif
}

/* The middle one of the relative errors of a size and up to two on either side. */
static double usual_error(const double *relative, size_t n, size_t at)
{
    double window[5];
    size_t used = 0;
    for (size_t i = at < 2 ? 0 : at - 2; i < n && i <= at + 2; i++)
        window[used++] = relative[i];
    ipm_sort(window, used);
    return ipm_quantile(window, used, 0.5);
}

/* Medians and errors.  Weights that rest on one size's few invocations alone would favour
 * those sizes whose values lie close by chance, and intervals would believe them. */
static int set_errors(struct ipm_time_series *series)
{
    size_t most = 1;
    for (size_t i = 0; i < series->n_sizes; i++)
        most = series->sizes[i].n > most ? series->sizes[i].n : most;
    ipm_auto_free double *work = calloc(most, sizeof(*work));
    ipm_auto_free double *relative = calloc(series->n_sizes + 1, sizeof(*relative));
    if (work == NULL || relative == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < series->n_sizes; i++) {
        struct ipm_time_size *size = &series->sizes[i];
        memcpy(work, size->times, size->n * sizeof(*work));
        ipm_sort(work, size->n);
        size->median = ipm_quantile(work, size->n, 0.5);
        relative[i] = scale_of(work, size->n) / size->median;
        if (isnan(relative[i]))
            return -ENOMEM;
    }
    for (size_t i = 0; i < series->n_sizes; i++) {
        struct ipm_time_size *size = &series->sizes[i];
        double usual = usual_error(relative, series->n_sizes, i);
        double n = (double)size->n;
        double drawn = sqrt(
            ((n - 1) * relative[i] * relative[i] + IPM_TIME_PRIOR * usual * usual) /
            (n - 1 + IPM_TIME_PRIOR));
        size->error = size->median * fmax(drawn, IPM_TIME_FLOOR);
    }
    return 0;
}

/* From entries of one series, sorted. */
static int make_series(const struct entry *entries, size_t n,
                       struct ipm_time_series *series)
{
    *series = (struct ipm_time_series){
        .factors = entries[0].factors,
        .sizes = calloc(n, sizeof(*series->sizes)),
        .times = calloc(n, sizeof(*series->times)),
        .invocations = calloc(n, sizeof(*series->invocations)),
        .facts = {-1, -1, -1, -1},
    };
    if (series->sizes == NULL || series->times == NULL || series->invocations == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        size_t from = used;
        int64_t size = entries[i].size;
        for (; i < n && entries[i].size == size; i++) {
            if (used > from && entries[i].invocation == series->invocations[used - 1])
                continue;
            series->times[used] = entries[i].time_ns;
            series->invocations[used++] = entries[i].invocation;
        }
        if (used - from < IPM_TIME_INVOCATIONS) {
            series->n_short++;
            used = from;
            continue;
        }
        series->sizes[series->n_sizes++] =
            (struct ipm_time_size){.size = (double)size,
                                   .times = series->times + from,
                                   .invocations = series->invocations + from,
                                   .n = used - from};
    }
    return set_errors(series);
}

static void series_fini(struct ipm_time_series *series)
{
    free(series->sizes);
    free(series->times);
    free(series->invocations);
    *series = (struct ipm_time_series){0};
}

void ipm_time_data_fini(struct ipm_time_data *data)
{
    for (size_t i = 0; i < data->n_series; i++)
        series_fini(&data->series[i]);
    free(data->series);
    series_fini(&data->copy);
    series_fini(&data->produce);
    series_fini(&data->consume);
    *data = (struct ipm_time_data){0};
}

/* Where a floor's series belongs; NULL: it is none that copying is measured against. */
static struct ipm_time_series *floor_of(struct ipm_time_data *data,
                                        const struct ipm_factors *factors)
{
    if (strcmp(factors->workload, "self_loop") != 0 || factors->options[0] != '\0')
        return NULL;
    if (strcmp(factors->mechanism, "floor_memcpy") == 0)
        return &data->copy;
    if (strcmp(factors->mechanism, "floor_produce") == 0)
        return &data->produce;
    return strcmp(factors->mechanism, "floor_consume") == 0 ? &data->consume : NULL;
}

/* Keeps a series, as a floor or in the list, or lets it go. */
static int keep(const json_t *manifest, struct ipm_time_series *series,
                struct ipm_time_data *data)
{
    if (ipm_manifest_is_floor(manifest, series->factors->mechanism)) {
        struct ipm_time_series *place = floor_of(data, series->factors);
        if (place == NULL || place->n_sizes >= series->n_sizes) {
            series_fini(series);
            return 0;
        }
        series_fini(place);
        *place = *series;
        return 0;
    }
    bool token =
        ipm_manifest_has_capability(manifest, series->factors->mechanism, "token");
    if (token || series->n_sizes < IPM_TIME_SIZES) {
        data->n_short += !token;
        series_fini(series);
        return 0;
    }
    struct ipm_time_series *larger =
        reallocarray(data->series, data->n_series + 1, sizeof(*larger));
    if (larger == NULL) {
        series_fini(series);
        return -ENOMEM;
    }
    ipm_time_declare(manifest, series);
    data->series = larger;
    data->series[data->n_series++] = *series;
    return 0;
}

int ipm_time_gather(const struct ipm_model_input *input, struct ipm_time_data *out_data)
{
    const struct ipm_table *table = input->table;
    struct ipm_time_data ipm_auto_time_data data = {0};
    ipm_auto_free struct entry *entries = calloc(table->n_rows + 1, sizeof(*entries));
    size_t n = 0;
    if (entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (!is_lock_step(row))
            continue;
        entries[n] = (struct entry){.factors = &row->factors,
                                    .key = row->factors,
                                    .size = row->factors.size,
                                    .invocation = row->invocation,
                                    .time_ns = row->p50_ns / messages_of(row),
                                    .line = i};
        entries[n].key.size = 0;
        entries[n].key.reply_size = -1;
        n++;
    }
    if (n > 1)
        qsort(entries, n, sizeof(*entries), compare_entries);
    for (size_t i = 0, next; i < n; i = next) {
        struct ipm_time_series series;
        for (next = i + 1;
             next < n && ipm_factors_compare(&entries[i].key, &entries[next].key) == 0;)
            next++;
        int error = make_series(entries + i, next - i, &series);
        if (error != 0)
            series_fini(&series);
        else
            error = keep(input->manifest, &series, &data);
        if (error != 0)
            return error;
    }
    *out_data = data;
    data = (struct ipm_time_data){0};
    return 0;
}

static double median_of(const struct ipm_time_series *series, const double *medians,
                        size_t i)
{
    return medians == NULL ? series->sizes[i].median : medians[i];
}

double ipm_time_between(const struct ipm_time_series *series, const double *medians,
                        double size)
{
    for (size_t i = 0; i < series->n_sizes; i++) {
        double high = series->sizes[i].size;
        double above = median_of(series, medians, i);
        if (high < size)
            continue;
        if (high <= size)
            return above;
        if (i == 0)
            return NAN;
        double low = series->sizes[i - 1].size;
        double below = median_of(series, medians, i - 1);
        return below + (size - low) / (high - low) * (above - below);
    }
    return NAN;
}
