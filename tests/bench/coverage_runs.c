/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pooled.h"
#include "analysis/stats.h"
#include "base/histogram.h"
#include "tests/bench/coverage.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

static double normal(gsl_rng *source, double sigma)
{
    return gsl_ran_gaussian_ziggurat(source, sigma);
}

/* First-order autoregression around a level of the invocation's own. */
static void follow(gsl_rng *source, size_t messages, double rho, double within,
                   double between, double *logs)
{
    double level = normal(source, between);
    double state = normal(source, 1);
    double fresh = sqrt(1 - rho * rho);
    for (size_t i = 0; i < messages; i++) {
        state = rho * state + normal(source, fresh);
        logs[i] = level + within * state;
    }
}

static void neighbours(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.03, logs);
}

static void long_memory(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.9, 0.1, 0.03, logs);
}

/* Invocations differ as much as the messages of one. */
static void unlike(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.1, logs);
}

/* One message in 50 is held up for long, in some invocations more of them. */
static void spikes(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.03, logs);
    double share = 0.02 * exp(normal(source, 0.5));
    for (size_t i = 0; i < messages; i++) {
        if (gsl_rng_uniform(source) < share)
            logs[i] = log(exp(logs[i]) + gsl_ran_pareto(source, 1.5, 0.5));
    }
}

/* Two paces, each for 50 messages or so. */
static void regimes(gsl_rng *source, size_t messages, double *logs)
{
    double level = normal(source, 0.03);
    bool slow = gsl_rng_uniform(source) < 0.5;
    for (size_t i = 0; i < messages; i++) {
        slow = gsl_rng_uniform(source) < 0.02 ? !slow : slow;
        logs[i] = level + (slow ? 0.4 : 0) + normal(source, 0.1);
    }
}

/* Some invocations are noisier than others. */
static void unsteady(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.03, logs);
    double factor = exp(normal(source, 0.2));
    for (size_t i = 0; i < messages; i++)
        logs[i] *= factor;
}

/* Every other invocation is slower: what a guest that was moved shows. */
static void two_levels(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.03, logs);
    double more = gsl_rng_uniform(source) < 0.5 ? 0.08 : 0;
    for (size_t i = 0; i < messages; i++)
        logs[i] += more;
}

/* One invocation in 20 is slower throughout. */
static void spoiled(gsl_rng *source, size_t messages, double *logs)
{
    follow(source, messages, 0.5, 0.1, 0.03, logs);
    double more =
        gsl_rng_uniform(source) < 0.05 ? log1p(gsl_ran_exponential(source, 0.15)) : 0;
    for (size_t i = 0; i < messages; i++)
        logs[i] += more;
}

const struct coverage_process coverage_processes[] = {
    {"neighbours", neighbours, false}, {"long_memory", long_memory, false},
    {"unlike", unlike, false},         {"spikes", spikes, false},
    {"regimes", regimes, false},       {"unsteady", unsteady, false},
    {"two_levels", two_levels, false}, {"spoiled", spoiled, true},
};
const size_t coverage_n_processes =
    sizeof(coverage_processes) / sizeof(coverage_processes[0]);

const double coverage_qs[COVERAGE_POOLED] = {0.5, 0.9, 0.99, 0.999};
const char *const coverage_figures[COVERAGE_FIGURES] = {"p50", "rate"};

static const double base_ns = 100000;

/* As buckets of 0.1 %, from a fifth of the base to 3,000 times it; the value of one is that of
 * the tally's bucket it falls into, so that the truth is what tallies can tell. */
enum { PER_E = 1000, LEAST = -1600, BUCKETS = 9600 };

static void *room_for(size_t n, size_t size)
{
    void *room = calloc(n, size);
    if (room == NULL)
        abort();
    return room;
}

static size_t index_of(size_t bucket)
{
    static size_t indices[BUCKETS];
    if (indices[bucket] == 0)
        indices[bucket] = ipm_histogram_index(
            (uint64_t)(base_ns * exp(((double)bucket + LEAST) / PER_E)));
    return indices[bucket];
}

static double value_of(size_t bucket)
{
    static double values[BUCKETS];
    if (!(values[bucket] > 0))
        values[bucket] = ipm_histogram_midpoint(index_of(bucket));
    return values[bucket];
}

/* All buckets outside of [first, end) are empty. */
struct buckets {
    uint64_t counts[BUCKETS];
    size_t first, end;
};

static struct buckets *no_samples(void)
{
    struct buckets *buckets = room_for(1, sizeof(*buckets));
    buckets->first = BUCKETS;
    return buckets;
}

static void extend(struct buckets *buckets, size_t first, size_t end)
{
    buckets->first = first < buckets->first ? first : buckets->first;
    buckets->end = end > buckets->end ? end : buckets->end;
}

/* One invocation into buckets: added to what they hold. */
static void invoke(const struct coverage_process *process, gsl_rng *source,
                   size_t messages, double *logs, struct buckets *buckets)
{
    process->make(source, messages, logs);
    for (size_t i = 0; i < messages; i++) {
        double place = round(logs[i] * PER_E) - LEAST;
        place = place < 0 ? 0 : place > BUCKETS - 1 ? BUCKETS - 1 : place;
        buckets->counts[(size_t)place]++;
        extend(buckets, (size_t)place, (size_t)place + 1);
    }
}

/* The value of rank ceil(q n). */
static double quantile_of(const struct buckets *buckets, size_t n, double q)
{
    double rank = ceil(q * (double)n);
    size_t at = buckets->first;
    uint64_t sum = buckets->counts[at];
    while ((double)sum < rank && at + 1 < buckets->end)
        sum += buckets->counts[++at];
    return value_of(at);
}

static size_t put_varint(uint64_t value, uint8_t *bytes)
{
    size_t length = 0;
    for (; value >= 128; value >>= 7)
        bytes[length++] = (uint8_t)(value | 128);
    bytes[length++] = (uint8_t)value;
    return length;
}

/* As base/histogram.h packs it. */
static void pack(const struct buckets *buckets, struct ipm_tally *out_tally)
{
    uint8_t bytes[1 + BUCKETS * 4];
    size_t length = put_varint(IPM_HISTOGRAM_BITS, bytes);
    size_t before = 0;
    for (size_t i = buckets->first; i < buckets->end;) {
        size_t index = index_of(i);
        uint64_t count = 0;
        for (; i < buckets->end && index_of(i) == index; i++)
            count += buckets->counts[i];
        if (count == 0)
            continue;
        length += put_varint(index - before, bytes + length);
        length += put_varint(count, bytes + length);
        before = index;
    }
    if (ipm_tally_keep(bytes, length, 1, out_tally) != 0)
        abort();
}

/* Of what @buckets hold, which are emptied. */
static void take(struct buckets *buckets, size_t messages,
                 double figures[COVERAGE_FIGURES], struct ipm_tally *out_tally)
{
    double sum = 0;
    figures[0] = quantile_of(buckets, messages, 0.5);
    if (out_tally != NULL)
        pack(buckets, out_tally);
    for (size_t i = buckets->first; i < buckets->end; i++) {
        sum += value_of(i) * (double)buckets->counts[i];
        buckets->counts[i] = 0;
    }
    buckets->first = BUCKETS;
    buckets->end = 0;
    figures[1] = (double)messages / sum * 1e9;
}

struct truth {
    double pooled[COVERAGE_POOLED], figures[COVERAGE_FIGURES];
};

static void find_truth(const struct coverage_process *process, gsl_rng *source,
                       size_t messages, double *logs, struct truth *truth)
{
    size_t n = 4000000 / messages;
    struct buckets *all = no_samples();
    struct buckets *one = no_samples();
    double *figures[COVERAGE_FIGURES];
    for (size_t f = 0; f < COVERAGE_FIGURES; f++)
        figures[f] = room_for(n, sizeof(double));
    for (size_t k = 0; k < n; k++) {
        double values[COVERAGE_FIGURES];
        invoke(process, source, messages, logs, one);
        extend(all, one->first, one->end);
        for (size_t i = one->first; i < one->end; i++)
            all->counts[i] += one->counts[i];
        take(one, messages, values, NULL);
        for (size_t f = 0; f < COVERAGE_FIGURES; f++)
            figures[f][k] = values[f];
    }
    for (size_t i = 0; i < COVERAGE_POOLED; i++)
        truth->pooled[i] = quantile_of(all, n * messages, coverage_qs[i]);
    for (size_t f = 0; f < COVERAGE_FIGURES; f++) {
        ipm_sort(figures[f], n);
        truth->figures[f] = ipm_quantile(figures[f], n, 0.5);
        free(figures[f]);
    }
    free(one);
    free(all);
}

static void count(const struct ipm_estimate *estimate, double truth,
                  struct coverage_count *counted)
{
    if (isnan(estimate->low))
        return;
    counted->printed++;
    counted->hits += estimate->low <= truth && truth <= estimate->high;
    counted->beyond += truth > estimate->high;
}

/* One run of @n invocations. */
static void measure_run(const struct coverage_process *process, gsl_rng *source,
                        size_t n, size_t messages, double *logs,
                        struct buckets *buckets, const struct truth *truth,
                        struct coverage *coverage)
{
    struct ipm_tally tallies[COVERAGE_MOST];
    const struct ipm_tally *pointers[COVERAGE_MOST];
    double figures[COVERAGE_FIGURES][COVERAGE_MOST];
    struct ipm_estimate found[COVERAGE_POOLED];
    for (size_t k = 0; k < n; k++) {
        double values[COVERAGE_FIGURES];
        invoke(process, source, messages, logs, buckets);
        take(buckets, messages, values, &tallies[k]);
        pointers[k] = &tallies[k];
        for (size_t f = 0; f < COVERAGE_FIGURES; f++)
            figures[f][k] = values[f];
    }
    if (ipm_pooled_quantiles(pointers, n, coverage_qs, COVERAGE_POOLED, 0.95, found) !=
        0)
        abort();
    for (size_t i = 0; i < COVERAGE_POOLED; i++)
        count(&found[i], truth->pooled[i], &coverage->pooled[i]);
    for (size_t f = 0; f < COVERAGE_FIGURES; f++) {
        ipm_estimate_median(figures[f], n, 0.95, &found[f]);
        count(&found[f], truth->figures[f], &coverage->figures[f]);
    }
    for (size_t k = 0; k < n; k++)
        ipm_tally_fini(&tallies[k]);
}

void coverage_measure(const struct coverage_process *process, size_t n, size_t messages,
                      size_t runs, unsigned long seed, struct coverage *out_coverage)
{
    struct truth truth;
    double *logs = room_for(messages, sizeof(*logs));
    struct buckets *buckets = no_samples();
    gsl_rng *source = gsl_rng_alloc(gsl_rng_taus2);
    if (source == NULL)
        abort();
    gsl_rng_set(source, seed);
    *out_coverage = (struct coverage){0};
    find_truth(process, source, messages, logs, &truth);
    for (size_t run = 0; run < runs; run++)
        measure_run(process, source, n, messages, logs, buckets, &truth, out_coverage);
    gsl_rng_free(source);
    free(buckets);
    free(logs);
}
