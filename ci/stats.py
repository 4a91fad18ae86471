#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Numbers that harness/compare/stats.c must give too, computed another way: by counting all signs, by whole numbers, by numpy.

    ci/stats.py > harness/test/stats.txt

A line is: name, results, ':', inputs.
"""
from fractions import Fraction
from itertools import product
import math

import numpy as np

random = np.random.default_rng(20261124)


def rounded(values):
    """Nine digits: the last ones of numpy's functions are not the same on every processor."""
    return [float(f"{v:.9g}") for v in values]


def ranks(differences):
    """Mean ranks of the sizes of differences that are not 0, and which are positive."""
    used = [d for d in differences if d != 0]
    sizes = sorted(abs(d) for d in used)
    mean = {s: Fraction(sum(i + 1 for i, t in enumerate(sizes) if t == s), sizes.count(s)) for s in sizes}
    return [mean[abs(d)] for d in used], [d > 0 for d in used]


def p_by_signs(rank, positive):
    """All 2^n signs, one after the other."""
    found = sum(r for r, is_positive in zip(rank, positive) if is_positive)
    below = above = 0
    for signs in product((0, 1), repeat=len(rank)):
        total = sum(r for r, sign in zip(rank, signs) if sign)
        below += total <= found
        above += total >= found
    return min(Fraction(1), Fraction(2 * min(below, above), 2 ** len(rank)))


def p_by_counts(rank, positive):
    """How many signs give each sum, in whole numbers."""
    found = sum(r for r, is_positive in zip(rank, positive) if is_positive)
    ways = {Fraction(0): 1}
    for r in rank:
        more = dict(ways)
        for total, count in ways.items():
            more[total + r] = more.get(total + r, 0) + count
        ways = more
    below = sum(count for total, count in ways.items() if total <= found)
    above = sum(count for total, count in ways.items() if total >= found)
    return min(Fraction(1), Fraction(2 * min(below, above), 2 ** len(rank)))


def p_by_normal(rank, positive):
    """n (n + 1) (2 n + 1) / 24 less what ties take, as textbooks have it."""
    n = len(rank)
    found = float(sum(r for r, is_positive in zip(rank, positive) if is_positive))
    ties = [rank.count(r) for r in set(rank)]
    variance = n * (n + 1) * (2 * n + 1) / 24 - sum(t ** 3 - t for t in ties) / 48
    z = (abs(found - n * (n + 1) / 4) - 0.5) / math.sqrt(variance)
    return min(1.0, math.erfc(z / math.sqrt(2)))


def write(name, results, values):
    print(name, *(f"{float(x):.10g}" for x in results), ":", *(f"{float(x):.9g}" for x in values))


def signed_rank(values, p_of):
    values = rounded(values)
    rank, positive = ranks(values)
    found = sum(r for r, is_positive in zip(rank, positive) if is_positive)
    write("signed-rank", (len(rank), found, p_of(rank, positive) if rank else 1), values)


def shift(values, alpha):
    values = rounded(values)
    n = len(values)
    means = np.sort([(values[i] + values[j]) / 2 for i in range(n) for j in range(i, n)])
    # The least sum whose tail is more than alpha / 2, by whole numbers.
    ways = [1] + [0] * (n * (n + 1) // 2)
    for r in range(1, n + 1):
        for s in range(len(ways) - 1, r - 1, -1):
            ways[s] += ways[s - r]
    k = below = 0
    while Fraction(below + ways[k], 2 ** n) <= Fraction(alpha) / 2:
        below += ways[k]
        k += 1
    write("shift", (alpha, np.median(means), means[k - 1] if k else -math.inf, means[-k] if k else math.inf), values)


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


signed_rank([], p_by_signs)
signed_rank([0, 0], p_by_signs)
signed_rank([1], p_by_signs)
signed_rank([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p_by_signs)
signed_rank([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10], p_by_signs)
signed_rank([1, 1, -1, 2, 2, 2, -3, 0, 0, 5], p_by_signs)
for count in (5, 9, 14):
    signed_rank(random.normal(0.4, 1, count), p_by_signs)
    signed_rank(np.round(random.normal(0.4, 1, count), 1), p_by_signs)
for count in (25, 40, 64):
    signed_rank(random.normal(0.3, 1, count), p_by_counts)
    signed_rank(np.round(random.normal(0.3, 1, count), 1), p_by_counts)
for count in (66, 200, 1000):
    signed_rank(random.normal(0.1, 1, count), p_by_normal)
    signed_rank(np.round(random.normal(0.1, 1, count), 1), p_by_normal)
for count in (3, 8, 10, 21, 40, 64):
    shift(random.standard_t(3, count) / 10 + 0.05, 0.01)
    shift(random.normal(0, 1, count), 0.05)
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
