/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/percentiles.h"

#include "analysis/pooled.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1 / (1 - q) up to 10^9. */
enum { STEPS = 9 * IPM_PERCENTILES_DECADE };

static bool single(const struct ipm_rung *rung)
{
    return rung->point->sample[0] != '\0' && rung->point->timing_batch <= 1 &&
           strcmp(rung->point->sample, "batch") != 0 &&
           rung->point->sampling.samples > 1;
}

static bool has(const size_t *chosen, size_t n, size_t rung)
{
    for (size_t i = 0; i < n; i++) {
        if (chosen[i] == rung)
            return true;
    }
    return false;
}

static bool has_mechanism(const struct ipm_ladder *ladder, const size_t *chosen,
                          size_t n, const char *mechanism)
{
    for (size_t i = 0; i < n; i++) {
        const struct ipm_point *point = ladder->rungs[chosen[i]].point;
        if (strcmp(point->factors.mechanism, mechanism) == 0)
            return true;
    }
    return false;
}

/* Return: how many; @out_of: of how many. */
static size_t choose(const struct ipm_ladder *ladder,
                     size_t chosen[IPM_PERCENTILE_CURVES], size_t *out_of)
{
    size_t n = 0;
    *out_of = 0;
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const char *mechanism = ladder->rungs[i].point->factors.mechanism;
        if (!single(&ladder->rungs[i]))
            continue;
        ++*out_of;
        if (n < IPM_PERCENTILE_CURVES && !has_mechanism(ladder, chosen, n, mechanism))
            chosen[n++] = i;
    }
    for (size_t i = 0; i < ladder->n_rungs && n < IPM_PERCENTILE_CURVES; i++) {
        if (single(&ladder->rungs[i]) && !has(chosen, n, i))
            chosen[n++] = i;
    }
    return n;
}

/* An ok line of an invocation that has one already is not used: as summary does it. */
static bool repeats(const struct ipm_row *const *rows, size_t n,
                    const struct ipm_row *row)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->invocation == row->invocation &&
            strcmp(rows[i]->build, row->build) == 0)
            return true;
    }
    return false;
}

/* The point's rows that count.  @rows has room for all of the table. */
static size_t rows_of(const struct ipm_table *table, const char *id,
                      const struct ipm_row **rows)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status == IPM_ROW_OK && !row->set_aside && row->tally.n > 0 &&
            strcmp(row->point, id) == 0 && strcmp(row->pass, "timing") == 0 &&
            !repeats(rows, n, row))
            rows[n++] = row;
    }
    return n;
}

/* Return: 0; -ENOMEM. */
static int put_quantiles(json_t *json, const struct ipm_row *const *rows, size_t n,
                         const struct ipm_point *point)
{
    ipm_auto_free const struct ipm_tally **tallies = calloc(n + 1, sizeof(*tallies));
    if (tallies == NULL)
        return -ENOMEM;
    double qs[STEPS];
    struct ipm_estimate found[STEPS];
    size_t n_qs = 0;
    double limit = NAN;
    for (size_t i = 0; i < n; i++)
        tallies[i] = &rows[i]->tally;
    while (n_qs < STEPS) {
        double rarity = pow(10, (double)(n_qs + 1) / IPM_PERCENTILES_DECADE);
        if (rarity > point->sampling.samples)
            break;
        double q = round((1 - 1 / rarity) * 1e10) / 1e10;
        if ((double)ipm_rank_interval_needs(q, IPM_SUMMARY_LEVEL) <=
            point->sampling.effective)
            limit = q;
        qs[n_qs++] = q;
    }
    int error = ipm_pooled_quantiles(tallies, n, qs, n_qs, IPM_SUMMARY_LEVEL, found);
    if (error != 0)
        return error;
    json_t *quantiles = json_array();
    for (size_t i = 0; i < n_qs; i++)
        (void)json_array_append_new(
            quantiles, json_pack("{s:f, s:f}", "q", qs[i], "ns", found[i].value));
    (void)json_object_set_new(json, "limit", ipm_json_number(limit));
    (void)json_object_set_new(json, "quantiles", quantiles);
    return 0;
}

json_t *ipm_percentiles_json(const struct ipm_table *table,
                             const struct ipm_ladder *ladder)
{
    size_t chosen[IPM_PERCENTILE_CURVES];
    size_t of = 0;
    size_t n = choose(ladder, chosen, &of);
    ipm_auto_free const struct ipm_row **rows =
        calloc(table->n_rows + 1, sizeof(*rows));
    if (rows == NULL)
        return NULL;
    ipm_auto_json json_t *json =
        json_pack("{s:I, s:[]}", "of", (json_int_t)of, "curves");
    for (size_t i = 0; i < n; i++) {
        const struct ipm_point *point = ladder->rungs[chosen[i]].point;
        size_t n_rows = rows_of(table, point->id, rows);
        if (n_rows == 0)
            continue;
        json_t *curve = json_pack("{s:s, s:I, s:I}", "point", point->id, "samples",
                                  (json_int_t)point->sampling.samples, "effective",
                                  (json_int_t)point->sampling.effective);
        (void)json_array_append_new(json_object_get(json, "curves"), curve);
        if (put_quantiles(curve, rows, n_rows, point) != 0)
            return NULL;
    }
    return ipm_steal(&json);
}
