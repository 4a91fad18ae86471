# SPDX-License-Identifier: Apache-2.0
"""Work that was not done, not all of it, not for this job, or that costs too much to check (§10.2, §12)."""
from counterpart.basics import sha256
from counterpart.canonical import canonical
from counterpart.transcript import pack, Run
from .base import edit
from .cheats import Cheat, CHEATS
from .jobs import challenge_of, hashes, matmul, QUICK, STRANGER
from .prover import finish, Prover


def too_costly():
    """More than 2^30 units, in small files of the right size whose roots nobody worked for."""
    def bomb(segments, devices=1, samples=8192):
        p = Prover(challenge_of(segments, devices, samples), rounds=[[0] * devices] * len(segments))
        for run in p.challenge.runs:
            p.runs[run] = Run([sha256(repr(run).encode())], [1])
            assert p.challenge.segments[run[0]].workload.depth == 0
        return finish(p)

    yield "cost-matmul-one-run", "cost.exceeded", bomb([matmul(16, 16, 131008, rounds=1)])
    yield "cost-just-above", "cost.exceeded", bomb([hashes(14, 0, rounds=1)], devices=8)
    yield "cost-1024-runs", "cost.exceeded", bomb([hashes(14, 0, durationMs=1)] * 16, devices=64)


def cases(b):
    yield from too_costly()
    for how in CHEATS:
        yield "work-" + how, "leaf.mismatch", finish(Cheat(how))
    p = b.prover
    first, second = p.records()[:2]
    roots, times = p.runs[0, 0].roots, p.runs[0, 0].times
    for name, records in (("runs-exchanged", [second, first] + p.openings[::-1]),
                          ("run-copied", [first] * 2 + p.openings[:1] * 2),
                          ("roots-exchanged", [Run(roots[::-1], times).record(), second] + p.openings),
                          ("root-zero", [Run([bytes(32)] * 2, times).record(), second] + p.openings),
                          ("opening-zero", [first, second, bytes(256), p.openings[1]])):
        yield "work-" + name, "leaf.mismatch", b.with_sections(records=records)
    # The work of one job shown as that of another: devices, key, nonce, profile or params changed.
    renamed = edit(p.devices, "0.name", "better device")
    yield ("replay-devices-renamed", "leaf.mismatch",
           b.with_sections(devices=canonical(renamed), predicate={"devices": renamed}))
    for name, path, value in (("nonce", "nonce", "0" * 64), ("profile", "profile", QUICK),
                              ("log2-digests", "segments.0.params.log2Digests", 2)):
        job = edit(b.job, path, value)
        yield "replay-" + name, "leaf.mismatch", b.with_job(job)
    theirs = Prover(b.job, secret=STRANGER)
    stolen = pack(p.payload, p.block, p.key, *theirs.records())
    yield "replay-work-of-stranger", "leaf.mismatch", b.with_transcript(stolen)
    short = challenge_of([hashes(1, 2, rounds=5)], samples=4)
    yield "run-short", "run.short", finish(Prover(short, rounds=[[4]]))
    most = edit(short, "segments.0.length.rounds", 2**22)
    yield "run-short-by-most", "run.short", finish(Prover(most, rounds=[[1]]))
    yield "run-empty", "run.empty", finish(Prover(short, rounds=[[0]]))
    yield "run-empty-of-duration", "run.empty", finish(
        Prover(challenge_of([hashes(1, 2, durationMs=5)], devices=2, samples=4), rounds=[[0, 2]]))
    job = challenge_of([hashes(1, 2, rounds=3)] * 2, devices=2, samples=12)
    for name, reason, rounds in (("run-short-and-wrong", "leaf.mismatch", [[2, 2], [2, 2]]),
                                 ("run-empty-then-wrong", "leaf.mismatch", [[0, 2], [3, 3]])):
        yield name, reason, finish(Cheat("round-not-chained", job, rounds=rounds))
