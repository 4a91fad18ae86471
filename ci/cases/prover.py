# SPDX-License-Identifier: Apache-2.0
"""The prover of the vectors: does a job honestly, with a fixed key (§4, §7, §8)."""
import json

from counterpart.basics import leaf, path_of, sha256, tree, ZERO
from counterpart.canonical import canonical
from counterpart.chain import Chain, draws, next_seed
from counterpart.challenge import Challenge, FILLS
from counterpart.claims import median, times_claimed
from counterpart.ed25519 import ed25519_public
from counterpart.envelope import open_envelope, sign
from counterpart.exchange import message_of, MESSAGE_TYPE, RECEIPT_TYPE
from counterpart.statement import NON_CLAIMS, PREDICATE_TYPE, STATEMENT_TYPE
from counterpart.transcript import pack, Run
from .jobs import device, SECRET


class Prover:
    """Does a job. `rounds[j][d]` are the rounds done; who cheats overrides the small methods. In mode `verifier` it asks
    `verifier`, a verifier.Verifier, and keeps the receipts. `secret` is its key's seed; `key` shows another public key."""

    def __init__(self, challenge, devices=None, rounds=None, secret=SECRET, key=None, verifier=None):
        self.payload, self.secret, self.key = canonical(challenge), secret, key or ed25519_public(secret)
        self.challenge = c = Challenge(self.payload)
        self.devices = devices or [device("device %d" % d) for d in range(c.devices)]
        self.block = canonical(self.devices)
        self.rounds = rounds or [[2 if s.rounds is None else s.rounds] * c.devices for s in c.segments]
        self.trees, self.seeds, self.runs, self.fills = {}, {}, {}, {}
        self.verifier, self.messages, self.receipts = verifier, [], []
        self.chain = Chain(self.payload, self.block, self.key, c, self.work, self.nonce)
        self.openings = [self.opening(j, d) for j, d in c.runs]

    def nonce(self, chain, j):
        """§4.5: commits to the segment before, and is ready for this one."""
        if not self.verifier:
            return ZERO
        if j:
            self.verifier.now += self.bracket(j - 1)
            self.say(chain, j - 1, self.committed(chain, j - 1))
        return bytes.fromhex(self.say(chain, j)["nonce"])

    def committed(self, chain, j):
        return chain.commits[j]

    def bracket(self, j):
        """How long the verifier sees the segment last."""
        return max(sum(self.runs[j, d].times) for d in range(self.challenge.devices)) + 7654321

    def say(self, chain, j, commit=None):
        payload = message_of(sha256(self.payload), chain.job, self.key, j, commit)
        self.messages.append(sign(payload, self.secret, MESSAGE_TYPE))
        self.receipts.append(self.verifier.answer(self.messages[-1]))
        return json.loads(open_envelope(self.receipts[-1], RECEIPT_TYPE)[0])

    def work(self, j, d, run_seed):
        self.fills[j + 1, d] = run_seed
        self.trees[j, d], self.seeds[j, d] = [], [self.first_seed(j, d, run_seed)]
        for r in range(self.rounds[j][d]):
            self.trees[j, d].append(self.tree(j, d, r))
            self.seeds[j, d].append(self.next_seed(self.seeds[j, d][r], self.trees[j, d][r][-1][0]))
        roots = [levels[-1][0] for levels in self.trees[j, d]]
        self.runs[j, d] = Run(roots, [self.time(j, d, r) for r in range(len(roots))])
        return roots

    def first_seed(self, j, d, run_seed):
        return run_seed

    def next_seed(self, seed, root):
        return next_seed(seed, root)

    def values(self, j, d, r):
        segment = self.challenge.segments[j]
        fill = (self.fills[j, d],) if segment.name in FILLS else ()
        return segment.workload.values(self.seeds[j, d][r], *fill)

    def tree(self, j, d, r):
        return tree([leaf(value) for value in self.values(j, d, r)])

    def time(self, j, d, r):
        asked = (self.challenge.segments[j].duration or 0) * 10**6 // self.rounds[j][d]
        return asked + 10**6 * (j + 1) + 1000 * d + 37 * (7 * r % 5)

    def draws(self, j, d):
        """The drawn (round, leaf) pairs."""
        leaves, rounds = self.challenge.segments[j].leaves, self.rounds[j][d]
        if not rounds:
            return []
        drawn = draws(self.chain.draw_key(j, d), rounds * leaves, self.challenge.samples)
        return [divmod(y, leaves) for y in drawn]

    def opening(self, j, d):
        return b"".join(path_of(self.trees[j, d][r], i) for r, i in self.draws(j, d))

    def records(self):
        return [self.runs[run].record() for run in self.challenge.runs] + self.openings

    def transcript(self):
        return pack(self.payload, self.block, self.key, *self.records())

    def claim(self, j, d):
        times = self.runs[j, d].times
        if not times:
            return None
        known = d == 0  # what a device says of itself; of the others nothing is known
        return dict(times_claimed(times), elapsedNs=sum(times), energyMj=1000 * (j + 1) if known else None,
                    deviceMedianNs=median(times) - 1 if known else None, throttledRounds=0 if known else None)

    def claims(self):
        return [[self.claim(j, d) for d in range(self.challenge.devices)] for j in range(len(self.challenge.segments))]

    @staticmethod
    def telemetry(d):
        """§8.5: of device 0 there is all, of device 1 next to nothing, of the others nothing."""
        def spread(least):
            return {"max": least + 2, "median": least + 1, "min": least}

        names = "clockMhz memoryClockMhz powerMw temperatureMc"
        counts = "eccErrors pcieGeneration pcieWidth powerLimitMw xidErrors"
        if d > 1:
            return None
        entry = {"joined": ("uuid", "unverified")[d], "samples": 3 - 3 * d, "source": "vectors",
                 "throttleReasons": None if d else ["hw-thermal", "sw-power-cap"]}
        entry.update({name: None if d else spread(1000 * (i + 1)) for i, name in enumerate(names.split())})
        entry.update({name: None if d else i for i, name in enumerate(counts.split())})
        return entry

    def statement(self, transcript=None):
        c, files = self.challenge, {"transcript": transcript or self.transcript()}
        if c.mode == "verifier":
            files["receipts"] = b"".join(self.receipts)
        return {"_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE,
                "subject": [{"digest": {"sha256": sha256(data).hex()}, "name": name} for name, data in files.items()],
                "predicate": {
                    "challenge": {"digest": {"sha256": sha256(self.payload).hex()}, "mode": c.mode,
                                  "profile": c.profile},
                    "claimed": {"finishedAt": "2030-01-01T00:01:00Z", "startedAt": "2030-01-01T00:00:00Z",
                                "staggerMs": 0, "powerBudgetW": 0, "pauses": 0,
                                "telemetry": [self.telemetry(d) for d in range(c.devices)],
                                "segments": self.claims()},
                    "devices": self.devices,
                    "harness": {"gitCommit": "0" * 40, "kernels": {"sha256": sha256(b"").hex()},
                                "name": "vectors", "version": "0"},
                    "nonClaims": NON_CLAIMS, "work": [s.name for s in c.segments]}}


def signed(statement, secret=SECRET):
    """The envelope of a statement, or of the bytes that stand for one."""
    return sign(statement if isinstance(statement, bytes) else canonical(statement), secret)


def finish(prover, **claimed):
    """(envelope, transcript) of an honest end, and the receipts if it had some; `claimed` replaces members."""
    transcript = prover.transcript()
    statement = prover.statement(transcript)
    statement["predicate"]["claimed"].update(claimed)
    receipts = [b"".join(prover.receipts)] if prover.verifier else []
    return signed(statement, prover.secret), transcript, *receipts
