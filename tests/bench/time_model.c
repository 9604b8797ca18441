/* SPDX-License-Identifier: MIT */
/* The time model on planted truth: bench_time_model [SEEDS [FIRST]], 1,000 seeds from number 1
 * on by default.  A row per truth.  Whoever changes the model looks at other seeds than these
 * while doing so, so that these stay a test. */
#include "tests/support/planted_times.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    int seeds = argc > 1 ? atoi(argv[1]) : 1000;
    int first = argc > 2 ? atoi(argv[2]) : 1;
    if (seeds <= 0 || first <= 0)
        return 2;
    (void)printf("%-22s %6s %6s %6s %6s %6s %6s %6s %8s %8s\n", "truth", "seeds",
                 "found", "extra", "slope", "const.", "slope'", "level'", "robust",
                 "plain");
    for (size_t i = 0; i < PLANTED_TRUTHS; i++) {
        struct planted_tally tally =
            planted_run(&planted_truths[i], (uint64_t)first, seeds);
        double percent = 100.0 / seeds;
        (void)printf("%-22s %6d %6.1f %6.1f %6.1f %6.1f %6.1f %6.1f %+8.2f %+8.2f\n",
                     planted_truths[i].name, seeds, percent * tally.found,
                     percent * tally.spurious, percent * tally.covered[0],
                     percent * tally.covered[1], percent * tally.covered[2],
                     percent * tally.covered[3], 100 * tally.robust_bias,
                     100 * tally.plain_bias);
        (void)fflush(stdout);
    }
    return 0;
}
