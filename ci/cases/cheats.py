# SPDX-License-Identifier: Apache-2.0
"""Provers that cheat in the work itself, and sign it honestly (§13.5). CHEATS are their names."""
import copy
import json
import struct

import numpy as np

from counterpart.basics import H, le32, le64, leaf, node, path_of, sha256, tree
from counterpart.chain import draws, job_of, next_seed
from .jobs import challenge_of, floats, hashes, matmul, matmul9, table
from .prover import Prover


def with_bit_flipped(data, at, bit=1):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def short(x):
    return x.astype(np.float32).astype(np.float64)


def two_roundings(w, a, b):
    narrow = short if w.bits == 24 else lambda x: x
    c = np.zeros((w.m, w.n))
    for l in range(w.k):
        c = narrow(narrow(a[:, l:l + 1] * b[:, l]) + c)
    return c


def wide(w, a, b):
    return short(sum(a[:, l:l + 1] * b[:, l] for l in range(w.k))) if w.bits == 24 else w.product(a, b)


# Entries of a product, from the workload and its operands (m × k and n × k).
PRODUCTS = {
    "matmul-transposed": lambda w, a, b: w.product(b, a),
    "matmul-unsigned": lambda w, a, b: w.product(a.view("u1"), b.view("u1")),
    "matmul-16-bit": lambda w, a, b: w.product(a, b).clip(-2**15, 2**15 - 1),
    "matmul-big-endian": lambda w, a, b: w.product(a, b).astype("<i4").byteswap(),
    "matmul-one-key": lambda w, a, b: w.product(a, a),
    "matmul-half-k": lambda w, a, b: w.product(a[:, :w.k // 2], b[:, :w.k // 2]),
    "matmul-column-tiles": lambda w, a, b: w.product(a, b)}
NINE_BITS = {
    "nine-bits-as-eight": lambda w, a, b: w.product(a.astype(np.int8), b.astype(np.int8)),
    "nine-bits-unsigned": lambda w, a, b: w.product(a & 0x1ff, b & 0x1ff),
    "nine-bits-symmetric": lambda w, a, b: w.product(a.clip(-255, 255), b.clip(-255, 255))}
FLOATS = {
    "floats-two-roundings": two_roundings,
    "floats-descending": lambda w, a, b: w.product(a[:, ::-1], b[:, ::-1]),
    "floats-two-sums": lambda w, a, b: w.fma(w.product(a[:, :w.k // 2], b[:, :w.k // 2]), 1.0,
                                             w.product(a[:, w.k // 2:], b[:, w.k // 2:])),
    "floats-even-and-odd": lambda w, a, b: w.fma(w.product(a[:, ::2], b[:, ::2]), 1.0, w.product(a[:, 1::2], b[:, 1::2])),
    "floats-of-16-bits": lambda w, a, b: w.product(*(np.floor(x * 2.0**15) * 2.0**-15 for x in (a, b))),
    "floats-short": lambda w, a, b: short(w.product(a, b)) if w.bits == 53 else w.product(a, b),
    "floats-wide": wide,
    "floats-big-endian": lambda w, a, b: w.product(a, b).astype("<f%d" % w.element).byteswap(),
    "floats-tiles-of-16": lambda w, a, b: w.product(a, b)}
# Of number i, in leaves of two; the workload has `count` leaves.
DIGESTS = {
    "sha256-seed-first": lambda seed, i, count: sha256(seed + le64(i)),
    "sha256-big-endian": lambda seed, i, count: sha256(struct.pack(">Q", i) + seed),
    "sha256-strided": lambda seed, i, count: sha256(le64(i % 2 * count + i // 2) + seed),
    "sha256-32-bit-counter": lambda seed, i, count: sha256(le32(i) + seed)}
LEAVES = {"leaf-without-prefix": sha256, "leaf-as-node": lambda x: sha256(b"\1" + x),
          "leaf-hashed-twice": lambda x: leaf(leaf(x))}
NODES = {"node-without-prefix": lambda l, r: sha256(l + r), "node-as-leaf": lambda l, r: leaf(l + r),
         "node-turned": lambda l, r: node(r, l)}

CHEATS = [*"""seed-of-other-device segment-not-chained seed-of-challenge-nonce round-not-chained round-seed-repeated
one-wrong-entry one-leaf-missing leaves-exchanged one-leaf-repeated round-skipped""".split(),
          *PRODUCTS, *DIGESTS, *LEAVES, *NODES,
          *"""root-invented draws-before-commit draws-of-other-device draws-exchanged draws-all-the-same path-of-other-leaf
path-root-first path-from-parent path-bit-flipped path-last-bit-flipped memory-table-of-other-device memory-table-from-round
memory-walkers-of-table memory-half-a-table memory-index-of-one-word memory-eight-byte-items memory-short-items
memory-mixed-once memory-one-read""".split(), *NINE_BITS, *FLOATS]


class Cheat(Prover):
    """Does what `how` says, one of CHEATS; here() means the run of device 1 in segment 0."""

    def __init__(self, how, job=None, **other):
        self.how = how
        more = (table(4, 64, 2, rounds=3) if how.startswith("memory-") else [matmul9(32, 32, 64, rounds=3)] if how in NINE_BITS
                else [floats(bits, 32, 32, 64, rounds=3) for bits in (32, 64)] if how in FLOATS else [])
        segments = [matmul(32, 32, 64, rounds=3), hashes(1, 2, rounds=2)] + more
        super().__init__(job or challenge_of(segments, devices=2, samples=40), **other)

    def here(self, how, j, d):
        return self.how == how and (j, d) == (0, 1)

    def first_seed(self, j, d, run_seed):
        if self.here("seed-of-other-device", j, d):
            return self.seeds[j, 0][0]
        if self.how == "segment-not-chained" and j == 1:
            return self.seeds[0, d][0]
        if self.how == "seed-of-challenge-nonce" and j == 0:
            nonce = bytes.fromhex(json.loads(self.payload)["nonce"])
            job = job_of(self.payload, self.block, self.key)
            return H("assay/1 run\n", H("assay/1 segment\n", job, nonce), le32(d))
        return run_seed

    def next_seed(self, seed, root):
        if self.how == "round-not-chained":
            return H("assay/1 round\n", seed)
        return seed if self.how == "round-seed-repeated" else next_seed(seed, root)

    def values(self, j, d, r):
        seed, w = self.seeds[j, d][r], self.challenge.segments[j].workload
        if j == 0 and self.how in PRODUCTS or j == 2 and self.how in NINE_BITS or j in (2, 3) and self.how in FLOATS:
            return self.product(w, seed)
        if self.how.startswith("memory-") and j == 3:
            return self.walk(w, seed, d)
        if self.how in DIGESTS and j == 1:
            count = 1 << w.depth
            digests = [DIGESTS[self.how](seed, i, count) for i in range(2 * count)]
            return [bytes(x ^ y for x, y in zip(*digests[i:i + 2])) for i in range(0, 2 * count, 2)]
        if self.here("round-skipped", j, d) and r > 0:
            return w.values(self.seeds[j, d][r - 1])
        values = super().values(j, d, r)
        if self.here("one-wrong-entry", j, d) and r == 1:
            values[2] = with_bit_flipped(values[2], len(values[2]) - 1)
        if self.here("one-leaf-missing", j, d) and r == 1:
            values[2] = bytes(1024)
        if self.here("leaves-exchanged", j, d) and r == 1:
            values[1], values[2] = values[2], values[1]
        if self.here("one-leaf-repeated", j, d) and r == 1:
            values[2] = values[3]
        return values

    def product(self, w, seed):
        a, b = (w.rows(key, 0, count) for key, count in zip(w.keys(seed), (w.m, w.n)))
        c = {**PRODUCTS, **NINE_BITS, **FLOATS}[self.how](w, a, b)
        if self.how == "floats-tiles-of-16":
            return [w.encode(tile) for i in range(0, w.m, 16) for j in range(0, w.n, 16)
                    for tile in c[i:i + 16, j:j + 16].reshape(4, 64)]
        tiles, across = w.cut(c), w.n // w.tile
        if self.how == "matmul-column-tiles":
            return [tile for i in range(across) for tile in tiles[i::across]]
        return tiles

    def walk(self, w, seed, d):
        """In a table that is wrong, or read wrongly."""
        places = range(1 << w.walkers)
        key = w.table_key({"memory-table-of-other-device": self.fills[3, 0],
                           "memory-table-from-round": seed}.get(self.how, self.fills[3, d]))
        state = w.start([(self.fills[3, d] if self.how == "memory-walkers-of-table" else seed, i) for i in places])
        for _ in range(1 if self.how == "memory-one-read" else w.reads):
            at = w.index(state)
            if self.how == "memory-half-a-table":
                at = [i % (w.items // 2) for i in at]
            if self.how == "memory-index-of-one-word":
                at = [int(low) * w.items >> 32 for low in state[0]]
            item = w.item(key, at)
            if self.how == "memory-eight-byte-items":
                item[2:] = 0
            if self.how == "memory-short-items":
                less = copy.copy(w)
                less.double_rounds -= 1
                item = less.item(key, at)
            state = w.mix(state ^ item, 1 if self.how == "memory-mixed-once" else 2)
        return [state[:, i].astype("<u4").tobytes() for i in places]

    def tree(self, j, d, r):
        leaf_, node_ = LEAVES.get(self.how, leaf), NODES.get(self.how, node)
        levels = tree([leaf_(value) for value in self.values(j, d, r)], node_)
        if self.here("root-invented", j, d) and r == 1:
            levels[-1] = [sha256(levels[-1][0])]
        return levels

    def draws(self, j, d):
        drawn = super().draws(j, d)
        if self.how == "draws-before-commit":
            leaves, chain = self.challenge.segments[j].leaves, self.chain
            key = H("assay/1 draw\n", chain.segments[-1], le32(j), le32(d))
            return [divmod(y, leaves) for y in draws(key, self.rounds[j][d] * leaves, len(drawn))]
        if self.how == "draws-of-other-device":
            return super().draws(j, 1 - d)
        if self.here("draws-exchanged", j, d):
            other = next(i for i, draw in enumerate(drawn) if draw != drawn[0])
            drawn[0], drawn[other] = drawn[other], drawn[0]
        if self.here("draws-all-the-same", j, d):
            drawn = drawn[:1] * len(drawn)
        return drawn

    def opening(self, j, d):
        opening = super().opening(j, d)
        if not self.here(self.how, j, d) or not opening:
            return opening
        if self.how == "path-last-bit-flipped":
            return with_bit_flipped(opening, len(opening) - 1)
        size, (r, i) = 32 * self.challenge.segments[j].workload.depth, self.draws(j, d)[0]
        path = [opening[at:at + 32] for at in range(0, size, 32)]
        path = {"path-of-other-leaf": [path_of(self.trees[j, d][r], i ^ 3)], "path-root-first": path[::-1],
                "path-from-parent": path[1:] + [self.runs[j, d].roots[r]],
                "path-bit-flipped": [with_bit_flipped(path[0], 31, 0x80)] + path[1:]}.get(self.how, path)
        return b"".join(path) + opening[size:]
