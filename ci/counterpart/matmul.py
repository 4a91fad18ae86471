# SPDX-License-Identifier: Apache-2.0
"""§5.1 and §5.3: products of matrices of integers, exact."""
import numpy as np

from .basics import H, need
from .chacha import chacha20
from .workload import Workload


class Matmul(Workload):
    """§5.1 `matmul-i8/1`. An element of A (m × k) or B (n × k) is `element` bytes of a key stream; a leaf is a tile of `tile`
    × `tile` entries of A·Bᵀ, of which `together` are computed at once."""
    unit, members, name, k_max, element, tile, together = "op", "k m n", "matmul-i8/1", 131008, 1, 16, 1
    chunk = 1024

    def __init__(self, params):
        super().__init__(params)
        self.k, self.m, self.n = k, m, n = params["k"], params["m"], params["n"]
        caps = "challenge.caps"
        need(all(16 <= x <= 2**20 and x & (x - 1) == 0 for x in (m, n)), caps, "m or n")
        need(64 <= k <= self.k_max and k % 64 == 0 and max(m, n) * k * self.element <= 2**37, caps, "k")
        self.depth = (m * n // self.tile**2).bit_length() - 1
        need(self.depth <= 32, caps, "depth")
        self.work, self.cost = 2 * m * n * k, self.cost_of_leaf() + self.depth + 20

    def cost_of_leaf(self):
        return self.k // 2 + self.k

    def keys(self, seed):
        return H("assay/1 %s A\n" % self.name, seed), H("assay/1 %s B\n" % self.name, seed)

    def stream(self, key, first, count, element):
        """Rows first … first+count-1 of a matrix, as the key stream has them: numbers of that type."""
        blocks = self.k * self.element // 64
        return chacha20(key, first * blocks, count * blocks).view(element).reshape(count, self.k)

    def rows(self, key, first, count):
        return self.stream(key, first, count, np.int8)

    def product(self, a, b):
        """a·bᵀ of the last two axes. A sum of `chunk` products is an integer of at most 2^24, exact in float32."""
        c = 0
        for l in range(0, a.shape[-1], self.chunk):
            x, y = (operand[..., l:l + self.chunk].astype(np.float32) for operand in (a, b))
            c = c + (x @ y.swapaxes(-1, -2)).astype(np.int64)
        return c

    def encode(self, entries):
        return entries.astype("<i4").tobytes()

    def cut(self, c):
        """The values of all leaves of a product."""
        return [self.encode(c[i:i + self.tile, j:j + self.tile])
                for i in range(0, self.m, self.tile) for j in range(0, self.n, self.tile)]

    def values(self, seed):
        key_a, key_b = self.keys(seed)
        return self.cut(self.product(self.rows(key_a, 0, self.m), self.rows(key_b, 0, self.n)))

    def leaves(self, places):
        """Of (seed, leaf) each."""
        return [self.encode(tile) for at in range(0, len(places), self.together)
                for tile in self.tiles(places[at:at + self.together])]

    def tiles(self, places):
        rows = [[self.rows(key, self.tile * x, self.tile)
                 for key, x in zip(self.keys(seed), divmod(t, self.n // self.tile))] for seed, t in places]
        return self.product(*(np.stack(operand) for operand in zip(*rows)))


class Matmul9(Matmul):
    """§5.3 `matmul-i9/1`."""
    name, k_max, element, chunk = "matmul-i9/1", 32704, 2, 256

    def cost_of_leaf(self):
        return 2 * self.k

    def rows(self, key, first, count):
        nine = self.stream(key, first, count, "<u2") & 0x1ff
        return (nine ^ 0x100).astype(np.int16) - np.int16(0x100)
