#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes pooled_vectors.json: pooled quantiles and their intervals over clusters.

Independent of the code under test: samples are put side by side and counted, clusters are really
left out, and whether a value lies inside is asked of the integral of Student's density, not of its
quantile.

    python3 tests/golden/pooled_vectors.py > tests/golden/pooled_vectors.json
"""
import json
import random
from math import ceil, gamma, log, pi, sqrt

source = random.Random(6)


def quantile(values, q):
    ordered = sorted(values)
    return ordered[max(ceil(q * len(ordered)), 1) - 1]


def student_below(freedom, t, steps=2000):
    """P(Student's t <= t); the integral by Simpson's rule."""
    def density(x):
        return (gamma((freedom + 1) / 2) / gamma(freedom / 2) / sqrt(freedom * pi)
                * (1 + x * x / freedom) ** (-(freedom + 1) / 2))

    if abs(t) > 60:
        return 0.0 if t < 0 else 1.0
    h = t / steps
    inner = sum((4 if i % 2 else 2) * density(i * h) for i in range(1, steps))
    return 0.5 + h / 3 * (density(0) + inner + density(t))


def share_logit(parts, x, count):
    """Of the samples of these clusters; @count: of all."""
    values = [v for part in parts for v in part]
    share = sum(v <= x for v in values) / len(values)
    share = min(max(share, 0.5 / count), 1 - 0.5 / count)
    return log(share / (1 - share))


def place_of(clusters, x, q):
    """-1: x lies below the interval, 0: inside, 1: above, of 95 %."""
    n, count = len(clusters), sum(len(part) for part in clusters)
    distance = share_logit(clusters, x, count) - log(q / (1 - q))
    without = [share_logit(clusters[:k] + clusters[k + 1:], x, count) for k in range(n)]
    mean = sum(without) / n
    error = sqrt((n - 1) / n * sum((w - mean) ** 2 for w in without))
    if error < 1e-12:
        return 1 if distance >= -1e-12 else -1
    share = sum(v <= x for part in clusters for v in part) / count
    apart = [sum(v <= x for v in part) - share * len(part) for part in clusters]
    second = sum(a**2 for a in apart) / n
    third = sum(a**3 for a in apart) / n
    towards_tail = abs(2 * q - 1)
    skewness = towards_tail * (third / second**1.5 if second > 0 else 0)
    y = distance / error / sqrt(n)
    t = sqrt(n) * (y + skewness * y**2 / 3 + skewness**2 * y**3 / 27) + skewness / 6 / sqrt(n)
    tails = [sum((v <= x) if q < 0.5 else (v > x) for v in part) for part in clusters]
    unequal = sum((w / sum(tails)) ** 2 for w in tails) - 1 / n if sum(tails) else 0
    p = student_below((n - 1) / (1 + 3 * towards_tail * unequal), t)
    return -1 if p < 0.025 else 1 if p > 0.975 else 0


def interval(clusters, q):
    if len(clusters) < (12 if abs(2 * q - 1) > 0.99 else 6):
        return None
    values = sorted({v for part in clusters for v in part})
    low = high = values.index(quantile([v for part in clusters for v in part], q))
    while low > 0 and place_of(clusters, values[low - 1], q) >= 0:
        low -= 1
    while high + 1 < len(values) and place_of(clusters, values[high], q) <= 0:
        high += 1
    return [values[low], values[high]]


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
