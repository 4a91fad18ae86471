# SPDX-License-Identifier: Apache-2.0
"""§5.6: a table that is slow to compute, and walks through it."""
import numpy as np

from .basics import H, need
from .chacha import chacha20, double_round
from .workload import Workload


class Memory(Workload):
    """§5.6 `memory/1`. States are a uint32 array of 32 rows of words, a column each; `fill` is the fill's run seed. A value is
    128 bytes."""
    unit, members, reads = "B", "doubleRounds items log2Walkers", 64

    def __init__(self, params):
        super().__init__(params)
        self.items, self.walkers = params["items"], params["log2Walkers"]
        self.double_rounds, caps = params["doubleRounds"], "challenge.caps"
        need(2 <= self.double_rounds <= 4096 and self.double_rounds % 2 == 0, caps, "doubleRounds")
        need(64 <= self.items < 2**32 and 0 <= self.walkers <= 22, caps, "items or log2Walkers")
        self.depth, self.work = self.walkers, 128 * self.reads << self.walkers
        self.cost = self.reads * self.double_rounds // 8 + self.depth + 20
        self.least = -(-8 * self.items // (self.reads << self.walkers))

    @staticmethod
    def mix(x, double_rounds):
        """States after so many coupled double rounds: both halves at once, which swap their last rows. x is lost."""
        a, b, c, d = x.reshape(2, 4, 4, -1).swapaxes(0, 1)
        for _ in range(double_rounds):
            a, b, c, d = double_round(a, b, c, d)
            d = d[::-1]
        return np.stack((a, b, c, d), axis=1).reshape(32, -1)

    def table_key(self, fill):
        return chacha20(H("assay/1 memory/1 table\n", fill), 0, 2).view("<u4").astype(np.uint32)

    def item(self, key, indices):
        """States, one for each index."""
        x = np.repeat(key[:, None], len(indices), axis=1)
        x[12] ^= np.array(indices, np.uint64).astype(np.uint32)
        return self.mix(x, self.double_rounds)

    @staticmethod
    def start(places):
        """Of (seed, walker) each."""
        keys = {seed: H("assay/1 memory/1 walkers\n", seed) for seed, w in places}
        return np.stack([chacha20(keys[seed], 2 * w, 2).view("<u4").astype(np.uint32) for seed, w in places], axis=1)

    def index(self, state):
        """Where each walker reads next."""
        return [((int(high) << 32 | int(low)) * self.items) >> 64 for low, high in zip(state[0], state[1])]

    def step(self, state, key):
        return self.mix(state ^ self.item(key, self.index(state)), 2)

    def leaves(self, places, fill):
        """Of (seed, walker) each, all at once: one alone takes almost as long."""
        key, state = self.table_key(fill), self.start(places)
        for _ in range(self.reads):
            state = self.step(state, key)
        return [state[:, i].astype("<u4").tobytes() for i in range(len(places))]

    def values(self, seed, fill):
        return self.leaves([(seed, w) for w in range(1 << self.walkers)], fill)


class MemoryFill(Memory):
    """The fill of §5.6: no rounds, and so no leaves."""

    def __init__(self, params):
        super().__init__(params)
        self.depth, self.work, self.cost, self.least = 0, 0, 0, 0
