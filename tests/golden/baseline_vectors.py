#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference values of the gate against a baseline, and of Student's tail.

Prints tests/golden/baseline_vectors.json.  The tail is Gauss and Legendre's integral of the density,
not the incomplete beta function that libraries use; error, effect and p follow the definitions in
analysis/gate_baseline.h, the median of a root mean square by halving on the integral of its
density.  Nothing is shared with the C code, and nothing but Python's own library is needed.
"""
import json
import math
import random
import statistics

# Composite Simpson's rule; densities are smooth and the tails are cut where nothing is left.


def integral(density, low, high, steps=20000):
    width = (high - low) / steps
    inner = math.fsum((4 if i % 2 else 2) * density(low + i * width) for i in range(1, steps))
    return (density(low) + density(high) + inner) * width / 3


def student_tail(t, freedom):
    """By the substitution t = sqrt(f) tan u: the density becomes cos^(f - 1) u."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return scale * integral(lambda u: math.cos(u) ** (freedom - 1), math.atan(t / math.sqrt(freedom)), math.pi / 2)


def chi_square_median(freedom):
    """Of z = sqrt(x), whose density has no pole at 0."""
    scale = 2 ** (1 - freedom / 2) / math.gamma(freedom / 2)
    low, high = 0.0, 3.0 + math.sqrt(freedom)
    for _ in range(60):
        middle = (low + high) / 2
        if integral(lambda z: scale * z ** (freedom - 1) * math.exp(-z * z / 2), 0, middle, 2000) < 0.5:
            low = middle
        else:
            high = middle
    return low * low


def scatter(old, new):
    squares = 0.0
    for side in (old, new):
        mean = math.fsum(side) / len(side)
        squares += math.fsum((x - mean) ** 2 for x in side)
    return math.sqrt(squares / (len(old) + len(new) - 2))


def judge(points, margin, prior=10, resolution=0.0005):
    """points: [(costs of the baseline, costs of the candidate)], all of one mechanism."""
    logs = [([math.log(x) for x in old], [math.log(x) for x in new]) for old, new in points]
    freedom = len(points[0][0]) + len(points[0][1]) - 2
    lost = math.sqrt(chi_square_median(freedom) / freedom)
    own = [scatter(old, new) for old, new in logs]
    typical = statistics.median(s / lost for s in own)
    found = []
    for (old, new), s in zip(logs, own):
        shrunk = math.sqrt((freedom * s * s + prior * typical * typical) / (freedom + prior))
        error = max(s, shrunk, resolution) * math.sqrt(1 / len(old) + 1 / len(new))
        effect = math.fsum(new) / len(new) - math.fsum(old) / len(old)
        capped = min(freedom, 4 * len(new))
        found.append({"effect": effect, "scatter": s, "error": error,
                      "p": student_tail((effect - math.log1p(margin)) / error, capped)})
    return found


def suites(source):
    for n, m, n_points in [(5, 1, 1), (5, 1, 4), (7, 2, 3), (20, 1, 5), (6, 3, 2), (2, 1, 1)]:
        points = []
        for i in range(n_points):
            level, noise = source.uniform(100, 5000), source.choice([0.005, 0.02, 0.05])
            slower = source.choice([0, 0.05, 0.3])
            points.append(([round(level * math.exp(source.gauss(0, noise)), 1) for _ in range(n)],
                           [round(level * math.exp(source.gauss(slower, noise)), 1) for _ in range(m)]))
        yield {"margin": 0.02, "points": [{"baseline": old, "candidate": new, **found}
                                          for (old, new), found in zip(points, judge(points, 0.02))]}


def main():
    source = random.Random(9)
    tails = [{"t": t, "freedom": f, "p": student_tail(t, f)}
             for f in (1, 2, 4, 5, 19, 40) for t in (-2.5, 0.0, 0.5, 1.96, 4.6, 12.0)]
    print(json.dumps({"student_tail": tails, "suites": list(suites(source))}, indent=1))


main()
