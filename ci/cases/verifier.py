# SPDX-License-Identifier: Apache-2.0
"""The verifier of the vectors, who answers a prover (§4.5): a fixed key, and a clock and nonces that are functions of what it
is asked, so that the vectors never change."""
import json

from counterpart.basics import le32, sha256
from counterpart.canonical import canonical
from counterpart.challenge import Challenge
from counterpart.envelope import open_envelope, sign
from counterpart.exchange import read_message, RECEIPT_TYPE, steps
from .jobs import asked, BEGIN, hashes, matmul, VERIFIER
from .prover import Prover


class Conflict(Exception):
    """The exchange is refused; the argument is one of the codes of §4.5."""


class Verifier:
    """Answers one challenge. `now` is its clock in nanoseconds, `pace` what passes after each receipt besides what the prover
    takes."""

    def __init__(self, payload, secret, now, pace=1234567):
        self.payload, self.secret, self.now, self.pace = payload, secret, now, pace
        self.challenge, self.digest = Challenge(payload), sha256(payload)
        self.steps, self.answers, self.taken = steps(len(self.challenge.segments)), {}, []

    def nonce(self, j):
        return sha256(b"test vectors: nonce of a verifier" + le32(j) + self.digest)

    def receipt(self, x):
        """The payload that answers a message."""
        return {"at": str(self.now), "challenge": x["challenge"], "commit": x["commit"], "job": x["job"],
                "nonce": self.nonce(x["segment"]).hex() if x["commit"] is None else None, "segment": x["segment"]}

    def answer(self, line):
        """§4.5: the receipt of a message, as a line."""
        x = read_message(line)
        step = x and (x["segment"], x["commit"] is not None)
        if not x or x["challenge"] != self.digest.hex() or step not in self.steps:
            raise Conflict("no message of this challenge")
        payload = canonical(x)
        if self.now > self.challenge.expires * 10**9:
            raise Conflict("exchange.expired")
        if payload in self.answers:
            return self.answers[payload]
        if self.taken and (x["job"], x["key"]) != self.taken[0] or step in self.steps[:len(self.taken)]:
            raise Conflict("exchange.conflict")
        if [step] != self.steps[len(self.taken):len(self.taken) + 1]:
            raise Conflict("exchange.order")
        self.answers[payload] = sign(canonical(self.receipt(x)), self.secret, RECEIPT_TYPE)
        self.taken.append((x["job"], x["key"]))
        self.now += self.pace
        return self.answers[payload]


def answer(challenge, rounds=None, by=VERIFIER, now=BEGIN, kind=Prover, **other):
    """The prover that did such a challenge with the verifier of that key."""
    return kind(challenge, rounds=rounds, verifier=Verifier(canonical(challenge), by, now), **other)


def resign(line, secret=VERIFIER, key_id=None, **members):
    """A receipt with other members."""
    payload = json.loads(open_envelope(line, RECEIPT_TYPE)[0])
    return sign(canonical(dict(payload, **members)), secret, RECEIPT_TYPE, key_id)


def at(prover, times):
    """The same exchange by another clock."""
    prover.receipts = [resign(line, at=str(time)) for line, time in zip(prover.receipts, times)]
    return prover


def small(**other):
    return asked([hashes(1, 2, rounds=2), hashes(2, 1, durationMs=900)], 2, 4, **other)


def pair():
    """good/receipts-two, which is also exchange.txt."""
    return answer(asked([matmul(32, 32, 64, rounds=3), hashes(3, 4, durationMs=900)], 2, 32))
