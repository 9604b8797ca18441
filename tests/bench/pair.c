/* SPDX-License-Identifier: MIT */
#include "tests/bench/pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGIMES = 3 };

/* Upper ends of the line's round trip, ns: hyper-threads of a core, one cache, elsewhere. */
static const double regime_ends_ns[REGIMES] = {75, 250, INFINITY};

void ipm_pair_add(struct ipm_pair *pair, const double ns[2], const double *lines_ns,
                  int n_lines)
{
    double least = lines_ns[0];
    double most = lines_ns[0];
    double sum = 0;
    for (int i = 0; i < n_lines; i++) {
        least = fmin(least, lines_ns[i]);
        most = fmax(most, lines_ns[i]);
        sum += lines_ns[i];
    }
    if (most > 1.25 * least)
        return;
    double line = sum / n_lines;
    pair->line_ns[pair->n] = line;
    pair->subject_ns[pair->n] = ns[0];
    pair->reference_ns[pair->n] = pair->against_line ? line : ns[1];
    pair->ratios[pair->n++] = pair->against_line ? ns[0] / line : ns[1] / ns[0];
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void quartiles(const double *values, int n, double out[3])
{
    static double sorted[IPM_PAIR_ROUNDS];
    memcpy(sorted, values, (size_t)n * sizeof(sorted[0]));
    qsort(sorted, (size_t)n, sizeof(sorted[0]), compare);
    for (int i = 0; i < 3; i++)
        out[i] = n > 0 ? sorted[(n - 1) * (i + 1) / 4] : NAN;
}

/* The values of those times whose line lies in @regime. */
static int pick(const struct ipm_pair *pair, const double *values, int regime,
                double *out)
{
    int n = 0;
    for (int i = 0; i < pair->n; i++) {
        double line = pair->line_ns[i];
        if (line < regime_ends_ns[regime] &&
            (regime == 0 || line >= regime_ends_ns[regime - 1]))
            out[n++] = values[i];
    }
    return n;
}

static void print_regime(const struct ipm_pair *pair, int regime)
{
    static double picked[IPM_PAIR_ROUNDS];
    double line[3], subject[3], reference[3], ratio[3];
    int n = pick(pair, pair->line_ns, regime, picked);
    if (n == 0)
        return;
    quartiles(picked, n, line);
    quartiles(picked, pick(pair, pair->subject_ns, regime, picked), subject);
    quartiles(picked, pick(pair, pair->reference_ns, regime, picked), reference);
    quartiles(picked, pick(pair, pair->ratios, regime, picked), ratio);
    (void)printf("      line %6.1f ns, %4d pairs: %10.1f ns against %10.1f ns, ratio "
                 "%.3f [%.3f, %.3f]\n",
                 line[1], n, subject[1], reference[1], ratio[1], ratio[0], ratio[2]);
}

bool ipm_pair_report(const struct ipm_pair *pair, size_t size, const char *name)
{
    double ratio[3];
    quartiles(pair->ratios, pair->n, ratio);
    bool holds =
        pair->against_line ? ratio[1] <= pair->wanted : ratio[1] >= pair->wanted;
    (void)printf("%7zu B %s: %.3f [%.3f, %.3f], wanted %s %.2f: %s\n", size, name,
                 ratio[1], ratio[0], ratio[2],
                 pair->against_line ? "<=" : ">=", pair->wanted,
                 holds ? "holds" : "MISSED");
    for (int regime = 0; regime < REGIMES; regime++)
        print_regime(pair, regime);
    return holds;
}
