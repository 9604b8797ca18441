#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes stats_vectors.json: reference values in exact rational arithmetic.

Independent of the code under test: binomial sums are sums of fractions over integers, a
quantile is taken by its definition (Hyndman and Fan, type 7) on fractions.  A real is
printed once, at the end, as the nearest double.

    python3 tests/golden/stats_vectors.py > tests/golden/stats_vectors.json
"""
import json
import random
from fractions import Fraction
from itertools import accumulate
from math import comb


def ranks(n, q, level):
    tail = (1 - level) / 2
    mass = [comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(n + 1)]
    below = [Fraction(0)] + list(accumulate(mass))  # below[k] = P(Bin(n, q) < k)
    low = max((k for k in range(1, n + 1) if below[k] <= tail), default=None)
    high = min((k for k in range(1, n + 1) if 1 - below[k] <= tail), default=None)
    if low is None or high is None:
        return None
    return {"low": low, "high": high, "level": float(below[high] - below[low])}


def quantile(values, q):
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def interval_cases():
    levels = [Fraction(9, 10), Fraction(95, 100), Fraction(99, 100)]
    wanted = [(n, Fraction(1, 2), level) for n in range(1, 61) for level in levels]
    for q in [Fraction(1, 10), Fraction(1, 4), Fraction(3, 4), Fraction(9, 10), Fraction(99, 100)]:
        wanted += [(n, q, Fraction(95, 100)) for n in (1, 10, 17, 35, 60, 150)]
    wanted += [(n, Fraction(99, 100), Fraction(95, 100)) for n in (367, 368, 400)]
    wanted += [(n, Fraction(1, 2), Fraction(95, 100)) for n in (100, 365, 1000)]
    return [
        {"n": n, "q": float(q), "level": float(level), "ranks": ranks(n, q, level)}
        for n, q, level in wanted
    ]


def median_interval(ordered, level):
    """Hettmansperger and Sheather, from exact binomial shares."""
    n = len(ordered)
    below = lambda k: Fraction(sum(comb(n, i) for i in range(k)), 2**n)
    fits = [k for k in range(1, n // 2 + 1) if 1 - 2 * below(k) >= level]
    if not fits:
        return None
    k = fits[-1]
    outer, inner = 1 - 2 * below(k), 1 - 2 * below(k + 1)
    share = (outer - level) / (outer - inner)
    weight = (n - k) * share / (k + (n - 2 * k) * share)
    low = (1 - weight) * ordered[k - 1] + weight * ordered[k]
    high = (1 - weight) * ordered[n - k] + weight * ordered[n - k - 1]
    return [float(low), float(high)]


def value_cases():
    source = random.Random(20240229)
    cases = []
    for n in range(1, 61):
        # Eighths are exact in binary, so nothing is lost on the way to the test; a small
        # range makes ties, a wide one hardly any.
        reach = 6 if n % 2 == 0 else 100000
        values = [Fraction(source.randrange(0, 8 * reach), 8) for _ in range(n)]
        cases.append(values)
    cases += [[Fraction(7)] * 9, [Fraction(1), Fraction(1), Fraction(2), Fraction(2)]]
    cases += [[Fraction(-3), Fraction(0), Fraction(5)], [Fraction(10**15), Fraction(1)]]
    level = Fraction(95, 100)
    out = []
    for values in cases:
        ordered = sorted(values)
        out.append({
            "values": [float(v) for v in values],
            "median": float(quantile(values, Fraction(1, 2))),
            "quantiles": [
                {"q": float(q), "value": float(quantile(values, q))}
                for q in (Fraction(0), Fraction(1, 8), Fraction(1, 4), Fraction(3, 4),
                          Fraction(7, 8), Fraction(1))
            ],
            "interval": median_interval(ordered, level),
        })
    return out


def main():
    print('{"intervals": [')
    print(",\n".join(json.dumps(case) for case in interval_cases()))
    print('], "samples": [')
    print(",\n".join(json.dumps(case) for case in value_cases()))
    print("]}")


main()
