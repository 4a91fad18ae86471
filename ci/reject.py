# SPDX-License-Identifier: Apache-2.0
"""Makes the test vectors of verify/vectors (`vectors.py write DIR` calls write() below).

Prover does a job honestly; good() varies its shape. What has to do with mode `verifier` is in
ci/good_exchange.py and ci/reject_exchange.py. rejects() is the adversary: every case has one fault, is
signed again wherever the signature is not the point, and states the verdict and the first reason that it must
get. All keys are public and all inputs fixed, so the output is always the same. "§" cites verify/SPEC.md.
"""
import base64
import copy
import json
import os
import struct

import numpy as np

import exchange
import vectors as v
from vectors import H, canonical, keyid, le32, le64, sha256

SECRET = sha256(b"test vectors: signing key")
STRANGER = sha256(b"test vectors: another key")


# ---------------------------------------------------------------- the prover

def device(name, **other):
    block = {"architecture": "none", "backend": "vectors", "computeUnits": 1, "deviceId": None, "driver": "0",
             "memoryBytes": 0, "name": name, "variant": "scalar"}
    block.update(other)
    return block


def challenge_of(segments, devices=1, samples=16, profile="vectors", **other):
    """segments: (workload, params, length) each."""
    return {"devices": devices, "expires": None, "leased": 0, "mode": "self",
            "nonce": sha256(b"test vectors: nonce").hex(),
            "profile": profile, "samples": samples, "type": "assay/1 challenge", "verifier": None,
            "segments": [{"length": l, "params": p, "workload": w} for w, p, l in segments], **other}


class Prover:
    """Does a job. `rounds[j][d]` are the rounds done; Cheat overrides the small methods. In mode `verifier` it asks
    `verifier`, an exchange.Verifier, and keeps the receipts."""
    stagger_ms = power_budget_w = pauses = 0

    def __init__(self, challenge, devices=None, rounds=None, secret=SECRET, key=None, verifier=None):
        self.payload, self.secret, self.key = canonical(challenge), secret, key or v.ed25519_public(secret)
        self.challenge = c = v.Challenge(self.payload)
        self.devices = devices or [device("device %d" % d) for d in range(c.devices)]
        self.block = canonical(self.devices)
        self.rounds = rounds or [[2 if s.rounds is None else s.rounds] * c.devices for s in c.segments]
        self.trees, self.seeds, self.runs = {}, {}, {}
        self.verifier, self.messages, self.receipts = verifier, [], []
        self.chain = v.Chain(self.payload, self.block, self.key, c, self.work, self.nonce)
        self.openings = [self.opening(j, d) for j, d in c.runs]

    def nonce(self, chain, j):
        """§4.5: commits to the segment before, and is ready for this one."""
        if not self.verifier:
            return v.ZERO
        if j:
            self.verifier.now += self.bracket(j - 1)
            self.say(chain, j - 1, self.committed(chain, j - 1))
        return bytes.fromhex(self.say(chain, j)["nonce"])

    def committed(self, chain, j):
        return chain.commits[j]

    def bracket(self, j):
        """How long the verifier sees the segment last."""
        return max(sum(self.runs[j, d].times) for d in range(self.challenge.devices)) + 7654321

    def say(self, chain, j, commit=None):
        payload = exchange.message_of(sha256(self.payload), chain.job, self.key, j, commit)
        self.messages.append(exchange.sign(payload, exchange.MESSAGE_TYPE, self.secret))
        self.receipts.append(self.verifier.answer(self.messages[-1]))
        return json.loads(v.open_envelope(self.receipts[-1], exchange.RECEIPT_TYPE)[0])

    def work(self, j, d, run_seed):
        self.fills = getattr(self, "fills", {})
        self.fills[j + 1, d] = run_seed
        self.trees[j, d], self.seeds[j, d] = [], [self.first_seed(j, d, run_seed)]
        for r in range(self.rounds[j][d]):
            self.trees[j, d].append(self.tree(j, d, r))
            self.seeds[j, d].append(self.next_seed(self.seeds[j, d][r], self.trees[j, d][r][-1][0]))
        roots = [levels[-1][0] for levels in self.trees[j, d]]
        self.runs[j, d] = v.Run(roots, [self.time(j, d, r) for r in range(len(roots))])
        return roots

    def first_seed(self, j, d, run_seed):
        return run_seed

    def next_seed(self, seed, root):
        return v.next_seed(seed, root)

    def values(self, j, d, r):
        segment = self.challenge.segments[j]
        fill = (self.fills[j, d],) if segment.name in v.FILLS else ()
        return segment.workload.values(self.seeds[j, d][r], *fill)

    def tree(self, j, d, r):
        return v.tree([v.leaf(value) for value in self.values(j, d, r)])

    def time(self, j, d, r):
        asked = (self.challenge.segments[j].duration or 0) * 10**6 // self.rounds[j][d]
        return asked + 10**6 * (j + 1) + 1000 * d + 37 * (7 * r % 5)

    def draws(self, j, d):
        """The drawn (round, leaf) pairs."""
        leaves, rounds = self.challenge.segments[j].leaves, self.rounds[j][d]
        if not rounds:
            return []
        drawn = v.draws(self.chain.draw_key(j, d), rounds * leaves, self.challenge.samples)
        return [divmod(y, leaves) for y in drawn]

    def opening(self, j, d):
        return b"".join(v.path_of(self.trees[j, d][r], i) for r, i in self.draws(j, d))

    def records(self):
        return [self.runs[run].record() for run in self.challenge.runs] + self.openings

    def transcript(self):
        return v.pack(self.payload, self.block, self.key, *self.records())

    def claim(self, j, d):
        times = self.runs[j, d].times
        if not times:
            return None
        known = d == 0  # what a device says of itself; of the others nothing is known
        return dict(v.times_claimed(times), elapsedNs=sum(times), energyMj=1000 * (j + 1) if known else None,
                    deviceMedianNs=v.median(times) - 1 if known else None, throttledRounds=0 if known else None)

    @staticmethod
    def telemetry(d):
        """§8.5: of device 0 there is all, of device 1 next to nothing, of the others nothing."""
        def spread(least):
            return {"max": least + 2, "median": least + 1, "min": least}

        names = "clockMhz memoryClockMhz powerMw temperatureMc"
        counts = "eccErrors pcieGeneration pcieWidth powerLimitMw xidErrors"
        if d > 1:
            return None
        entry = {"joined": ("uuid", "unverified")[d], "samples": 3 - 3 * d, "source": "vectors",
                 "throttleReasons": None if d else ["hw-thermal", "sw-power-cap"]}
        entry.update({name: None if d else spread(1000 * (i + 1)) for i, name in enumerate(names.split())})
        entry.update({name: None if d else i for i, name in enumerate(counts.split())})
        return entry

    def statement(self, transcript=None):
        c, files = self.challenge, {"transcript": transcript or self.transcript()}
        if c.mode == "verifier":
            files["receipts"] = b"".join(self.receipts)
        return {"_type": v.STATEMENT_TYPE, "predicateType": v.PREDICATE_TYPE,
                "subject": [{"digest": {"sha256": sha256(data).hex()}, "name": name} for name, data in files.items()],
                "predicate": {
                    "challenge": {"digest": {"sha256": sha256(self.payload).hex()}, "mode": c.mode,
                                  "profile": c.profile},
                    "claimed": {"finishedAt": "2030-01-01T00:01:00Z", "startedAt": "2030-01-01T00:00:00Z",
                                "staggerMs": self.stagger_ms, "powerBudgetW": self.power_budget_w,
                                "pauses": self.pauses,
                                "telemetry": [self.telemetry(d) for d in range(c.devices)],
                                "segments": [[self.claim(j, d) for d in range(c.devices)]
                                             for j in range(len(c.segments))]},
                    "devices": self.devices,
                    "harness": {"gitCommit": "0" * 40, "kernels": {"sha256": sha256(b"").hex()},
                                "name": "vectors", "version": "0"},
                    "nonClaims": v.NON_CLAIMS, "work": [s.name for s in c.segments]}}


def sign(payload, secret=SECRET):
    return v.seal(payload, v.ed25519_sign(secret, v.pae(payload)), keyid(v.ed25519_public(secret)))


# ---------------------------------------------------------------- text vectors

class Text:
    """Lines `name = value`: bytes as hexadecimal, integers in decimal, lists with spaces between."""

    def __init__(self, *comments):
        self.lines = ["# " + comment for comment in comments]

    def section(self, name):
        self.lines += ["", "[%s]" % name]

    def put(self, name, value):
        if isinstance(value, (list, tuple)):
            value = " ".join(str(x) for x in value)
        if isinstance(value, bytes):
            value = value.hex()
        self.lines.append("%s = %s" % (name, value))

    def encode(self):
        return ("\n".join(self.lines) + "\n").encode("ascii")


def text_chacha20():
    t = Text("ChaCha20 (SPEC 1.3). rfc8439: RFC 8439 2.3.2, one block with its nonce and counter.",
             "Elsewhere the nonce is zero; block_N is block N of the key stream, 64 bytes.")
    t.section("rfc8439")
    key, nonce = bytes(range(32)), bytes.fromhex("000000090000004a00000000")
    for name, value in (("key", key), ("nonce", nonce), ("counter", 1)):
        t.put(name, value)
    t.put("block", v.chacha20(key, 1, 1, nonce).tobytes())
    for name, key in (("zero", bytes(32)), ("counting", bytes(range(32))), ("hashed", sha256(b"chacha20"))):
        t.section(name)
        t.put("key", key)
        for block in (0, 1, 2, 255, 256, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1):
            t.put("block_%d" % block, v.chacha20(key, block, 1).tobytes())
        t.put("sha256_of_first_65536_bytes", sha256(v.chacha20(key, 0, 1024).tobytes()))
    return t


def text_merkle():
    t = Text("Merkle tree (SPEC 1.5). The value of leaf i is the 8 bytes LE64(i).",
             "level_0 holds the leaf hashes, the last level the root. path_I is the path of leaf I.")
    for size in (1, 2, 4, 8, 16, 1024):
        levels = v.tree([v.leaf(le64(i)) for i in range(size)])
        t.section("size_%d" % size)
        t.put("leaves", size)
        if size <= 16:
            for i, level in enumerate(levels):
                t.put("level_%d" % i, b"".join(level))
        t.put("root", levels[-1][0])
        for i in sorted({0, 1, size // 2, size - 1} & set(range(size))):
            t.put("path_%d" % i, v.path_of(levels, i))
    return t


def text_matmul(kind, section, sizes, seeds):
    t = Text("%s (SPEC %s). X_row_I_64 is the first 64 bytes of row I." % (kind.name, section),
             "band_root is the root of the subtree over the first n/16 leaves;",
             "values_sha256 is SHA-256 over all leaf values in leaf order.")
    for m, n, k in sizes:
        w = kind({"k": k, "m": m, "n": n})
        seed = sha256(b"%s %d %d %d" % (seeds, m, n, k))
        key_a, key_b = w.keys(seed)
        values = w.values(seed)
        levels = v.tree([v.leaf(value) for value in values])
        assert values[-1] == w.value(seed, len(values) - 1)
        t.section("m%d_n%d_k%d" % (m, n, k))
        for name, value in (
                ("m", m), ("n", n), ("k", k), ("seed", seed), ("key_a", key_a), ("key_b", key_b),
                ("a_row_0_64", w.rows(key_a, 0, 1).tobytes()[:64]),
                ("a_row_%d_64" % (m - 1), w.rows(key_a, m - 1, 1).tobytes()[:64]),
                ("b_row_0_64", w.rows(key_b, 0, 1).tobytes()[:64]),
                ("b_row_%d_64" % (n - 1), w.rows(key_b, n - 1, 1).tobytes()[:64]),
                ("c_0_0", struct.unpack("<i", values[0][:4])[0]),
                ("c_0_1", struct.unpack("<i", values[0][4:8])[0]),
                ("c_1_0", struct.unpack("<i", values[0][64:68])[0]),
                ("c_last", struct.unpack("<i", values[-1][-4:])[0]),
                ("depth", w.depth), ("work", w.work), ("cost", w.cost), ("first_leaf_value", values[0]),
                ("first_leaf_hash", levels[0][0]), ("last_leaf_hash", levels[0][-1]),
                ("values_sha256", sha256(b"".join(values))),
                ("band_root", levels[(n // 16).bit_length() - 1][0]), ("root", levels[-1][0])):
            t.put(name, value)
    return t


def text_floats(kind, section, k_max):
    t = Text("%s (SPEC %s). X_row_I_64 is the first 64 bytes of row I as IEEE 754 numbers, little-endian." % (
                 kind.name, section),
             "sum_L is entry (0, 0) after L steps; band_root is the root of the subtree over the first n/4 leaves;",
             "values_sha256 is SHA-256 over all leaf values in leaf order.")
    for m, n, k in ((16, 16, 64), (32, 64, 128), (64, 16, 192), (16, 32, k_max)):
        w = kind({"k": k, "m": m, "n": n})
        seed = sha256(b"%s %d %d %d" % (kind.name[:10].encode(), m, n, k))
        key_a, key_b = w.keys(seed)
        a, b = w.rows(key_a, 0, m), w.rows(key_b, 0, n)
        values = w.values(seed)
        levels = v.tree([v.leaf(value) for value in values])
        assert values[-1] == w.value(seed, len(values) - 1)
        # Two entries from the definition, step by step in fractions.
        sums = [[0.0], [0.0]]
        for l in range(k):
            for i in (0, 1):
                sums[i].append(v.fma_exact(float(a[i, l]), float(b[0, l]), sums[i][-1], w.bits))
        entry, row = w.element, 8 * w.element
        assert [w.encode(np.array(x[-1:])) for x in sums] == [values[0][i * row:i * row + entry] for i in (0, 1)]
        t.section("m%d_n%d_k%d" % (m, n, k))
        for name, value in (
                ("m", m), ("n", n), ("k", k), ("seed", seed), ("key_a", key_a), ("key_b", key_b),
                ("a_row_0_64", w.encode(a[0])[:64]), ("a_row_%d_64" % (m - 1), w.encode(a[-1])[:64]),
                ("b_row_0_64", w.encode(b[0])[:64]), ("b_row_%d_64" % (n - 1), w.encode(b[-1])[:64]),
                *(("sum_%d" % l, w.encode(np.array([sums[0][l]]))) for l in (1, 2, 3, 64)),
                ("c_0_0", values[0][:entry]), ("c_0_1", values[0][entry:2 * entry]),
                ("c_1_0", values[0][row:row + entry]), ("c_last", values[-1][-entry:]),
                ("depth", w.depth), ("work", w.work), ("cost", w.cost), ("first_leaf_value", values[0]),
                ("first_leaf_hash", levels[0][0]), ("last_leaf_hash", levels[0][-1]),
                ("values_sha256", sha256(b"".join(values))),
                ("band_root", levels[(n // 4).bit_length() - 1][0]), ("root", levels[-1][0])):
            t.put(name, value)
    return t


def text_sha256():
    t = Text("sha256/1 (SPEC 5.2). b = log2Digests, h = log2Leaves. digest_1 is given even where b + h = 0.")
    for b, h in ((0, 0), (0, 1), (1, 0), (4, 3), (3, 4), (0, 8), (9, 2), (14, 1)):
        w = v.Sha256({"log2Digests": b, "log2Leaves": h})
        seed = sha256(b"sha256 %d %d" % (b, h))
        values = w.values(seed)
        levels = v.tree([v.leaf(value) for value in values])
        t.section("b%d_h%d" % (b, h))
        for name, value in (
                ("b", b), ("h", h), ("seed", seed), ("digest_0", w.digest(seed, 0)),
                ("digest_1", w.digest(seed, 1)),
                ("digest_4294967296", w.digest(seed, 2**32)), ("work", w.work), ("cost", w.cost),
                ("first_leaf_value", values[0]), ("first_leaf_hash", levels[0][0]),
                ("last_leaf_value", values[-1]), ("last_leaf_hash", levels[0][-1]), ("root", levels[-1][0])):
            t.put(name, value)
    return t


def text_memory():
    t = Text("memory/1 (SPEC 5.6). fill is the run seed of the fill, seed that of a round; states and items are 32 words",
             "as 128 bytes. mixed_2 is item 0's input after two coupled double rounds; walker_W_index_N is where",
             "walker W reads after N reads, walker_W_state_N its state then.")
    for double_rounds, items, walkers in ((2, 64, 0), (8, 1000, 2), (512, 2**20 - 1, 1), (10, 2**32 - 1, 3)):
        w = v.Memory({"doubleRounds": double_rounds, "items": items, "log2Walkers": walkers})
        name = "r%d_n%d_w%d" % (double_rounds, items, walkers)
        fill, seed = sha256(b"fill " + name.encode()), sha256(b"walk " + name.encode())
        key, last = w.table_key(fill), (1 << walkers) - 1
        t.section(name)
        for label, value in (("double_rounds", double_rounds), ("items", items), ("log2_walkers", walkers),
                             ("fill", fill), ("seed", seed), ("table_key", key.tobytes()),
                             ("mixed_2", w.mix(key[:, None].copy(), 2)[:, 0].tobytes())):
            t.put(label, value)
        for i in (0, 1, items - 1):
            t.put("item_%d" % i, w.item(key, [i])[:, 0].tobytes())
        for walker in sorted({0, last}):
            state = w.start([(seed, walker)])
            for n in range(3):
                t.put("walker_%d_state_%d" % (walker, n), state[:, 0].tobytes())
                t.put("walker_%d_index_%d" % (walker, n), w.index(state)[0])
                state = w.step(state, key)
        values = w.values(seed, fill)
        levels = v.tree([v.leaf(value) for value in values])
        for label, value in (("work", w.work), ("cost", w.cost), ("least_rounds", w.least),
                             ("first_leaf_value", values[0]), ("first_leaf_hash", levels[0][0]),
                             ("last_leaf_value", values[-1]), ("last_leaf_hash", levels[0][-1]),
                             ("root", levels[-1][0])):
            t.put(label, value)
    return t


def text_chain(p):
    t = Text("The whole job of good/chain (SPEC 4, 9): run_J_D is device D in segment J.",
             "draws are numbers y below rounds x leaves, the first ten of the run's.")
    t.section("inputs")
    for name, value in (("challenge", p.payload.decode()), ("challenge_sha256", sha256(p.payload)),
                        ("devices", p.block.decode()), ("devices_sha256", sha256(p.block)),
                        ("prover_key", p.key)):
        t.put(name, value)
    t.section("chain")
    t.put("job", p.chain.job)
    for j, seed in enumerate(p.chain.segments):
        t.put("seg_%d" % j, seed)
        t.put("commit_%d" % j, p.chain.commits[j])
    t.put("sample_key", p.chain.sample_key)
    for j, d in p.challenge.runs:
        t.section("run_%d_%d" % (j, d))
        t.put("run_seed", p.chain.run_seeds[j, d])
        for r, root in enumerate(p.runs[j, d].roots):
            t.put("seed_%d" % r, p.seeds[j, d][r])
            t.put("root_%d" % r, root)
        t.put("draw_key", p.chain.draw_key(j, d))
        leaves = p.challenge.segments[j].leaves
        t.put("draws", [r * leaves + i for r, i in p.draws(j, d)][:10])
    t.section("skipping")
    key = sha256(b"draws that skip")
    t.lines.append("# A draw key and a T for which words are skipped: T = 2^63 + 1 skips about half of them.")
    for i, total in enumerate((2**63 + 1, 3, 2**48 - 1)):
        t.put("draw_key_%d" % i, key)
        t.put("total_%d" % i, total)
        t.put("draws_%d" % i, v.draws(key, total, 10))
    return t


def text_statistics():
    t = Text("What is claimed of the times of a run's rounds (SPEC 8.3), in nanoseconds; null is unknown.")
    second = 10**9
    cases = {
        "one": [5], "two": [5, 4], "three": [9, 1, 5], "hundred": list(range(1, 101)),
        "thousand": [7 * i % 101 for i in range(1000)], "none": [0] * 20,
        "first-to-the-nanosecond": [second, second, 3, 4], "first-less-a-nanosecond": [second, second - 1, 3, 4],
        "one-long": [5 * second], "long-then-eight": [2 * second] + list(range(1, 9)),
        "long-then-nine": [2 * second] + list(range(101, 110)), "falling": [2 * second] + list(range(120, 100, -1)),
        "slower": [second // 10] * 20 + [second // 8 + 1000 * i for i in range(30)],
        "a-burst": [10**6] * 50 + [2 * second] + [10**6 + 37 * (7 * i % 11) for i in range(40)],
        "from-nothing": [2 * second] + [0] * 5 + [7] * 5, "outlier": [100] * 30 + [2**60] + [100] * 30,
        "more-than-is-written": [2**64 - 2, 2**64 - 3, 2**63, 1, 2] * 4,
        "ratio-more-than-is-written": [2 * second] + [1] * 6 + [2**64 - 2] * 6,
        "falls-to-nothing": [2 * second] + [2**64 - 2] * 6 + [0] * 6}
    for name, times in cases.items():
        t.section(name)
        t.put("times", times)
        for label, value in v.times_claimed(times).items():
            t.put(label, "null" if value is None else value)
    return t


def text_estar():
    t = Text("eStarPpm (SPEC 9.2) for s draws and G = 2^g, and certified work (SPEC 9.3).")
    for g in (64, 0):
        t.section("g_%d" % g)
        for s in (1, 2, 3, 4, 5, 16, 100, 128, 256, 512, 1000, 1024, 2048, 4096, 8191, 8192):
            t.put("s_%d" % s, v.e_star_ppm(s, g))
    for s in (1, 512, 2048, 8192):
        t.section("certified_s_%d" % s)
        t.put("e_star_ppm", v.e_star_ppm(s))
        for work in (1, 9, 10**6 - 1, 10**6, 2**32, 2**53 + 1, 2**62, 2**63 - 1):
            t.put("work_%d" % work, v.certified(work, v.e_star_ppm(s)))
    return t


def text_keys():
    t = Text("Ed25519 keys (SPEC 1.4). A line end inside a PEM text is written as a backslash and n.",
             "signature is over the ASCII text of message; the first two seeds are those of RFC 8032 7.1.")
    seeds = (("rfc8032_1", bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")),
             ("rfc8032_2", bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")),
             ("good", SECRET), ("stranger", STRANGER))
    for name, secret in seeds:
        public = v.ed25519_public(secret)
        t.section(name)
        for key, value in (("seed", secret), ("public", public), ("spki", v.SPKI + public),
                           ("spki_pem", v.pem("PUBLIC KEY", v.SPKI + public).replace("\n", "\\n")),
                           ("pkcs8_pem", v.pem("PRIVATE KEY", v.PKCS8 + secret).replace("\n", "\\n")),
                           ("keyid", keyid(public)), ("message", "assay"),
                           ("signature", v.ed25519_sign(secret, b"assay")),
                           ("signature_of_nothing", v.ed25519_sign(secret, b""))):
            t.put(key, value)
    t.section("small_order")
    for i, key in enumerate(small_order_keys()):
        t.put("refused_%d" % i, key)
    return t


SIZES = ((16, 16, 64), (32, 64, 128), (64, 16, 192), (16, 32, 16384))


# ---------------------------------------------------------------- attestations that hold

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


def series(values, step=100, clock=0, power=1000, temperature=10**5):
    """A time line (§8.5) of these values, each quantity so much above them; without those that are None."""
    def column(above):
        if above is None:
            return None
        most = 2**53 - 1
        return {name: [x if x is None else min(most, x + above + i) for x in values]
                for i, name in enumerate(("min", "mean", "max"))}

    return {"clockMhz": column(clock), "powerMw": column(power), "stepMs": step, "temperatureMc": column(temperature)}


def finish(prover, line=None, throttled=0, ranges=None, **claims):
    """(envelope, transcript) of an honest end, and the receipts if it had some; `claims` replaces members of every
    claimed run. `line` is the time line of device 0, of whose rounds in segment 0 these were throttled."""
    transcript = prover.transcript()
    statement = prover.statement(transcript)
    claimed = statement["predicate"]["claimed"]
    if line:
        claimed["telemetry"][0]["series"] = line
    if ranges:
        claimed["segments"][0][0].update(throttledRounds=throttled, throttled=ranges)
    for segment in claimed["segments"]:
        for run in segment:
            if run:
                run.update(claims)
    receipts = [b"".join(prover.receipts)] if prover.verifier else []
    return sign(canonical(statement), prover.secret), transcript, *receipts


def chain_job():
    return Prover(challenge_of([matmul(32, 32, 64, rounds=3), hashes(3, 4, rounds=2)], devices=2))


def good():
    """(name, verdict, reasons, (envelope, transcript))."""
    unknown, empty = "profile.unknown", "profile.unknown,run.empty"
    odd = [device('a "quoted" \\ name', deviceId="", memoryBytes=2**53 - 1, computeUnits=0),
           device("~" * 256, deviceId=" " * 256, driver=""), device("\\" * 256)]
    jobs = [("chain", unknown, chain_job())]
    one = hashes(0, 1, rounds=1)
    for name, reasons, segments, devices, samples, rounds in (
            ("one-leaf", unknown, [matmul(16, 16, 64, rounds=1)], 1, 5, None),
            ("one-digest", unknown, [hashes(0, 0, rounds=1)], 1, 1, None),
            ("one-leaf-8192-samples", unknown, [hashes(0, 0, rounds=3)], 1, 8192, None),
            ("duration", unknown, [hashes(2, 3, durationMs=1500)], 2, 16, [[3, 5]]),
            ("wide", unknown, [matmul(16, 128, 128, rounds=2)], 1, 8, None),
            ("tall", unknown, [matmul(128, 16, 128, rounds=2)], 1, 8, None),
            ("nine-bits", unknown, [matmul9(32, 64, 128, rounds=2)], 2, 16, None),
            ("nine-bits-deep-k", unknown, [matmul9(16, 32, 32704, rounds=1)], 1, 3, None),
            ("floats", unknown, [floats(32, 32, 64, 128, rounds=2), floats(64, 64, 16, 192, rounds=2)], 2, 16, None),
            ("floats-deep-k", unknown, [floats(32, 16, 16, 16384, rounds=1), floats(64, 16, 16, 8192, rounds=1)],
             1, 3, None),
            ("deep-k", unknown, [matmul(16, 32, 131008, rounds=1)], 1, 3, None),
            ("sixteen-segments", unknown, [one] * 16, 1, 2, None),
            ("sixty-four-devices", unknown, [hashes(0, 1, durationMs=1)], 64, 1, [[1, 2, 3, 1] * 16]),
            ("many-rounds", unknown, [hashes(0, 1, rounds=300)], 1, 16, None),
            ("empty-run", empty, [hashes(1, 2, durationMs=10)], 3, 4, [[2, 0, 1]]),
            ("empty-all", empty, [hashes(1, 2, rounds=2)], 2, 16, [[0, 0]]),
            ("empty-then-work", empty, [matmul(16, 16, 64, durationMs=86400000), one], 1, 4, [[0], [1]]),
            ("memory", unknown, table(4, 64, 0, rounds=9) + [one] + table(2, 65, 2, rounds=3), 2, 4, None),
            ("memory-duration", unknown, table(2, 100, 1, durationMs=7), 2, 4, [[0, 0], [7, 8]]),
            ("memory-seven-passes", unknown + ",run.short", table(2, 64, 0, rounds=7), 1, 4, None),
            ("memory-duration-seven-passes", unknown + ",run.short", table(2, 64, 1, durationMs=7), 1, 4,
             [[0], [3]]),
            ("memory-empty", empty, table(2, 64, 0, rounds=8), 2, 4, [[0, 0], [8, 0]]),
            ("short-run", unknown + ",run.short", [hashes(1, 2, rounds=5)], 2, 4, [[5, 4]])):
        jobs.append((name, reasons, Prover(challenge_of(segments, devices, samples), rounds=rounds)))
    jobs.append(("odd-devices", unknown, Prover(challenge_of([hashes(1, 2, rounds=2)] * 3, 3, 4), odd)))
    jobs.append(("empty-profile-name", unknown, Prover(challenge_of([one], profile=""))))
    # At the caps of §3.3: never worked, so that nothing but the bounds is tried.
    for name, segment in (("rounds", hashes(14, 26, rounds=2**22)),
                          ("k", matmul(2**20, 2**20, 131008, rounds=32)),
                          ("duration", matmul(2**20, 16, 131008, durationMs=86400000)),
                          ("memory", table(4096, 2**32 - 1, 22, rounds=65536))):
        segments = segment if type(segment) is list else [segment]
        jobs.append(("caps-" + name, empty,
                     Prover(challenge_of(segments, samples=512), rounds=[[0]] * len(segments))))
    # Profiles (§11), also never worked.
    square, quick = (lambda side, ms: matmul(side, side, 16384, durationMs=ms)), "assay/1 quick"
    for name, inside, profile, samples, segments in (
            ("host", 1, quick, 512, [square(2048, 5000), hashes(12, 12, durationMs=5000)]),
            ("small", 1, quick, 2048, [square(4096, 5000), hashes(12, 16, durationMs=5000)]),
            ("medium", 1, "assay/1 standard", 512, [square(8192, 20000), hashes(12, 17, durationMs=20000)]),
            ("large", 1, "assay/1 soak", 512, [square(16384, 20000), hashes(12, 18, durationMs=86400000)]),
            ("huge", 1, "assay/1 soak", 2048, [square(32768, 60000), hashes(12, 19, durationMs=20001)]),
            ("sha256-only", 1, quick, 512, [hashes(12, 12, durationMs=5000)]),
            ("samples-511", 0, quick, 511, [square(2048, 5000)]),
            ("samples-1024", 0, quick, 1024, [square(2048, 5000)]),
            ("samples-8192", 0, quick, 8192, [hashes(12, 12, durationMs=5000)]),
            ("quick-1000", 1, quick, 512, [square(2048, 1000), hashes(12, 12, durationMs=4999)]),
            ("quick-999", 0, quick, 512, [square(2048, 5000), hashes(12, 12, durationMs=999)]),
            ("quick-5001", 0, quick, 512, [square(2048, 5001), hashes(12, 12, durationMs=1000)]),
            ("quick-20000", 0, quick, 512, [square(2048, 20000)]),
            ("standard-20001", 0, "assay/1 standard", 512, [square(2048, 20001)]),
            ("soak-19999", 0, "assay/1 soak", 512, [square(2048, 19999)]),
            ("rounds", 0, quick, 512, [matmul(2048, 2048, 16384, rounds=1)]),
            ("not-square", 0, quick, 512, [matmul(2048, 4096, 16384, durationMs=5000)]),
            ("k-8192", 0, quick, 512, [matmul(2048, 2048, 8192, durationMs=5000)]),
            ("side-1024", 0, quick, 512, [square(1024, 5000)]),
            ("side-65536", 0, quick, 512, [square(65536, 5000)]),
            ("digests-11", 0, quick, 512, [hashes(11, 12, durationMs=5000)]),
            ("leaves-13", 0, quick, 512, [hashes(12, 13, durationMs=5000)]),
            ("leaves-20", 0, quick, 512, [hashes(12, 20, durationMs=5000)]),
            ("nine-bits", 1, quick, 512, [matmul9(1024, 1024, 16384, durationMs=5000)]),
            ("nine-bits-huge", 1, quick, 512, [matmul9(32768, 32768, 16384, durationMs=5000)]),
            ("nine-bits-2048", 0, quick, 512, [matmul9(2048, 2048, 16384, durationMs=5000)]),
            ("floats", 1, quick, 512, [floats(32, 1024, 1024, 8192, durationMs=5000),
                                       floats(64, 1024, 1024, 4096, durationMs=5000)]),
            ("floats-huge", 1, quick, 512, [floats(32, 16384, 16384, 8192, durationMs=5000),
                                            floats(64, 8192, 8192, 4096, durationMs=5000)]),
            ("floats-k-4096", 0, quick, 512, [floats(32, 1024, 1024, 4096, durationMs=5000)]),
            ("floats-k-8192", 0, quick, 512, [floats(64, 1024, 1024, 8192, durationMs=5000)]),
            ("floats-16384", 0, quick, 512, [floats(64, 16384, 16384, 4096, durationMs=5000)]),
            ("memory-quick", 1, quick, 512, table(512, 2**20, 10, durationMs=5000)),
            ("memory-quick-most", 1, quick, 512, table(512, 2**24, 14, durationMs=5000)),
            ("memory-standard", 1, "assay/1 standard", 512, table(1536, 2**22 + 2**17, 12, durationMs=20000)),
            ("memory-soak", 1, "assay/1 soak", 512, table(1536, 2**32 - 2**17, 21, durationMs=20000)),
            ("memory-quick-large", 0, quick, 512, table(512, 2**24 + 2**17, 14, durationMs=5000)),
            ("memory-quick-slow-items", 0, quick, 512, table(1536, 2**20, 10, durationMs=5000)),
            ("memory-standard-fast-items", 0, "assay/1 standard", 512, table(512, 2**20, 10, durationMs=20000)),
            ("memory-small", 0, quick, 512, table(512, 2**20 - 2**17, 9, durationMs=5000)),
            ("memory-step", 0, quick, 512, table(512, 2**20 + 2**16, 10, durationMs=5000)),
            ("memory-walkers", 0, quick, 512, table(512, 2**20, 11, durationMs=5000)),
            ("memory-rounds", 0, quick, 512, table(512, 2**20, 10, rounds=200)),
            ("memory-5001", 0, quick, 512, table(512, 2**20, 10, durationMs=5001)),
            ("name-other", 0, "assay/2 quick", 512, [hashes(12, 12, durationMs=5000)]),
            ("name-case", 0, "assay/1 Quick", 512, [hashes(12, 12, durationMs=5000)])):
        prover = Prover(challenge_of(segments, samples=samples, profile=profile),
                        rounds=[[0]] * len(segments))
        jobs.append(("profile-" + name, "run.empty" if inside else empty, prover))
    for name, reasons, prover in jobs:
        yield name, "inconclusive", reasons, finish(prover)
    # Claims are not checked (§8.3).
    lies = {"medianNs": 0, "lowNs": 2**53 - 1, "highNs": 1, "elapsedNs": 2**53 - 1, "madNs": 2**53 - 1,
            "firstNs": 1, "steadyNs": 0, "driftPpm": 1 - 2**53, "deviceMedianNs": 0, "throttledRounds": 2**53 - 1,
            "energyMj": 0}
    yield "claims-lie", "inconclusive", unknown, finish(chain_job(), **lies)
    for name, ms in (("staggered", 250), ("staggered-most", 86400000)):
        prover = Prover(challenge_of([hashes(1, 2, durationMs=900)], 3, 4), rounds=[[3, 2, 1]])
        prover.stagger_ms = ms
        yield name, "inconclusive", unknown, finish(prover)
    for name, watts in (("budget", 3500), ("budget-most", 10**6)):
        prover = Prover(challenge_of([hashes(1, 2, durationMs=900)], 3, 4), rounds=[[3, 2, 1]])
        prover.power_budget_w = watts
        yield name, "inconclusive", unknown, finish(prover)
    for name, pauses in (("paused", 2), ("paused-most", 10**6)):
        prover = Prover(challenge_of([hashes(1, 2, durationMs=900)], 1, 4), rounds=[[3]])
        prover.pauses = pauses
        yield name, "inconclusive", unknown, finish(prover)
    # Time lines and throttled rounds (§8.3, §8.5): the least and the most that there may be of them.
    for name, rounds, throttled, ranges, line in (
            ("one", [[3]], 1, [[2, 2]], series([5])),
            ("gaps", [[8, 1]], 5, [[0, 2], [4, 4], [7, 7]], series([1, None, 3], power=None)),
            ("joined", [[300]], 65, [[2 * i, 2 * i] for i in range(63)] + [[126, 290]], series(range(120))),
            ("temperature", [[3]], 3, [[0, 2]], series([None, 0], clock=None, power=None)),
            ("large", [[3]], 1, [[0, 2]], series([2**53 - 1], step=2**53 - 1)),
            ("no-rounds-throttled", [[3]], 0, None, series([7, 9], step=1))):
        prover = Prover(challenge_of([hashes(1, 2, durationMs=900)], len(rounds[0]), 4), rounds=rounds)
        yield "timeline-" + name, "inconclusive", unknown, finish(prover, line, throttled, ranges)
    # A real profile in its smallest row: the only one that passes.
    segments = [square(2048, 5000), hashes(12, 12, durationMs=5000)]
    quick_host = Prover(challenge_of(segments, samples=512, profile=quick), rounds=[[1], [1]])
    yield "quick-host", "pass", "-", finish(quick_host)


# ---------------------------------------------------------------- cheating provers

class Cheat(Prover):
    """Does what `how` says, one of CHEATS; here() means the run of device 1 in segment 0."""

    def __init__(self, how, job=None, **other):
        self.how = how
        walks = table(4, 64, 2, rounds=3) if how.startswith("memory-") else []
        walks += [floats(32, 32, 32, 64, rounds=3), floats(64, 32, 32, 64, rounds=3)] if how.startswith("floats-") else []
        walks += [matmul9(32, 32, 64, rounds=3)] if how.startswith("nine-bits-") else []
        job = job or challenge_of([matmul(32, 32, 64, rounds=3), hashes(1, 2, rounds=2)] + walks, devices=2,
                                  samples=40)
        super().__init__(job, **other)

    def here(self, how, j=0, d=1):
        return self.how == how and (j, d) == (0, 1)

    def first_seed(self, j, d, run_seed):
        if self.here("seed-of-other-device", j, d):
            return self.seeds[j, 0][0]
        if self.how == "segment-not-chained" and j == 1:
            return self.seeds[0, d][0]
        if self.how == "seed-of-challenge-nonce":
            nonce = bytes.fromhex(json.loads(self.payload)["nonce"])
            job = H("assay/1 job\n", sha256(self.payload), self.key, sha256(self.block))
            return H("assay/1 run\n", H("assay/1 segment\n", job, nonce), le32(d)) if j == 0 else run_seed
        return run_seed

    def next_seed(self, seed, root):
        if self.how == "round-not-chained":
            return H("assay/1 round\n", seed)
        return seed if self.how == "round-seed-repeated" else v.next_seed(seed, root)

    def values(self, j, d, r):
        values, seed = super().values(j, d, r), self.seeds[j, d][r]
        w = self.challenge.segments[j].workload
        if self.here("one-wrong-entry", j, d) and r == 1:
            values[2] = values[2][:-1] + bytes([values[2][-1] ^ 1])
        if self.here("one-leaf-missing", j, d) and r == 1:
            values[2] = bytes(1024)
        if self.here("leaves-exchanged", j, d) and r == 1:
            values[1], values[2] = values[2], values[1]
        if self.here("one-leaf-repeated", j, d) and r == 1:
            values[2] = values[3]
        if self.here("round-skipped", j, d) and r > 0:
            values = w.values(self.seeds[j, d][r - 1])
        if self.how.startswith("matmul-") and j == 0:
            key_a, key_b = w.keys(seed)
            a, b = w.rows(key_a, 0, w.m), w.rows(key_b, 0, w.n)
            c = {"matmul-transposed": lambda: w.product(b, a),
                 "matmul-unsigned": lambda: w.product(a.view("u1"), b.view("u1")),
                 "matmul-16-bit": lambda: w.product(a, b).clip(-2**15, 2**15 - 1),
                 "matmul-big-endian": lambda: w.product(a, b).astype("<i4").byteswap(),
                 "matmul-one-key": lambda: w.product(a, w.rows(key_a, 0, w.n)),
                 "matmul-half-k": lambda: w.product(a[:, :w.k // 2], b[:, :w.k // 2]),
                 "matmul-column-tiles": lambda: w.product(a, b)}[self.how]().astype("<i4")
            order = (2, 0, 1, 3) if self.how == "matmul-column-tiles" else (0, 2, 1, 3)
            tiles = c.reshape(w.m // 16, 16, w.n // 16, 16).transpose(order).reshape(-1, 256)
            values = [tile.tobytes() for tile in tiles]
        if self.how.startswith("nine-bits-") and j == 2:
            a, b = (w.rows(key, 0, count) for key, count in zip(w.keys(seed), (w.m, w.n)))
            cut = {"nine-bits-as-eight": lambda x: x.astype(np.int8), "nine-bits-unsigned": lambda x: x & 0x1ff,
                   "nine-bits-symmetric": lambda x: x.clip(-255, 255)}[self.how]
            c = w.product(cut(a), cut(b)).astype("<i4")
            tiles = c.reshape(w.m // 16, 16, w.n // 16, 16).transpose(0, 2, 1, 3).reshape(-1, 256)
            values = [tile.tobytes() for tile in tiles]
        if self.how.startswith("floats-") and j in (2, 3):
            values = self.float_values(w, seed)
        if self.how.startswith("memory-") and j == 3:
            values = self.memory_values(w, seed, d)
        if self.how.startswith("sha256-") and j == 1:
            count, size = 1 << w.depth, 1 << w.b
            digest = {"sha256-seed-first": lambda i: sha256(seed + le64(i)),
                      "sha256-big-endian": lambda i: sha256(struct.pack(">Q", i) + seed),
                      "sha256-strided": lambda i: w.digest(seed, i % size * count + i // size),
                      "sha256-32-bit-counter": lambda i: sha256(le32(i) + seed)}[self.how]
            values = [bytes(x ^ y for x, y in zip(digest(2 * t), digest(2 * t + 1))) for t in range(count)]
        return values

    def memory_values(self, w, seed, d):
        """Walks in a table that is wrong, or read wrongly."""
        key, state = w.table_key(self.fills[3, d]), w.start([(seed, i) for i in range(1 << w.walkers)])
        if self.how == "memory-table-of-other-device":
            key = w.table_key(self.fills[3, 0])
        if self.how == "memory-table-from-round":
            key = w.table_key(seed)
        if self.how == "memory-walkers-of-table":
            state = w.start([(self.fills[3, d], i) for i in range(1 << w.walkers)])
        for _ in range(w.reads):
            at = w.index(state)
            if self.how == "memory-half-a-table":
                at = [i % (w.items // 2) for i in at]
            if self.how == "memory-index-of-one-word":
                at = [int(low) * w.items >> 32 for low in state[0]]
            item = w.item(key, at)
            if self.how == "memory-eight-byte-items":
                item[2:] = 0
            if self.how == "memory-short-items":
                item = v.Memory.mix(np.stack([np.where(np.arange(32) == 12, key ^ i, key) for i in at], axis=1)
                                    .astype(np.uint32), w.double_rounds - 1)
            state = v.Memory.mix(state ^ item, 1 if self.how == "memory-mixed-once" else 2)
            if self.how == "memory-one-read":
                break
        return [state[:, i].astype("<u4").tobytes() for i in range(1 << w.walkers)]

    def float_values(self, w, seed):
        a, b = (w.rows(key, 0, count) for key, count in zip(w.keys(seed), (w.m, w.n)))
        short, half = (lambda x: x.astype(np.float32).astype(np.float64)), w.k // 2

        def two_roundings():
            narrow = short if w.bits == 24 else lambda x: x
            c = np.zeros((w.m, w.n))
            for l in range(w.k):
                c = narrow(narrow(a[:, l:l + 1] * b[:, l]) + c)
            return c

        one = np.ones((w.m, w.n))
        c = {"floats-two-roundings": two_roundings,
             "floats-descending": lambda: w.product(a[:, ::-1], b[:, ::-1]),
             "floats-two-sums": lambda: w.fma(w.product(a[:, :half], b[:, :half]), one,
                                              w.product(a[:, half:], b[:, half:])),
             "floats-even-and-odd": lambda: w.fma(w.product(a[:, ::2], b[:, ::2]), one,
                                                  w.product(a[:, 1::2], b[:, 1::2])),
             "floats-of-16-bits": lambda: w.product(*(np.floor(x * 2.0**15) * 2.0**-15 for x in (a, b))),
             "floats-short": lambda: short(w.product(a, b)) if w.bits == 53 else w.product(a, b),
             "floats-wide": lambda: short(sum(a[:, l:l + 1] * b[:, l] for l in range(w.k))) if w.bits == 24
             else w.product(a, b),
             "floats-big-endian": lambda: w.product(a, b), "floats-tiles-of-16": lambda: w.product(a, b)}[self.how]()
        if self.how == "floats-big-endian":
            return [np.frombuffer(x, "<f%d" % w.element).byteswap().tobytes() for x in w.cut(c)]
        if self.how == "floats-tiles-of-16":
            return [w.encode(tile) for i in range(0, w.m, 16) for j in range(0, w.n, 16)
                    for tile in c[i:i + 16, j:j + 16].reshape(4, 64)]
        return w.cut(c)

    def tree(self, j, d, r):
        values = self.values(j, d, r)
        leaf_ = {"leaf-without-prefix": sha256, "leaf-as-node": lambda x: sha256(b"\1" + x),
                 "leaf-hashed-twice": lambda x: v.leaf(v.leaf(x))}.get(self.how, v.leaf)
        node_ = {"node-without-prefix": lambda l, r: sha256(l + r), "node-as-leaf": lambda l,
                 r: v.leaf(l + r),
                 "node-turned": lambda l, r: v.node(r, l)}.get(self.how, v.node)
        levels = v.tree([leaf_(value) for value in values], node_)
        if self.here("root-invented", j, d) and r == 1:
            levels[-1] = [sha256(levels[-1][0])]
        return levels

    def draws(self, j, d):
        drawn = super().draws(j, d)
        if self.how == "draws-before-commit":
            leaves, chain = self.challenge.segments[j].leaves, self.chain
            key = H("assay/1 draw\n", chain.segments[-1], le32(j), le32(d))
            return [divmod(y, leaves) for y in v.draws(key, self.rounds[j][d] * leaves, len(drawn))]
        if self.how == "draws-of-other-device":
            return super().draws(j, 1 - d)
        if self.here("draws-exchanged", j, d):
            other = next(i for i, draw in enumerate(drawn) if draw != drawn[0])
            drawn[0], drawn[other] = drawn[other], drawn[0]
        if self.here("draws-all-the-same", j, d):
            drawn = drawn[:1] * len(drawn)
        return drawn

    def opening(self, j, d):
        opening = super().opening(j, d)
        size = 32 * self.challenge.segments[j].workload.depth
        if not self.here(self.how, j, d) or not opening:
            return opening
        path = [opening[i:i + 32] for i in range(0, size, 32)]
        r, i = self.draws(j, d)[0]
        if self.how == "path-of-other-leaf":
            path = [v.path_of(self.trees[j, d][r], i ^ 3)]
        elif self.how == "path-root-first":
            path.reverse()
        elif self.how == "path-from-parent":
            path = path[1:] + [self.runs[j, d].roots[r]]
        elif self.how == "path-bit-flipped":
            path[0] = path[0][:-1] + bytes([path[0][-1] ^ 0x80])
        elif self.how == "path-last-bit-flipped":
            return opening[:-1] + bytes([opening[-1] ^ 1])
        return b"".join(path) + opening[size:]


CHEATS = """
seed-of-other-device segment-not-chained seed-of-challenge-nonce round-not-chained
round-seed-repeated one-wrong-entry one-leaf-missing leaves-exchanged one-leaf-repeated
round-skipped matmul-transposed matmul-unsigned matmul-16-bit matmul-big-endian matmul-one-key
matmul-half-k matmul-column-tiles sha256-seed-first sha256-big-endian sha256-strided
sha256-32-bit-counter leaf-without-prefix leaf-as-node leaf-hashed-twice node-without-prefix
node-as-leaf node-turned root-invented draws-before-commit draws-of-other-device draws-exchanged
draws-all-the-same path-of-other-leaf path-root-first path-from-parent path-bit-flipped
path-last-bit-flipped memory-table-of-other-device memory-table-from-round memory-walkers-of-table
memory-half-a-table memory-index-of-one-word memory-eight-byte-items memory-short-items memory-mixed-once
memory-one-read nine-bits-as-eight nine-bits-unsigned nine-bits-symmetric
floats-two-roundings floats-descending floats-two-sums floats-even-and-odd floats-of-16-bits floats-short floats-wide
floats-big-endian floats-tiles-of-16
""".split()


def small_order_keys():
    """Encodings of points of order 1, 2, 4 and 8, and one of order 1 with y >= p."""
    y = 2
    while True:
        point = v.decode_point(y.to_bytes(32, "little"))
        torsion = point and v.multiply(v.L, point)
        if torsion and v.encode_point(v.multiply(4, torsion)) != v.encode_point(v.IDENTITY):
            break
        y += 1
    keys = [v.encode_point(v.multiply(i, torsion)) for i in (8, 4, 2, 1)]
    return keys + [(v.P + 1).to_bytes(32, "little")]


def forge(key, message):
    """A signature that verifies under a key of small order if such keys are not refused."""
    r = 1
    while True:
        R = v.encode_point(v.multiply_base(r))
        if v.hash_to_scalar(R, key, message) % 8 == 0:
            return R + r.to_bytes(32, "little")
        r += 1


# ---------------------------------------------------------------- attestations that do not hold

GONE = object()


def edit(x, path, value):
    """A copy of x with the member at `path` ("a.b.0.c") set, added, or removed (GONE)."""
    x = copy.deepcopy(x)
    *way, last = [int(i) if i.isdigit() else i for i in path.split(".")]
    at = x
    for i in way:
        at = at[i]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return x


class Base:
    """A small honest job, and ways to present it with something else in some place."""

    def __init__(self):
        self.job = challenge_of([hashes(1, 2, rounds=2)], devices=2, samples=4)
        self.prover = p = Prover(self.job)
        self.transcript = p.transcript()
        self.statement = p.statement(self.transcript)
        self.payload = canonical(self.statement)
        self.envelope = sign(self.payload)

    def with_transcript(self, transcript):
        return sign(canonical(self.prover.statement(transcript))), transcript

    def with_payload(self, payload, secret=SECRET):
        return sign(payload if isinstance(payload, bytes) else canonical(payload), secret), self.transcript

    def with_sections(self, challenge=None, devices=None, key=None, records=None, statement=()):
        """Other bytes in the transcript's header; the statement's challenge digest, mode and work follow."""
        p = self.prover
        challenge, devices = challenge or p.payload, devices or p.block
        transcript = v.pack(challenge, devices, key or p.key, *(p.records() if records is None else records))
        s = edit(p.statement(transcript), "predicate.challenge.digest.sha256", sha256(challenge).hex())
        for path, value in statement:
            s = edit(s, "predicate." + path, value)
        return sign(canonical(s)), transcript


def reject_envelope(b):
    """§8.1."""
    def text(*pairs):
        changed = b.envelope
        for old, new in pairs:
            assert changed.count(old) == 1, old
            changed = changed.replace(old, new)
        return changed

    def tail(part):
        """Sets the unused bits of the last base64 character of P or S."""
        letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        stripped = part.rstrip(b"=")
        assert stripped != part
        return stripped[:-1] + letters[letters.index(stripped[-1:]) + 1:][:1] + part[len(stripped):]

    p, s = (base64.b64encode(x) for x in (b.payload, v.open_envelope(b.envelope)[1]))
    # The payload's base64 must end in "=" for some cases, so the harness's version is made longer.
    longer = b.statement
    while len(canonical(longer)) % 3 != 1:
        longer = edit(longer, "predicate.harness.version", longer["predicate"]["harness"]["version"] + "0")
    padded = sign(canonical(longer))
    q = base64.b64encode(canonical(longer))
    key = keyid(b.prover.key).encode()
    signature = b'{"keyid":"%s","sig":"%s"}' % (key, s)
    cases = {
        "empty-file": b"", "newline-only": b"\n", "no-final-newline": b.envelope[:-1],
        "two-newlines": b.envelope + b"\n", "crlf": b.envelope[:-1] + b"\r\n",
        "nul-at-end": b.envelope + b"\0",
        "nul-for-newline": b.envelope[:-1] + b"\0", "bom": b"\xef\xbb\xbf" + b.envelope,
        "space-at-start": b" " + b.envelope, "space-after-colon": text((b'"payload":', b'"payload": ')),
        "space-after-comma": text((b'","payloadType', b'", "payloadType')),
        "tab-inside": text((b"[{", b"[\t{")),
        "pretty-printed": json.dumps(json.loads(b.envelope), indent=1).encode() + b"\n",
        "member-order": canonical({"payload": 0}).replace(b"}", b"") + b"," + b.envelope[1:],
        "signatures-first": b'{"signatures":[%s],"payload":"%s","payloadType":"%s"}\n' % (
            signature, p, v.PAYLOAD_TYPE.encode()),
        "sig-before-keyid": text((signature, b'{"sig":"%s","keyid":"%s"}' % (s, key))),
        "two-signatures": text((signature, signature + b"," + signature)),
        "no-signature": text((signature, b"")),
        "unknown-member": text((b'{"payload":', b'{"extra":0,"payload":')),
        "unknown-member-of-signature": text((b'{"keyid":', b'{"cert":"","keyid":')),
        "keyid-missing": text((b'"keyid":"%s",' % key, b"")), "sig-missing": text((b',"sig":"%s"' % s, b"")),
        "keyid-short": text((key, key[:-1])), "keyid-empty": text((key, b"")),
        "payload-type-other": text((b"vnd.in-toto+json", b"vnd.in-toto+xml")),
        "payload-type-escaped": text((b"application/", b"application\\/")),
        "payload-type-dot-any": text((b"vnd.in-toto", b"vnd_in-toto")),
        "payload-null": text((b'"%s"' % p, b"null")), "payload-cut": text((p, p[:-4 - len(p) % 4 - 1])),
        "payload-newline-inside": text((p, p[:76] + b"\\n" + p[76:])),
        "payload-raw-newline-inside": text((p, p[:76] + b"\n" + p[76:])),
        "payload-padding-missing": padded.replace(q, q.rstrip(b"=")),
        "payload-padding-one": padded.replace(q, q[:-1]), "payload-padding-more": padded.replace(q, q + b"="),
        "payload-padding-group": padded.replace(q, q + b"===="),
        "payload-tail-bits": padded.replace(q, tail(q)),
        "payload-padding-inside": text((p, p[:4] + b"====" + p[4:])),
        "payload-letter": text((p, b"*" + p[1:])),
        "payload-non-ascii": text((p, b"\xc3" + p[1:])), "payload-524289-bytes": sign(b" " * 524289),
        "sig-padding-missing": text((s, s.rstrip(b"="))), "sig-padding-one": text((s, s[:-1])),
        "sig-tail-bits": text((s, tail(s))), "sig-empty": text((s, b"")),
        "sig-63-bytes": text((s, base64.b64encode(bytes(63)))),
        "sig-65-bytes": text((s, base64.b64encode(bytes(65)))),
        "sig-hexadecimal": text((s, b"0" * 128)), "sig-escaped-letter": text((s, b"\\u0041" + s[1:])),
        "twice": b.envelope + b.envelope, "cut-in-the-middle": b.envelope[:len(b.envelope) // 2],
        "not-json": b"-----BEGIN PGP SIGNATURE-----\n", "array": b"[" + b.envelope[:-1] + b"]\n"}
    for name, envelope in cases.items():
        yield "envelope-" + name, "envelope.malformed", (envelope, b.transcript)
    # The url-safe alphabet, for a payload and a signature whose base64 has "+" or "/".
    i = 0
    while True:
        statement = edit(b.statement, "predicate.harness.name", "name %d?>" % i)
        envelope = sign(canonical(statement))
        p, s = (base64.b64encode(x) for x in (canonical(statement), v.open_envelope(envelope)[1]))
        if set(b"+/") & set(p) and set(b"+/") & set(s):
            break
        i += 1
    for name, x in (("payload", p), ("sig", s)):
        changed = envelope.replace(x, x.translate(bytes.maketrans(b"+/", b"-_")))
        yield "envelope-url-safe-" + name, "envelope.malformed", (changed, b.transcript)


def reject_transcript(b):
    """§7 and the last rule of §3.3. Every one is signed again."""
    t, p = b.transcript, b.prover
    header = len(v.pack(p.payload, p.block, p.key))
    at_devices = 12 + len(p.payload)
    for name, cut in (("empty", 0), ("magic", 7), ("magic-only", 8), ("length", 11), ("challenge", 100),
                      ("devices-length", at_devices + 3), ("devices", at_devices + 50), ("key", header - 1),
                      ("header-only", header), ("rounds", header + 2), ("roots", header + 4 + 33),
                      ("times", header + 4 + 64 + 15), ("second-run", header + 84 + 4),
                      ("openings", len(t) - 256 - 1), ("one-opening", len(t) - 64),
                      ("last-byte", len(t) - 1)):
        yield "transcript-cut-" + name, "transcript.malformed", b.with_transcript(t[:cut])

    def put(at, new):
        return b.with_transcript(t[:at] + new + t[at + len(new):])

    for name, changed in (
            ("magic-other", put(0, b"essay-t1")), ("magic-case", put(0, b"Assay-t1")),
            ("magic-zero", put(0, bytes(8))),
            ("trailing-byte", b.with_transcript(t + b"\0")),
            ("trailing-hash", b.with_transcript(t + bytes(32))),
            ("leading-byte", b.with_transcript(b"\0" + t)), ("twice", b.with_transcript(t + t)),
            ("challenge-length-0", put(8, le32(0))), ("challenge-length-65537", put(8, le32(65537))),
            ("challenge-length-max", put(8, le32(2**32 - 1))),
            ("challenge-length-big-endian", put(8, struct.pack(">I", len(p.payload)))),
            ("devices-length-0", put(at_devices, le32(0))),
            ("devices-length-65537", put(at_devices, le32(65537))),
            ("devices-length-max", put(at_devices, le32(2**32 - 1))),
            ("rounds-max", put(header, le32(2**32 - 1))), ("rounds-2-31", put(header, le32(2**31))),
            ("rounds-4194305", put(header, le32(2**22 + 1))),
            ("rounds-of-second-run-max", put(header + 84, le32(2**32 - 1))),
            ("rounds-less-than-recorded", put(header, le32(1)))):
        yield "transcript-" + name, "transcript.malformed", changed
    for name, magic in (("2", b"assay-t2"), ("0", b"assay-t0"), ("9", b"assay-t9")):
        yield "transcript-version-" + name, "transcript.version", put(0, magic)
    yield "transcript-version-2-alone", "transcript.version", b.with_transcript(b"assay-t2" + bytes(100))

    def asked(segment, rounds, samples=4):
        """A transcript of the right size for so many rounds: nothing in it was worked."""
        challenge = challenge_of([segment], samples=samples)
        run = v.Run([sha256(le32(r)) for r in range(rounds)], [1] * rounds)
        fake = Prover(challenge, rounds=[[0]])
        size = 32 * samples * fake.challenge.segments[0].workload.depth
        fake.runs[0, 0], fake.openings, fake.rounds = run, [bytes(size)], [[rounds]]
        return finish(fake)

    yield "transcript-more-rounds-than-asked", "transcript.malformed", asked(hashes(1, 2, rounds=2), 3)
    yield ("transcript-more-work-than-2-63", "transcript.malformed",
           asked(matmul(2**20, 2**20, 131008, durationMs=1), 33))
    yield "transcript-root-invented-depth-32", "leaf.mismatch", asked(hashes(0, 32, rounds=1), 1)
    yield ("transcript-root-invented-matmul-depth-32", "leaf.mismatch",
           asked(matmul(2**20, 2**20, 64, rounds=2), 2, 1))
    yield "transcript-root-invented-2-48-leaves", "leaf.mismatch", asked(hashes(0, 32, durationMs=9), 500, 2)
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


def reject_signature(b):
    """§1.4, and the digest of §8.2."""
    payload, signature, key = v.open_envelope(b.envelope)
    R, S = signature[:32], int.from_bytes(signature[32:], "little")

    def sealed(signature, payload=payload):
        return v.seal(payload, signature, key), b.transcript

    def flipped(i):
        return sealed(signature[:i] + bytes([signature[i] ^ 1]) + signature[i + 1:])

    secret = b.prover.secret
    other_type = b"DSSEv1 16 application/json %d " % len(payload) + payload
    for name, case in (
            ("bit-flipped-r", flipped(0)), ("bit-flipped-s", flipped(32)), ("sign-of-r", flipped(31)),
            ("top-bit-of-s", sealed(signature[:63] + bytes([signature[63] | 0x80]))),
            ("s-plus-l", sealed(R + (S + v.L).to_bytes(32, "little"))),
            ("s-plus-8-l", sealed(R + (S + 8 * v.L).to_bytes(32, "little"))),
            ("s-negated", sealed(R + (v.L - S).to_bytes(32, "little"))),
            ("zero", sealed(bytes(64))), ("identity", sealed(v.encode_point(v.IDENTITY) + bytes(32))),
            ("of-payload-without-pae", sealed(v.ed25519_sign(secret, payload))),
            ("of-other-payload-type", sealed(v.ed25519_sign(secret, other_type))),
            ("of-transcript", sealed(v.ed25519_sign(secret, b.transcript))),
            ("of-other-payload", sealed(signature, payload.replace(b'"version":"0"', b'"version":"1"'))),
            ("by-stranger", sealed(v.ed25519_sign(STRANGER, v.pae(payload))))):
        yield "signature-" + name, "signature.invalid", case
    for i, small in enumerate(small_order_keys()):
        p = Prover(b.job, key=small)
        payload = canonical(p.statement())
        forged = v.seal(payload, forge(small, v.pae(payload)), keyid(small))
        yield "signature-key-of-small-order-%d" % i, "signature.invalid", (forged, p.transcript())
    y = next(y for y in range(2, 99) if v.decode_point(y.to_bytes(32, "little")) is None)
    for name, bad in (("not-on-curve", y.to_bytes(32, "little")), ("not-reduced", b"\xff" * 32)):
        p = Prover(b.job, key=bad)
        payload = canonical(p.statement())
        forged = v.seal(payload, v.ed25519_sign(SECRET, v.pae(payload)), keyid(bad))
        yield "signature-key-" + name, "signature.invalid", (forged, p.transcript())
    stranger = v.ed25519_public(STRANGER)
    yield ("keyid-of-stranger", "signature.keyid",
           (b.envelope.replace(key.encode(), keyid(stranger).encode()), b.transcript))
    yield ("keyid-of-raw-key", "signature.keyid",
           (b.envelope.replace(key.encode(), sha256(b.prover.key).hex().encode()), b.transcript))
    yield "keyid-zero", "signature.keyid", (b.envelope.replace(key.encode(), b"0" * 64), b.transcript)
    yield "transcript-key-of-stranger", "signature.keyid", b.with_sections(key=stranger)
    yield "signed-by-stranger-as-such", "signature.keyid", b.with_payload(b.payload, STRANGER)
    yield "untrusted", "key.untrusted", finish(Prover(b.job, secret=STRANGER))
    yield "untrusted-and-wrong", "key.untrusted", finish(Cheat("one-leaf-missing", secret=STRANGER))
    t = b.transcript
    for name, changed in (("round-time", t[:-512 - 1] + b"\1" + t[-512:]), ("opening", t[:-1] + b"\0"),
                          ("root", t[:-512 - 84] + le32(2) + bytes(64) + t[-512 - 16:])):
        assert changed != t and len(changed) == len(t)
        yield "digest-" + name, "transcript.digest", (b.envelope, changed)
    other = Prover(edit(b.job, "profile", "x"))
    yield "digest-other-job", "transcript.digest", (b.envelope, other.transcript())
    yield ("digest-zero", "transcript.digest",
           b.with_payload(edit(b.statement, "subject.0.digest.sha256", "0" * 64)))


def reject_statement(b):
    """§8.2, §8.3 and §1.6. Every one is signed again."""
    def text(old, new):
        assert b.payload.count(old) >= 1, old
        return b.payload.replace(old, new, 1)

    s, run = b.statement, "predicate.claimed.segments.0.0"
    high = b'"highNs":%d,' % s["predicate"]["claimed"]["segments"][0][0]["highNs"]
    reverse = json.dumps({k: s[k] for k in sorted(s, reverse=True)}, separators=(",", ":")).encode()
    texts = {
        "empty": b"", "not-json": b"statement", "null": b"null", "array": b"[]", "object-empty": b"{}",
        "nan": b"NaN", "65536-spaces": b" " * 65536,
        "space-at-end": b.payload + b" ", "newline-at-end": b.payload + b"\n",
        "space-inside": text(b":{", b": {"),
        "unsorted": reverse,
        "unsorted-inside": text(high, b"").replace(b'"medianNs":', high + b'"medianNs":', 1),
        "duplicate-name": text(b'"_type":', b'"_type":"x","_type":'),
        "duplicate-name-same-value": text(b'"mode":"self"', b'"mode":"self","mode":"self"'),
        "duplicate-name-inside": text(b'"version":"0"', b'"version":"1","version":"0"'),
        "float": text(b'"elapsedNs":', b'"elapsedNs":1.5,"x":'),
        "float-integral": text(b',"highNs"', b'.0,"highNs"'),
        "exponent": text(b',"highNs"', b'e0,"highNs"'),
        "leading-zero": text(b'"elapsedNs":', b'"elapsedNs":0'),
        "plus-sign": text(b'"elapsedNs":', b'"elapsedNs":+'),
        "minus-zero": text(b'"computeUnits":1', b'"computeUnits":-0'),
        "infinity": text(b'"computeUnits":1', b'"computeUnits":Infinity'),
        "2-53": canonical(edit(s, run + ".elapsedNs", 2**53)),
        "minus-2-53": canonical(edit(s, run + ".lowNs", -2**53)),
        "2-64": canonical(edit(s, run + ".medianNs", 2**64)),
        "1000-digits": text(b'"highNs":', b'"highNs":' + b"9" * 1000),
        "non-ascii": text(b'"name":"vectors"', '"name":"vect\u00f6rs"'.encode()),
        "non-utf-8": text(b'"name":"vectors"', b'"name":"vect\xffrs"'),
        "escaped-letter": text(b'"name":"vectors"', b'"name":"v\\u0065ctors"'),
        "escaped-non-ascii": text(b'"name":"vectors"', b'"name":"v\\u00f6ctors"'),
        "escaped-control": text(b'"name":"vectors"', b'"name":"v\\u001b[31m"'),
        "escaped-newline": text(b'"name":"vectors"', b'"name":"a\\nb"'),
        "escaped-slash": text(b"https://in", b"https:\\/\\/in"),
        "raw-control": text(b'"name":"vectors"', b'"name":"\x1b[2J"'),
        "raw-del": text(b'"name":"vectors"', b'"name":"\x7f"'),
        "raw-nul": text(b'"name":"vectors"', b'"name":"\0"'),
        "lone-surrogate": text(b'"name":"vectors"', b'"name":"\\ud800"'), "bom": b"\xef\xbb\xbf" + b.payload,
        "unterminated": b.payload[:-1], "closed-twice": b.payload + b"}",
        "trailing-comma": b.payload[:-1] + b",}",
        "comment": text(b'{"_type"', b'{/**/"_type"'), "single-quotes": b.payload.replace(b'"', b"'"),
        "deep": b"[" * 30000 + b"]" * 30000, "deep-open": b"[" * 60000,
        "deep-objects": b'{"":' * 12000 + b"0" + b"}" * 12000}
    for name, payload in texts.items():
        yield "statement-" + name, "statement.malformed", b.with_payload(payload)
    many, cards = s["subject"] * 2, "predicate.claimed.telemetry.0"
    edits = {
        "unknown-member": ("extra", 0), "subject-missing": ("subject", GONE),
        "predicate-missing": ("predicate", GONE),
        "predicate-null": ("predicate", None), "predicate-type-integer": ("predicateType", 1),
        "type-null": ("_type", None),
        "subject-empty": ("subject", []), "subject-two": ("subject", many),
        "subject-object": ("subject", s["subject"][0]),
        "subject-name": ("subject.0.name", "transcripts"), "subject-member": ("subject.0.uri", ""),
        "subject-sha512": ("subject.0.digest.sha512", "0" * 128),
        "subject-digest-upper": ("subject.0.digest.sha256", s["subject"][0]["digest"]["sha256"].upper()),
        "subject-digest-short": ("subject.0.digest.sha256", "0" * 63),
        "subject-digest-null": ("subject.0.digest.sha256", None),
        "predicate-member": ("predicate.work_total", 1),
        "challenge-member": ("predicate.challenge.nonce", ""),
        "challenge-mode-null": ("predicate.challenge.mode", None),
        "challenge-digest-string": ("predicate.challenge.digest", "0" * 64),
        "claimed-missing": ("predicate.claimed", GONE),
        "started-space": ("predicate.claimed.startedAt", "2030-01-01 00:00:00Z"),
        "started-fraction": ("predicate.claimed.startedAt", "2030-01-01T00:00:00.0Z"),
        "started-offset": ("predicate.claimed.startedAt", "2030-01-01T00:00:00+00:00"),
        "started-no-zone": ("predicate.claimed.startedAt", "2030-01-01T00:00:00"),
        "started-small-z": ("predicate.claimed.startedAt", "2030-01-01T00:00:00z"),
        "started-letters": ("predicate.claimed.startedAt", "YYYY-MM-DDThh:mm:ssZ"),
        "finished-integer": ("predicate.claimed.finishedAt", 1893456000),
        "finished-empty": ("predicate.claimed.finishedAt", ""),
        "stagger-missing": ("predicate.claimed.staggerMs", GONE),
        "stagger-null": ("predicate.claimed.staggerMs", None),
        "stagger-true": ("predicate.claimed.staggerMs", True),
        "stagger-string": ("predicate.claimed.staggerMs", "250"),
        "stagger-negative": ("predicate.claimed.staggerMs", -1),
        "stagger-86400001": ("predicate.claimed.staggerMs", 86400001),
        "budget-missing": ("predicate.claimed.powerBudgetW", GONE),
        "budget-null": ("predicate.claimed.powerBudgetW", None),
        "budget-string": ("predicate.claimed.powerBudgetW", "3500"),
        "budget-negative": ("predicate.claimed.powerBudgetW", -1),
        "budget-1000001": ("predicate.claimed.powerBudgetW", 10**6 + 1),
        "pauses-missing": ("predicate.claimed.pauses", GONE),
        "pauses-null": ("predicate.claimed.pauses", None),
        "pauses-true": ("predicate.claimed.pauses", True),
        "pauses-string": ("predicate.claimed.pauses", "2"),
        "pauses-negative": ("predicate.claimed.pauses", -1),
        "pauses-1000001": ("predicate.claimed.pauses", 10**6 + 1),
        "claimed-member": ("predicate.claimed.stagger", 0),
        "claimed-segment-null": ("predicate.claimed.segments.0", None),
        "claimed-run-integer": (run, 5), "claimed-run-member": (run + ".rate", 1),
        "claimed-low-missing": (run + ".lowNs", GONE),
        "claimed-elapsed-0": (run + ".elapsedNs", 0), "claimed-elapsed-negative": (run + ".elapsedNs", -1),
        "claimed-elapsed-string": (run + ".elapsedNs", "1"),
        "claimed-elapsed-true": (run + ".elapsedNs", True),
        "claimed-elapsed-null": (run + ".elapsedNs", None), "claimed-median-null": (run + ".medianNs", None),
        "claimed-mad-null": (run + ".madNs", None), "claimed-mad-missing": (run + ".madNs", GONE),
        "claimed-first-negative": (run + ".firstNs", -1), "claimed-steady-negative": (run + ".steadyNs", -1),
        "claimed-steady-missing": (run + ".steadyNs", GONE), "claimed-drift-string": (run + ".driftPpm", "0"),
        "claimed-drift-missing": (run + ".driftPpm", GONE), "claimed-device-string": (run + ".deviceMedianNs", ""),
        "claimed-throttled-negative": (run + ".throttledRounds", -1),
        "claimed-throttled-array": (run + ".throttledRounds", []),
        "claimed-energy-negative": (run + ".energyMj", -1), "claimed-energy-missing": (run + ".energyMj", GONE),
        "telemetry-missing": ("predicate.claimed.telemetry", GONE),
        "telemetry-object": ("predicate.claimed.telemetry", {}),
        "telemetry-integer": (cards, 0), "telemetry-empty": (cards, {}), "telemetry-member": (cards + ".serial", "1"),
        "telemetry-source-empty": (cards + ".source", ""), "telemetry-source-33": (cards + ".source", "a" * 33),
        "telemetry-source-null": (cards + ".source", None),
        "telemetry-joined-other": (cards + ".joined", "serial"), "telemetry-joined-null": (cards + ".joined", None),
        "telemetry-samples-null": (cards + ".samples", None), "telemetry-samples-negative": (cards + ".samples", -1),
        "telemetry-range-integer": (cards + ".clockMhz", 5),
        "telemetry-range-member": (cards + ".powerMw.mean", 1),
        "telemetry-range-missing": (cards + ".temperatureMc.max", GONE),
        "telemetry-range-null-inside": (cards + ".memoryClockMhz.min", None),
        "telemetry-range-negative": (cards + ".powerMw.min", -1),
        "telemetry-ecc-negative": (cards + ".eccErrors", -1), "telemetry-xid-string": (cards + ".xidErrors", "79"),
        "telemetry-limit-missing": (cards + ".powerLimitMw", GONE),
        "telemetry-limit-negative": (cards + ".powerLimitMw", -1),
        "telemetry-pcie-missing": (cards + ".pcieWidth", GONE),
        "telemetry-reasons-object": (cards + ".throttleReasons", {}),
        "telemetry-reasons-integer": (cards + ".throttleReasons", [1]),
        "telemetry-reasons-order": (cards + ".throttleReasons", ["sw-power-cap", "hw-thermal"]),
        "telemetry-reasons-twice": (cards + ".throttleReasons", ["hw-thermal", "hw-thermal"]),
        "telemetry-reasons-empty": (cards + ".throttleReasons", [""]),
        "telemetry-reasons-space": (cards + ".throttleReasons", ["hw thermal"]),
        "telemetry-reasons-33": (cards + ".throttleReasons", ["a" * 33]),
        "telemetry-reasons-17": (cards + ".throttleReasons", ["a%02d" % i for i in range(17)]),
        "devices-null": ("predicate.devices", None), "harness-missing": ("predicate.harness", GONE),
        "harness-member": ("predicate.harness.url", ""),
        "harness-version-integer": ("predicate.harness.version", 1),
        "harness-name-257": ("predicate.harness.name", "a" * 257),
        "harness-commit-null": ("predicate.harness.gitCommit", None),
        "kernels-string": ("predicate.harness.kernels", "0" * 64),
        "kernels-short": ("predicate.harness.kernels.sha256", "00"),
        "nonclaims-fewer": ("predicate.nonClaims", v.NON_CLAIMS[:-1]),
        "nonclaims-empty": ("predicate.nonClaims", []),
        "nonclaims-more": ("predicate.nonClaims", v.NON_CLAIMS + ["warranty"]),
        "nonclaims-order": ("predicate.nonClaims", v.NON_CLAIMS[::-1]),
        "work-string": ("predicate.work", "sha256/1"),
        "work-integers": ("predicate.work", [1]), "work-null": ("predicate.work", None)}
    for name, (path, value) in edits.items():
        yield "statement-" + name, "statement.malformed", b.with_payload(edit(s, path, value))
    for name, rounds, ranges in (
            ("null", 1, None), ("empty", 1, []), ("object", 1, {}), ("integers", 1, [0, 1]), ("one-number", 1, [[0]]),
            ("three-numbers", 1, [[0, 0, 0]]), ("text", 1, [["0", "1"]]), ("null-inside", 1, [[0, None]]),
            ("negative", 1, [[-1, 0]]), ("backward", 1, [[1, 0]]), ("falling", 2, [[2, 2], [0, 0]]),
            ("twice", 2, [[0, 0], [0, 0]]), ("overlapping", 2, [[0, 1], [1, 2]]), ("touching", 2, [[0, 0], [1, 1]]),
            ("2-22", 1, [[2**22, 2**22]]), ("65", 65, [[2 * i, 2 * i] for i in range(65)]),
            ("of-none", 0, [[0, 0]]), ("of-unknown", None, [[0, 0]]), ("fewer-than-ranges", 1, [[0, 0], [2, 2]]),
            ("more-than-in-ranges", 2, [[0, 0]])):
        throttled = edit(edit(s, run + ".throttledRounds", rounds), run + ".throttled", ranges)
        yield "statement-throttled-" + name, "statement.malformed", b.with_payload(throttled)
    line = series([1, None, 3])
    for name, value in (
            ("null", None), ("empty", {}), ("array", []), ("member", dict(line, memoryClockMhz=None)),
            ("step-missing", edit(line, "stepMs", GONE)), ("step-0", edit(line, "stepMs", 0)),
            ("step-null", edit(line, "stepMs", None)), ("step-negative", edit(line, "stepMs", -1)),
            ("column-missing", edit(line, "powerMw", GONE)), ("column-array", edit(line, "powerMw", [1, 2, 3])),
            ("column-member", edit(line, "clockMhz.median", [1, 2, 3])),
            ("row-missing", edit(line, "clockMhz.mean", GONE)), ("row-null", edit(line, "clockMhz.min", None)),
            ("row-longer", edit(line, "clockMhz.max", [3, None, 5, 6])),
            ("row-shorter", edit(line, "clockMhz.mean", [2, None])),
            ("column-longer", edit(line, "powerMw", series([1, 2, 3, 4])["powerMw"])),
            ("without-columns", series([1], clock=None, power=None, temperature=None)),
            ("without-points", series([])), ("121", series(range(121))),
            ("of-nulls", edit(line, "powerMw", series([None] * 3)["powerMw"])),
            ("ends-in-null", series([1, None])), ("negative", edit(line, "clockMhz.min", [-1, None, 3])),
            ("text", edit(line, "clockMhz.mean", ["2", None, 4])),
            ("array-inside", edit(line, "clockMhz.mean", [[2], None, 4])),
            ("half-null", edit(line, "clockMhz.mean", [None, None, 4])),
            ("mean-below-min", edit(line, "clockMhz.mean", [0, None, 4])),
            ("max-below-mean", edit(line, "clockMhz.max", [1, None, 5]))):
        yield "statement-series-" + name, "statement.malformed", b.with_payload(edit(s, cards + ".series", value))
    beyond = edit(edit(s, run + ".throttledRounds", 1), run + ".throttled", [[1, 2]])
    yield "binding-throttled-beyond-the-rounds", "binding.mismatch", b.with_payload(beyond)
    p = Prover(edit(b.job, "segments.0.length", {"durationMs": 1}), rounds=[[1, 0]])
    filled = edit(p.statement(), "predicate.claimed.segments.0.1", p.claim(0, 0))
    yield ("statement-claimed-run-of-empty-run", "binding.mismatch",
           (sign(canonical(filled)), p.transcript()))
    for name, path, value in (("predicate-type-2", "predicateType", "urn:assay:attestation:2"),
                              ("predicate-type-other", "predicateType", "https://slsa.dev/provenance/v1"),
                              ("type-v2", "_type", "https://in-toto.io/Statement/v2"),
                              ("type-v0-1", "_type", "https://in-toto.io/Statement/v0.1")):
        yield "statement-" + name, "statement.version", b.with_payload(edit(s, path, value))
    bindings = {
        "claimed-segment-missing": ("claimed.segments", []),
        "claimed-segment-more": ("claimed.segments", s["predicate"]["claimed"]["segments"] * 2),
        "claimed-run-missing": ("claimed.segments.0.1", GONE), "claimed-run-null": ("claimed.segments.0.1", None),
        "telemetry-fewer": ("claimed.telemetry.1", GONE), "telemetry-none": ("claimed.telemetry", []),
        "telemetry-more": ("claimed.telemetry", [None] * 3),
        "challenge-digest": ("challenge.digest.sha256", "0" * 64), "mode": ("challenge.mode", "auditor"),
        "challenge-digest-other": ("challenge.digest.sha256", sha256(b.prover.block).hex()),
        "profile": ("challenge.profile", "assay/1 quick"), "profile-empty": ("challenge.profile", ""),
        "work-other": ("work", ["matmul-i8/1"]), "work-empty": ("work", []),
        "work-more": ("work", ["sha256/1"] * 2),
        "devices-renamed": ("devices.0.name", "better device"),
        "devices-exchanged": ("devices", b.prover.devices[::-1]),
        "devices-fewer": ("devices", b.prover.devices[:1]), "devices-more": ("devices", b.prover.devices * 2),
        "devices-empty": ("devices", []), "devices-memory": ("devices.1.memoryBytes", 1)}
    for name, (path, value) in bindings.items():
        yield "binding-" + name, "binding.mismatch", b.with_payload(edit(s, "predicate." + path, value))
    renamed = canonical(edit(b.prover.devices, "0.name", "better device"))
    yield "binding-devices-renamed-in-transcript", "binding.mismatch", b.with_sections(devices=renamed)


def reject_challenge(b):
    """§3 and §5. The run records and openings are those of the base job."""
    job, payload = b.job, b.prover.payload

    def text(old, new):
        assert payload.count(old) == 1, old
        return payload.replace(old, new)

    texts = {
        "not-json": b"challenge", "null": b"null", "array": b"[]", "object-empty": b"{}", "one-byte": b"0",
        "space": text(b'"samples":4', b'"samples": 4'), "newline-at-end": payload + b"\n",
        "unsorted": text(b'"mode":"self",', b"")[:-1] + b',"mode":"self"}',
        "duplicate-name": text(b'"samples":4', b'"samples":4,"samples":4'),
        "duplicate-devices": text(b'"devices":2', b'"devices":1,"devices":2'),
        "float": text(b'"samples":4', b'"samples":4.0'), "exponent": text(b'"samples":4', b'"samples":4e0'),
        "leading-zero": text(b'"samples":4', b'"samples":04'),
        "minus-zero": text(b'"samples":4', b'"samples":-0'),
        "samples-2-53": text(b'"samples":4', b'"samples":9007199254740992'),
        "samples-2-64-and-4": text(b'"samples":4', b'"samples":18446744073709551620'),
        "samples-5000-digits": text(b'"samples":4', b'"samples":' + b"4" * 5000),
        "escaped-letter": text(b'"self"', b'"s\\u0065lf"'), "control": text(b'"vectors"', b'"\x1b[2J"'),
        "escaped-control": text(b'"vectors"', b'"\\u001b[2J"'),
        "non-ascii": text(b'"vectors"', b'"\xc3\xb6"'),
        "nul-in-profile": text(b'"vectors"', b'"\0"'), "deep": b"[" * 20000 + b"]" * 20000}
    for name, changed in texts.items():
        yield "challenge-" + name, "challenge.malformed", b.with_sections(challenge=changed)
    segment, params, length = "segments.0", "segments.0.params", "segments.0.length"
    edits = {
        "expires": ("expires", "2030-01-01T00:00:00Z"), "expires-0": ("expires", 0),
        "verifier": ("verifier", "me"), "leased-missing": ("leased", GONE), "leased-null": ("leased", None),
        "leased-string": ("leased", "0"), "leased-true": ("leased", True), "leased-array": ("leased", []),
        "expires-string": ("expires", ""), "verifier-keyid": ("verifier", keyid(b.prover.key)),
        "verifier-0": ("verifier", 0),
        "expires-missing": ("expires", GONE), "nonce-missing": ("nonce", GONE),
        "type-other": ("type", "assay/1 receipt"),
        "type-null": ("type", None), "unknown-member": ("extra", None), "mode-null": ("mode", None),
        "mode-array": ("mode", ["self"]),
        "nonce-short": ("nonce", "0" * 62), "nonce-long": ("nonce", "0" * 66),
        "nonce-upper": ("nonce", "A" * 64),
        "nonce-letters": ("nonce", "g" * 64), "nonce-null": ("nonce", None),
        "profile-null": ("profile", None),
        "samples-string": ("samples", "4"), "samples-true": ("samples", True),
        "samples-null": ("samples", None),
        "devices-string": ("devices", "2"), "devices-array": ("devices", [0, 1]),
        "segments-object": ("segments", {}),
        "segments-null": ("segments", None), "segment-null": (segment, None), "segment-array": (segment, []),
        "segment-member": (segment + ".devices", 1), "workload-missing": (segment + ".workload", GONE),
        "workload-integer": (segment + ".workload", 1), "params-missing": (params, GONE),
        "params-null": (params, None),
        "params-array": (params, [1, 2]), "params-member": (params + ".seed", 0),
        "params-empty": (params, {}),
        "params-of-matmul": (params, {"k": 64, "m": 16, "n": 16}),
        "params-string": (params + ".log2Leaves", "2"),
        "params-true": (params + ".log2Digests", True), "params-null-value": (params + ".log2Leaves", None),
        "length-missing": (length, GONE), "length-null": (length, None), "length-integer": (length, 2),
        "length-empty": (length, {}), "length-both": (length, {"durationMs": 1, "rounds": 2}),
        "length-other": (length, {"seconds": 2}), "length-string": (length, {"rounds": "2"}),
        "length-null-value": (length, {"rounds": None}), "length-true": (length, {"rounds": True})}
    for name, (path, value) in edits.items():
        yield ("challenge-" + name, "challenge.malformed",
               b.with_sections(challenge=canonical(edit(job, path, value))))

    def capped(*segments, **members):
        challenge = dict(challenge_of(segments), **members)
        return b.with_sections(challenge=canonical(challenge), statement=[
            ("work", [w for w, p, l in segments])])

    top, fine = 2**20, hashes(1, 2, rounds=2)
    fill, walk = table(2, 64, 0, rounds=8)
    other = table(2, 65, 0, rounds=9)
    for name, segments in (("walk-alone", [walk]), ("fill-alone", [fill]), ("fill-last", [walk, fill]),
                           ("fill-apart", [fill, fine, walk]), ("walk-again", [fill, walk, walk]),
                           ("fill-twice", [fill, fill, walk]), ("fill-of-other", [fill, other[1]])):
        yield "challenge-" + name, "challenge.malformed", capped(*segments)
    caps = {
        "samples-0": capped(fine, samples=0), "samples-8193": capped(fine, samples=8193),
        "samples-negative": capped(fine, samples=-1), "samples-2-32-and-4": capped(fine, samples=2**32 + 4),
        "leased-1": capped(fine, leased=1), "leased-65": capped(fine, leased=65),
        "leased-negative": capped(fine, leased=-1), "leased-max": capped(fine, leased=v.MAX_INT),
        "devices-0": capped(fine, devices=0), "devices-65": capped(fine, devices=65),
        "devices-negative": capped(fine, devices=-2), "devices-max": capped(fine, devices=v.MAX_INT),
        "segments-0": capped(), "segments-17": capped(*[fine] * 17),
        "rounds-0": capped(hashes(1, 2, rounds=0)), "rounds-4194305": capped(hashes(1, 2, rounds=2**22 + 1)),
        "rounds-negative": capped(hashes(1, 2, rounds=-1)),
        "rounds-2-32-and-2": capped(hashes(1, 2, rounds=2**32 + 2)),
        "rounds-max": capped(hashes(1, 2, rounds=v.MAX_INT)),
        "duration-0": capped(hashes(1, 2, durationMs=0)),
        "duration-86400001": capped(hashes(1, 2, durationMs=86400001)),
        "duration-negative": capped(hashes(1, 2, durationMs=-1)),
        "duration-max": capped(hashes(1, 2, durationMs=v.MAX_INT)),
        "digests-15": capped(hashes(15, 2, rounds=2)), "digests-negative": capped(hashes(-1, 2, rounds=2)),
        "leaves-33": capped(hashes(1, 33, rounds=2)), "leaves-negative": capped(hashes(1, -1, rounds=2)),
        "leaves-64": capped(hashes(1, 64, rounds=2)), "leaves-max": capped(hashes(1, v.MAX_INT, rounds=2)),
        "both-of-sha256": capped(hashes(15, 33, rounds=2)), "m-8": capped(matmul(8, 16, 64, rounds=1)),
        "n-8": capped(matmul(16, 8, 64, rounds=1)), "m-0": capped(matmul(0, 16, 64, rounds=1)),
        "n-0": capped(matmul(16, 0, 64, rounds=1)), "m-negative": capped(matmul(-16, 16, 64, rounds=1)),
        "m-24": capped(matmul(24, 16, 64, rounds=1)), "n-48": capped(matmul(16, 48, 64, rounds=1)),
        "m-17": capped(matmul(17, 16, 64, rounds=1)), "m-2-21": capped(matmul(2**21, 16, 64, rounds=1)),
        "n-2-21": capped(matmul(16, 2**21, 64, rounds=1)),
        "m-2-32-and-16": capped(matmul(2**32 + 16, 16, 64, rounds=1)),
        "m-2-52": capped(matmul(2**52, 16, 64, rounds=1)), "k-0": capped(matmul(16, 16, 0, rounds=1)),
        "k-32": capped(matmul(16, 16, 32, rounds=1)), "k-96": capped(matmul(16, 16, 96, rounds=1)),
        "k-negative": capped(matmul(16, 16, -64, rounds=1)),
        "k-131072": capped(matmul(16, 16, 131072, rounds=1)),
        "k-131009": capped(matmul(16, 16, 131009, rounds=1)),
        "k-max": capped(matmul(16, 16, v.MAX_INT - 63, rounds=1)),
        "m-k-above-2-37": capped(matmul(top, 16, 131136, rounds=1)),
        "n-k-above-2-37": capped(matmul(16, top, 131136, rounds=1)),
        "work-2-63": capped(matmul(top, top, 131008, rounds=33)),
        "work-far-above-2-63": capped(matmul(top, top, 131008, rounds=2**22)),
        "leaves-above-2-48": capped(hashes(0, 32, rounds=2**16 + 1)),
        "nine-bits-k-32768": capped(matmul9(16, 16, 32768, rounds=1)),
        "nine-bits-k-32": capped(matmul9(16, 16, 32, rounds=1)),
        "nine-bits-m-8": capped(matmul9(8, 16, 64, rounds=1)),
        "floats-k-16448": capped(floats(32, 16, 16, 16448, rounds=1)),
        "floats-k-8256": capped(floats(64, 16, 16, 8256, rounds=1)),
        "floats-k-32": capped(floats(32, 16, 16, 32, rounds=1)), "floats-k-96": capped(floats(64, 16, 16, 96, rounds=1)),
        "floats-m-8": capped(floats(32, 8, 16, 64, rounds=1)), "floats-n-8": capped(floats(64, 16, 8, 64, rounds=1)),
        "floats-depth-34": capped(floats(32, 2**20, 2**20, 64, rounds=1)),
        "floats-operand": capped(floats(64, 2**20, 16, 16384, rounds=1)),
        "double-rounds-0": capped(*table(0, 64, 0, rounds=8)), "double-rounds-3": capped(*table(3, 64, 0, rounds=8)),
        "double-rounds-4098": capped(*table(4098, 64, 0, rounds=8)),
        "items-63": capped(*table(2, 63, 0, rounds=8)), "items-2-32": capped(*table(2, 2**32, 0, rounds=8)),
        "walkers-23": capped(*table(2, 64, 23, rounds=8)), "walkers-negative": capped(*table(2, 64, -1, rounds=8)),
        "walk-rounds-0": capped(*table(2, 64, 0, rounds=0)),
        "fill-rounds-1": capped(("memory-fill/1", fill[1], {"rounds": 1}), walk),
        "fill-duration": capped(("memory-fill/1", fill[1], {"durationMs": 1}), walk),
        "second-segment": capped(fine, matmul(16, 16, 131072, rounds=1))}
    for name, case in caps.items():
        yield "caps-" + name, "challenge.caps", case
    for mode in ("auditor", "Self", ""):
        challenge = canonical(edit(job, "mode", mode))
        yield ("challenge-mode-" + (mode.replace("S", "big-s") or "empty"), "challenge.mode",
               b.with_sections(challenge=challenge, statement=[("challenge.mode", mode)]))
    for name, workload in (("sha256-2", "sha256/2"), ("matmul-i8", "matmul-i8"), ("case", "SHA256/1"),
                           ("empty", "")):
        challenge = canonical(edit(job, segment + ".workload", workload))
        yield ("workload-" + name, "workload.unknown",
               b.with_sections(challenge=challenge, statement=[("work", [workload])]))


def reject_devices(b):
    """§6: only the transcript's block is at fault, the statement keeps a good one."""
    block, text = b.prover.devices, b.prover.block
    texts = {
        "not-json": b"devices", "null": b"null", "object": canonical(block[0]), "object-empty": b"{}",
        "empty": b"[]",
        "control": text.replace(b'"device 0"', b'"\x1b[2Jdevice"'),
        "del": text.replace(b'"device 0"', b'"\x7f"'),
        "escaped-control": text.replace(b'"device 0"', b'"\\u001b[2J"'),
        "nul": text.replace(b'"device 0"', b'"\0"'),
        "escaped-newline": text.replace(b'"device 0"', b'"a\\nb"'),
        "non-ascii": text.replace(b'"device 0"', b'"\xc2\xae"'),
        "escaped-letter": text.replace(b'"device 0"', b'"\\u0064evice 0"'),
        "space": text.replace(b",", b", ", 1),
        "newline-at-end": text + b"\n", "float": text.replace(b'"computeUnits":1', b'"computeUnits":1.0', 1),
        "duplicate-name": text.replace(b'"name":"device 0"', b'"name":"device 0","name":"device 0"'),
        "unsorted": text.replace(b'"memoryBytes":0,"name":"device 0"', b'"name":"device 0","memoryBytes":0')}
    for name, changed in texts.items():
        assert changed != text
        yield "devices-" + name, "devices.malformed", b.with_sections(devices=changed)
    for name, changed in (
            ("one-less", block[:1]), ("one-more", block + block[:1]), ("null-inside", [block[0], None]),
            ("array-inside", [block[0], []]), ("name-257", edit(block, "0.name", "n" * 257)),
            ("device-id-257", edit(block, "1.deviceId", "n" * 257)),
            ("variant-257", edit(block, "1.variant", "n" * 257)),
            ("device-id-integer", edit(block, "0.deviceId", 0)), ("name-null", edit(block, "0.name", None)),
            ("units-negative", edit(block, "0.computeUnits", -1)),
            ("units-string", edit(block, "0.computeUnits", "1")),
            ("units-true", edit(block, "0.computeUnits", True)),
            ("memory-null", edit(block, "1.memoryBytes", None)),
            ("memory-negative", edit(block, "1.memoryBytes", -1)),
            ("memory-2-53", edit(block, "1.memoryBytes", 2**53)),
            ("unknown-member", edit(block, "0.uuid", "")), ("driver-missing", edit(block, "1.driver", GONE)),
            ("device-id-missing", edit(block, "1.deviceId", GONE))):
        yield "devices-" + name, "devices.malformed", b.with_sections(devices=canonical(changed))


def reject_cost(b):
    """§12: more than 2^30 units, in small files of the right size whose roots nobody worked for."""
    def bomb(segments, devices=1, samples=8192):
        p = Prover(challenge_of(segments, devices, samples), rounds=[[0] * devices] * len(segments))
        for run in p.challenge.runs:
            p.runs[run] = v.Run([sha256(repr(run).encode())], [1])
            assert p.challenge.segments[run[0]].workload.depth == 0
        return finish(p)

    yield "cost-matmul-one-run", "cost.exceeded", bomb([matmul(16, 16, 131008, rounds=1)])
    yield "cost-just-above", "cost.exceeded", bomb([hashes(14, 0, rounds=1)], devices=8)
    yield "cost-1024-runs", "cost.exceeded", bomb([hashes(14, 0, durationMs=1)] * 16, devices=64)


def reject_work(b):
    """§10.2: cheats in the work itself, honestly signed."""
    for how in CHEATS:
        cheat = Cheat(how)
        yield "work-" + how, "leaf.mismatch", finish(cheat)
    p = b.prover
    first, second = p.runs[0, 0], p.runs[0, 1]
    for name, records in (
            ("runs-exchanged", [second.record(), first.record()] + p.openings[::-1]),
            ("run-copied", [first.record()] * 2 + p.openings[:1] * 2),
            ("roots-exchanged", [v.Run(first.roots[::-1], first.times).record(),
                                 second.record()] + p.openings),
            ("root-zero", [v.Run([bytes(32)] * 2, first.times).record(), second.record()] + p.openings),
            ("opening-zero", [first.record(), second.record(), bytes(256), p.openings[1]])):
        yield "work-" + name, "leaf.mismatch", b.with_sections(records=records)
    # The work of one job shown as that of another: devices, key, nonce, profile or params changed.
    renamed = edit(p.devices, "0.name", "better device")
    yield ("replay-devices-renamed", "leaf.mismatch",
           b.with_sections(devices=canonical(renamed), statement=[("devices", renamed)]))
    for name, path, value in (("nonce", "nonce", "0" * 64), ("profile", "profile", "assay/1 quick"),
                              ("log2-digests", "segments.0.params.log2Digests", 2)):
        challenge = canonical(edit(b.job, path, value))
        statement = [("challenge.profile", json.loads(challenge)["profile"])]
        yield "replay-" + name, "leaf.mismatch", b.with_sections(challenge=challenge, statement=statement)
    theirs = Prover(b.job, secret=STRANGER)
    stolen = v.pack(p.payload, p.block, p.key, *theirs.records())
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


def rejects():
    """(name, verdict, reason, files); the verdict follows from all reasons (§10.3)."""
    b = Base()
    assert v.Verification(b.envelope, b.transcript, {b.prover.key}).reasons == ["profile.unknown"]
    verdicts = {"untrusted-and-wrong": "fail"}
    for part in (reject_envelope, reject_transcript, reject_signature, reject_statement, reject_challenge,
                 reject_devices, reject_cost, reject_work):
        for name, reason, files in part(b):
            yield name, verdicts.get(name) or v.verdict_of(reason), reason, files
    yield from reject_exchange.rejects()


# ---------------------------------------------------------------- files

def save(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


FILES = ".intoto.json", ".transcript", ".receipts.jsonl"


def write_attestations(folder, comment, cases):
    """`files` of a case are those of FILES, in order; what is None or not there at all is not written."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(FILES):
            os.remove(os.path.join(folder, name))
    index = ["# " + line for line in comment]
    for name, *expected, files in cases:
        assert all(line.split()[0] != name for line in index), name
        for suffix, data in zip(FILES, files):
            if data is not None:
                save(folder, name + suffix, data)
        index.append(" ".join([name] + expected))
    save(folder, "index.txt", ("\n".join(index) + "\n").encode())


def in_full(cases):
    """The lines of good/index.txt: with the assurance, and in mode `verifier` what there is without the verifier's key."""
    for name, verdict, reasons, files in cases:
        payload = v.open_envelope(files[0])[0]
        shown = "self-asserted" if "run." in reasons else "work-proven"
        if json.loads(payload)["predicate"]["challenge"]["mode"] == "self":
            yield name, verdict, reasons, shown, files
            continue
        without = "receipts.untrusted" + ("," + reasons if reasons != "-" else "")
        bracketed = shown.replace("work-proven", "time-bracketed")
        yield name, verdict, reasons, bracketed, "inconclusive", without, shown, files


GOOD = ("name, verdict, all reasons, assurance; key.pem and verifier.pem trusted.",
        "In mode verifier verdict, all reasons, assurance follow once more: without verifier.pem")
REJECT = ("name, verdict, first reason that is not profile.unknown; good/key.pem and good/verifier.pem trusted",)


def write(folder):
    os.makedirs(folder, exist_ok=True)
    for name, text in (("chacha20", text_chacha20()), ("merkle", text_merkle()), ("matmul-i8", text_matmul(v.Matmul, "5.1", SIZES + ((32, 32, 131008),), b"matmul")),
                       ("matmul-i9", text_matmul(v.Matmul9, "5.3", SIZES + ((32, 32, 32704),), b"matmul-i9")),
                       ("matmul-f32", text_floats(v.MatmulF32, "5.4", 16384)),
                       ("matmul-f64", text_floats(v.MatmulF64, "5.5", 8192)),
                       ("sha256", text_sha256()), ("memory", text_memory()), ("chain", text_chain(chain_job())), ("estar", text_estar()),
                       ("keys", text_keys()), ("statistics", text_statistics()),
                       ("exchange", good_exchange.text_exchange())):
        save(folder, name + ".txt", text.encode())
    good_folder = os.path.join(folder, "good")
    write_attestations(good_folder, GOOD, in_full(list(good()) + list(good_exchange.good())))
    for name, secret in (("key", SECRET), ("verifier", good_exchange.VERIFIER)):
        save(good_folder, name + ".pem", v.pem("PUBLIC KEY", v.SPKI + v.ed25519_public(secret)).encode())
    write_attestations(os.path.join(folder, "reject"), REJECT, rejects())
    return 0


import good_exchange  # noqa: E402
import reject_exchange  # noqa: E402  needs what is above
