# SPDX-License-Identifier: Apache-2.0
"""Challenges that are malformed, beyond the caps, or unknown (§3, §5). Run records and openings are those of the base job."""
from counterpart.canonical import canonical, MAX_INT
from .base import edit, GONE
from .jobs import challenge_of, floats, hashes, keyid_of, matmul, matmul9, SECRET, table

SEGMENT, PARAMS, LENGTH = "segments.0", "segments.0.params", "segments.0.length"
FINE, TOP = hashes(1, 2, rounds=2), 2**20
FILL, WALK = table(2, 64, 0, rounds=8)

# Malformed: (name, path, value).
MEMBERS = (
    ("expires", "expires", "2030-01-01T00:00:00Z"), ("expires-0", "expires", 0), ("verifier", "verifier", "me"),
    ("leased-missing", "leased", GONE), ("leased-null", "leased", None), ("leased-string", "leased", "0"),
    ("leased-true", "leased", True), ("leased-array", "leased", []), ("expires-string", "expires", ""),
    ("verifier-keyid", "verifier", keyid_of(SECRET)), ("verifier-0", "verifier", 0), ("expires-missing", "expires", GONE),
    ("nonce-missing", "nonce", GONE), ("type-other", "type", "assay/1 receipt"), ("type-null", "type", None),
    ("unknown-member", "extra", None), ("mode-null", "mode", None), ("mode-array", "mode", ["self"]),
    ("nonce-short", "nonce", "0" * 62), ("nonce-long", "nonce", "0" * 66), ("nonce-upper", "nonce", "A" * 64),
    ("nonce-letters", "nonce", "g" * 64), ("nonce-null", "nonce", None), ("profile-null", "profile", None),
    ("samples-string", "samples", "4"), ("samples-true", "samples", True), ("samples-null", "samples", None),
    ("devices-string", "devices", "2"), ("devices-array", "devices", [0, 1]), ("segments-object", "segments", {}),
    ("segments-null", "segments", None), ("segment-null", SEGMENT, None), ("segment-array", SEGMENT, []),
    ("segment-member", SEGMENT + ".devices", 1), ("workload-missing", SEGMENT + ".workload", GONE),
    ("workload-integer", SEGMENT + ".workload", 1), ("params-missing", PARAMS, GONE), ("params-null", PARAMS, None),
    ("params-array", PARAMS, [1, 2]), ("params-member", PARAMS + ".seed", 0), ("params-empty", PARAMS, {}),
    ("params-of-matmul", PARAMS, {"k": 64, "m": 16, "n": 16}), ("params-string", PARAMS + ".log2Leaves", "2"),
    ("params-true", PARAMS + ".log2Digests", True), ("params-null-value", PARAMS + ".log2Leaves", None),
    ("length-missing", LENGTH, GONE), ("length-null", LENGTH, None), ("length-integer", LENGTH, 2),
    ("length-empty", LENGTH, {}), ("length-both", LENGTH, {"durationMs": 1, "rounds": 2}),
    ("length-other", LENGTH, {"seconds": 2}), ("length-string", LENGTH, {"rounds": "2"}),
    ("length-null-value", LENGTH, {"rounds": None}), ("length-true", LENGTH, {"rounds": True}))

# Malformed (§5.6): (name, segments).
WALKS = (("walk-alone", [WALK]), ("fill-alone", [FILL]), ("fill-last", [WALK, FILL]), ("fill-apart", [FILL, FINE, WALK]),
         ("walk-again", [FILL, WALK, WALK]), ("fill-twice", [FILL, FILL, WALK]),
         ("fill-of-other", [FILL, table(2, 65, 0, rounds=9)[1]]))

# Beyond the caps: (name, segments, other members).
CAPS = (
    ("samples-0", [FINE], {"samples": 0}), ("samples-8193", [FINE], {"samples": 8193}),
    ("samples-negative", [FINE], {"samples": -1}), ("samples-2-32-and-4", [FINE], {"samples": 2**32 + 4}),
    ("leased-1", [FINE], {"leased": 1}), ("leased-65", [FINE], {"leased": 65}), ("leased-negative", [FINE], {"leased": -1}),
    ("leased-max", [FINE], {"leased": MAX_INT}), ("devices-0", [FINE], {"devices": 0}),
    ("devices-65", [FINE], {"devices": 65}), ("devices-negative", [FINE], {"devices": -2}),
    ("devices-max", [FINE], {"devices": MAX_INT}), ("segments-0", []), ("segments-17", [FINE] * 17),
    ("rounds-0", [hashes(1, 2, rounds=0)]), ("rounds-4194305", [hashes(1, 2, rounds=2**22 + 1)]),
    ("rounds-negative", [hashes(1, 2, rounds=-1)]), ("rounds-2-32-and-2", [hashes(1, 2, rounds=2**32 + 2)]),
    ("rounds-max", [hashes(1, 2, rounds=MAX_INT)]), ("duration-0", [hashes(1, 2, durationMs=0)]),
    ("duration-86400001", [hashes(1, 2, durationMs=86400001)]), ("duration-negative", [hashes(1, 2, durationMs=-1)]),
    ("duration-max", [hashes(1, 2, durationMs=MAX_INT)]), ("digests-15", [hashes(15, 2, rounds=2)]),
    ("digests-negative", [hashes(-1, 2, rounds=2)]), ("leaves-33", [hashes(1, 33, rounds=2)]),
    ("leaves-negative", [hashes(1, -1, rounds=2)]), ("leaves-64", [hashes(1, 64, rounds=2)]),
    ("leaves-max", [hashes(1, MAX_INT, rounds=2)]), ("both-of-sha256", [hashes(15, 33, rounds=2)]),
    ("m-8", [matmul(8, 16, 64, rounds=1)]), ("n-8", [matmul(16, 8, 64, rounds=1)]), ("m-0", [matmul(0, 16, 64, rounds=1)]),
    ("n-0", [matmul(16, 0, 64, rounds=1)]), ("m-negative", [matmul(-16, 16, 64, rounds=1)]),
    ("m-24", [matmul(24, 16, 64, rounds=1)]), ("n-48", [matmul(16, 48, 64, rounds=1)]),
    ("m-17", [matmul(17, 16, 64, rounds=1)]), ("m-2-21", [matmul(2**21, 16, 64, rounds=1)]),
    ("n-2-21", [matmul(16, 2**21, 64, rounds=1)]), ("m-2-32-and-16", [matmul(2**32 + 16, 16, 64, rounds=1)]),
    ("m-2-52", [matmul(2**52, 16, 64, rounds=1)]), ("k-0", [matmul(16, 16, 0, rounds=1)]),
    ("k-32", [matmul(16, 16, 32, rounds=1)]), ("k-96", [matmul(16, 16, 96, rounds=1)]),
    ("k-negative", [matmul(16, 16, -64, rounds=1)]), ("k-131072", [matmul(16, 16, 131072, rounds=1)]),
    ("k-131009", [matmul(16, 16, 131009, rounds=1)]), ("k-max", [matmul(16, 16, MAX_INT - 63, rounds=1)]),
    ("m-k-above-2-37", [matmul(TOP, 16, 131136, rounds=1)]), ("n-k-above-2-37", [matmul(16, TOP, 131136, rounds=1)]),
    ("work-2-63", [matmul(TOP, TOP, 131008, rounds=33)]), ("work-far-above-2-63", [matmul(TOP, TOP, 131008, rounds=2**22)]),
    ("leaves-above-2-48", [hashes(0, 32, rounds=2**16 + 1)]), ("nine-bits-k-32768", [matmul9(16, 16, 32768, rounds=1)]),
    ("nine-bits-k-32", [matmul9(16, 16, 32, rounds=1)]), ("nine-bits-m-8", [matmul9(8, 16, 64, rounds=1)]),
    ("floats-k-16448", [floats(32, 16, 16, 16448, rounds=1)]), ("floats-k-8256", [floats(64, 16, 16, 8256, rounds=1)]),
    ("floats-k-32", [floats(32, 16, 16, 32, rounds=1)]), ("floats-k-96", [floats(64, 16, 16, 96, rounds=1)]),
    ("floats-m-8", [floats(32, 8, 16, 64, rounds=1)]), ("floats-n-8", [floats(64, 16, 8, 64, rounds=1)]),
    ("floats-depth-34", [floats(32, 2**20, 2**20, 64, rounds=1)]),
    ("floats-operand", [floats(64, 2**20, 16, 16384, rounds=1)]), ("double-rounds-0", table(0, 64, 0, rounds=8)),
    ("double-rounds-3", table(3, 64, 0, rounds=8)), ("double-rounds-4098", table(4098, 64, 0, rounds=8)),
    ("items-63", table(2, 63, 0, rounds=8)), ("items-2-32", table(2, 2**32, 0, rounds=8)),
    ("walkers-23", table(2, 64, 23, rounds=8)), ("walkers-negative", table(2, 64, -1, rounds=8)),
    ("walk-rounds-0", table(2, 64, 0, rounds=0)), ("fill-rounds-1", [(*FILL[:2], {"rounds": 1}), WALK]),
    ("fill-duration", [(*FILL[:2], {"durationMs": 1}), WALK]), ("second-segment", [FINE, matmul(16, 16, 131072, rounds=1)]))


def texts(payload):
    """Malformed: (name, payload)."""
    def text(old, new):
        assert payload.count(old) == 1, old
        return payload.replace(old, new)

    return (
        ("not-json", b"challenge"), ("null", b"null"), ("array", b"[]"), ("object-empty", b"{}"), ("one-byte", b"0"),
        ("space", text(b'"samples":4', b'"samples": 4')), ("newline-at-end", payload + b"\n"),
        ("unsorted", text(b'"mode":"self",', b"")[:-1] + b',"mode":"self"}'),
        ("duplicate-name", text(b'"samples":4', b'"samples":4,"samples":4')),
        ("duplicate-devices", text(b'"devices":2', b'"devices":1,"devices":2')),
        ("float", text(b'"samples":4', b'"samples":4.0')), ("exponent", text(b'"samples":4', b'"samples":4e0')),
        ("leading-zero", text(b'"samples":4', b'"samples":04')), ("minus-zero", text(b'"samples":4', b'"samples":-0')),
        ("samples-2-53", text(b'"samples":4', b'"samples":9007199254740992')),
        ("samples-2-64-and-4", text(b'"samples":4', b'"samples":18446744073709551620')),
        ("samples-5000-digits", text(b'"samples":4', b'"samples":' + b"4" * 5000)),
        ("escaped-letter", text(b'"self"', b'"s\\u0065lf"')), ("control", text(b'"vectors"', b'"\x1b[2J"')),
        ("escaped-control", text(b'"vectors"', b'"\\u001b[2J"')), ("non-ascii", text(b'"vectors"', b'"\xc3\xb6"')),
        ("nul-in-profile", text(b'"vectors"', b'"\0"')), ("deep", b"[" * 20000 + b"]" * 20000))


def cases(b):
    malformed = "challenge.malformed"
    for name, changed in texts(b.prover.payload):
        yield "challenge-" + name, malformed, b.with_sections(changed)
    for name, path, value in MEMBERS:
        yield "challenge-" + name, malformed, b.with_sections(canonical(edit(b.job, path, value)))

    def of_segments(segments, members):
        return b.with_sections(canonical({**challenge_of(segments), **members}),
                               predicate={"work": [w for w, p, l in segments]})

    for name, segments in WALKS:
        yield "challenge-" + name, malformed, of_segments(segments, {})
    for name, segments, *members in CAPS:
        yield "caps-" + name, "challenge.caps", of_segments(segments, *(members or [{}]))
    for name, mode in (("auditor", "auditor"), ("big-self", "Self"), ("empty", "")):
        changed = canonical(edit(b.job, "mode", mode))
        yield "challenge-mode-" + name, "challenge.mode", b.with_sections(changed, predicate={"challenge.mode": mode})
    for name, workload in (("sha256-2", "sha256/2"), ("matmul-i8", "matmul-i8"), ("case", "SHA256/1"), ("empty", "")):
        changed = canonical(edit(b.job, SEGMENT + ".workload", workload))
        yield "workload-" + name, "workload.unknown", b.with_sections(changed, predicate={"work": [workload]})
