# SPDX-License-Identifier: Apache-2.0
"""§5.2: SHA-256 of counters."""
import hashlib
import struct

import numpy as np

from .basics import le64, need, sha256
from .workload import Workload


class Sha256(Workload):
    """§5.2 `sha256/1`: a value is 32 bytes."""
    unit, members = "hash", "log2Digests log2Leaves"

    def __init__(self, params):
        super().__init__(params)
        self.b, self.depth = params["log2Digests"], params["log2Leaves"]
        need(0 <= self.b <= 14 and 0 <= self.depth <= 32, "challenge.caps", "log2Digests or log2Leaves")
        self.work, self.cost = 1 << (self.b + self.depth), (1 << self.b) + self.depth + 20

    @staticmethod
    def digest(seed, i):
        return sha256(le64(i) + seed)

    def leaves(self, places):
        """Of (seed, leaf) each."""
        return [self.xor_of_digests(seed, t << self.b, (t + 1) << self.b) for seed, t in places]

    @staticmethod
    def xor_of_digests(seed, first, end):
        hash_, counter = hashlib.sha256, struct.Struct("<Q").pack  # digest() without its calls
        digests = b"".join([hash_(counter(i) + seed).digest() for i in range(first, end)])
        return np.bitwise_xor.reduce(np.frombuffer(digests, np.uint64).reshape(-1, 4), axis=0).tobytes()
