#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference values of the two-sample Hodges-Lehmann shift and its exact interval, in fractions.

Prints tests/golden/shift_vectors.json.  The Mann-Whitney distribution is counted by choosing
the ranks of one sample with whole numbers; nothing is shared with the C code.
"""
import json
import random
from fractions import Fraction
from math import comb

LEVEL = Fraction(95, 100)


def ways(m, n):
    """ways[u]: choices of m of the ranks 1 .. m + n whose sum is u + m (m + 1) / 2."""
    table = [dict() for _ in range(m + 1)]
    table[0][0] = 1
    for rank in range(1, m + n + 1):
        for chosen in range(min(m, rank), 0, -1):
            for total, count in table[chosen - 1].items():
                table[chosen][total + rank] = table[chosen].get(total + rank, 0) + count
    least = m * (m + 1) // 2
    return [table[m].get(least + u, 0) for u in range(m * n + 1)]


def estimate(a, b):
    differences = sorted(y - x for x in a for y in b)
    pairs = len(differences)
    middle = (differences[(pairs - 1) // 2] + differences[pairs // 2]) / 2
    case = {"a": [float(v) for v in a], "b": [float(v) for v in b], "value": float(middle)}
    counts = ways(len(a), len(b))
    total = comb(len(a) + len(b), len(a))
    below, k = 0, 0
    while k <= pairs and Fraction(below + counts[k], total) <= (1 - LEVEL) / 2:
        below += counts[k]
        k += 1
    if k > 0:
        case.update(low=float(differences[k - 1]), high=float(differences[pairs - k]),
                    level=float(1 - Fraction(2 * below, total)))
    return case


random.seed(21)
cases = [estimate([Fraction(v) for v in a], [Fraction(v) for v in b]) for a, b in
         (([1], [4]), ([1, 2, 3], [4, 5, 6]), ([1, 2, 3, 4], [1, 2, 3, 4]),
          ([1] * 6, [1] * 6), ([1] * 6, [2] * 6), ([1, 2, 3, 4, 5, 600], [11, 12, 13, 14, 15, 16]))]
for round_ in range(220):
    m, n = random.randint(1, 20), random.randint(1, 20)
    spread = random.choice([3, 40, 100000])
    cases.append(estimate([Fraction(random.randint(-spread, spread), 8) for _ in range(m)],
                          [Fraction(random.randint(-spread, spread), 8) for _ in range(n)]))
print(json.dumps({"level": float(LEVEL), "cases": cases}, separators=(",", ":")))
