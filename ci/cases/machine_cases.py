# SPDX-License-Identifier: Apache-2.0
"""Claims that are held against the attestations of machine.py, and what must come of it (§10.9 to §10.11)."""
import json


def wanted(*claims):
    return {"claims": [{"vendor": "acme", "model": model, **other} for model, other in claims]}


def keys(*texts):
    return [{"key": "capabilities/gpu/" + text, "value": "true"} for text in texts]


def least(name, unit, value, count=1):
    return wanted(("even", {"count": count, "minimum": {name: {unit + "PerSecond": value}}}))


# Files beside the index.
FILES = {
    "minimum": least("sha256/1", "hashes", 8000, 2), "minimum-above": least("sha256/1", "hashes", "8001", 2),
    "minimum-of-none": least("matmul-i8/1", "ops", 1),
    "minimum-of-kinds": wanted(("k", {"minimum": {
        "matmul-i8/1": {"opsPerSecond": 4096 * 10**9}, "matmul-i9/1": {"opsPerSecond": "8192000000000"},
        "matmul-f32/1": {"flopsPerSecond": 2048 * 10**9}, "matmul-f64/1": {"flopsPerSecond": 1024 * 10**9},
        "memory/1": {"bytesPerSecond": 144 * 10**9}}})),
    "minimum-of-memory": wanted(("k", {"minimum": {"memory/1": {"bytesPerSecond": 144 * 10**9 + 1}}})),
    "all-members": wanted(("mem", {"memory": "640MiB", "interface": "SXM", "count": 3, "source": "the offer, \u20ac 1 an hour",
                                   "minimum": {}}), ("m22", {})),
    # One entry says nothing that others do not say more exactly; two are equal.
    "keys": keys("vendor/acme/model/even", "vendor/acme/model/even/ram/1Gi", "vendor/acme/model/twin/interface/pcie",
                 "vendor/acme/model/twin", "vendor/acme/model/twin/interface/pcie", "vendor/acme/model/*") +
            [{"key": "region", "value": "eu"}],
    "models": {"name": "node 7", "gpuModels": [{"vendor": "acme", "model": "Even", "ram": None, "interface": "", "more": 1.5},
                                               {"vendor": "acme", "model": "even", "ram": "", "interface": None},
                                               {"vendor": "acme", "model": "big"}]}}

# What the catalogue cannot have done, by attestation, of device 0.
SLOW = ("K|K+|i8-|i9f-|i9i|i9i-|i9?|f32-|f64-|f64x4|f64?|f64?-|f64m|f64m-|f64m?|bw|bw-|bw2|bw?|bw8|bw8-|bw9|"
        "m1|m3|m4|m7|m22|m30|m40|m60|Five|Six")
HASHES = SLOW + "|Edge|TwinS"
BEYOND = {"eight": HASHES, "leased": HASHES, "empty": HASHES, "label": SLOW, "half": "bw|bw-|bw2", "tables": "bw|bw-|bw2",
          "kinds": "i8-|i9f-|i9i-|f32-|f64-|f64?-|f64m-|bw-|One|Two", "large": "bw8-|m1", "full": "m1|m3|m4|m7",
          "fuller": "m1|m3|m4|m7|m22"}

# (name, attestation, claims, reason of the check, of each claim: its devices with their reasons, and what it got and lacks)
CASES = (
    ("belongs", "eight", "acme/even x2", None, "0 1"),
    ("units", "eight", "acme/even x3", "model", "0 1 5:model"),
    ("taken", "eight", "acme/just x4", "model", "2:lesser 4:model 7:model lacking 1"),
    ("taken-not-lesser", "eight", "acme/even x6", "model", "0 1 2 5:model 7:model lacking 1"),
    ("lacking", "eight", "acme/even x64", "model", "0 1 2 5:model 7:model lacking 59"),
    ("two-claims", "eight", "acme/even x2; acme/low", None, "0 1", "4"),
    ("two-claims-in-order", "eight", "acme/big x2; acme/even x2", "lesser", "2:lesser 6", "0 1"),
    ("same-claim-twice", "eight", "acme/even; acme/even", None, "0", "1"),
    ("taken-in-order", "eight", "acme/just x4; acme/k x3; acme/even", "model", "2:lesser 4:model 7:model lacking 1",
     "lacking 3", "0"),
    ("more-than-said", "eight", "acme/even; acme/just x3", "model", "0", "2:lesser 4:model 7:model"),
    ("capitals", "eight", "Acme/EVEN x2", None, "0 1"),
    ("times", "eight", "acme/even \u00d72", None, "0 1"),
    ("path", "eight", "capabilities/gpu/vendor/acme/model/even x2", None, "0 1"),
    ("path-of-dots", "eight", "vendor.acme.model.even.interface.pcie", None, "0"),
    ("keys", "eight", "keys.json", "model", "unknown lacking 1", "2 7:model"),
    ("models", "eight", "models.json", None, "0 1", "6"),
    ("minimum", "eight", "minimum.json", None, "0 1"),
    ("minimum-above", "eight", "minimum-above.json", "minimum", "0:minimum 1:minimum"),
    ("minimum-of-none", "eight", "minimum-of-none.json", "minimum", "0:minimum"),
    ("reach", "eight", "acme/low/sxm x1", None, "4"),
    ("beyond-reach", "eight", "acme/edge", "model", "2:model"),
    ("lesser", "eight", "acme/just", "lesser", "2:lesser"),
    ("lesser-than-one-of-two", "eight", "acme/pair", None, "2"),
    ("lesser-than-all", "eight", "acme/pair/a", "lesser", "2:lesser"),
    ("no-ceilings", "eight", "acme/none-known", None, "2"),
    ("not-lesser", "eight", "acme/pair/b", None, "2"),
    ("interface", "eight", "acme/twin/pcie", None, "2"),
    ("interface-shorter", "eight", "acme/twin/pc", None, "2"),
    ("interface-longer", "eight", "acme/twin/pcie5", None, "2"),
    ("interface-none", "eight", "acme/twin", None, "2"),
    ("interface-beyond-reach", "eight", "acme/twin/sxm", "model", "2:model"),
    ("interface-other", "eight", "acme/twin/oam", "unknown", "unknown lacking 1"),
    ("interface-of-all", "eight", "acme/even/oam x2", None, "0 1"),
    ("unknown", "eight", "acme/none x8", "unknown", "unknown lacking 8"),
    ("unknown-vendor", "eight", "nobody/even", "unknown", "unknown lacking 1"),
    ("unknown-memory", "eight", "acme/even/80Gi", "unknown", "unknown lacking 1"),
    ("other-vendor", "eight", "bolt/even", None, "2"),
    ("unknown-and-known", "eight", "acme/none x2; acme/even x2", "unknown", "unknown lacking 2", "0 1"),
    ("label", "label", "acme/mem x7", "capacity", " ".join("%d:capacity" % d for d in range(7))),
    ("label-claimed", "label", "acme/memory/600Mi x7", "model",
     "0:capacity 1:capacity 2:capacity 3:capacity 4:capacity 5:capacity 6:model"),
    ("label-of-two", "label", "acme/mem/300Mi/oam", "capacity", "4:capacity"),
    ("label-of-two-and-more", "label", "acme/mem/300Mi/oam x3", "capacity", "0:capacity 4:capacity 6:capacity"),
    ("label-of-none", "label", "acme/mem/450Mi", "unknown", "unknown lacking 1"),
    ("interface-of-none", "label", "acme/mem/pcie", "unknown", "unknown lacking 1"),
    ("label-90", "label", "acme/mem/576Mi x2", "capacity", "0:capacity 1:capacity"),
    ("label-below-90", "label", "acme/mem/575Mi x2", "unknown", "unknown lacking 2"),
    ("label-105", "label", "acme/mem/672MiB x4", "model", "0:model 2:capacity 3:capacity 4:capacity"),
    ("label-above-105", "label", "acme/mem/673Mi x2", "unknown", "unknown lacking 2"),
    ("all-members", "label", "all-members.json", "count", "1:capacity 2:capacity 4:capacity", "lacking 1"),
    ("fits", "mixed", "acme/even; acme/big", None, "2", "1"),
    ("fits-more-than-one", "mixed", "acme/even x2; acme/big x2", "count", "0 2", "1 lacking 1"),
    ("fits-memory", "mixed", "acme/mem/640Mi; acme/mem/300Mi", "capacity", "4:capacity", "3:capacity"),
    ("fits-after-names", "mixed", "acme/mem/640Mi x3", "model", "0:capacity 3:model 4:capacity"),
    ("fits-what-is-unknown", "mixed", "acme/none-known", None, "0"),
    ("leased", "leased", "acme/even x5", None, "0 1 leased 3"),
    ("leased-some", "leased", "acme/even x3", None, "0 1 leased 1"),
    ("leased-too-few", "leased", "acme/even x6", "count", "0 1 leased 3 lacking 1"),
    ("leased-in-order", "leased", "acme/big x2; acme/even x4", "count", "leased 2", "0 1 leased 1 lacking 1"),
    ("leased-then-taken", "leased", "acme/big x4", "model", "0:model leased 3"),
    ("leased-then-all-taken", "leased", "acme/big x6", "model", "0:model 1:model leased 3 lacking 1"),
    ("leased-none-for-unknown", "leased", "acme/none x2; acme/even x5", "unknown", "unknown lacking 2", "0 1 leased 3"),
    ("empty", "empty", "acme/even x2", "lesser", "0 1:lesser"),
    ("empty-minimum", "empty", "minimum.json", "minimum", "0 1:minimum"),
    ("kinds", "kinds", "acme/k", None, "0"),
    ("kinds-minimum", "kinds", "minimum-of-kinds.json", None, "0"),
    ("kinds-minimum-of-memory", "kinds", "minimum-of-memory.json", "minimum", "0:minimum"),
    ("kinds-lesser", "kinds", "acme/k2", "lesser", "0:lesser"),
    ("lesser-in-as-many", "eight", "acme/one", "lesser", "2:lesser"),
    ("lesser-in-more", "kinds", "acme/five", "lesser", "0:lesser"),
    ("lesser-in-fewer", "kinds", "acme/six", None, "0"),
    ("kinds-of-large-caches", "kinds", "acme/bw", "lesser", "0:lesser"),
    ("capacity-half", "half", "acme/m1/1Mi", "capacity", "0:capacity"),
    ("capacity-more-than-half", "tables", "acme/m1/1Mi", None, "0"),
    ("capacity-of-model", "tables", "acme/m1", "capacity", "0:capacity"),
    ("capacity-rounded-down", "large", "acme/m4", "lesser", "0:lesser"),
    ("capacity-shown", "large", "acme/m3", None, "0"),
    ("cache", "large", "acme/bw8", None, "0"),
    ("cache-of-just-the-table", "large", "acme/bw8-", "model", "0:model"),
    ("cache-larger", "large", "acme/bw9", None, "0"),
    ("cache-of-greatest-rate", "tables", "acme/bw8-", None, "0"),
    ("capacity-reach", "full", "acme/m22", None, "0"),
    ("capacity-beyond-reach", "fuller", "acme/m22", "model", "0:model"),
    ("capacity-lesser", "full", "acme/m40", "lesser", "0:lesser"),
    ("capacity-of-least-label", "fuller", "acme/m60", "lesser", "0:lesser"),
    ("capacity-not-lesser", "fuller", "acme/m40", None, "0"),
    ("self", "self", "acme/low", "time", "0:time"),
    ("self-beyond-reach", "self", "acme/low; acme/edge; acme/even", "model", "0:time", "1:model", "2:model"),
    ("self-count", "self", "acme/low x3", "time", "0:time lacking 2"),
    ("self-unknown", "self", "acme/none; acme/low", "unknown", "unknown lacking 1", "0:time"),
    ("self-capacity", "self-large", "acme/m7", "model", "0:model"),
    ("self-capacity-in-reach", "self-large", "acme/m22 x2", "time", "0:time lacking 1"),
    ("many", "good/sixty-four-devices", "acme/just x3", "time", "0:time 1:time 2:time"),
    ("pass", "good/receipts-quick-host", "acme/host", None, "0"),
    ("untrusted-receipts", "reject/receipts-untrusted-stranger", "acme/just", "time", "0:time"),
    ("untrusted-key", "reject/untrusted", "acme/just", "time", "0:time"),
    # Not reached.
    ("mismatch", "reject/receipts-work-no-work", "acme/just", None),
    ("mismatch-of-a-leaf", "reject/work-one-wrong-entry", "acme/just; acme/none", None),
    ("ended", "reject/receipts-digest-other", "acme/just", None))
# Reasons without claims, of attestations that are not of machine.py.
REASONS = {"good/sixty-four-devices": "profile.unknown", "good/receipts-quick-host": "",
           "reject/receipts-untrusted-stranger": "receipts.untrusted,profile.unknown",
           "reject/untrusted": "key.untrusted,profile.unknown", "reject/receipts-digest-other": "receipts.digest",
           "reject/receipts-work-no-work": "profile.unknown,leaf.mismatch",
           "reject/work-one-wrong-entry": "profile.unknown,leaf.mismatch"}


def text_of(x):
    return (json.dumps(x, indent=1) + "\n").encode()


def summary(entry):
    """Of an entry of §10.11, as CASES have it."""
    parts = ["unknown"] if entry["reason"] == "claim.unknown" else []
    parts += [str(x["device"]) + (":" + x["reason"].split(".")[1] if x["reason"] else "") for x in entry["devices"]]
    parts += ["%s %d" % (name, entry[name]) for name in ("leased", "lacking") if entry[name]]
    return " ".join(parts)
