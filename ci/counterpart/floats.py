# SPDX-License-Identifier: Apache-2.0
"""§5.4 and §5.5: chains of fused multiply-adds, by error-free transformations of doubles."""
import numpy as np

from .matmul import Matmul


def two_sum(a, b):
    """a + b as the nearest number and the exact rest."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a, b):
    """a·b likewise, by halves of 26 bits (Dekker)."""
    def halves(x):
        high = x * (2.0**27 + 1)
        high = high - (high - x)
        return high, x - high

    p, (a1, a0), (b1, b0) = a * b, halves(a), halves(b)
    return p, a0 * b0 - (((p - a1 * b1) - a0 * b1) - a1 * b0)


def to_odd(s, rest):
    """s + rest, |rest| at most half a place of s, rounded to the neighbour whose last bit is 1 unless it is exact. Of such
    a number another rounding, to fewer bits, gives what it would have given of the sum (Boldo and Melquiond)."""
    inexact = (rest != 0) & (s.view(np.int64) & 1 == 0)
    return np.where(inexact, np.nextafter(s, np.copysign(np.inf, rest)), s)


def fma_exact(a, b, c, bits):
    """One number at a time, from the definition: a·b + c as a fraction, rounded to `bits` bits, ties to even."""
    (an, ad), (bn, bd), (cn, cd) = (x.as_integer_ratio() for x in (a, b, c))
    n, d = an * bn * cd + cn * ad * bd, ad * bd * cd  # d is a power of two
    excess = max(0, n.bit_length() - bits)
    quotient, rest = divmod(n, 1 << excess)
    up = 2 * rest > 1 << excess or 2 * rest == 1 << excess and quotient & 1
    return (quotient + up << excess) / d


class MatmulF32(Matmul):
    """§5.4 `matmul-f32/1`. Numbers are kept as doubles, which hold every float; `bits` is their precision."""
    unit, name, k_max, element, tile, bits = "flop", "matmul-f32/1", 16384, 4, 8, 24
    together = 64  # one alone takes almost as long

    def cost_of_leaf(self):
        return self.element * self.k // 2

    def rows(self, key, first, count):
        words = self.stream(key, first, count, "<i%d" % self.element)
        return (words >> (8 * self.element - self.bits)).astype(np.float64) * 2.0**(1 - self.bits)

    @staticmethod
    def fma(a, b, c):
        """a·b is exact; then the sum, rounded to odd and to a float."""
        return to_odd(*two_sum(a * b, c)).astype(np.float32).astype(np.float64)

    def product(self, a, b):
        """a·bᵀ of the last two axes: one step for all entries of all products that are asked for."""
        a, b = (np.ascontiguousarray(np.moveaxis(x, -1, 0)) for x in (a, b))
        c = np.zeros(a.shape[1:] + b.shape[-1:])
        for l in range(len(a)):
            c = self.fma(*np.broadcast_arrays(a[l, ..., :, None], b[l, ..., None, :], c))
        return c

    def encode(self, entries):
        return entries.astype("<f%d" % self.element).tobytes()


class MatmulF64(MatmulF32):
    """§5.5 `matmul-f64/1`."""
    name, k_max, element, bits = "matmul-f64/1", 8192, 8, 53

    @staticmethod
    def fma(a, b, c):
        """Emulation of FMA by Boldo and Melquiond: the two lowest parts rounded to odd, then one rounding."""
        high, low = two_product(a, b)
        middle, rest = two_sum(c, low)
        top, below = two_sum(high, middle)
        return top + to_odd(*two_sum(rest, below))
