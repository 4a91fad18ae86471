# SPDX-License-Identifier: Apache-2.0
"""Transcripts that are damaged or not of their challenge (§7, the last rule of §3.3). Every one is signed again."""
import struct

from counterpart.basics import le32, sha256
from counterpart.transcript import pack, Run
from .jobs import challenge_of, hashes, matmul
from .prover import finish, Prover


def cases(b):
    t, p = b.transcript, b.prover
    header = len(pack(p.payload, p.block, p.key))
    at_devices = 12 + len(p.payload)
    for name, cut in (
            ("empty", 0), ("magic", 7), ("magic-only", 8), ("length", 11), ("challenge", 100),
            ("devices-length", at_devices + 3), ("devices", at_devices + 50), ("key", header - 1), ("header-only", header),
            ("rounds", header + 2), ("roots", header + 4 + 33), ("times", header + 4 + 64 + 15),
            ("second-run", header + 84 + 4), ("openings", len(t) - 256 - 1), ("one-opening", len(t) - 64),
            ("last-byte", len(t) - 1)):
        yield "transcript-cut-" + name, "transcript.malformed", b.with_transcript(t[:cut])

    def put(at, new):
        return b.with_transcript(t[:at] + new + t[at + len(new):])

    for name, changed in (
            ("magic-other", put(0, b"essay-t1")), ("magic-case", put(0, b"Assay-t1")), ("magic-zero", put(0, bytes(8))),
            ("trailing-byte", b.with_transcript(t + b"\0")), ("trailing-hash", b.with_transcript(t + bytes(32))),
            ("leading-byte", b.with_transcript(b"\0" + t)), ("twice", b.with_transcript(t + t)),
            ("challenge-length-0", put(8, le32(0))), ("challenge-length-65537", put(8, le32(65537))),
            ("challenge-length-max", put(8, le32(2**32 - 1))),
            ("challenge-length-big-endian", put(8, struct.pack(">I", len(p.payload)))),
            ("devices-length-0", put(at_devices, le32(0))), ("devices-length-65537", put(at_devices, le32(65537))),
            ("devices-length-max", put(at_devices, le32(2**32 - 1))), ("rounds-max", put(header, le32(2**32 - 1))),
            ("rounds-2-31", put(header, le32(2**31))), ("rounds-4194305", put(header, le32(2**22 + 1))),
            ("rounds-of-second-run-max", put(header + 84, le32(2**32 - 1))),
            ("rounds-less-than-recorded", put(header, le32(1)))):
        yield "transcript-" + name, "transcript.malformed", changed
    for name, magic in (("2", b"assay-t2"), ("0", b"assay-t0"), ("9", b"assay-t9")):
        yield "transcript-version-" + name, "transcript.version", put(0, magic)
    yield "transcript-version-2-alone", "transcript.version", b.with_transcript(b"assay-t2" + bytes(100))

    def invented(segment, rounds, samples=4):
        """A transcript of the right size for so many rounds: nothing in it was worked."""
        challenge = challenge_of([segment], samples=samples)
        run = Run([sha256(le32(r)) for r in range(rounds)], [1] * rounds)
        fake = Prover(challenge, rounds=[[0]])
        size = 32 * samples * fake.challenge.segments[0].workload.depth
        fake.runs[0, 0], fake.openings, fake.rounds = run, [bytes(size)], [[rounds]]
        return finish(fake)

    yield "transcript-more-rounds-than-asked", "transcript.malformed", invented(hashes(1, 2, rounds=2), 3)
    yield "transcript-more-work-than-2-63", "transcript.malformed", invented(matmul(2**20, 2**20, 131008, durationMs=1), 33)
    yield "transcript-root-invented-depth-32", "leaf.mismatch", invented(hashes(0, 32, rounds=1), 1)
    yield "transcript-root-invented-matmul-depth-32", "leaf.mismatch", invented(matmul(2**20, 2**20, 64, rounds=2), 2, 1)
    yield "transcript-root-invented-2-48-leaves", "leaf.mismatch", invented(hashes(0, 32, durationMs=9), 500, 2)
    records, openings = p.records()[:2], p.openings
    longer = openings[0][:64] + bytes(32) + openings[0][64:]
    for name, changed in (
            ("openings-without-duplicates", records + [openings[0][:-64]] + openings[1:]),
            ("opening-of-one-level-more", records + [longer] + openings[1:]),
            ("opening-of-one-level-less", records + [openings[0][32:]] + openings[1:]),
            ("opening-missing", records + openings[:1]), ("openings-missing", records),
            ("one-run-more", records + records[:1] + openings), ("run-missing", records[:1] + openings),
            ("times-missing", [r[:4 + 64] for r in records] + openings),
            ("openings-of-empty-run", [le32(0)] + records[1:] + openings)):
        yield "transcript-" + name, "transcript.malformed", b.with_sections(records=changed)
