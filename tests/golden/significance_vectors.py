#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference values of the sign test, Mann-Whitney, Holm, Benjamini-Hochberg and Clopper-Pearson.

Prints tests/golden/significance_vectors.json, all in fractions.  Mann-Whitney's distribution is
found by going through every choice of one sample's ranks; the adjustments follow the definitions
of R's p.adjust (cummax and cummin over sorted values); Clopper and Pearson's ends are found by
halving on the exact binomial tail.  Nothing is shared with the C code.
"""
import itertools
import json
import random
from fractions import Fraction
from math import comb


def sign(above, n):
    return Fraction(sum(comb(n, k) for k in range(above, n + 1)), 2 ** n)


def midranks(values):
    return [Fraction(sum(w < v for w in values) + sum(w <= v for w in values) + 1, 2) for v in values]


def mann_whitney(a, b):
    ranks = midranks(a + b)
    seen = sum(ranks[:len(a)])
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, len(a))]
    low = Fraction(sum(s <= seen for s in sums), len(sums))
    high = Fraction(sum(s >= seen for s in sums), len(sums))
    return min(Fraction(1), 2 * min(low, high))


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, largest = [None] * len(p), Fraction(0)
    for i, place in enumerate(order):
        largest = max(largest, (len(p) - i) * p[place])
        adjusted[place] = min(Fraction(1), largest)
    return adjusted


def benjamini_hochberg(p):
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    adjusted, smallest = [None] * len(p), Fraction(1)
    for i, place in enumerate(order):
        smallest = min(smallest, Fraction(len(p), len(p) - i) * p[place])
        adjusted[place] = smallest
    return adjusted


def tail(hits, n, share):
    """P(Bin(n, share) <= hits)"""
    return sum(comb(n, k) * share ** k * (1 - share) ** (n - k) for k in range(hits + 1))


def root(chance, wanted):
    """where a falling function of a share crosses @wanted"""
    low, high = Fraction(0), Fraction(1)
    for _ in range(52):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > wanted else (low, middle)
    return (low + high) / 2


def share(hits, n, wanted):
    upper = Fraction(1) if hits == n else root(lambda s: tail(hits, n, s), wanted)
    lower = Fraction(0) if hits == 0 else root(lambda s: tail(hits - 1, n, s), 1 - wanted)
    return lower, upper


random.seed(9)
document = {"sign": [], "mann_whitney": [], "adjust": [], "share": []}
for n in (1, 2, 5, 6, 8, 13, 32, 48, 60, 128):
    for above in sorted({0, 1, n // 3, n // 2, n - n // 8, n - 1, n}):
        document["sign"].append({"above": above, "n": n, "p": float(sign(above, n))})
samples = [([1], [2]), ([1], [1]), ([1, 2, 3], [4, 5, 6]), ([1, 1, 1], [1, 1, 1]),
           ([1, 2, 3, 4], [5, 6, 7, 8]), ([1, 2, 2], [2, 2, 3]), ([10, 20], [1, 2, 3, 4, 5, 6, 7])]
for round_ in range(60):
    spread = random.choice([3, 9, 100000])
    m, n = random.randint(1, 7), random.randint(1, 7)
    samples.append(([random.randint(0, spread) for _ in range(m)],
                    [random.randint(0, spread) for _ in range(n)]))
for a, b in samples:
    document["mann_whitney"].append({"a": a, "b": b, "p": float(mann_whitney(a, b))})
families = [[1], [0], [64], [32, 32], [1, 64, 1, 64]]
for round_ in range(60):
    top = random.choice([64, 1024, 2 ** 20])
    families.append([random.randint(0, top) for _ in range(random.randint(1, 25))])
for family in families:
    scale = 64 if max(family) <= 64 else 2 ** 20
    p = [Fraction(v, scale) for v in family]
    document["adjust"].append({"p": [float(v) for v in p], "holm": [float(v) for v in holm(p)],
                               "bh": [float(v) for v in benjamini_hochberg(p)]})
for hits, n in ((0, 1), (1, 1), (0, 60), (1, 60), (3, 10), (10, 10), (29, 30), (50, 200), (2, 250)):
    lower, upper = share(hits, n, Fraction(25, 1000))
    document["share"].append({"hits": hits, "n": n, "tail": 0.025, "low": float(lower), "high": float(upper)})
print(json.dumps(document, separators=(",", ":")))
