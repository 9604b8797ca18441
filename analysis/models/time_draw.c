/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_draw.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_rng.h>
#endif

size_t ipm_time_rows(const struct ipm_time_series *series)
{
    size_t n = 0;
    for (size_t i = 0; i < series->n_sizes; i++)
        n += series->sizes[i].n;
    return n;
}

void ipm_time_draw_fini(struct ipm_time_draw *draw)
{
    free(draw->times);
    free(draw->medians);
    free(draw->sorted);
    free(draw->usable);
    free(draw->n_usable);
    *draw = (struct ipm_time_draw){0};
}

/* Adds row @k of a size to those of its rows, sorted by time, that are there already: done once,
 * a draw need not sort. */
static void insert(const double *times, size_t first, size_t k, size_t *rows, size_t n)
{
    for (; n > 0 && times[rows[n - 1] - first] > times[k]; n--)
        rows[n] = rows[n - 1];
    rows[n] = first + k;
}

int ipm_time_draw_init(const struct ipm_time_series *series, struct ipm_time_draw *draw)
{
    size_t n = ipm_time_rows(series);
    *draw = (struct ipm_time_draw){
        .series = series,
        .times = calloc(n + 1, sizeof(*draw->times)),
        .medians = calloc(series->n_sizes + 1, sizeof(*draw->medians)),
        .sorted = calloc(n + 1, sizeof(*draw->sorted)),
        .usable = calloc(n + 1, sizeof(*draw->usable)),
        .n_usable = calloc(series->n_sizes + 1, sizeof(*draw->n_usable)),
    };
    if (draw->times == NULL || draw->medians == NULL || draw->sorted == NULL ||
        draw->usable == NULL || draw->n_usable == NULL) {
        ipm_time_draw_fini(draw);
        return -ENOMEM;
    }
    size_t row = 0;
    for (size_t i = 0; i < series->n_sizes; i++) {
        const struct ipm_time_size *size = &series->sizes[i];
        draw->medians[i] = size->median;
        for (size_t k = 0; k < size->n; k++) {
            draw->times[row + k] = 1;
            if (fabs(size->times[k] - size->median) <= IPM_TIME_OUTLIER * size->error)
                insert(size->times, row, k, &draw->usable[row], draw->n_usable[i]++);
        }
        row += size->n;
    }
    return 0;
}

double ipm_time_half(const struct ipm_time_series *series,
                     struct ipm_time_spread *spread, double value, double dof)
{
#if IPM_HAVE_GSL
    static const double tail = (1 + IPM_TIME_LEVEL) / 2;
    double n = (double)ipm_time_rows(series) / (double)series->n_sizes;
    if (2 * spread->n < IPM_TIME_DRAWS)
        return NAN;
    for (size_t i = 0; i < spread->n; i++)
        spread->values[i] = fabs(spread->values[i] - value);
    ipm_sort(spread->values, spread->n);
    /* The (draws + 1) level-th of them (Davison and Hinkley, section 2.4): one more is what
     * the truth itself is. */
    double draws = (double)spread->n;
    double rank = ((draws + 1) * IPM_TIME_LEVEL - 1) / (draws - 1);
    return ipm_quantile(spread->values, spread->n, fmin(rank, 1)) *
           (gsl_cdf_tdist_Pinv(tail, dof) / gsl_cdf_ugaussian_Pinv(tail)) *
           sqrt(n / (n - 1));
#else
    (void)series;
    (void)spread;
    (void)value;
    (void)dof;
    return NAN;
#endif
}

void ipm_time_spread_add(struct ipm_time_spread *spread, double value)
{
    if (isfinite(value) && spread->n < IPM_TIME_DRAWS)
        spread->values[spread->n++] = value;
}

#if IPM_HAVE_GSL

struct ipm_time_random {
    gsl_rng *rng;
};

int ipm_time_random_new(uint64_t seed, struct ipm_time_random **out_random)
{
    (void)gsl_set_error_handler_off();
    struct ipm_time_random *random = calloc(1, sizeof(*random));
    if (random == NULL)
        return -ENOMEM;
    random->rng =
        gsl_rng_alloc(gsl_rng_taus2); /* named: no environment variable decides */
    if (random->rng == NULL) {
        free(random);
        return -ENOMEM;
    }
    gsl_rng_set(random->rng, (unsigned long)(seed & 0xffffffffu));
    *out_random = random;
    return 0;
}

void ipm_time_random_free(struct ipm_time_random *random)
{
    if (random != NULL)
        gsl_rng_free(random->rng);
    free(random);
}

/* gsl_rng_uniform_int(), with its division by @n done once: @share = UINT32_MAX / @n.  The
 * generator's numbers have 32 bits. */
static uint32_t below(const gsl_rng *rng, uint32_t n, uint32_t share)
{
    uint32_t k;
    do
        k = (uint32_t)rng->type->get(rng->state) / share;
    while (k >= n);
    return k;
}

void ipm_time_draw_times(struct ipm_time_draw *draw, struct ipm_time_random *random)
{
    const struct ipm_time_series *series = draw->series;
    double *times = draw->times;
    memset(times, 0, ipm_time_rows(series) * sizeof(*times));
    for (size_t i = 0; i < series->n_sizes; i++) {
        size_t n = series->sizes[i].n;
        uint32_t share = UINT32_MAX / (uint32_t)n;
        for (size_t k = 0; k < n; k++)
            times[below(random->rng, (uint32_t)n, share)] += 1;
        times += n;
    }
}

void ipm_time_draw_next(struct ipm_time_draw *draw, struct ipm_time_random *random)
{
    const struct ipm_time_series *series = draw->series;
    size_t row = 0;
    ipm_time_draw_times(draw, random);
    for (size_t i = 0; i < series->n_sizes; i++) {
        const struct ipm_time_size *size = &series->sizes[i];
        size_t n = 0;
        for (size_t k = 0; k < draw->n_usable[i]; k++) {
            size_t at = draw->usable[row + k];
            for (double left = draw->times[at]; left > 0; left--)
                draw->sorted[n++] = size->times[at - row];
        }
        draw->medians[i] = n == 0 ? size->median : ipm_quantile(draw->sorted, n, 0.5);
        row += size->n;
    }
}

int ipm_time_lack_of_fit(const struct ipm_regress_rows *rows, const double *weights,
                         const size_t *counts, size_t n_sizes, size_t columns,
                         struct ipm_time_lack *out_lack)
{
    ipm_auto_free double *times = calloc(rows->n + 1, sizeof(*times));
    struct ipm_regress_fit fit;
    *out_lack = (struct ipm_time_lack){NAN, NAN, NAN, NAN, 1};
    if (times == NULL)
        return -ENOMEM;
    double kept = 0;
    double pure = 0;
    size_t sizes = 0;
    for (size_t i = 0, row = 0; i < n_sizes; row += counts[i], i++) {
        double sum = 0;
        double n = 0;
        for (size_t k = row; k < row + counts[i]; k++) {
            times[k] = weights[k] > 0 ? 1 : 0;
            sum += times[k] * rows->values[k];
            n += times[k];
        }
        for (size_t k = row; k < row + counts[i]; k++) {
            double off = (rows->values[k] - sum / n) / rows->errors[k];
            pure += times[k] > 0 ? off * off : 0;
        }
        kept += n;
        sizes += n > 0;
    }
    struct ipm_regress_rows counted = *rows;
    counted.times = times;
    int error = ipm_regress_least_squares(&counted, &fit);
    if (error != 0 || sizes <= columns || kept <= (double)sizes || !(pure > 0))
        return error;
    out_lack->dof_fit = (double)(sizes - columns);
    out_lack->dof_pure = kept - (double)sizes;
    out_lack->f = fmax(fit.chi_square - pure, 0) / out_lack->dof_fit /
                  (pure / out_lack->dof_pure);
    out_lack->p = gsl_cdf_fdist_Q(out_lack->f, out_lack->dof_fit, out_lack->dof_pure);
    if (out_lack->p < IPM_TIME_ALPHA)
        out_lack->widening = sqrt(fmax(out_lack->f, 1));
    return 0;
}

#else

int ipm_time_random_new(uint64_t seed, struct ipm_time_random **out_random)
{
    (void)seed;
    (void)out_random;
    return IPM_REGRESS_NO_GSL;
}

void ipm_time_random_free(struct ipm_time_random *random)
{
    (void)random;
}

void ipm_time_draw_times(struct ipm_time_draw *draw, struct ipm_time_random *random)
{
    (void)draw;
    (void)random;
}

void ipm_time_draw_next(struct ipm_time_draw *draw, struct ipm_time_random *random)
{
    (void)draw;
    (void)random;
}

int ipm_time_lack_of_fit(const struct ipm_regress_rows *rows, const double *weights,
                         const size_t *counts, size_t n_sizes, size_t columns,
                         struct ipm_time_lack *out_lack)
{
    (void)rows;
    (void)weights;
    (void)counts;
    (void)n_sizes;
    (void)columns;
    (void)out_lack;
    return IPM_REGRESS_NO_GSL;
}

#endif
