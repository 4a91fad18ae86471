# SPDX-License-Identifier: Apache-2.0
"""§1.3: ChaCha20's key stream, many blocks at a time."""
import numpy as np

SHIFTS = [np.uint32(n) for n in range(32)]
TURNS = [np.array([(i + by) % 4 for i in range(4)]) for by in range(4)]


def double_round(a, b, c, d):
    """ChaCha's, on the four rows of states: the last axis but one of each has its four words, the last one the states. What
    is in the arrays that are given is lost."""
    def rotate(x, n):
        low = x >> SHIFTS[32 - n]
        x <<= SHIFTS[n]
        x |= low

    def quarters(a, b, c, d):
        for first, second in ((16, 12), (8, 7)):
            a += b
            d ^= a
            rotate(d, first)
            c += d
            b ^= c
            rotate(b, second)

    def turned(x, by):
        return x.take(TURNS[by], axis=-2)

    quarters(a, b, c, d)
    b, c, d = turned(b, 1), turned(c, 2), turned(d, 3)
    quarters(a, b, c, d)
    return a, turned(b, 3), turned(c, 2), turned(d, 1)


def chacha20(key, first, count, nonce=bytes(12)):
    """§1.3: blocks first … first+count-1 as a uint8 array; a state word is a vector over blocks."""
    out = np.empty((count, 16), "<u4")
    fixed = np.frombuffer(b"expand 32-byte k" + key + bytes(4) + nonce, "<u4").astype(np.uint32)

    for at in range(0, count, 4096):
        n = min(4096, count - at)
        init = np.repeat(fixed[:, None], n, axis=1)
        init[12] = np.arange(first + at, first + at + n, dtype=np.uint64).astype(np.uint32)
        rows = tuple(init.copy().reshape(4, 4, n))
        for _ in range(10):
            rows = double_round(*rows)
        out[at:at + n] = (np.concatenate(rows) + init).T
    return out.reshape(-1).view(np.uint8)
