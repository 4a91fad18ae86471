# SPDX-License-Identifier: Apache-2.0
"""Attestations in mode `self` that hold. All but one are inconclusive, because they are of no profile or were never worked."""
from .base import edit
from .jobs import challenge_of, device, floats, hashes, matmul, matmul9, QUICK, series, SOAK, square, STANDARD, table
from .prover import finish, Prover

UNKNOWN, EMPTY = "profile.unknown", "profile.unknown,run.empty"
SHORT = "profile.unknown,run.short"
ONE = hashes(0, 1, rounds=1)

# (name, reasons, segments, devices, samples, rounds done: as asked when not said)
WORKED = (
    ("chain", UNKNOWN, [matmul(32, 32, 64, rounds=3), hashes(3, 4, rounds=2)], 2, 16),
    ("one-leaf", UNKNOWN, [matmul(16, 16, 64, rounds=1)], 1, 5), ("one-digest", UNKNOWN, [hashes(0, 0, rounds=1)], 1, 1),
    ("one-leaf-8192-samples", UNKNOWN, [hashes(0, 0, rounds=3)], 1, 8192),
    ("duration", UNKNOWN, [hashes(2, 3, durationMs=1500)], 2, 16, [[3, 5]]),
    ("wide", UNKNOWN, [matmul(16, 128, 128, rounds=2)], 1, 8), ("tall", UNKNOWN, [matmul(128, 16, 128, rounds=2)], 1, 8),
    ("nine-bits", UNKNOWN, [matmul9(32, 64, 128, rounds=2)], 2, 16),
    ("nine-bits-deep-k", UNKNOWN, [matmul9(16, 32, 32704, rounds=1)], 1, 3),
    ("floats", UNKNOWN, [floats(32, 32, 64, 128, rounds=2), floats(64, 64, 16, 192, rounds=2)], 2, 16),
    ("floats-deep-k", UNKNOWN, [floats(32, 16, 16, 16384, rounds=1), floats(64, 16, 16, 8192, rounds=1)], 1, 3),
    ("deep-k", UNKNOWN, [matmul(16, 32, 131008, rounds=1)], 1, 3), ("sixteen-segments", UNKNOWN, [ONE] * 16, 1, 2),
    ("sixty-four-devices", UNKNOWN, [hashes(0, 1, durationMs=1)], 64, 1, [[1, 2, 3, 1] * 16]),
    ("many-rounds", UNKNOWN, [hashes(0, 1, rounds=300)], 1, 16),
    ("empty-run", EMPTY, [hashes(1, 2, durationMs=10)], 3, 4, [[2, 0, 1]]),
    ("empty-all", EMPTY, [hashes(1, 2, rounds=2)], 2, 16, [[0, 0]]),
    ("empty-then-work", EMPTY, [matmul(16, 16, 64, durationMs=86400000), ONE], 1, 4, [[0], [1]]),
    ("memory", UNKNOWN, table(4, 64, 0, rounds=9) + [ONE] + table(2, 65, 2, rounds=3), 2, 4),
    ("memory-duration", UNKNOWN, table(2, 100, 1, durationMs=7), 2, 4, [[0, 0], [7, 8]]),
    ("memory-seven-passes", SHORT, table(2, 64, 0, rounds=7), 1, 4),
    ("memory-duration-seven-passes", SHORT, table(2, 64, 1, durationMs=7), 1, 4, [[0], [3]]),
    ("memory-empty", EMPTY, table(2, 64, 0, rounds=8), 2, 4, [[0, 0], [8, 0]]),
    ("short-run", SHORT, [hashes(1, 2, rounds=5)], 2, 4, [[5, 4]]))

# At the caps of §3.3: (name, segments).
CAPS = (("rounds", [hashes(14, 26, rounds=2**22)]),
        ("k", [matmul(2**20, 2**20, 131008, rounds=32)]),
        ("duration", [matmul(2**20, 16, 131008, durationMs=86400000)]),
        ("memory", table(4096, 2**32 - 1, 22, rounds=65536)))

# (name, in the profile, profile, samples, segments) of §11.
PROFILES = (
    ("host", 1, QUICK, 512, [square(2048), hashes(12, 12, durationMs=5000)]),
    ("small", 1, QUICK, 2048, [square(4096), hashes(12, 16, durationMs=5000)]),
    ("medium", 1, STANDARD, 512, [square(8192, 20000), hashes(12, 17, durationMs=20000)]),
    ("large", 1, SOAK, 512, [square(16384, 20000), hashes(12, 18, durationMs=86400000)]),
    ("huge", 1, SOAK, 2048, [square(32768, 60000), hashes(12, 19, durationMs=20001)]),
    ("sha256-only", 1, QUICK, 512, [hashes(12, 12, durationMs=5000)]),
    ("samples-511", 0, QUICK, 511, [square(2048)]),
    ("samples-1024", 0, QUICK, 1024, [square(2048)]),
    ("samples-8192", 0, QUICK, 8192, [hashes(12, 12, durationMs=5000)]),
    ("quick-1000", 1, QUICK, 512, [square(2048, 1000), hashes(12, 12, durationMs=4999)]),
    ("quick-999", 0, QUICK, 512, [square(2048), hashes(12, 12, durationMs=999)]),
    ("quick-5001", 0, QUICK, 512, [square(2048, 5001), hashes(12, 12, durationMs=1000)]),
    ("quick-20000", 0, QUICK, 512, [square(2048, 20000)]),
    ("standard-20001", 0, STANDARD, 512, [square(2048, 20001)]),
    ("soak-19999", 0, SOAK, 512, [square(2048, 19999)]),
    ("rounds", 0, QUICK, 512, [matmul(2048, 2048, 16384, rounds=1)]),
    ("not-square", 0, QUICK, 512, [matmul(2048, 4096, 16384, durationMs=5000)]),
    ("k-8192", 0, QUICK, 512, [matmul(2048, 2048, 8192, durationMs=5000)]),
    ("side-1024", 0, QUICK, 512, [square(1024)]),
    ("side-65536", 0, QUICK, 512, [square(65536)]),
    ("digests-11", 0, QUICK, 512, [hashes(11, 12, durationMs=5000)]),
    ("leaves-13", 0, QUICK, 512, [hashes(12, 13, durationMs=5000)]),
    ("leaves-20", 0, QUICK, 512, [hashes(12, 20, durationMs=5000)]),
    ("nine-bits", 1, QUICK, 512, [matmul9(1024, 1024, 16384, durationMs=5000)]),
    ("nine-bits-huge", 1, QUICK, 512, [matmul9(32768, 32768, 16384, durationMs=5000)]),
    ("nine-bits-2048", 0, QUICK, 512, [matmul9(2048, 2048, 16384, durationMs=5000)]),
    ("floats", 1, QUICK, 512, [floats(32, 1024, 1024, 8192, durationMs=5000), floats(64, 1024, 1024, 4096, durationMs=5000)]),
    ("floats-huge", 1, QUICK, 512, [floats(32, 16384, 16384, 8192, durationMs=5000),
                                    floats(64, 8192, 8192, 4096, durationMs=5000)]),
    ("floats-k-4096", 0, QUICK, 512, [floats(32, 1024, 1024, 4096, durationMs=5000)]),
    ("floats-k-8192", 0, QUICK, 512, [floats(64, 1024, 1024, 8192, durationMs=5000)]),
    ("floats-16384", 0, QUICK, 512, [floats(64, 16384, 16384, 4096, durationMs=5000)]),
    ("memory-quick", 1, QUICK, 512, table(512, 2**20, 10, durationMs=5000)),
    ("memory-quick-most", 1, QUICK, 512, table(512, 2**24, 14, durationMs=5000)),
    ("memory-standard", 1, STANDARD, 512, table(1536, 2**22 + 2**17, 12, durationMs=20000)),
    ("memory-soak", 1, SOAK, 512, table(1536, 2**32 - 2**17, 21, durationMs=20000)),
    ("memory-quick-large", 0, QUICK, 512, table(512, 2**24 + 2**17, 14, durationMs=5000)),
    ("memory-quick-slow-items", 0, QUICK, 512, table(1536, 2**20, 10, durationMs=5000)),
    ("memory-standard-fast-items", 0, STANDARD, 512, table(512, 2**20, 10, durationMs=20000)),
    ("memory-small", 0, QUICK, 512, table(512, 2**20 - 2**17, 9, durationMs=5000)),
    ("memory-step", 0, QUICK, 512, table(512, 2**20 + 2**16, 10, durationMs=5000)),
    ("memory-walkers", 0, QUICK, 512, table(512, 2**20, 11, durationMs=5000)),
    ("memory-rounds", 0, QUICK, 512, table(512, 2**20, 10, rounds=200)),
    ("memory-5001", 0, QUICK, 512, table(512, 2**20, 10, durationMs=5001)),
    ("name-other", 0, "assay/2 quick", 512, [hashes(12, 12, durationMs=5000)]),
    ("name-case", 0, "assay/1 Quick", 512, [hashes(12, 12, durationMs=5000)]))

# What is claimed of a whole job (§8.2): (name, rounds, members).
CLAIMS = (("staggered", [3, 2, 1], {"staggerMs": 250}), ("staggered-most", [3, 2, 1], {"staggerMs": 86400000}),
          ("budget", [3, 2, 1], {"powerBudgetW": 3500}), ("budget-most", [3, 2, 1], {"powerBudgetW": 10**6}),
          ("paused", [3], {"pauses": 2}), ("paused-most", [3], {"pauses": 10**6}))

# Time lines and throttled rounds (§8.3, §8.5), the least and the most that there may be: (name, rounds, how many were
# throttled, which, time line of device 0).
TIMELINES = (
    ("one", [3], 1, [[2, 2]], series([5])), ("gaps", [8, 1], 5, [[0, 2], [4, 4], [7, 7]], series([1, None, 3], power=None)),
    ("joined", [300], 65, [[2 * i, 2 * i] for i in range(63)] + [[126, 290]], series(range(120))),
    ("temperature", [3], 3, [[0, 2]], series([None, 0], clock=None, power=None)),
    ("large", [3], 1, [[0, 2]], series([2**53 - 1], step=2**53 - 1)),
    ("no-rounds-throttled", [3], 0, None, series([7, 9], step=1)))

LIES = {"medianNs": 0, "lowNs": 2**53 - 1, "highNs": 1, "elapsedNs": 2**53 - 1, "madNs": 2**53 - 1, "firstNs": 1,
        "steadyNs": 0, "driftPpm": 1 - 2**53, "deviceMedianNs": 0, "throttledRounds": 2**53 - 1, "energyMj": 0}


def worked(name):
    """The prover of a job of WORKED."""
    segments, devices, samples, *rounds = next(job[2:] for job in WORKED if job[0] == name)
    return Prover(challenge_of(segments, devices, samples), rounds=rounds[0] if rounds else None)


def never_worked(segments, **members):
    return Prover(challenge_of(segments, **members), rounds=[[0]] * len(segments))


def of_duration(rounds):
    return Prover(challenge_of([hashes(1, 2, durationMs=900)], len(rounds), 4), rounds=[rounds])


def good():
    """(name, verdict, all reasons, files)."""
    def case(name, reasons, prover, **claimed):
        return name, "inconclusive", reasons, finish(prover, **claimed)

    for name, reasons, *_ in WORKED:
        yield case(name, reasons, worked(name))
    odd = [device('a "quoted" \\ name', deviceId="", memoryBytes=2**53 - 1, computeUnits=0),
           device("~" * 256, deviceId=" " * 256, driver=""), device("\\" * 256)]
    yield case("odd-devices", UNKNOWN, Prover(challenge_of([hashes(1, 2, rounds=2)] * 3, 3, 4), odd))
    yield case("empty-profile-name", UNKNOWN, Prover(challenge_of([ONE], profile="")))
    for name, segments in CAPS:
        yield case("caps-" + name, EMPTY, never_worked(segments, samples=512))
    for name, inside, profile, samples, segments in PROFILES:
        yield case("profile-" + name, "run.empty" if inside else EMPTY,
                   never_worked(segments, samples=samples, profile=profile))
    p = worked("chain")  # claims are not checked (§8.3)
    yield case("claims-lie", UNKNOWN, p, segments=[[{**run, **LIES} for run in segment] for segment in p.claims()])
    for name, rounds, members in CLAIMS:
        yield case(name, UNKNOWN, of_duration(rounds), **members)
    for name, rounds, count, ranges, line in TIMELINES:
        p = of_duration(rounds)
        throttled = {"throttledRounds": count, "throttled": ranges} if ranges else {}
        segments = edit(p.claims(), "0.0", {**p.claim(0, 0), **throttled})
        telemetry = [{**p.telemetry(d), "series": line} if d == 0 else p.telemetry(d) for d in range(len(rounds))]
        yield case("timeline-" + name, UNKNOWN, p, segments=segments, telemetry=telemetry)
    # A real profile in its smallest row: the only one that passes.
    host = Prover(challenge_of([square(2048), hashes(12, 12, durationMs=5000)], samples=512, profile=QUICK), rounds=[[1], [1]])
    yield "quick-host", "pass", "-", finish(host)
