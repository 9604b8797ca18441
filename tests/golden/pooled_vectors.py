#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes pooled_vectors.json: pooled quantiles and their intervals over clusters.

Independent of the code under test: samples are put side by side and counted.  Where clusters
are equally large, the standard error of a share is taken from the cluster bootstrap itself, its
limit over infinitely many draws: the exact variance over all multisets of clusters, which the
formula must equal.  Student's quantile is found from the integral of its density.

    python3 tests/golden/pooled_vectors.py > tests/golden/pooled_vectors.json
"""
import json
import random
from functools import lru_cache
from itertools import combinations_with_replacement
from math import ceil, factorial, gamma, log, pi, sqrt

source = random.Random(6)


def quantile(values, q):
    ordered = sorted(values)
    return ordered[max(ceil(q * len(ordered)), 1) - 1]


@lru_cache(None)
def student(freedom, p):
    """By bisection; the integral by Simpson's rule."""
    def density(t):
        return (gamma((freedom + 1) / 2) / gamma(freedom / 2) / sqrt(freedom * pi)
                * (1 + t * t / freedom) ** (-(freedom + 1) / 2))

    def below(t, steps=2000):
        h = t / steps
        inner = sum((4 if i % 2 else 2) * density(i * h) for i in range(1, steps))
        return 0.5 + h / 3 * (density(0) + inner + density(t))

    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return low


def bootstrap_error(below, sizes):
    """Standard deviation of the pooled share over all draws of n clusters out of n."""
    n = len(below)
    mean = square = 0.0
    for chosen in combinations_with_replacement(range(n), n):
        ways = factorial(n)
        for k in set(chosen):
            ways //= factorial(chosen.count(k))
        share = sum(below[k] for k in chosen) / sum(sizes[k] for k in chosen)
        mean += ways / n**n * share
        square += ways / n**n * share * share
    return sqrt(max(square - mean * mean, 0) * n / (n - 1))


def ratio_error(below, sizes):
    """Of a ratio of sums over clusters, to first order."""
    n, share = len(below), sum(below) / sum(sizes)
    apart = [b - share * s for b, s in zip(below, sizes)]
    return sqrt(n * sum(a * a for a in apart) / (n - 1)) / sum(sizes)


def interval(clusters, q):
    n = len(clusters)
    if n < 6:
        return None
    sizes = [len(part) for part in clusters]
    error_of = bootstrap_error if n == 6 and len(set(sizes)) == 1 else ratio_error
    values = sorted({v for part in clusters for v in part})
    low = high = None
    for x in values:
        below = [sum(v <= x for v in part) for part in clusters]
        total = sum(sizes)
        share = min(max(sum(below) / total, 0.5 / total), 1 - 0.5 / total)
        reach = student(n - 1, 0.975) * error_of(below, sizes) / share / (1 - share)
        logit = log(share / (1 - share)) - log(q / (1 - q))
        if low is None and logit + reach >= 0:
            low = x
        if high is None and logit - reach >= 0:
            high = x
    return [low, values[-1] if high is None else high]


def clusters(n, least, most):
    out, equal = [], source.randrange(least, most)
    for _ in range(n):
        level = source.uniform(100, 300)
        size = equal if n == 6 else source.randrange(least, most)
        out.append([min(int(source.lognormvariate(0, 0.3) * level), 1023)
                    for _ in range(size)])
    return out


def main():
    cases = []
    for i in range(44):
        n = 6 if i % 4 == 0 else source.randrange(1, 14)
        made = clusters(n, 1 if i % 3 else 20, 40)
        q = source.choice([0.1, 0.5, 0.75, 0.9, 0.99])
        value = quantile([v for part in made for v in part], q)
        cases.append({"clusters": made, "q": q, "value": value,
                      "interval": interval(made, q)})
    print('{"pooled": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


main()
