# SPDX-License-Identifier: Apache-2.0
"""Vectors of the workloads as text (§5)."""
import struct

import numpy as np

from counterpart.basics import leaf, sha256, tree
from counterpart.floats import fma_exact
from counterpart.hashes import Sha256
from counterpart.memory import Memory
from .text import Text

SIZES = (16, 16, 64), (32, 64, 128), (64, 16, 192)  # m, n, k


def levels_of(values):
    return tree([leaf(value) for value in values])


def ends(values):
    levels = levels_of(values)
    return {"first_leaf_value": values[0], "first_leaf_hash": levels[0][0], "last_leaf_value": values[-1],
            "last_leaf_hash": levels[0][-1], "root": levels[-1][0]}


def steps_by_definition(w, a, b, first_leaf):
    """Entry (0, 0) after some steps, one number at a time; so is (1, 0), and both are as the leaf says."""
    sums = [[0.0], [0.0]]
    for i in (0, 1):
        for x, y in zip(a[i].tolist(), b[0].tolist()):
            sums[i].append(fma_exact(x, y, sums[i][-1], w.bits))
    ends, row = [w.encode(np.array(x[-1:])) for x in sums], w.tile * w.element
    assert ends == [first_leaf[i * row:i * row + w.element] for i in (0, 1)]
    return {"sum_%d" % l: w.encode(np.array([sums[0][l]])) for l in (1, 2, 3, 64)}


def text_product(kind, section, seeds, *sizes):
    """Integers in decimal, floats as their bytes."""
    integers = kind.unit == "op"
    t = Text("%s (SPEC %s). X_row_I_64 is the first 64 bytes of row I" % (kind.name, section) +
             ("." if integers else " as IEEE 754 numbers, little-endian."),
             ("" if integers else "sum_L is entry (0, 0) after L steps; ") +
             "band_root is the root of the subtree over the first n/%d leaves;" % (kind.tile**2 // 16),
             "values_sha256 is SHA-256 over all leaf values in leaf order.")
    for m, n, k in SIZES + sizes:
        w = kind({"k": k, "m": m, "n": n})
        seed = sha256(b"%s %d %d %d" % (seeds, m, n, k))
        key_a, key_b = w.keys(seed)
        a, b = w.rows(key_a, 0, m), w.rows(key_b, 0, n)
        values = w.values(seed)
        assert values[-1] == w.value(seed, len(values) - 1)
        levels = levels_of(values)
        size = len(values[0]) // w.tile**2
        row = size * w.tile
        shown = (lambda x: struct.unpack("<i", x)[0]) if integers else bytes
        raw = (lambda x: x.tobytes()[:64]) if integers else lambda x: w.encode(x)[:64]
        t.section("m%d_n%d_k%d" % (m, n, k), m=m, n=n, k=k, seed=seed, key_a=key_a, key_b=key_b)
        t.put({"a_row_0_64": raw(a[0]), "a_row_%d_64" % (m - 1): raw(a[-1]),
               "b_row_0_64": raw(b[0]), "b_row_%d_64" % (n - 1): raw(b[-1])})
        t.put({} if integers else steps_by_definition(w, a, b, values[0]))
        t.put({
            "c_0_0": shown(values[0][:size]), "c_0_1": shown(values[0][size:2 * size]),
            "c_1_0": shown(values[0][row:row + size]), "c_last": shown(values[-1][-size:]), "depth": w.depth, "work": w.work,
            "cost": w.cost, "first_leaf_value": values[0], "first_leaf_hash": levels[0][0], "last_leaf_hash": levels[0][-1],
            "values_sha256": sha256(b"".join(values)), "band_root": levels[(16 * n // w.tile**2).bit_length() - 1][0],
            "root": levels[-1][0]})
    return t


def text_sha256():
    t = Text("sha256/1 (SPEC 5.2). b = log2Digests, h = log2Leaves. digest_1 is given even where b + h = 0.")
    for b, h in ((0, 0), (0, 1), (1, 0), (4, 3), (3, 4), (0, 8), (9, 2), (14, 1)):
        w = Sha256({"log2Digests": b, "log2Leaves": h})
        seed = sha256(b"sha256 %d %d" % (b, h))
        values = w.values(seed)
        t.section("b%d_h%d" % (b, h), b=b, h=h, seed=seed)
        t.put({"digest_%d" % i: w.digest(seed, i) for i in (0, 1, 2**32)})
        t.put({"work": w.work, "cost": w.cost, **ends(values)})
    return t


def text_memory():
    t = Text("memory/1 (SPEC 5.6). fill is the run seed of the fill, seed that of a round; states and items are 32 words",
             "as 128 bytes. mixed_2 is item 0's input after two coupled double rounds; walker_W_index_N is where",
             "walker W reads after N reads, walker_W_state_N its state then.")
    for double_rounds, items, walkers in ((2, 64, 0), (8, 1000, 2), (512, 2**20 - 1, 1), (10, 2**32 - 1, 3)):
        w = Memory({"doubleRounds": double_rounds, "items": items, "log2Walkers": walkers})
        name = "r%d_n%d_w%d" % (double_rounds, items, walkers)
        fill, seed = sha256(b"fill " + name.encode()), sha256(b"walk " + name.encode())
        key, last = w.table_key(fill), (1 << walkers) - 1
        t.section(name, double_rounds=double_rounds, items=items, log2_walkers=walkers, fill=fill, seed=seed,
                  table_key=key.tobytes(), mixed_2=w.mix(key[:, None].copy(), 2)[:, 0].tobytes())
        t.put({"item_%d" % i: w.item(key, [i])[:, 0].tobytes() for i in (0, 1, items - 1)})
        for walker in sorted({0, last}):
            state = w.start([(seed, walker)])
            for n in range(3):
                t.put({"walker_%d_state_%d" % (walker, n): state[:, 0].tobytes(),
                       "walker_%d_index_%d" % (walker, n): w.index(state)[0]})
                state = w.step(state, key)
        t.put({"work": w.work, "cost": w.cost, "least_rounds": w.least, **ends(w.values(seed, fill))})
    return t
