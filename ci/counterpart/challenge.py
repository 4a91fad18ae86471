# SPDX-License-Identifier: Apache-2.0
"""§3: the challenge with its caps; its profile (§11) and its cost (§12)."""
import calendar
import re

from .basics import need
from .canonical import has, is_hex64, is_int, is_text, parse_json
from .floats import MatmulF32, MatmulF64
from .hashes import Sha256
from .matmul import Matmul, Matmul9
from .memory import Memory, MemoryFill

WORKLOADS = {"matmul-i8/1": Matmul, "matmul-i9/1": Matmul9, "matmul-f32/1": MatmulF32,
             "matmul-f64/1": MatmulF64, "sha256/1": Sha256, "memory-fill/1": MemoryFill, "memory/1": Memory}
FILLS = {"memory/1": "memory-fill/1"}


class Segment:
    """§3.2, with the caps of §3.3. `duration` in ms and `rounds` are None when the other is asked for; `leaves` of a round."""

    def __init__(self, x):
        bad = "challenge.malformed"
        need(has(x, "length params workload") and is_text(x["workload"]), bad, "segment")
        length = x["length"]
        need(has(length, "durationMs") or has(length, "rounds"), bad, "length")
        self.rounds, self.duration = length.get("rounds"), length.get("durationMs")
        need(all(is_int(v) for v in length.values()), bad, "length")
        need(self.rounds is None or 0 <= self.rounds <= 2**22, "challenge.caps", "rounds")
        need(self.duration is None or 1 <= self.duration <= 86400000, "challenge.caps", "durationMs")
        self.name, self.params = x["workload"], x["params"]
        need(self.name in WORKLOADS, "workload.unknown")
        self.is_fill = self.name in FILLS.values()
        need(self.is_fill == (self.rounds == 0), "challenge.caps", "rounds is 0 in a fill, and only there")
        self.workload = WORKLOADS[self.name](self.params)
        self.leaves = 1 << self.workload.depth
        need(self.is_fill or self.within(self.rounds or 1), "challenge.caps", "leaves or work of a run")

    def within(self, rounds):
        return (rounds <= (0 if self.is_fill else 2**22) and rounds * self.leaves <= 2**48 and
                rounds * self.workload.work < 2**63)


class Challenge:
    """§3.1. `expires` in seconds since 1970, None in mode `self`; `runs` are (segment, device) in the order of the file."""

    def __init__(self, data):
        bad = "challenge.malformed"
        x = parse_json(data, bad)
        need(has(x, "devices expires leased mode nonce profile samples segments type verifier"), bad, "members")
        need(x["type"] == "assay/1 challenge", bad, "type")
        need(is_text(x["mode"]) and is_hex64(x["nonce"]) and is_text(x["profile"], 64), bad, "mode, nonce or profile")
        need(is_int(x["devices"]) and is_int(x["samples"]) and type(x["segments"]) is list, bad, "types")
        need(is_int(x["leased"]) and all(x[i] is None or is_text(x[i]) for i in ("expires", "verifier")), bad, "types")
        need(x["mode"] in ("self", "verifier"), "challenge.mode")
        self.mode, self.profile, self.leased, self.verifier = x["mode"], x["profile"], x["leased"], x["verifier"]
        of_verifier = self.mode == "verifier"
        self.expires = seconds_of(x["expires"]) if of_verifier else None
        need(self.expires is not None if of_verifier else x["expires"] is None, bad, "expires")
        need(0 <= self.leased <= (64 if of_verifier else 0), "challenge.caps", "leased")
        need(is_hex64(self.verifier) if of_verifier else self.verifier is None, bad, "verifier")
        self.devices, self.samples = x["devices"], x["samples"]
        need(1 <= self.devices <= 64 and 1 <= self.samples <= 8192, "challenge.caps", "devices or samples")
        need(1 <= len(x["segments"]) <= 16, "challenge.caps", "segments")
        self.segments = [Segment(segment) for segment in x["segments"]]
        for j, s in enumerate(self.segments):
            before, after = self.segments[j - 1:j] if j else [], self.segments[j + 1:j + 2]
            need(s.name not in FILLS or [x.name for x in before] == [FILLS[s.name]], bad, "no fill before it")
            need(not s.is_fill or [(FILLS.get(x.name), x.params) for x in after] == [(s.name, s.params)], bad,
                 "no walk after it")
        self.runs = [(j, d) for j in range(len(self.segments)) for d in range(self.devices)]

    def in_profile(self):
        """§11."""
        durations = {"assay/1 quick": (1000, 5000), "assay/1 standard": (20000, 20000),
                     "assay/1 soak": (20000, 86400000)}.get(self.profile)
        rows = {"matmul-i8/1": [{"k": 16384, "m": 2**i, "n": 2**i} for i in range(11, 16)],
                "matmul-i9/1": [{"k": 16384, "m": 2**i, "n": 2**i} for i in (10, 12, 13, 14, 15)],
                "matmul-f32/1": [{"k": 8192, "m": 2**i, "n": 2**i} for i in range(10, 15)],
                "matmul-f64/1": [{"k": 4096, "m": 2**i, "n": 2**i} for i in range(10, 14)],
                "sha256/1": [{"log2Digests": 12, "log2Leaves": i} for i in (12, 16, 17, 18, 19)]}
        samples = (128, 256, 512, 2048) if self.mode == "verifier" else (512, 2048)
        return durations is not None and self.samples in samples and all(
            s.is_fill or s.duration is not None and durations[0] <= s.duration <= durations[1] and
            (self.table_in_profile(s.params) if s.name in FILLS else s.params in rows[s.name]) for s in self.segments)

    def table_in_profile(self, params):
        """§11: the third table."""
        quick, items = self.profile == "assay/1 quick", params["items"]
        return (params["doubleRounds"] == (512 if quick else 1536) and items % 2**17 == 0 and
                2**20 <= items <= (2**24 if quick else 2**32) and
                params["log2Walkers"] == items.bit_length() - 1 - 10)

    def cost(self):
        """§12, in its units."""
        return sum(self.samples * self.segments[j].workload.cost for j, d in self.runs)


def seconds_of(text):
    """§3.1 `expires`: seconds since 1970, or None when the text is no such time."""
    found = is_text(text) and re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(x) for x in found.groups())
    if year < 2000 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))
