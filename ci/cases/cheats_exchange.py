# SPDX-License-Identifier: Apache-2.0
"""Provers that cheat an honest verifier in the order of things (§4.5). CHEATS are names of those whose leaves show it."""
import json

from counterpart.basics import H, le32, sha256, ZERO
from counterpart.canonical import canonical
from .jobs import BEGIN, VERIFIER
from .prover import Prover
from .verifier import answer, small, Verifier

CHEATS = """nonce-not-awaited nonce-of-challenge nonce-of-segment-not-awaited nonce-of-first-for-all nonce-for-entropy
entropy-not-awaited entropy-of-other-challenge entropy-of-last-segment no-work""".split()


class Cheat(Prover):
    """Does what `how` says, one of CHEATS or commit-of-nothing."""

    def __init__(self, challenge, how="", **other):
        self.how = how
        super().__init__(challenge, **other)

    def nonce(self, chain, j):
        self.link = chain
        return super().nonce(chain, j)

    def first_seed(self, j, d, run_seed):
        link = self.link
        other = {"nonce-not-awaited": (0, ZERO), "nonce-of-challenge": (0, sha256(b"test vectors: nonce")),
                 "nonce-of-segment-not-awaited": (1, ZERO), "nonce-of-first-for-all": (1, link.nonces[0]),
                 "nonce-for-entropy": (0, self.verifier.nonce(2))}.get(self.how)
        if not other or other[0] != j:
            return run_seed
        before = (link.segments[0], link.commits[0]) if j else (link.job,)
        return H("assay/1 run\n", H("assay/1 segment\n", *before, other[1]), le32(d))

    def draws(self, j, d):
        theirs = Verifier(canonical(dict(json.loads(self.payload), nonce="0" * 64)), VERIFIER, BEGIN)
        entropy = {"entropy-not-awaited": ZERO, "entropy-of-other-challenge": theirs.nonce(2),
                   "entropy-of-last-segment": self.chain.nonces[1]}.get(self.how)
        if entropy:
            self.chain.sample_key = H("assay/1 segment\n", self.chain.segments[-1], self.chain.commits[-1], entropy)
        return super().draws(j, d)

    def committed(self, chain, j):
        return sha256(b"to be filled in") if self.how == "commit-of-nothing" and j == 1 else chain.commits[j]

    def values(self, j, d, r):
        values = super().values(j, d, r)
        return [bytes(32)] * len(values) if self.how == "no-work" and d == 1 else values


def cheat(how, by=VERIFIER):
    return answer(small(by=by), by=by, kind=Cheat, how=how)
