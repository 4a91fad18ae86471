# SPDX-License-Identifier: Apache-2.0
"""Vectors as text: primitives, the chain, sampling, statistics (§1, §4, §8.3, §9)."""
from counterpart.basics import le64, leaf, path_of, sha256, tree
from counterpart.chacha import chacha20
from counterpart.chain import certified, draws, e_star_ppm
from counterpart.claims import times_claimed
from counterpart.ed25519 import (decode_point, ed25519_public, ed25519_sign, encode_point, IDENTITY, keyid, L, multiply, P,
                                 pem, PKCS8, SPKI)
from .jobs import SECRET, STRANGER


class Text:
    """Lines `name = value`: bytes as hexadecimal, integers in decimal, lists with spaces between, None as null."""

    def __init__(self, *comments):
        self.lines = ["# " + comment for comment in comments]

    def section(self, name, **values):
        self.lines += ["", "[%s]" % name]
        self.put(values)

    def put(self, values):
        for name, value in values.items():
            if isinstance(value, (list, tuple)):
                value = " ".join(str(x) for x in value)
            if isinstance(value, bytes):
                value = value.hex()
            self.lines.append("%s = %s" % (name, "null" if value is None else value))

    def encode(self):
        return ("\n".join(self.lines) + "\n").encode("ascii")


def text_chacha20():
    t = Text("ChaCha20 (SPEC 1.3). rfc8439: RFC 8439 2.3.2, one block with its nonce and counter.",
             "Elsewhere the nonce is zero; block_N is block N of the key stream, 64 bytes.")
    key, nonce = bytes(range(32)), bytes.fromhex("000000090000004a00000000")
    t.section("rfc8439", key=key, nonce=nonce, counter=1, block=chacha20(key, 1, 1, nonce).tobytes())
    for name, key in (("zero", bytes(32)), ("counting", bytes(range(32))), ("hashed", sha256(b"chacha20"))):
        t.section(name, key=key)
        t.put({"block_%d" % block: chacha20(key, block, 1).tobytes()
               for block in (0, 1, 2, 255, 256, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)})
        t.put({"sha256_of_first_65536_bytes": sha256(chacha20(key, 0, 1024).tobytes())})
    return t


def text_merkle():
    t = Text("Merkle tree (SPEC 1.5). The value of leaf i is the 8 bytes LE64(i).",
             "level_0 holds the leaf hashes, the last level the root. path_I is the path of leaf I.")
    for size in (1, 2, 4, 8, 16, 1024):
        levels = tree([leaf(le64(i)) for i in range(size)])
        t.section("size_%d" % size, leaves=size)
        if size <= 16:
            t.put({"level_%d" % i: b"".join(level) for i, level in enumerate(levels)})
        t.put({"root": levels[-1][0]})
        t.put({"path_%d" % i: path_of(levels, i) for i in sorted({0, 1, size // 2, size - 1} & set(range(size)))})
    return t


def text_chain(p):
    t = Text("The whole job of good/chain (SPEC 4, 9): run_J_D is device D in segment J.",
             "draws are numbers y below rounds x leaves, the first ten of the run's.")
    t.section("inputs", challenge=p.payload.decode(), challenge_sha256=sha256(p.payload), devices=p.block.decode(),
              devices_sha256=sha256(p.block), prover_key=p.key)
    t.section("chain", job=p.chain.job)
    for j, seed in enumerate(p.chain.segments):
        t.put({"seg_%d" % j: seed, "commit_%d" % j: p.chain.commits[j]})
    t.put({"sample_key": p.chain.sample_key})
    for j, d in p.challenge.runs:
        t.section("run_%d_%d" % (j, d), run_seed=p.chain.run_seeds[j, d])
        for r, root in enumerate(p.runs[j, d].roots):
            t.put({"seed_%d" % r: p.seeds[j, d][r], "root_%d" % r: root})
        leaves = p.challenge.segments[j].leaves
        t.put({"draw_key": p.chain.draw_key(j, d), "draws": [r * leaves + i for r, i in p.draws(j, d)][:10]})
    t.section("skipping")
    key = sha256(b"draws that skip")
    t.lines.append("# A draw key and a T for which words are skipped: T = 2^63 + 1 skips about half of them.")
    for i, total in enumerate((2**63 + 1, 3, 2**48 - 1)):
        t.put({"draw_key_%d" % i: key, "total_%d" % i: total, "draws_%d" % i: draws(key, total, 10)})
    return t


def text_statistics():
    t = Text("What is claimed of the times of a run's rounds (SPEC 8.3), in nanoseconds; null is unknown.")
    second = 10**9
    cases = {
        "one": [5], "two": [5, 4], "three": [9, 1, 5], "hundred": list(range(1, 101)),
        "thousand": [7 * i % 101 for i in range(1000)], "none": [0] * 20, "first-to-the-nanosecond": [second, second, 3, 4],
        "first-less-a-nanosecond": [second, second - 1, 3, 4], "one-long": [5 * second],
        "long-then-eight": [2 * second] + list(range(1, 9)), "long-then-nine": [2 * second] + list(range(101, 110)),
        "falling": [2 * second] + list(range(120, 100, -1)),
        "slower": [second // 10] * 20 + [second // 8 + 1000 * i for i in range(30)],
        "a-burst": [10**6] * 50 + [2 * second] + [10**6 + 37 * (7 * i % 11) for i in range(40)],
        "from-nothing": [2 * second] + [0] * 5 + [7] * 5, "outlier": [100] * 30 + [2**60] + [100] * 30,
        "more-than-is-written": [2**64 - 2, 2**64 - 3, 2**63, 1, 2] * 4,
        "ratio-more-than-is-written": [2 * second] + [1] * 6 + [2**64 - 2] * 6,
        "falls-to-nothing": [2 * second] + [2**64 - 2] * 6 + [0] * 6}
    for name, times in cases.items():
        t.section(name, times=times, **times_claimed(times))
    return t


def text_estar():
    t = Text("eStarPpm (SPEC 9.2) for s draws and G = 2^g, and certified work (SPEC 9.3).")
    for g in (64, 0):
        t.section("g_%d" % g)
        t.put({"s_%d" % s: e_star_ppm(s, g)
               for s in (1, 2, 3, 4, 5, 16, 100, 128, 256, 512, 1000, 1024, 2048, 4096, 8191, 8192)})
    for s in (1, 512, 2048, 8192):
        t.section("certified_s_%d" % s, e_star_ppm=e_star_ppm(s))
        t.put({"work_%d" % work: certified(work, e_star_ppm(s))
               for work in (1, 9, 10**6 - 1, 10**6, 2**32, 2**53 + 1, 2**62, 2**63 - 1)})
    return t


def point_of_order_8():
    y = 2
    while True:
        point = decode_point(y.to_bytes(32, "little"))
        torsion = point and multiply(L, point)
        if torsion and encode_point(multiply(4, torsion)) != encode_point(IDENTITY):
            return torsion
        y += 1


def small_order_keys():
    """Encodings of points of order 1, 2, 4 and 8, and one of order 1 with y >= p."""
    torsion = point_of_order_8()
    return [encode_point(multiply(i, torsion)) for i in (8, 4, 2, 1)] + [(P + 1).to_bytes(32, "little")]


def text_keys():
    t = Text("Ed25519 keys (SPEC 1.4). A line end inside a PEM text is written as a backslash and n.",
             "signature is over the ASCII text of message; the first two seeds are those of RFC 8032 7.1.")
    seeds = {"rfc8032_1": bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
             "rfc8032_2": bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
             "good": SECRET, "stranger": STRANGER}
    for name, secret in seeds.items():
        public = ed25519_public(secret)
        t.section(name, seed=secret, public=public, spki=SPKI + public,
                  spki_pem=pem("PUBLIC KEY", SPKI + public).replace("\n", "\\n"),
                  pkcs8_pem=pem("PRIVATE KEY", PKCS8 + secret).replace("\n", "\\n"), keyid=keyid(public),
                  message="assay", signature=ed25519_sign(secret, b"assay"), signature_of_nothing=ed25519_sign(secret, b""))
    t.section("small_order")
    t.put({"refused_%d" % i: key for i, key in enumerate(small_order_keys())})
    return t
