/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * coverage: runs made up so that what an interval should hold is known.
 *
 * Invocations of @messages each, the logarithms of their times normal at the base.  Used by
 * tests/bench/coverage.c, which prints how often intervals cover, and by
 * tests/unit/test_coverage.c, which wants it to be as often as they say.
 */
#ifndef IPM_TESTS_BENCH_COVERAGE_H
#define IPM_TESTS_BENCH_COVERAGE_H

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>

struct coverage_process {
    const char *name;
    /* One invocation: the logarithms of its times, relative to the base. */
    void (*make)(gsl_rng *source, size_t messages, double *out_logs);
    bool
        hopeless; /* a pooled tail of it is decided by invocations too rare to be met */
};

extern const struct coverage_process coverage_processes[];
extern const size_t coverage_n_processes;

enum { COVERAGE_POOLED = 4, COVERAGE_FIGURES = 2, COVERAGE_MOST = 60 };

extern const double coverage_qs[COVERAGE_POOLED]; /* p50, p90, p99, p99.9 */
/* medians over invocations: of p50, and of messages per second, as metrics per message are */
extern const char *const coverage_figures[COVERAGE_FIGURES];

struct coverage_count {
    size_t printed; /* runs with an interval */
    size_t hits;    /* of them, it holds the truth */
    size_t beyond;  /* of the misses, it lies below the truth */
};

struct coverage {
    struct coverage_count pooled[COVERAGE_POOLED], figures[COVERAGE_FIGURES];
};

/**
 * coverage_measure() - @runs runs of @n invocations of one process, 95 % intervals
 * @n: at most COVERAGE_MOST
 *
 * Times are kept to 0.1 %, as a histogram keeps them.  The truth is found from as many invocations as make four million messages.  Aborts without
 * memory.
 */
void coverage_measure(const struct coverage_process *process, size_t n, size_t messages,
                      size_t runs, unsigned long seed, struct coverage *out_coverage);

#endif
