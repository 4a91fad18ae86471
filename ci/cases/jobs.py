# SPDX-License-Identifier: Apache-2.0
"""Challenges (§3) and devices (§6) of the vectors. A segment is (workload, params, length)."""
from counterpart.basics import sha256
from counterpart.canonical import MAX_INT
from counterpart.ed25519 import ed25519_public, keyid

SECRET = sha256(b"test vectors: signing key")
STRANGER = sha256(b"test vectors: another key")
VERIFIER = sha256(b"test vectors: a verifier's key")
BEGIN, EXPIRES = 1893456000 * 10**9, "2030-01-01T01:00:00Z"
QUICK, STANDARD, SOAK = "assay/1 quick", "assay/1 standard", "assay/1 soak"


def keyid_of(secret):
    return keyid(ed25519_public(secret))


def device(name, **other):
    return {"architecture": "none", "backend": "vectors", "computeUnits": 1, "deviceId": None, "driver": "0",
            "memoryBytes": 0, "name": name, "variant": "scalar", **other}


def challenge_of(segments, devices=1, samples=16, profile="vectors", **other):
    return {"devices": devices, "expires": None, "leased": 0, "mode": "self",
            "nonce": sha256(b"test vectors: nonce").hex(),
            "profile": profile, "samples": samples, "type": "assay/1 challenge", "verifier": None,
            "segments": [{"length": l, "params": p, "workload": w} for w, p, l in segments], **other}


def asked(segments, devices=1, samples=16, profile="vectors", leased=0, expires=EXPIRES, by=VERIFIER):
    """The challenge of the verifier with that key."""
    return challenge_of(segments, devices, samples, profile, mode="verifier", expires=expires, leased=leased,
                        verifier=keyid_of(by))


def matmul(m, n, k, **length):
    return "matmul-i8/1", {"k": k, "m": m, "n": n}, length


def matmul9(m, n, k, **length):
    return "matmul-i9/1", {"k": k, "m": m, "n": n}, length


def floats(bits, m, n, k, **length):
    return "matmul-f%d/1" % bits, {"k": k, "m": m, "n": n}, length


def hashes(b, h, **length):
    return "sha256/1", {"log2Digests": b, "log2Leaves": h}, length


def table(double_rounds, items, walkers, **length):
    """Fill and walk."""
    params = {"doubleRounds": double_rounds, "items": items, "log2Walkers": walkers}
    return [("memory-fill/1", params, {"rounds": 0}), ("memory/1", params, length)]


def square(side, ms=5000):
    """A product as profiles have it (§11)."""
    return matmul(side, side, 16384, durationMs=ms)


def series(values, step=100, clock=0, power=1000, temperature=10**5):
    """A time line (§8.5) of these values, each quantity so much above them; without those that are None."""
    def column(above):
        return above if above is None else {
            name: [x if x is None else min(MAX_INT, x + above + i) for x in values]
            for i, name in enumerate(("min", "mean", "max"))}

    return {"clockMhz": column(clock), "powerMw": column(power), "stepMs": step, "temperatureMc": column(temperature)}
