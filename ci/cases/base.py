# SPDX-License-Identifier: Apache-2.0
"""A small honest job, and ways to present it with something else in some place."""
import copy
import json

from counterpart.basics import sha256
from counterpart.canonical import canonical
from counterpart.transcript import pack
from .jobs import challenge_of, hashes, SECRET
from .prover import Prover, signed
from .verifier import answer, resign, small

GONE = object()


def edit(x, path, value):
    """A copy of x with the member at `path` ("a.b.0.c") set, added, or removed (GONE)."""
    x = copy.deepcopy(x)
    *way, last = [int(i) if i.isdigit() else i for i in path.split(".")]
    at = x
    for i in way:
        at = at[i]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return x


class Base:
    """Every method gives the files of an attestation: envelope, transcript and, in mode `verifier`, receipts. They are signed
    again, and digests follow."""

    def __init__(self, prover):
        self.prover, self.job, self.lines = prover, json.loads(prover.payload), list(prover.receipts)
        self.file, self.transcript = b"".join(self.lines), prover.transcript()
        self.receipts = [self.file] if self.lines else []
        self.statement = prover.statement(self.transcript)
        self.payload, self.envelope = canonical(self.statement), signed(self.statement)

    def with_transcript(self, transcript):
        return signed(self.prover.statement(transcript)), transcript, *self.receipts

    def with_payload(self, payload, secret=SECRET):
        """A statement, or the bytes that stand for one."""
        return signed(payload, secret), self.transcript, *self.receipts

    def with_member(self, path, value):
        """Of the statement."""
        return self.with_payload(edit(self.statement, path, value))

    def with_sections(self, challenge=None, devices=None, key=None, records=None, predicate=None):
        """Other bytes in the transcript's header, or other records; and other members of the predicate, by their paths."""
        p = self.prover
        challenge, devices = challenge or p.payload, devices or p.block
        transcript = pack(challenge, devices, key or p.key, *(p.records() if records is None else records))
        statement = edit(p.statement(transcript), "predicate.challenge.digest.sha256", sha256(challenge).hex())
        for path, value in (predicate or {}).items():
            statement = edit(statement, "predicate." + path, value)
        return signed(statement), transcript, *self.receipts

    def with_job(self, job):
        """Another challenge, whose profile the statement has."""
        return self.with_sections(canonical(job), predicate={"challenge.profile": job["profile"]})

    def with_receipts(self, file):
        return signed(edit(self.statement, "subject.1.digest.sha256", sha256(file).hex())), self.transcript, file

    def with_line(self, i, line):
        """Another receipt in the place of number i."""
        return self.with_receipts(b"".join(self.lines[:i] + [line] + self.lines[i + 1:]))

    def with_receipt(self, i, **members):
        """Other members of receipt i; see resign()."""
        return self.with_line(i, resign(self.lines[i], **members))


def base():
    return Base(Prover(challenge_of([hashes(1, 2, rounds=2)], devices=2, samples=4)))


def base_of_exchange():
    return Base(answer(small()))
