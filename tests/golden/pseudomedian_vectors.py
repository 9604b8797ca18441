#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference values of the Hodges-Lehmann estimate and its exact interval, in fractions.

Prints tests/golden/pseudomedian_vectors.json.  The signed-rank distribution is counted by
enumerating subset sums with whole numbers; nothing is shared with the C code.
"""
import json
import random
from fractions import Fraction
from itertools import combinations_with_replacement

LEVEL = Fraction(95, 100)


def subset_sums(n):
    counts = {0: 1}
    for rank in range(1, n + 1):
        grown = dict(counts)
        for total, ways in counts.items():
            grown[total + rank] = grown.get(total + rank, 0) + ways
        counts = grown
    return counts


def estimate(values):
    n = len(values)
    walsh = sorted((a + b) / 2 for a, b in combinations_with_replacement(values, 2))
    middle = (walsh[(len(walsh) - 1) // 2] + walsh[len(walsh) // 2]) / 2
    counts = subset_sums(n)
    below, k = 0, 0
    while Fraction(below + counts.get(k, 0), 2**n) <= (1 - LEVEL) / 2:
        below += counts.get(k, 0)
        k += 1
    case = {"values": [float(v) for v in values], "value": float(middle)}
    if k > 0:
        case.update(low=float(walsh[k - 1]), high=float(walsh[len(walsh) - k]),
                    level=float(1 - Fraction(2 * below, 2**n)))
    return case


random.seed(20)
cases = [estimate([Fraction(v) for v in values]) for values in
         ([3], [1, 2, 4, 8, 16], [1, 2, 3, 4, 5, 6], [1] * 7, [1] * 6 + [2] * 6,
          [10, 11, 12, 13, 14, 15, 16, 1000])]
for n in list(range(1, 41)) * 5:
    spread = random.choice([3, 40, 100000])
    cases.append(estimate([Fraction(random.randint(-spread, spread), 8) for _ in range(n)]))
print(json.dumps({"level": float(LEVEL), "cases": cases}, separators=(",", ":")))
