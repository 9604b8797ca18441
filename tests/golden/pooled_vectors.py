#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes pooled_vectors.json: pooled quantiles, and intervals over all draws there are.

Independent of the code under test: samples are put side by side and sorted, and instead of
2,000 random draws of invocations every multiset of six is taken with its exact chance.  Of
random draws the quantile at a tail varies with their number; the vectors hold the range in
which 2,000 draws leave it but once in a million.  Student's quantile for 5 degrees of freedom
and the normal tail are from their closed form and from erfc.

    python3 tests/golden/pooled_vectors.py > tests/golden/pooled_vectors.json
"""
import json
import random
from itertools import combinations_with_replacement
from math import atan, ceil, erfc, factorial, pi, sqrt

DRAWS = 2000
source = random.Random(6)


def quantile(values, q):
    ordered = sorted(values)
    return ordered[max(ceil(q * len(ordered)), 1) - 1]


def student_5(p):
    """By bisection of the closed form of its distribution function."""
    low, high = 0.0, 100.0
    for _ in range(200):
        t = (low + high) / 2
        angle = atan(t / sqrt(5))
        c = 1 / sqrt(1 + t * t / 5)
        s = t / sqrt(5) * c
        if 0.5 + (angle + s * (c + 2 * c**3 / 3)) / pi < p:
            low = t
        else:
            high = t
    return low


TAIL = 0.5 * erfc(sqrt(6 / 5) * student_5(0.975) / sqrt(2))


def at_least(k, chance):
    """P(Bin(DRAWS, chance) >= k), term by term."""
    term = (1 - chance) ** DRAWS
    below = 0.0
    for i in range(k):
        below += term
        term *= (DRAWS - i) / (i + 1) * chance / (1 - chance)
    return 1 - below


def ends(masses):
    """The least and the largest low end that 2,000 draws of these values are likely to give."""
    rank = TAIL * (DRAWS - 1)
    sure = 1e-6
    values = sorted(masses)
    # A value is as low as the low end can be, when that many draws are at most it.
    sums, total = [], 0.0
    for value in values:
        total += masses[value]
        sums.append(min(total, 1))
    first = next(v for v, s in zip(values, sums) if at_least(int(rank) + 1, s) > sure)
    last = next(v for v, s in zip(values, sums) if at_least(int(rank) + 2, s) > 1 - sure)
    return [first, last]


def exact(clusters, q):
    low, high = {}, {}
    n = len(clusters)
    for chosen in combinations_with_replacement(range(n), n):
        ways = factorial(n)
        for k in set(chosen):
            ways //= factorial(chosen.count(k))
        value = quantile([v for k in chosen for v in clusters[k]], q)
        low[value] = low.get(value, 0) + ways / n**n
        high[-value] = low[value]
    return [ends(low), [-v for v in reversed(ends(high))]]


def clusters(n, most):
    out = []
    for _ in range(n):
        level = source.uniform(100, 300)
        out.append([min(int(source.lognormvariate(0, 0.3) * level), 1023)
                    for _ in range(source.randrange(1, most))])
    return out


def main():
    cases = []
    for i in range(40):
        n = 6 if i % 4 == 0 else source.randrange(1, 12)
        made = clusters(n, 40)
        q = source.choice([0.1, 0.5, 0.75, 0.9, 0.99])
        value = quantile([v for part in made for v in part], q)
        cases.append({"clusters": made, "q": q, "value": value,
                      "interval": exact(made, q) if n == 6 else None})
    print('{"pooled": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


main()
