#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes regress_vectors.json: regressions in exact rational arithmetic.

Weighted lines by their normal equations over fractions, leaving out one size by leaving it out
and solving again, Student's t from the finite sums for whole degrees of freedom (Abramowitz and
Stegun 26.7.3, 26.7.4), the tail of F from the continued fraction of the incomplete beta
function (26.5.8).  Nothing is shared with the C code or with GSL.

    python3 tests/golden/regress_vectors.py > tests/golden/regress_vectors.json
"""
import json
import math
import random
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 50


def root(fraction):
    return float((Decimal(fraction.numerator) / Decimal(fraction.denominator)).sqrt())


def invert(matrix):
    n = len(matrix)
    rows = [list(row) + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next(k for k in range(i, n) if rows[k][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(n):
            if k != i:
                factor = rows[k][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    return [row[n:] for row in rows]


def solve(design, values, weights):
    p = len(design[0])
    normal = [[sum(w * x[i] * x[j] for x, w in zip(design, weights)) for j in range(p)]
              for i in range(p)]
    right = [sum(w * x[i] * y for x, y, w in zip(design, values, weights)) for i in range(p)]
    inverse = invert(normal)
    c = [sum(a * b for a, b in zip(row, right)) for row in inverse]
    residuals = [y - sum(a * b for a, b in zip(x, c)) for x, y in zip(design, values)]
    chi = sum(w * r * r for r, w in zip(residuals, weights))
    return c, inverse, chi, residuals


def line_case(source, n, p, counted):
    xs = sorted(source.sample(range(1, 990), n // 2) +
                source.sample(range(1010, 4000), n - n // 2))
    design = [[Fraction(1), Fraction(x), Fraction(max(x - 1000, 0)),
               Fraction(source.randrange(1, 50))][:p] for x in xs]
    values = [Fraction(source.randrange(1, 80000), 8) for _ in xs]
    errors = [Fraction(source.randrange(1, 64), 8) for _ in xs]
    times = [Fraction(source.randrange(1, 4)) for _ in xs] if counted else [Fraction(1)] * n
    weights = [t / (e * e) for e, t in zip(errors, times)]
    c, inverse, chi, _ = solve(design, values, weights)
    dof = sum(times) - p
    total = sum(weights)
    vif = [None]
    for k in range(1, p):
        mean = sum(w * x[k] for x, w in zip(design, weights)) / total
        spread = sum(w * (x[k] - mean) ** 2 for x, w in zip(design, weights))
        vif.append(float(inverse[k][k] * spread))
    return {"p": p, "design": [float(x) for row in design for x in row],
            "values": [float(v) for v in values], "errors": [float(e) for e in errors],
            "times": [float(t) for t in times] if counted else None,
            "c": [float(x) for x in c], "chi_square": float(chi), "dof": float(dof),
            "se": [root(inverse[k][k] * chi / dof) for k in range(p)], "vif": vif,
            "sigma": root(chi / dof)}


def score_case(source, n):
    sizes = [Fraction(64 * 2**i) for i in range(n)]
    errors = [Fraction(source.randrange(8, 200)) for _ in sizes]
    values = [Fraction(2500) + s / 10 + Fraction(source.randrange(-4000, 4000), 8) for s in sizes]
    design = [[Fraction(1), s] for s in sizes]
    weights = [1 / (e * e) for e in errors]
    chi = solve(design, values, weights)[2]
    left_out = Fraction(0)
    for i in range(n):
        keep = [k for k in range(n) if k != i]
        c = solve([design[k] for k in keep], [values[k] for k in keep],
                  [weights[k] for k in keep])[0]
        error = values[i] - c[0] - c[1] * sizes[i]
        left_out += weights[i] * error * error
    known = 3
    aicc = n * math.log(float(chi / n)) + 2 * known + 2 * known * (known + 1) / (n - known - 1)
    return {"sizes": [float(s) for s in sizes], "errors": [float(e) for e in errors],
            "values": [float(v) for v in values], "aicc": aicc, "left_out": float(left_out)}


def student_cdf(t, dof):
    theta = math.atan(t / math.sqrt(dof))
    cosine, sine = math.cos(theta), math.sin(theta)
    if dof == 1:
        return 0.5 + theta / math.pi
    terms, term = [], (cosine if dof % 2 else 1.0)
    step = 2 if dof % 2 else 1
    while step <= dof - 1:
        terms.append(term)
        term *= cosine * cosine * step / (step + 1)
        step += 2
    total = math.fsum(terms)
    if dof % 2:
        return 0.5 + (theta + sine * total) / math.pi
    return 0.5 + sine * total / 2


def student(n, level):
    low, high = 0.0, 1000.0
    for _ in range(200):
        middle = (low + high) / 2
        if student_cdf(middle, n - 1) < (1 + level) / 2:
            low = middle
        else:
            high = middle
    return low


def beta_part(x, a, b):
    """I_x(a, b)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_part(1 - x, b, a)
    value = 1.0
    for m in range(400, 0, -1):
        half = m // 2
        if m % 2:
            d = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            d = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        value = 1 + d / value
    front = math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) -
                     math.lgamma(a) - math.lgamma(b)) / a
    return front / value


def lack_case(source, n_sizes, most):
    counts = [source.randrange(2, most) for _ in range(n_sizes)]
    design, values, errors, weights, kept = [], [], [], [], []
    for i, count in enumerate(counts):
        size = Fraction(16 * (i + 1))
        error = Fraction(source.randrange(4, 32), 4)
        for _ in range(count):
            design.append([Fraction(1), size])
            values.append(3 * size + Fraction(source.randrange(-256, 256), 8))
            errors.append(error)
            kept.append(0 if source.random() < 0.08 else 1)
    weights = [Fraction(k) / (e * e) for k, e in zip(kept, errors)]
    chi = solve(design, values, weights)[2]
    pure, sizes, at = Fraction(0), 0, 0
    for count in counts:
        mine = [k for k in range(at, at + count) if kept[k]]
        at += count
        if mine:
            sizes += 1
            mean = sum(values[k] for k in mine) / len(mine)
            pure += sum(((values[k] - mean) / errors[k]) ** 2 for k in mine)
    dof_fit, dof_pure = sizes - 2, sum(kept) - sizes
    f = float((chi - pure) / dof_fit / (pure / dof_pure))
    p = beta_part(dof_pure / (dof_pure + dof_fit * f), dof_pure / 2, dof_fit / 2)
    return {"counts": counts, "design": [float(x) for row in design for x in row],
            "values": [float(v) for v in values], "errors": [float(e) for e in errors],
            "weights": kept, "f": f, "dof_fit": dof_fit, "dof_pure": dof_pure, "p": p}


source = random.Random(20261)
print(json.dumps({
    "lines": [line_case(source, n, p, counted) for p in (1, 2, 3, 4) for n in range(p + 2, p + 17)
              for counted in (False, True)],
    "scores": [score_case(source, n) for n in range(6, 20) for _ in range(3)],
    "student": [{"n": n, "level": level, "t": student(n, level)}
                for n in range(2, 61) for level in (0.9, 0.95, 0.99)],
    "lack": [lack_case(source, n, most) for n in range(4, 14) for most in (4, 8, 13)],
}, separators=(",", ":")))
