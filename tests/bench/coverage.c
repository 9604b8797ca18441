/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often nominal 95 % intervals cover, as a table: bench_coverage [RUNS [MESSAGES
 * [PROCESS]]].
 *
 * A star marks what is not within 93 to 97 %.  p99.9 is left out where the invocations are
 * too few for it, or their messages (a report wants 3,688 independent ones).
 */
#include "tests/bench/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_count(const struct coverage_count *counted, bool enough)
{
    if (counted->printed == 0 || !enough) {
        (void)printf("%10s", "-");
        return;
    }
    double share = 100.0 * (double)counted->hits / (double)counted->printed;
    (void)printf("%9.2f%s", share, share < 93 || share > 97 ? "*" : " ");
}

int main(int argc, char **argv)
{
    static const size_t invocations[] = {6, 7, 8, 12, 20, 60};
    size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    size_t messages = argc > 2 ? strtoul(argv[2], NULL, 10) : 500;
    if (runs == 0 || messages == 0 || messages > 1000000) {
        (void)fputs("usage: bench_coverage [RUNS [MESSAGES [PROCESS]]]\n", stderr);
        return 2;
    }
    (void)printf(
        "%zu runs of invocations of %zu messages; %% of nominal 95 %% intervals "
        "that cover\n%-12s %4s",
        runs, messages, "process", "n");
    for (size_t i = 0; i < COVERAGE_POOLED; i++)
        (void)printf("%9.4g%%", 100 * coverage_qs[i]);
    for (size_t f = 0; f < COVERAGE_FIGURES; f++)
        (void)printf("%10s", coverage_figures[f]);
    (void)putchar('\n');
    for (size_t p = 0; p < coverage_n_processes; p++) {
        if (argc > 3 && strcmp(argv[3], coverage_processes[p].name) != 0)
            continue;
        for (size_t i = 0; i < sizeof(invocations) / sizeof(invocations[0]); i++) {
            struct coverage coverage;
            coverage_measure(&coverage_processes[p], invocations[i], messages, runs,
                             20240229 + p, &coverage);
            (void)printf("%-12s %4zu", coverage_processes[p].name, invocations[i]);
            for (size_t q = 0; q < COVERAGE_POOLED; q++)
                print_count(&coverage.pooled[q],
                            q < 3 || invocations[i] * messages >= 3 * 3688);
            for (size_t f = 0; f < COVERAGE_FIGURES; f++)
                print_count(&coverage.figures[f], true);
            (void)putchar('\n');
            (void)fflush(stdout);
        }
    }
    return 0;
}
