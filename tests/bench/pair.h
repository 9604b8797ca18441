/* SPDX-License-Identifier: MIT */
/*
 * pair: a contestant against a reference, many times over, and what to make of it.
 *
 * Each time comes with the cache-line round trips taken around it.  CPUs of a virtual
 * machine move: a time counts when these lie within 25 % of each other.
 */
#ifndef IPM_TESTS_PAIR_H
#define IPM_TESTS_PAIR_H

#include <stdbool.h>
#include <stddef.h>

enum { IPM_PAIR_ROUNDS = 2001 };

struct ipm_pair {
    int job; /* the contestant; the reference is the job after it, or the line */
    bool
        against_line; /* contestant / line is wanted low; else reference / contestant high */
    double wanted;
    int n; /* times that count */
    double ratios[IPM_PAIR_ROUNDS], line_ns[IPM_PAIR_ROUNDS];
    double subject_ns[IPM_PAIR_ROUNDS], reference_ns[IPM_PAIR_ROUNDS];
};

/* @ns: contestant and reference (unused against the line); @lines_ns: around them. */
void ipm_pair_add(struct ipm_pair *pair, const double ns[2], const double *lines_ns,
                  int n_lines);

/* Prints the verdict and, below it, the medians by regime.  Does it hold? */
bool ipm_pair_report(const struct ipm_pair *pair, size_t size, const char *name);

#endif
