/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/tails.h"

#include "analysis/pooled.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double q; /* 1: the largest */
} tails[IPM_TAILS] = {
    {"p50_pooled_ns", 0.5}, {"p90_ns", 0.9},      {"p99_ns", 0.99},
    {"p999_ns", 0.999},     {"p9999_ns", 0.9999}, {"max_ns", 1},
};

static void begin(struct ipm_figure *figure, const char *name)
{
    *figure = (struct ipm_figure){
        .unit = "ns",
        .pass = "timing",
        .provenance = "",
        .reason = "",
        .estimate = {.value = NAN, .low = NAN, .high = NAN, .level = NAN}};
    (void)snprintf(figure->name, sizeof(figure->name), "%s", name);
}

__attribute__((format(printf, 2, 3))) static void lacks(struct ipm_figure *figure,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(figure->estimate.reason, sizeof(figure->estimate.reason), format,
                    arguments);
    va_end(arguments);
    if (isnan(figure->estimate.value))
        figure->pass = "";
}

struct ipm_sampling ipm_tails_sampling(const struct ipm_row *const *rows, size_t n)
{
    struct ipm_sampling sampling = {.by_batch_means = n > 0};
    for (size_t i = 0; i < n; i++) {
        double count = (double)rows[i]->tally.count;
        bool known = !isnan(rows[i]->effective);
        sampling.samples += count;
        sampling.effective += known ? rows[i]->effective : count;
        sampling.by_batch_means = sampling.by_batch_means && (known || count == 0);
    }
    return sampling;
}

/* What all rows that have a distribution say, as far as it can be told. */
static int fill(const struct ipm_row *const *rows, size_t n,
                const struct ipm_tally *const *tallies, size_t n_tallies,
                struct ipm_figure *figures)
{
    struct ipm_sampling sampling = ipm_tails_sampling(rows, n);
    int64_t batch = 1;
    double largest = 0;
    for (size_t i = 0; i < n_tallies; i++)
        batch = tallies[i]->per > batch ? tallies[i]->per : batch;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, rows[i]->tally.n > 0 ? rows[i]->max_ns : 0);

    double qs[IPM_TAILS];
    struct ipm_estimate found[IPM_TAILS];
    size_t places[IPM_TAILS];
    size_t wanted = 0;
    for (size_t i = 0; i < IPM_TAILS; i++) {
        if (tails[i].q > 0.5 && batch > 1) {
            lacks(
                &figures[i],
                "batch: a sample is the mean of up to %lld operations, not one's time",
                (long long)batch);
        } else if (tails[i].q == 1) {
            figures[i].estimate.value = largest;
            figures[i].estimate.n = n_tallies;
            lacks(&figures[i], "none: samples do not tell where a distribution ends");
        } else {
            size_t needs = ipm_rank_interval_needs(tails[i].q, IPM_SUMMARY_LEVEL);
            if (sampling.effective >= (double)needs) {
                qs[wanted] = tails[i].q;
                places[wanted++] = i;
                continue;
            }
            lacks(&figures[i], "not_estimable: worth %.0f samples by %s, needs %zu",
                  floor(sampling.effective),
                  sampling.by_batch_means ? "batch means" : "count", needs);
        }
    }
    int error = wanted == 0 ? 0
                            : ipm_pooled_quantiles(tallies, n_tallies, qs, wanted,
                                                   IPM_SUMMARY_LEVEL, found);
    for (size_t i = 0; i < wanted && error == 0; i++)
        figures[places[i]].estimate = found[i];
    return error;
}

int ipm_tails_make(const struct ipm_row *const *rows, size_t n,
                   struct ipm_figure *out_figures)
{
    ipm_auto_free const struct ipm_tally **tallies = calloc(n + 1, sizeof(*tallies));
    if (tallies == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->tally.n > 0)
            tallies[used++] = &rows[i]->tally;
    }
    for (size_t i = 0; i < IPM_TAILS; i++) {
        begin(&out_figures[i], tails[i].name);
        if (used > 0)
            continue;
        out_figures[i].pass = "";
        out_figures[i].reason = n == 0 ? "no invocation of the timing pass succeeded"
                                       : "absent: the records have no distribution";
    }
    return used == 0 ? 0 : fill(rows, n, tallies, used, out_figures);
}
