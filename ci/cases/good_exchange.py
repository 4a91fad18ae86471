# SPDX-License-Identifier: Apache-2.0
"""Attestations in mode `verifier` that hold (§4.5, §8.6)."""
from counterpart.challenge import seconds_of
from .good import EMPTY, ONE, SHORT, UNKNOWN
from .jobs import asked, BEGIN, challenge_of, hashes, matmul, matmul9, QUICK, square, table
from .prover import finish, Prover
from .verifier import answer, at, pair, small

# (name, reasons, challenge, rounds done: as asked when not said)
WORKED = (
    ("", UNKNOWN, asked([matmul(32, 32, 64, rounds=3), hashes(3, 4, durationMs=700), matmul9(32, 16, 128, rounds=2)], 2)),
    ("-two", UNKNOWN, asked([matmul(32, 32, 64, rounds=3), hashes(3, 4, durationMs=900)], 2, 32)),
    ("-one", UNKNOWN, asked([ONE])), ("-leased", UNKNOWN, asked([hashes(1, 2, rounds=2)], 2, leased=3)),
    ("-leased-most", UNKNOWN, asked([ONE], leased=64)),
    ("-memory", UNKNOWN, asked(table(4, 64, 0, rounds=9) + table(2, 65, 2, rounds=3), 2, 4)),
    ("-memory-duration", UNKNOWN, asked(table(2, 100, 1, durationMs=7), 2, 4), [[0, 0], [7, 8]]),
    ("-memory-seven-passes", SHORT, asked(table(2, 64, 0, rounds=7), 1, 4)),
    ("-sixteen-segments", UNKNOWN, asked([ONE] * 16, 1, 2)),
    ("-empty-run", EMPTY, asked([hashes(1, 2, durationMs=10)] * 2, 2, 4), [[2, 1], [0, 3]]),
    ("-short-run", SHORT, asked([hashes(1, 2, rounds=5)], 2, 4), [[5, 4]]))

# Times of the five receipts: faster than the asked duration, as fast as can be told, up to the last instant, before.
CLOCKS = (("short-bracket", range(BEGIN, BEGIN + 5 * 10**6, 10**6)), ("nanoseconds", range(BEGIN, BEGIN + 5)),
          ("until-expiry", range(BEGIN + 3600 * 10**9 - 4, BEGIN + 3600 * 10**9 + 1)),
          ("bounds-of-time", (0, 1, 9, 10, 2**63 - 1)), ("before-the-challenge", range(5)))
EXPIRE = (("2000", "2000-02-29T23:59:59Z"), ("2096", "2096-02-29T00:00:00Z"), ("2100", "2100-02-28T23:59:59Z"),
          ("2001", "2001-12-31T23:00:59Z"))


def good():
    """(name, verdict with the verifier's key, all reasons, files)."""
    def case(name, reasons, prover):
        return name, "inconclusive", reasons, finish(prover)

    for name, reasons, challenge, *rounds in WORKED:
        yield case("receipts" + name, reasons, answer(challenge, *rounds))
    for name, times in CLOCKS:
        p = answer(small(expires="9999-12-31T23:59:59Z")) if name == "bounds-of-time" else pair()
        yield case("receipts-" + name, UNKNOWN, at(p, times))
    for name, expires in EXPIRE:
        end = seconds_of(expires) * 10**9
        p = answer(asked([ONE], expires=expires), now=0)
        yield case("receipts-expire-" + name, UNKNOWN, at(p, (end - 2, end - 1, end)))
    # Profiles (§11), never worked.
    for samples in (127, 128, 256, 512, 1024, 2048):
        yield case("receipts-profile-samples-%d" % samples, EMPTY if samples in (127, 1024) else "run.empty",
                   answer(asked([square(2048)], 1, samples, QUICK), [[0]]))
    for samples in (128, 256):
        yield case("profile-samples-%d" % samples, EMPTY,
                   Prover(challenge_of([square(2048)], 1, samples, QUICK), rounds=[[0]]))
    itself = Prover(challenge_of([ONE]))
    yield "receipts-of-nobody", "inconclusive", UNKNOWN, (*finish(itself), b"in mode self nobody reads this")
    host = answer(asked([square(2048), hashes(12, 12, durationMs=5000)], 1, 128, QUICK), [[1], [1]])
    yield "receipts-quick-host", "pass", "-", finish(host)
