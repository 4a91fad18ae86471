# SPDX-License-Identifier: Apache-2.0
"""Attestations of verify/vectors/claims: small jobs whose rates are chosen, by the times of receipts, so that they meet the
bounds of machine_catalogue.py exactly. With 10 samples and g = 0 (§9.2) e* is 3/4: a quarter of the work is certified."""
from .jobs import asked, BEGIN, challenge_of, device, floats, hashes, matmul, matmul9, table
from .prover import finish, Prover
from .verifier import answer, at

SAMPLES, MIB = 10, 2**20
SHORT = "profile.unknown,run.short"


def named(name, units=0, memory=0, **other):
    return device(name, computeUnits=units, memoryBytes=memory, **other)


def timed(brackets, segments, devices, rounds=None, leased=0):
    """A job whose segments last so many nanoseconds by the verifier's clock."""
    times, now = [], BEGIN
    for bracket in brackets:
        times += [now, now + bracket]
        now += bracket + 1
    challenge = asked(segments, len(devices), SAMPLES, leased=leased)
    return finish(at(answer(challenge, rounds, devices=devices), times + [now]))


def digests(rounds, devices, leased=0):
    """In a millisecond: 2,000 digests a second are certified for each round."""
    return timed([1], [hashes(3, 0, durationMs=1)], devices, [rounds], leased)


def itself(segments, devices, rounds, elapsed):
    """In mode `self`, with elapsedNs of each run as it likes."""
    p = Prover(challenge_of(segments, len(devices), SAMPLES), devices, rounds)
    claimed = [[run and dict(run, elapsedNs=ns) for run, ns in zip(*both)] for both in zip(p.claims(), elapsed)]
    return finish(p, segments=claimed)


def walk(items, rounds=1):
    """A walk that is short, but shown: 8,192 bytes a round."""
    return table(2, items, 0, rounds=rounds)


EIGHT = [named("Acme Even", 4), named("NVIDIA ACME EVEN", 4), named("Nameless"), named("Processor", backend="cpu"),
         named("Intel(R) low one", 2), named("Acme Even", 5), named("AMD Acme Big", 8), named("Intel(R) Nameless")]
# 90 % and 105 % of 640 MiB, just and just not; nothing said; 90 % of 600 MiB; 300 MiB.
LABEL = [named("Acme Mem", 7, x) for x in (576 * MIB - 1, 576 * MIB, 672 * MIB, 672 * MIB + 1, 0, 540 * MIB, 300 * MIB)]
# Units and memories that each fit another claim, in an order that no claim of theirs has; one is no such thing.
MIXED = [named("Nameless", 3, backend="opencl"), named("Nameless", 8), named("Nameless", 4), named("Acme Mem", 7, 300 * MIB),
         named("Acme Mem", 7, 640 * MIB)]
EVEN, NAMELESS = [named("Acme Even", 4)], [named("Nameless")]


def attestations():
    """(name, reasons without claims, files)."""
    unknown = "profile.unknown"
    yield "eight", unknown, digests([4, 4, 4, 1, 4, 4, 6, 6], EIGHT)
    yield "label", unknown, digests([1] * 7, LABEL)
    yield "mixed", unknown, digests([4, 6, 4, 4, 4], MIXED)
    yield "leased", unknown, digests([4, 4], EVEN + [named("Acme Even", 4, backend="cpu")], 3)
    yield "empty", unknown + ",run.empty", digests([4, 0], EVEN * 2)
    kinds = [matmul(16, 16, 64, rounds=1), matmul(16, 16, 64, rounds=1), matmul9(16, 16, 64, rounds=1),
             floats(32, 16, 16, 64, rounds=1), floats(64, 16, 16, 64, rounds=1), *table(2, 525, 3, rounds=9)]
    yield "kinds", unknown, timed([2, 4, 1, 4, 8, 1, 1024], kinds, NAMELESS)
    # 160 GB/s of 8,192 items show half of them: 512 KiB.
    yield "half", SHORT, timed([1, 64], walk(8192, 5), NAMELESS)
    # 64 GB/s of the largest table: no capacity, and the greatest rate is of the first one.
    yield "tables", SHORT, timed([1, 64, 1, 64, 1, 32], walk(8192, 5) + walk(8193, 5) + walk(65536), NAMELESS)
    # 128 GB/s of both: 3 MiB, and the first one counts.
    yield "large", SHORT, timed([1, 16, 1, 16], walk(65536) + walk(64), NAMELESS)
    yield "full", SHORT, timed([1, 20], walk(885837), NAMELESS)  # 102.4 GB/s: 105 % of 0.022 GiB
    yield "fuller", SHORT, timed([1, 20], walk(885838), NAMELESS)
    yield "self", unknown, itself([hashes(3, 0, durationMs=1)], [named("Acme Low", 2), named("Acme Edge", 1), *EVEN],
                                  [[1, 1, 2]], [[1, 10**6, 10**6]])
    yield "self-large", SHORT, itself(walk(65536), NAMELESS, None, [[1], [1]])
