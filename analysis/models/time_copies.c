/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_draw.h"
#include "analysis/models/time_fit.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_time_verdicts[] = {"confirmed", "rejected", "undecided", NULL};

/* Columns of the design. */
enum { CONSTANT, COPY, CHUNK, MOST };

/* One range of sizes at work. */
struct range {
    const struct ipm_time_data *data;
    const struct ipm_time_series *series;
    size_t first, end; /* sizes */
    size_t n_rows, p;
    double *design, *values, *errors, *weights;
    double *small, *small_errors; /* design and errors by size */
    size_t *counts;
    struct ipm_time_draw draw, copy; /* of the series, of floor_memcpy */
    struct ipm_time_random *random;
};

static void range_fini(struct range *range)
{
    free(range->design);
    free(range->values);
    free(range->errors);
    free(range->small);
    free(range->small_errors);
    free(range->weights);
    free(range->counts);
    ipm_time_draw_fini(&range->draw);
    ipm_time_draw_fini(&range->copy);
    ipm_time_random_free(range->random);
}

static double chunks(const struct ipm_time_series *series, double size)
{
    double chunk = series->facts.chunk_bytes;
    return chunk > 0 ? ceil(size / chunk) : 1;
}

static bool is_touched(const struct ipm_time_series *series)
{
    return strcmp(series->factors->touch, "full") == 0;
}

/* What writing and reading the payload takes besides; NaN: not known at that size. */
static double touch_ns(const struct ipm_time_data *data,
                       const struct ipm_time_series *series, double size)
{
    return is_touched(series) ? ipm_time_between(&data->produce, NULL, size) +
                                    ipm_time_between(&data->consume, NULL, size)
                              : 0;
}

/* Writes the design by size with the copying floor's medians by its sizes. */
static void put_small(struct range *range, const double *copy_medians)
{
    for (size_t i = range->first; i < range->end; i++) {
        double size = range->series->sizes[i].size;
        double *at = &range->small[(i - range->first) * range->p];
        at[CONSTANT] = 1;
        at[COPY] = ipm_time_between(&range->data->copy, copy_medians, size);
        if (range->p > CHUNK)
            at[CHUNK] = chunks(range->series, size) - 1;
    }
}

/* The same by row. */
static void put_design(struct range *range, const double *copy_medians)
{
    double *at = range->design;
    put_small(range, copy_medians);
    for (size_t i = 0; i < range->end - range->first; i++) {
        for (size_t k = 0; k < range->counts[i]; k++, at += range->p)
            memcpy(at, &range->small[i * range->p], range->p * sizeof(*at));
    }
}

static int range_init(const struct ipm_time_data *data,
                      const struct ipm_time_series *series, size_t first, size_t end,
                      uint64_t seed, struct range *range)
{
    size_t n = ipm_time_rows(series);
    double most = chunks(series, series->sizes[end - 1].size);
    bool chunked = most > chunks(series, series->sizes[first].size);
    *range = (struct range){
        .data = data,
        .series = series,
        .first = first,
        .end = end,
        .p = chunked ? MOST : MOST - 1,
        .design = calloc(n * MOST + 1, sizeof(double)),
        .values = calloc(n + 1, sizeof(double)),
        .errors = calloc(n + 1, sizeof(double)),
        .weights = calloc(n + 1, sizeof(double)),
        .small = calloc(series->n_sizes * MOST + 1, sizeof(double)),
        .small_errors = calloc(series->n_sizes + 1, sizeof(double)),
        .counts = calloc(series->n_sizes + 1, sizeof(size_t)),
    };
    if (range->design == NULL || range->values == NULL || range->errors == NULL ||
        range->weights == NULL || range->counts == NULL || range->small == NULL ||
        range->small_errors == NULL)
        return -ENOMEM;
    for (size_t i = first; i < end; i++) {
        const struct ipm_time_size *size = &series->sizes[i];
        double touch = touch_ns(data, series, size->size);
        range->counts[i - first] = size->n;
        range->small_errors[i - first] = size->error;
        for (size_t k = 0; k < size->n; k++) {
            range->values[range->n_rows] = size->times[k] - touch;
            range->errors[range->n_rows++] = size->error;
        }
    }
    int error = ipm_time_draw_init(series, &range->draw);
    if (error == 0)
        error = ipm_time_draw_init(&data->copy, &range->copy);
    return error == 0 ? ipm_time_random_new(seed, &range->random) : error;
}

static struct ipm_regress_rows rows_of(struct range *range)
{
    return (struct ipm_regress_rows){.n = range->n_rows,
                                     .p = range->p,
                                     .design = range->design,
                                     .values = range->values,
                                     .errors = range->errors};
}

struct spreads {
    struct ipm_time_spread copies, constant, chunk;
};

/* Invocations of the series and of the floor are drawn anew. */
static void draw_all(struct range *range, const struct ipm_regress_fit *fit,
                     struct spreads *spreads)
{
    size_t before = 0;
    for (size_t i = 0; i < range->first; i++)
        before += range->series->sizes[i].n;
    const struct ipm_regress_groups groups = {.n = range->end - range->first,
                                              .p = range->p,
                                              .design = range->small,
                                              .errors = range->small_errors,
                                              .counts = range->counts,
                                              .values = range->values,
                                              .times = range->draw.times + before};
    for (size_t draw = 0; draw < IPM_TIME_DRAWS; draw++) {
        double c[IPM_REGRESS_MOST];
        ipm_time_draw_times(&range->draw, range->random);
        ipm_time_draw_next(&range->copy, range->random);
        put_small(range, range->copy.medians);
        memcpy(c, fit->c, sizeof(c));
        if (ipm_regress_again(&groups, fit->converged ? fit->sigma : INFINITY, c) != 0)
            continue;
        ipm_time_spread_add(&spreads->copies, c[COPY]);
        ipm_time_spread_add(&spreads->constant, c[CONSTANT]);
        if (range->p > CHUNK)
            ipm_time_spread_add(&spreads->chunk, c[CHUNK] / c[CONSTANT]);
    }
}

static struct ipm_interval interval(const struct range *range, double value,
                                    struct ipm_time_spread *spread,
                                    const struct ipm_regress_fit *fit, double widening)
{
    double half = widening * ipm_time_half(range->series, spread, value, fit->dof);
    return (struct ipm_interval){value, value - half, value + half};
}

static void judge(const struct ipm_time_series *series, struct ipm_time_test *test)
{
    double declared = series->facts.copies;
    const struct ipm_interval *k = &test->copies;
    test->verdict = IPM_TIME_UNDECIDED;
    if (declared < 0)
        (void)snprintf(test->reason, sizeof(test->reason),
                       "how many copies this makes varies, so none is declared");
    else if (series->facts.pages > 0)
        (void)snprintf(test->reason, sizeof(test->reason),
                       "pages are remapped too, and both grow with the size");
    else if (test->vif > IPM_TIME_VIF)
        (void)snprintf(test->reason, sizeof(test->reason),
                       "chunks and copying grow alike here (VIF %.3g)", test->vif);
    else if (!isfinite(k->low) || !isfinite(k->high))
        (void)snprintf(test->reason, sizeof(test->reason), "there is no interval");
    else if (declared < k->low || declared > k->high) {
        test->verdict = IPM_TIME_REJECTED;
        (void)snprintf(test->reason, sizeof(test->reason),
                       "%.3g copies by slope [%.3g, %.3g], not %g", k->value, k->low,
                       k->high, declared);
    } else if (declared - 1 >= k->low || declared + 1 <= k->high)
        (void)snprintf(test->reason, sizeof(test->reason),
                       "too wide: [%.3g, %.3g] holds other whole numbers than %g",
                       k->low, k->high, declared);
    else
        test->verdict = IPM_TIME_CONFIRMED;
}

static const struct ipm_interval no_interval = {NAN, NAN, NAN};

static int test_range(const struct ipm_time_data *data,
                      const struct ipm_time_series *series, size_t first, size_t end,
                      uint64_t seed, struct ipm_time_test *test)
{
    struct range range;
    struct ipm_regress_fit robust;
    struct ipm_regress_fit plain;
    struct spreads spreads = {0};
    *test = (struct ipm_time_test){.from = series->sizes[first].size,
                                   .to = series->sizes[end - 1].size,
                                   .n_sizes = end - first,
                                   .copies = no_interval,
                                   .plain_copies = NAN,
                                   .constant = no_interval,
                                   .chunk = no_interval,
                                   .vif = NAN,
                                   .verdict = IPM_TIME_UNDECIDED,
                                   .lack = {NAN, NAN, NAN, NAN, 1}};
    int error = range_init(data, series, first, end, seed, &range);
    if (error == 0) {
        put_design(&range, range.copy.medians);
        struct ipm_regress_rows rows = rows_of(&range);
        error = ipm_regress_robust(&rows, &robust, range.weights);
        if (error == 0)
            error = ipm_regress_least_squares(&rows, &plain);
        if (error == 0)
            error = ipm_time_lack_of_fit(&rows, range.weights, range.counts,
                                         end - first, range.p, &test->lack);
    }
    if (error == 0) {
        double widening = test->lack.widening;
        draw_all(&range, &robust, &spreads);
        test->copies =
            interval(&range, robust.c[COPY], &spreads.copies, &robust, widening);
        test->constant =
            interval(&range, robust.c[CONSTANT], &spreads.constant, &robust, widening);
        test->plain_copies = plain.c[COPY];
        if (range.p > CHUNK) {
            test->vif = plain.vif[COPY];
            test->chunk = interval(&range, robust.c[CHUNK] / robust.c[CONSTANT],
                                   &spreads.chunk, &robust, widening);
        }
        judge(series, test);
    } else if (error > 0)
        (void)snprintf(test->reason, sizeof(test->reason),
                       "the sizes do not tell copying from the rest");
    range_fini(&range);
    return error < 0 ? error : 0;
}

/* A range is tested once, and with sizes enough. */
static int add_test(const struct ipm_time_data *data,
                    const struct ipm_time_series *series, size_t first, size_t end,
                    size_t least, uint64_t seed, struct ipm_time_copies *copies)
{
    if (end < first + least || copies->n_tests == IPM_TIME_TESTS)
        return 0;
    for (size_t i = 0; i < copies->n_tests; i++) {
        const struct ipm_time_test *test = &copies->tests[i];
        if (test->from >= series->sizes[first].size && test->n_sizes == end - first &&
            test->to <= series->sizes[end - 1].size)
            return 0;
    }
    struct ipm_time_test *test = &copies->tests[copies->n_tests];
    int error = test_range(data, series, first, end, seed + copies->n_tests, test);
    copies->n_tests += error == 0;
    return error;
}

/* The whole range decides where it can; else each regime speaks for itself. */
static void conclude(struct ipm_time_copies *copies)
{
    const struct ipm_time_test *whole = &copies->tests[0];
    size_t counts[IPM_TIME_VERDICTS] = {0};
    copies->verdict = whole->verdict;
    (void)snprintf(copies->reason, sizeof(copies->reason), "%s", whole->reason);
    for (size_t i = 1; i < copies->n_tests; i++)
        counts[copies->tests[i].verdict]++;
    if (whole->verdict == IPM_TIME_CONFIRMED ||
        counts[IPM_TIME_CONFIRMED] + counts[IPM_TIME_REJECTED] == 0)
        return;
    (void)snprintf(copies->reason, sizeof(copies->reason),
                   "over all sizes %s; of %zu regimes %zu confirmed, %zu rejected",
                   whole->reason, copies->n_tests - 1, counts[IPM_TIME_CONFIRMED],
                   counts[IPM_TIME_REJECTED]);
    if (whole->verdict == IPM_TIME_UNDECIDED)
        copies->verdict =
            counts[IPM_TIME_REJECTED] > 0 ? IPM_TIME_REJECTED : IPM_TIME_CONFIRMED;
}

int ipm_time_copies(const struct ipm_time_data *data,
                    const struct ipm_time_series *series,
                    const struct ipm_time_line *line, uint64_t seed,
                    struct ipm_time_copies *out_copies)
{
    *out_copies = (struct ipm_time_copies){.verdict = IPM_TIME_UNDECIDED};
    size_t first = series->n_sizes;
    size_t end = 0;
    for (size_t i = 0; i < series->n_sizes; i++) {
        double size = series->sizes[i].size;
        bool known = data->copy.n_sizes > 0 &&
                     !isnan(ipm_time_between(&data->copy, NULL, size)) &&
                     !isnan(touch_ns(data, series, size));
        if (known && i < first)
            first = i;
        if (known)
            end = i + 1;
    }
    if (end < first + IPM_TIME_SIZES) {
        (void)snprintf(out_copies->reason, sizeof(out_copies->reason),
                       "%s not measured over %d of its sizes",
                       is_touched(series) && data->copy.n_sizes > 0
                           ? "floor_memcpy, floor_produce and floor_consume were"
                           : "floor_memcpy was",
                       IPM_TIME_SIZES);
        return 0;
    }
    int error = add_test(data, series, first, end, IPM_TIME_SIZES, seed, out_copies);
    size_t whole = first;
    while (whole < end && chunks(series, series->sizes[whole].size) <= 1)
        whole++;
    if (error == 0) /* messages of one chunk */
        error =
            add_test(data, series, first, whole, IPM_SEGMENTS_SIZES, seed, out_copies);
    if (error == 0 && whole > first)
        error =
            add_test(data, series, whole, end, IPM_SEGMENTS_SIZES, seed, out_copies);
    for (size_t i = 0; i < line->n_pieces && error == 0 && line->n_pieces > 1; i++) {
        size_t from = first;
        size_t to = end;
        while (from < end && series->sizes[from].size < line->pieces[i].from)
            from++;
        while (to > from && series->sizes[to - 1].size > line->pieces[i].to)
            to--;
        error = add_test(data, series, from, to, IPM_SEGMENTS_SIZES, seed, out_copies);
    }
    if (error == 0)
        conclude(out_copies);
    return error;
}
