#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Numbers that harness/compare/stats.c must give too, computed another way: by counting all signs, by whole numbers, by numpy.

    ci/stats.py > harness/test/stats.txt

A line is: name, results, ':', inputs.
"""
from fractions import Fraction
from functools import lru_cache
from itertools import product
import math

import numpy as np

random = np.random.default_rng(20261124)


def rounded(values):
    """Nine digits: the last ones of numpy's functions are not the same on every processor."""
    return [float(f"{v:.9g}") for v in values]


def signs_of(differences):
    """How many are above 0, and how many below."""
    return sum(d > 0 for d in differences), sum(d < 0 for d in differences)


def p_by_signs(above, below):
    """All 2^n signs, one after the other."""
    n = above + below
    as_rare = sum(min(sum(signs), n - sum(signs)) <= min(above, below) for signs in product((0, 1), repeat=n))
    return Fraction(as_rare, 2 ** n)


def p_by_counts(above, below):
    """In whole numbers, with the coefficients of (1 + x)^n."""
    n = above + below
    return Fraction(sum(c for k, c in enumerate(coefficients(n)) if min(k, n - k) <= min(above, below)), 2 ** n)


@lru_cache(maxsize=None)
def coefficients(n):
    return [math.comb(n, k) for k in range(n + 1)]


def write(name, results, values):
    print(name, *(f"{float(x):.10g}" for x in results), ":", *(f"{float(x):.9g}" for x in values))


def signs(values, p_of):
    values = rounded(values)
    above, below = signs_of(values)
    write("signs", (above + below, above, p_of(above, below)), values)


def shift(values, alpha):
    """What the test does not refuse, gap after gap between neighbours."""
    values = rounded(values)
    ends = [-math.inf, *sorted(values), math.inf]
    kept = []
    for low, high in zip(ends, ends[1:]):
        inside = min(max((low + high) / 2, ends[1] - 1), ends[-2] + 1)
        if p_by_counts(*signs_of([v - inside for v in values])) > Fraction(alpha):
            kept.append((low, high))
    write("shift", (alpha, np.median(values), kept[0][0], kept[-1][1]), values)


def discoveries(p, q):
    """The greatest rank whose p is at most its share of q, and all before it."""
    p = rounded(p)
    order = np.argsort(p, kind="stable")
    good = [i + 1 for i in range(len(p)) if p[order[i]] <= q * (i + 1) / len(p)]
    believed = np.zeros(len(p), int)
    believed[order[: max(good, default=0)]] = 1
    write("discoveries", [q, *believed], p)


def change(values):
    """The best split by the definition: mean distances across and within."""
    values = rounded(values)
    x = np.asarray(values)
    distance = np.abs(x[:, None] - x[None, :])
    best = (-1, 0)
    for n in range(3, len(x) - 2):
        a, b = distance[:n, :n], distance[n:, n:]
        m = len(x) - n
        energy = 2 * distance[:n, n:].mean() - a.sum() / (n * (n - 1)) - b.sum() / (m * (m - 1))
        best = max(best, (n * m / (n + m) * energy, n))
    write("change", (best[1],), values)


def ratio(a, b, alpha=0.05):
    """The bootstrap once more with numpy's generator, and more draws."""
    a, b = rounded(a), rounded(b)

    def medians(x):
        size = math.ceil(len(x) ** (1 / 3) - 1e-12)
        starts = random.integers(0, len(x), (20000, -(-len(x) // size)))
        index = (starts[:, :, None] + np.arange(size)) % len(x)
        return np.median(np.log(np.asarray(x))[index.reshape(20000, -1)[:, : len(x)]], axis=1)
    draws = medians(b) - medians(a)
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    write("ratio", (len(a), np.median(np.log(b)) - np.median(np.log(a)), low, high), [*a, *b])


signs([], p_by_signs)
signs([0, 0], p_by_signs)
signs([1], p_by_signs)
signs([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p_by_signs)
signs([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10], p_by_signs)
signs([1, 1, -1, 2, 2, 2, -3, 0, 0, 5], p_by_signs)
for count in (5, 9, 14):
    signs(random.normal(0.4, 1, count), p_by_signs)
    signs(np.round(random.normal(0.4, 1, count), 1), p_by_signs)
for count in (25, 64, 200, 1000, 1024):
    signs(random.normal(0.2, 1, count), p_by_counts)
    signs(np.round(random.normal(0.1, 1, count), 1), p_by_counts)
signs(np.arange(1, 1025), p_by_counts)
signs(np.where(np.arange(1024) % 2, 1, -1), p_by_counts)
for count in (3, 8, 11, 12, 40, 150, 1024):
    shift(random.standard_t(3, count) / 10 + 0.05, 0.01)
    shift(random.normal(0, 1, count), 0.05)
    shift(random.normal(0, 1, count), 0.01 / 12)
for q in (0.01, 0.05, 0.2):
    discoveries([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216], q)
    discoveries(random.uniform(0, 1, 30) ** 3, q)
    discoveries([0.02, 0.02, 0.02, 0.9], q)
discoveries([0.01], 0.01)
for size in (0.08, 0.2, -0.3):
    values = random.normal(0, 0.03, 40)
    values[23:] += size
    change(values)
change([1] * 3 + [2] * 3)
ratio(np.exp(random.normal(0, 0.1, 200)), np.exp(random.normal(0.1, 0.1, 300)))
ratio(np.exp(random.standard_t(3, 101) / 20), np.exp(random.standard_t(3, 80) / 20))
ratio(np.exp(np.cumsum(random.normal(0, 0.01, 300))), np.exp(np.cumsum(random.normal(0, 0.01, 300)) + 0.1))
