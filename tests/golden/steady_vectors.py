#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes steady_vectors.json: cuts, trends and autocorrelations by their definitions.

Independent of the code under test: everything is a sum over fractions, each d of MSER on its
own; Kendall's variance is that of S over every order of the values where these are few, which
the formula must equal.

    python3 tests/golden/steady_vectors.py > tests/golden/steady_vectors.json
"""
import json
import random
from fractions import Fraction
from itertools import permutations
from math import erfc, sqrt

source = random.Random(24)


def sign(x):
    return (x > 0) - (x < 0)


def kendall(values):
    n = len(values)
    return sum(sign(values[k] - values[i]) for i in range(n) for k in range(i + 1, n))


def kendall_variance(values):
    n = len(values)
    if n <= 7:
        every = [kendall(order) for order in permutations(values)]
        return Fraction(sum(s * s for s in every), len(every))
    ties = [values.count(v) for v in set(values)]
    whole = n * (n - 1) * (2 * n + 5)
    return Fraction(whole - sum(t * (t - 1) * (2 * t + 5) for t in ties), 18)


def squares(values):
    mean = Fraction(sum(values)) / len(values)
    return sum((v - mean) ** 2 for v in values)


def mser(values):
    n = len(values)
    errors = [squares(values[d:]) / (n - d) ** 2 for d in range(n // 2 + 1)]
    return errors.index(min(errors))


def lag1(values):
    mean, whole = Fraction(sum(values)) / len(values), squares(values)
    if whole == 0:
        return 0.0
    return float(sum((a - mean) * (b - mean) for a, b in zip(values, values[1:])) / whole)


def case(values):
    s, variance = kendall(values), kendall_variance(values)
    p = 1.0
    if variance > 0:
        p = erfc(max(abs(s) - 1, 0) / sqrt(variance) / sqrt(2))
    return {"values": values, "mser": mser(values), "s": s, "variance": float(variance),
            "p": p, "lag1": lag1(values)}


def main():
    cases = [[5], [5, 5], [1, 2], [3, 1, 2], [7, 7, 7, 7, 7]]
    for n in range(3, 43):
        reach = 6 if n % 2 == 0 else 100000  # ties, and hardly any
        level = [source.randrange(reach) for _ in range(n)]
        for i in range(n // 5 if n % 3 == 0 else 0):
            level[i] += reach * (n // 5 - i)
        if n % 4 == 0:
            level = [v + i for i, v in enumerate(level)]
        cases.append(level)
    print('{"series": [')
    print(",\n".join(json.dumps(case(values)) for values in cases))
    print("]}")


main()
