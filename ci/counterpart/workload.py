# SPDX-License-Identifier: Apache-2.0
"""§5: what all workloads have."""
from .basics import need
from .canonical import has, is_int


class Workload:
    """A pure function from a seed of 32 bytes to the values of 2^`depth` leaves. A round is `work` in `unit`; to compute one
    leaf and its path again costs `cost` units of §12; a run of less than `least` rounds is short."""
    least = 0

    def __init__(self, params):
        need(has(params, self.members) and all(is_int(x) for x in params.values()), "challenge.malformed", "params")
        self.params = params

    def values(self, seed):
        """Of all leaves of a round."""
        return self.leaves([(seed, t) for t in range(1 << self.depth)])

    def value(self, seed, t):
        return self.leaves([(seed, t)])[0]
