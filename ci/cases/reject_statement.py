# SPDX-License-Identifier: Apache-2.0
"""Statements that are malformed, of other versions, or not of their transcript (§1.6, §8.2, §8.3, §8.5)."""
import json

from counterpart.basics import sha256
from counterpart.canonical import canonical
from counterpart.statement import NON_CLAIMS
from .base import edit, GONE
from .jobs import series
from .prover import Prover, signed

CLAIMED, RUN, CARDS = "predicate.claimed.", "predicate.claimed.segments.0.0", "predicate.claimed.telemetry.0"

# Ranges of throttled rounds: (name, throttledRounds, throttled).
THROTTLED = (
    ("null", 1, None), ("empty", 1, []), ("object", 1, {}), ("integers", 1, [0, 1]), ("one-number", 1, [[0]]),
    ("three-numbers", 1, [[0, 0, 0]]), ("text", 1, [["0", "1"]]), ("null-inside", 1, [[0, None]]), ("negative", 1, [[-1, 0]]),
    ("backward", 1, [[1, 0]]), ("falling", 2, [[2, 2], [0, 0]]), ("twice", 2, [[0, 0], [0, 0]]),
    ("overlapping", 2, [[0, 1], [1, 2]]), ("touching", 2, [[0, 0], [1, 1]]), ("2-22", 1, [[2**22, 2**22]]),
    ("65", 65, [[2 * i, 2 * i] for i in range(65)]), ("of-none", 0, [[0, 0]]), ("of-unknown", None, [[0, 0]]),
    ("fewer-than-ranges", 1, [[0, 0], [2, 2]]), ("more-than-in-ranges", 2, [[0, 0]]))

LINE = series([1, None, 3])
# Time lines: (name, series).
SERIES = (
    ("null", None), ("empty", {}), ("array", []), ("member", dict(LINE, memoryClockMhz=None)),
    ("step-missing", edit(LINE, "stepMs", GONE)), ("step-0", edit(LINE, "stepMs", 0)),
    ("step-null", edit(LINE, "stepMs", None)), ("step-negative", edit(LINE, "stepMs", -1)),
    ("column-missing", edit(LINE, "powerMw", GONE)), ("column-array", edit(LINE, "powerMw", [1, 2, 3])),
    ("column-member", edit(LINE, "clockMhz.median", [1, 2, 3])), ("row-missing", edit(LINE, "clockMhz.mean", GONE)),
    ("row-null", edit(LINE, "clockMhz.min", None)), ("row-longer", edit(LINE, "clockMhz.max", [3, None, 5, 6])),
    ("row-shorter", edit(LINE, "clockMhz.mean", [2, None])),
    ("column-longer", edit(LINE, "powerMw", series([1, 2, 3, 4])["powerMw"])),
    ("without-columns", series([1], clock=None, power=None, temperature=None)), ("without-points", series([])),
    ("121", series(range(121))), ("of-nulls", edit(LINE, "powerMw", series([None] * 3)["powerMw"])),
    ("ends-in-null", series([1, None])), ("negative", edit(LINE, "clockMhz.min", [-1, None, 3])),
    ("text", edit(LINE, "clockMhz.mean", ["2", None, 4])), ("array-inside", edit(LINE, "clockMhz.mean", [[2], None, 4])),
    ("half-null", edit(LINE, "clockMhz.mean", [None, None, 4])), ("mean-below-min", edit(LINE, "clockMhz.mean", [0, None, 4])),
    ("max-below-mean", edit(LINE, "clockMhz.max", [1, None, 5])))

# Of other versions: (name, path, value).
VERSIONS = (
    ("predicate-type-2", "predicateType", "urn:assay:attestation:2"),
    ("predicate-type-other", "predicateType", "https://slsa.dev/provenance/v1"),
    ("type-v2", "_type", "https://in-toto.io/Statement/v2"), ("type-v0-1", "_type", "https://in-toto.io/Statement/v0.1"))


def texts(s, payload):
    """Malformed: (name, payload)."""
    def text(old, new):
        assert payload.count(old) >= 1, old
        return payload.replace(old, new, 1)

    high = b'"highNs":%d,' % s["predicate"]["claimed"]["segments"][0][0]["highNs"]
    reverse = json.dumps({k: s[k] for k in sorted(s, reverse=True)}, separators=(",", ":")).encode()
    return (
        ("empty", b""), ("not-json", b"statement"), ("null", b"null"), ("array", b"[]"), ("object-empty", b"{}"),
        ("nan", b"NaN"), ("65536-spaces", b" " * 65536), ("space-at-end", payload + b" "), ("newline-at-end", payload + b"\n"),
        ("space-inside", text(b":{", b": {")), ("unsorted", reverse),
        ("unsorted-inside", text(high, b"").replace(b'"medianNs":', high + b'"medianNs":', 1)),
        ("duplicate-name", text(b'"_type":', b'"_type":"x","_type":')),
        ("duplicate-name-same-value", text(b'"mode":"self"', b'"mode":"self","mode":"self"')),
        ("duplicate-name-inside", text(b'"version":"0"', b'"version":"1","version":"0"')),
        ("float", text(b'"elapsedNs":', b'"elapsedNs":1.5,"x":')), ("float-integral", text(b',"highNs"', b'.0,"highNs"')),
        ("exponent", text(b',"highNs"', b'e0,"highNs"')), ("leading-zero", text(b'"elapsedNs":', b'"elapsedNs":0')),
        ("plus-sign", text(b'"elapsedNs":', b'"elapsedNs":+')),
        ("minus-zero", text(b'"computeUnits":1', b'"computeUnits":-0')),
        ("infinity", text(b'"computeUnits":1', b'"computeUnits":Infinity')),
        ("2-53", canonical(edit(s, RUN + ".elapsedNs", 2**53))), ("minus-2-53", canonical(edit(s, RUN + ".lowNs", -2**53))),
        ("2-64", canonical(edit(s, RUN + ".medianNs", 2**64))),
        ("1000-digits", text(b'"highNs":', b'"highNs":' + b"9" * 1000)),
        ("non-ascii", text(b'"name":"vectors"', '"name":"vect\u00f6rs"'.encode())),
        ("non-utf-8", text(b'"name":"vectors"', b'"name":"vect\xffrs"')),
        ("escaped-letter", text(b'"name":"vectors"', b'"name":"v\\u0065ctors"')),
        ("escaped-non-ascii", text(b'"name":"vectors"', b'"name":"v\\u00f6ctors"')),
        ("escaped-control", text(b'"name":"vectors"', b'"name":"v\\u001b[31m"')),
        ("escaped-newline", text(b'"name":"vectors"', b'"name":"a\\nb"')),
        ("escaped-slash", text(b"https://in", b"https:\\/\\/in")),
        ("raw-control", text(b'"name":"vectors"', b'"name":"\x1b[2J"')),
        ("raw-del", text(b'"name":"vectors"', b'"name":"\x7f"')), ("raw-nul", text(b'"name":"vectors"', b'"name":"\0"')),
        ("lone-surrogate", text(b'"name":"vectors"', b'"name":"\\ud800"')), ("bom", b"\xef\xbb\xbf" + payload),
        ("unterminated", payload[:-1]), ("closed-twice", payload + b"}"), ("trailing-comma", payload[:-1] + b",}"),
        ("comment", text(b'{"_type"', b'{/**/"_type"')), ("single-quotes", payload.replace(b'"', b"'")),
        ("deep", b"[" * 30000 + b"]" * 30000), ("deep-open", b"[" * 60000),
        ("deep-objects", b'{"":' * 12000 + b"0" + b"}" * 12000))


def members(s):
    """Malformed: (name, path, value)."""
    return (
        ("unknown-member", "extra", 0), ("subject-missing", "subject", GONE), ("predicate-missing", "predicate", GONE),
        ("predicate-null", "predicate", None), ("predicate-type-integer", "predicateType", 1), ("type-null", "_type", None),
        ("subject-empty", "subject", []), ("subject-two", "subject", s["subject"] * 2),
        ("subject-object", "subject", s["subject"][0]), ("subject-name", "subject.0.name", "transcripts"),
        ("subject-member", "subject.0.uri", ""), ("subject-sha512", "subject.0.digest.sha512", "0" * 128),
        ("subject-digest-upper", "subject.0.digest.sha256", s["subject"][0]["digest"]["sha256"].upper()),
        ("subject-digest-short", "subject.0.digest.sha256", "0" * 63),
        ("subject-digest-null", "subject.0.digest.sha256", None), ("predicate-member", "predicate.work_total", 1),
        ("challenge-member", "predicate.challenge.nonce", ""), ("challenge-mode-null", "predicate.challenge.mode", None),
        ("challenge-digest-string", "predicate.challenge.digest", "0" * 64), ("claimed-missing", "predicate.claimed", GONE),
        ("started-space", CLAIMED + "startedAt", "2030-01-01 00:00:00Z"),
        ("started-fraction", CLAIMED + "startedAt", "2030-01-01T00:00:00.0Z"),
        ("started-offset", CLAIMED + "startedAt", "2030-01-01T00:00:00+00:00"),
        ("started-no-zone", CLAIMED + "startedAt", "2030-01-01T00:00:00"),
        ("started-small-z", CLAIMED + "startedAt", "2030-01-01T00:00:00z"),
        ("started-letters", CLAIMED + "startedAt", "YYYY-MM-DDThh:mm:ssZ"),
        ("finished-integer", CLAIMED + "finishedAt", 1893456000), ("finished-empty", CLAIMED + "finishedAt", ""),
        ("stagger-missing", CLAIMED + "staggerMs", GONE), ("stagger-null", CLAIMED + "staggerMs", None),
        ("stagger-true", CLAIMED + "staggerMs", True), ("stagger-string", CLAIMED + "staggerMs", "250"),
        ("stagger-negative", CLAIMED + "staggerMs", -1), ("stagger-86400001", CLAIMED + "staggerMs", 86400001),
        ("budget-missing", CLAIMED + "powerBudgetW", GONE), ("budget-null", CLAIMED + "powerBudgetW", None),
        ("budget-string", CLAIMED + "powerBudgetW", "3500"), ("budget-negative", CLAIMED + "powerBudgetW", -1),
        ("budget-1000001", CLAIMED + "powerBudgetW", 10**6 + 1), ("pauses-missing", CLAIMED + "pauses", GONE),
        ("pauses-null", CLAIMED + "pauses", None), ("pauses-true", CLAIMED + "pauses", True),
        ("pauses-string", CLAIMED + "pauses", "2"), ("pauses-negative", CLAIMED + "pauses", -1),
        ("pauses-1000001", CLAIMED + "pauses", 10**6 + 1), ("claimed-member", CLAIMED + "stagger", 0),
        ("claimed-segment-null", "predicate.claimed.segments.0", None), ("claimed-run-integer", RUN, 5),
        ("claimed-run-member", RUN + ".rate", 1), ("claimed-low-missing", RUN + ".lowNs", GONE),
        ("claimed-elapsed-0", RUN + ".elapsedNs", 0), ("claimed-elapsed-negative", RUN + ".elapsedNs", -1),
        ("claimed-elapsed-string", RUN + ".elapsedNs", "1"), ("claimed-elapsed-true", RUN + ".elapsedNs", True),
        ("claimed-elapsed-null", RUN + ".elapsedNs", None), ("claimed-median-null", RUN + ".medianNs", None),
        ("claimed-mad-null", RUN + ".madNs", None), ("claimed-mad-missing", RUN + ".madNs", GONE),
        ("claimed-first-negative", RUN + ".firstNs", -1), ("claimed-steady-negative", RUN + ".steadyNs", -1),
        ("claimed-steady-missing", RUN + ".steadyNs", GONE), ("claimed-drift-string", RUN + ".driftPpm", "0"),
        ("claimed-drift-missing", RUN + ".driftPpm", GONE), ("claimed-device-string", RUN + ".deviceMedianNs", ""),
        ("claimed-throttled-negative", RUN + ".throttledRounds", -1),
        ("claimed-throttled-array", RUN + ".throttledRounds", []), ("claimed-energy-negative", RUN + ".energyMj", -1),
        ("claimed-energy-missing", RUN + ".energyMj", GONE), ("telemetry-missing", CLAIMED + "telemetry", GONE),
        ("telemetry-object", CLAIMED + "telemetry", {}), ("telemetry-integer", CARDS, 0), ("telemetry-empty", CARDS, {}),
        ("telemetry-member", CARDS + ".serial", "1"), ("telemetry-source-empty", CARDS + ".source", ""),
        ("telemetry-source-33", CARDS + ".source", "a" * 33), ("telemetry-source-null", CARDS + ".source", None),
        ("telemetry-joined-other", CARDS + ".joined", "serial"), ("telemetry-joined-null", CARDS + ".joined", None),
        ("telemetry-samples-null", CARDS + ".samples", None), ("telemetry-samples-negative", CARDS + ".samples", -1),
        ("telemetry-range-integer", CARDS + ".clockMhz", 5), ("telemetry-range-member", CARDS + ".powerMw.mean", 1),
        ("telemetry-range-missing", CARDS + ".temperatureMc.max", GONE),
        ("telemetry-range-null-inside", CARDS + ".memoryClockMhz.min", None),
        ("telemetry-range-negative", CARDS + ".powerMw.min", -1), ("telemetry-ecc-negative", CARDS + ".eccErrors", -1),
        ("telemetry-xid-string", CARDS + ".xidErrors", "79"), ("telemetry-limit-missing", CARDS + ".powerLimitMw", GONE),
        ("telemetry-limit-negative", CARDS + ".powerLimitMw", -1), ("telemetry-pcie-missing", CARDS + ".pcieWidth", GONE),
        ("telemetry-reasons-object", CARDS + ".throttleReasons", {}),
        ("telemetry-reasons-integer", CARDS + ".throttleReasons", [1]),
        ("telemetry-reasons-order", CARDS + ".throttleReasons", ["sw-power-cap", "hw-thermal"]),
        ("telemetry-reasons-twice", CARDS + ".throttleReasons", ["hw-thermal", "hw-thermal"]),
        ("telemetry-reasons-empty", CARDS + ".throttleReasons", [""]),
        ("telemetry-reasons-space", CARDS + ".throttleReasons", ["hw thermal"]),
        ("telemetry-reasons-33", CARDS + ".throttleReasons", ["a" * 33]),
        ("telemetry-reasons-17", CARDS + ".throttleReasons", ["a%02d" % i for i in range(17)]),
        ("devices-null", "predicate.devices", None), ("harness-missing", "predicate.harness", GONE),
        ("harness-member", "predicate.harness.url", ""), ("harness-version-integer", "predicate.harness.version", 1),
        ("harness-name-257", "predicate.harness.name", "a" * 257),
        ("harness-commit-null", "predicate.harness.gitCommit", None),
        ("kernels-string", "predicate.harness.kernels", "0" * 64), ("kernels-short", "predicate.harness.kernels.sha256", "00"),
        ("nonclaims-fewer", "predicate.nonClaims", NON_CLAIMS[:-1]), ("nonclaims-empty", "predicate.nonClaims", []),
        ("nonclaims-more", "predicate.nonClaims", NON_CLAIMS + ["warranty"]),
        ("nonclaims-order", "predicate.nonClaims", NON_CLAIMS[::-1]), ("work-string", "predicate.work", "sha256/1"),
        ("work-integers", "predicate.work", [1]), ("work-null", "predicate.work", None))


def bindings(s, devices, block):
    """Not of the transcript: (name, path in the predicate, value)."""
    segments = s["predicate"]["claimed"]["segments"]
    return (
        ("claimed-segment-missing", "claimed.segments", []), ("claimed-segment-more", "claimed.segments", segments * 2),
        ("claimed-run-missing", "claimed.segments.0.1", GONE), ("claimed-run-null", "claimed.segments.0.1", None),
        ("telemetry-fewer", "claimed.telemetry.1", GONE), ("telemetry-none", "claimed.telemetry", []),
        ("telemetry-more", "claimed.telemetry", [None] * 3), ("challenge-digest", "challenge.digest.sha256", "0" * 64),
        ("mode", "challenge.mode", "auditor"), ("challenge-digest-other", "challenge.digest.sha256", sha256(block).hex()),
        ("profile", "challenge.profile", "assay/1 quick"), ("profile-empty", "challenge.profile", ""),
        ("work-other", "work", ["matmul-i8/1"]), ("work-empty", "work", []), ("work-more", "work", ["sha256/1"] * 2),
        ("devices-renamed", "devices.0.name", "better device"), ("devices-exchanged", "devices", devices[::-1]),
        ("devices-fewer", "devices", devices[:1]), ("devices-more", "devices", devices * 2), ("devices-empty", "devices", []),
        ("devices-memory", "devices.1.memoryBytes", 1))


def cases(b):
    s, p = b.statement, b.prover
    malformed, mismatch = "statement.malformed", "binding.mismatch"
    for name, payload in texts(s, b.payload):
        yield "statement-" + name, malformed, b.with_payload(payload)
    for name, path, value in members(s):
        yield "statement-" + name, malformed, b.with_member(path, value)
    for name, rounds, ranges in THROTTLED:
        run = {"throttledRounds": rounds, "throttled": ranges}
        yield "statement-throttled-" + name, malformed, b.with_member(RUN, {**p.claim(0, 0), **run})
    for name, line in SERIES:
        yield "statement-series-" + name, malformed, b.with_member(CARDS + ".series", line)
    beyond = {**p.claim(0, 0), "throttledRounds": 1, "throttled": [[1, 2]]}
    yield "binding-throttled-beyond-the-rounds", mismatch, b.with_member(RUN, beyond)
    empty = Prover(edit(b.job, "segments.0.length", {"durationMs": 1}), rounds=[[1, 0]])
    filled = edit(empty.statement(), CLAIMED + "segments.0.1", empty.claim(0, 0))
    yield "statement-claimed-run-of-empty-run", mismatch, (signed(filled), empty.transcript())
    for name, path, value in VERSIONS:
        yield "statement-" + name, "statement.version", b.with_member(path, value)
    for name, path, value in bindings(s, p.devices, p.block):
        yield "binding-" + name, mismatch, b.with_member("predicate." + path, value)
    renamed = canonical(edit(p.devices, "0.name", "better device"))
    yield "binding-devices-renamed-in-transcript", mismatch, b.with_sections(devices=renamed)
