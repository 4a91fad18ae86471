# SPDX-License-Identifier: Apache-2.0
"""Independent counterpart of the verifier, written from verify/SPEC.md alone; "§" cites that text.

This file holds the primitives and the verifier of files, ci/exchange.py what mode `verifier` adds to it; the prover that
makes the vectors is in ci/reject.py and ci/reject_exchange.py.

    vectors.py write DIR      regenerate every test vector below DIR (deterministic)
    vectors.py check DIR      verify DIR/good and DIR/reject and compare with their index.txt
    vectors.py verify [--trust PUB.pem]... [--verifier PUB.pem]... [--budget UNITS] NAME.intoto.json

`verify` exits 0 pass, 1 fail, 2 inconclusive, 3 usage or input/output, 4 malformed (§10.3).
Nothing here is constant-time: never sign anything real with it.
"""
import base64
import functools
import hashlib
import json
import math
import os
import re
import struct
import sys

import numpy as np

import exchange

MAX_INT = 2**53 - 1
ZERO = bytes(32)


class Refused(Exception):
    """A check failed; `code` is one of §10.3."""

    def __init__(self, code, detail=""):
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def need(condition, code, detail=""):
    if not condition:
        raise Refused(code, detail)


# ---------------------------------------------------------------- §1 primitives

def sha256(data):
    return hashlib.sha256(data).digest()


def H(label, *parts):
    """§1.2."""
    return sha256(label.encode() + b"".join(parts))


def le32(x):
    return struct.pack("<I", x)


def le64(x):
    return struct.pack("<Q", x)


SHIFTS = [np.uint32(n) for n in range(32)]
TURNS = [np.array([(i + by) % 4 for i in range(4)]) for by in range(4)]


def double_round(a, b, c, d):
    """ChaCha's, on the four rows of states: the last axis but one of each has its four words, the last one the states. What
    is in the arrays that are given is lost."""
    def rotate(x, n):
        low = x >> SHIFTS[32 - n]
        x <<= SHIFTS[n]
        x |= low

    def quarters(a, b, c, d):
        for first, second in ((16, 12), (8, 7)):
            a += b
            d ^= a
            rotate(d, first)
            c += d
            b ^= c
            rotate(b, second)

    def turned(x, by):
        return x.take(TURNS[by], axis=-2)

    quarters(a, b, c, d)
    b, c, d = turned(b, 1), turned(c, 2), turned(d, 3)
    quarters(a, b, c, d)
    return a, turned(b, 3), turned(c, 2), turned(d, 1)


def chacha20(key, first, count, nonce=bytes(12)):
    """§1.3: blocks first … first+count-1 as a uint8 array; a state word is a vector over blocks."""
    out = np.empty((count, 16), "<u4")
    fixed = np.frombuffer(b"expand 32-byte k" + key + bytes(4) + nonce, "<u4").astype(np.uint32)

    for at in range(0, count, 4096):
        n = min(4096, count - at)
        init = np.repeat(fixed[:, None], n, axis=1)
        init[12] = np.arange(first + at, first + at + n, dtype=np.uint64).astype(np.uint32)
        rows = tuple(init.copy().reshape(4, 4, n))
        for _ in range(10):
            rows = double_round(*rows)
        out[at:at + n] = (np.concatenate(rows) + init).T
    return out.reshape(-1).view(np.uint8)


def leaf(value):
    return sha256(b"\0" + value)


def node(left, right):
    return sha256(b"\1" + left + right)


def tree(leaves, node=node):
    """§1.5: the levels, leaves first; the root is levels[-1][0]."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def path_of(levels, i):
    return b"".join(level[(i >> t) ^ 1] for t, level in enumerate(levels[:-1]))


def fold(hash_, i, path):
    for t in range(len(path) // 32):
        sibling = path[32 * t:32 * t + 32]
        hash_ = node(sibling, hash_) if i >> t & 1 else node(hash_, sibling)
    return hash_


# ---------------------------------------------------------------- §1.4 Ed25519 (RFC 8032 §5.1)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)
SPKI = bytes.fromhex("302a300506032b6570032100")
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(k, p):
    """k·p."""
    q = IDENTITY
    while k:
        if k & 1:
            q = add(q, p)
        p, k = add(p, p), k >> 1
    return q


def multiply_base(k):
    """k·B for k < 2^255, with what is the same each time done once."""
    q = IDENTITY
    for i, p in enumerate(BASE_DOUBLED):
        if k >> i & 1:
            q = add(q, p)
    return q


def encode_point(p):
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode_point(data):
    """None for anything but the one encoding of a point of the curve."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * SQRT_M1 % P
    if x * x % P != xx or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
BASE_DOUBLED = [BASE]
for _ in range(254):
    BASE_DOUBLED.append(add(BASE_DOUBLED[-1], BASE_DOUBLED[-1]))


def hash_to_scalar(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def ed25519_expand(secret):
    h = hashlib.sha512(secret).digest()
    return int.from_bytes(h[:32], "little") & (2**254 - 8) | 2**254, h[32:]


@functools.lru_cache(maxsize=None)
def ed25519_public(secret):
    return encode_point(multiply_base(ed25519_expand(secret)[0]))


def ed25519_sign(secret, message):
    a, prefix = ed25519_expand(secret)
    public = ed25519_public(secret)
    r = hash_to_scalar(prefix, message)
    R = encode_point(multiply_base(r))
    return R + ((r + hash_to_scalar(R, public, message) * a) % L).to_bytes(32, "little")


def ed25519_verify(public, message, signature):
    """Strict: reduced S, decodable key and R not of small order, and [S]B - [h]A must encode to R's very bytes."""
    R, S, A = signature[:32], int.from_bytes(signature[32:], "little"), decode_point(public)
    if len(signature) != 64 or S >= L:
        return False
    for point in (A, decode_point(R)):
        if point is None or encode_point(multiply(8, point)) == encode_point(IDENTITY):
            return False
    minus_A = (P - A[0], A[1], 1, P - A[3])
    h = hash_to_scalar(R, public, message)
    return encode_point(add(multiply_base(S), multiply(h, minus_A))) == R


def keyid(public):
    return sha256(SPKI + public).hex()


def pem(kind, der):
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, base64.b64encode(der).decode(), kind)


def read_public_pem(text):
    found = re.fullmatch(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", text)
    der = base64.b64decode("".join(found.group(1).split()), validate=True) if found else b""
    if len(der) != 44 or not der.startswith(SPKI):
        raise ValueError("not an Ed25519 public key in PEM")
    return der[12:]


# ---------------------------------------------------------------- §1.6 canonical JSON

def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def parse_json(data, code):
    """The value of a canonical text; anything else is Refused(code)."""
    def integer(text):
        need(len(text) <= 17 and abs(int(text)) <= MAX_INT, code, "integer out of range")
        return int(text)

    def never(text):
        raise Refused(code, "not an integer")

    def walk(x, depth):
        need(depth <= 16 or not isinstance(x, (dict, list)), code, "nested too deep")
        need(x is not True and x is not False, code, "true or false")
        strings = list(x) if isinstance(x, dict) else [x] if isinstance(x, str) else []
        need(all(" " <= c <= "~" for s in strings for c in s), code, "character outside 0x20 ... 0x7e")
        for item in (x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()):
            walk(item, depth + 1)

    try:
        value = json.loads(data.decode("ascii"), parse_int=integer, parse_float=never, parse_constant=never)
    except (ValueError, RecursionError):
        raise Refused(code, "not JSON in ASCII") from None
    walk(value, 1)
    need(canonical(value) == data, code, "not in canonical form")
    return value


def is_int(x, low=-MAX_INT, high=MAX_INT):
    return type(x) is int and low <= x <= high


def is_text(x, limit=None):
    return type(x) is str and (limit is None or len(x) <= limit)


def is_hex64(x):
    return type(x) is str and re.fullmatch("[0-9a-f]{64}", x) is not None


def has(x, names):
    """An object with exactly these members."""
    return type(x) is dict and sorted(x) == sorted(names.split())


# ---------------------------------------------------------------- §5 workloads

class Workload:
    def leaves(self, places):
        """Of (seed, leaf) each."""
        return [self.value(*place) for place in places]


class Matmul(Workload):
    """§5.1 `matmul-i8/1`."""
    unit, name, k_max, element, tile, chunk = "op", "matmul-i8/1", 131008, 1, 16, 1024

    def __init__(self, params):
        bad = "challenge.malformed"
        need(has(params, "k m n") and all(is_int(x) for x in params.values()), bad, "params")
        self.k, self.m, self.n = k, m, n = params["k"], params["m"], params["n"]
        caps = "challenge.caps"
        need(all(16 <= x <= 2**20 and x & (x - 1) == 0 for x in (m, n)), caps, "m or n")
        need(64 <= k <= self.k_max and k % 64 == 0 and max(m, n) * k * self.element <= 2**37, caps, "k")
        self.depth = (m * n // self.tile**2).bit_length() - 1
        need(self.depth <= 32, caps, "depth")
        self.work, self.cost = 2 * m * n * k, self.cost_of_leaf() + self.depth + 20

    def cost_of_leaf(self):
        return self.k // 2 + self.k

    def keys(self, seed):
        return H("assay/1 %s A\n" % self.name, seed), H("assay/1 %s B\n" % self.name, seed)

    def rows(self, key, first, count):
        blocks = self.k // 64
        return chacha20(key, first * blocks, count * blocks).view(np.int8).reshape(count, self.k)

    def product(self, a, b):
        """a·bᵀ exactly: a sum of `chunk` products is an integer of at most 2^24, exact in float32."""
        c = np.zeros((len(a), len(b)), np.int64)
        for l in range(0, a.shape[1], self.chunk):
            part = a[:, l:l + self.chunk].astype(np.float32) @ b[:, l:l + self.chunk].T.astype(np.float32)
            c += part.astype(np.int64)
        return c

    def value(self, seed, t):
        i, j = divmod(t, self.n // 16)
        a, b = (self.rows(key, 16 * x, 16) for key, x in zip(self.keys(seed), (i, j)))
        return self.product(a, b).astype("<i4").tobytes()

    def values(self, seed):
        key_a, key_b = self.keys(seed)
        c = self.product(self.rows(key_a, 0, self.m), self.rows(key_b, 0, self.n)).astype("<i4")
        tiles = c.reshape(self.m // 16, 16, self.n // 16, 16).transpose(0, 2, 1, 3).reshape(-1, 256)
        return [tile.tobytes() for tile in tiles]


class Sha256(Workload):
    """§5.2 `sha256/1`."""
    unit = "hash"

    def __init__(self, params):
        need(has(params, "log2Digests log2Leaves") and all(is_int(x) for x in params.values()),
             "challenge.malformed", "params")
        self.b, self.depth = params["log2Digests"], params["log2Leaves"]
        need(0 <= self.b <= 14 and 0 <= self.depth <= 32, "challenge.caps", "log2Digests or log2Leaves")
        self.work, self.cost = 1 << (self.b + self.depth), (1 << self.b) + self.depth + 20

    @staticmethod
    def digest(seed, i):
        return sha256(le64(i) + seed)

    def value(self, seed, t):
        hash_, counter = hashlib.sha256, struct.Struct("<Q").pack  # digest() without its calls
        digests = b"".join([hash_(counter(i) + seed).digest() for i in range(t << self.b, (t + 1) << self.b)])
        return np.bitwise_xor.reduce(np.frombuffer(digests, np.uint64).reshape(-1, 4), axis=0).tobytes()

    def values(self, seed):
        return [self.value(seed, t) for t in range(1 << self.depth)]


class Matmul9(Matmul):
    """§5.3 `matmul-i9/1`."""
    name, k_max, element, chunk = "matmul-i9/1", 32704, 2, 256

    def rows(self, key, first, count):
        blocks = 2 * self.k // 64
        halves = chacha20(key, first * blocks, count * blocks).view("<u2").reshape(count, self.k)
        return (((halves & 0x1ff) ^ 0x100).astype(np.int16) - 0x100).astype(np.int16)

    def cost_of_leaf(self):
        return 2 * self.k


def two_sum(a, b):
    """a + b as the nearest number and the exact rest."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a, b):
    """a·b likewise, by halves of 26 bits (Dekker)."""
    def halves(x):
        high = x * (2.0**27 + 1)
        high = high - (high - x)
        return high, x - high

    p, (a1, a0), (b1, b0) = a * b, halves(a), halves(b)
    return p, a0 * b0 - (((p - a1 * b1) - a0 * b1) - a1 * b0)


def to_odd(s, rest):
    """s + rest, |rest| at most half a place of s, rounded to the neighbour whose last bit is 1 unless it is exact. Of such
    a number another rounding, to fewer bits, gives what it would have given of the sum (Boldo and Melquiond)."""
    inexact = (rest != 0) & (s.view(np.int64) & 1 == 0)
    return np.where(inexact, np.nextafter(s, np.copysign(np.inf, rest)), s)


def fma_exact(a, b, c, bits):
    """One number at a time, from the definition: a·b + c as a fraction, rounded to `bits` bits, ties to even."""
    (an, ad), (bn, bd), (cn, cd) = (x.as_integer_ratio() for x in (a, b, c))
    n, d = an * bn * cd + cn * ad * bd, ad * bd * cd  # d is a power of two
    excess = max(0, n.bit_length() - bits)
    quotient, rest = divmod(n, 1 << excess)
    up = 2 * rest > 1 << excess or 2 * rest == 1 << excess and quotient & 1
    return (quotient + up << excess) / d


class MatmulF32(Matmul):
    """§5.4 `matmul-f32/1`. Numbers are kept as doubles, which hold every float."""
    unit, name, k_max, element, tile, bits = "flop", "matmul-f32/1", 16384, 4, 8, 24

    def cost_of_leaf(self):
        return self.element * self.k // 2

    def rows(self, key, first, count):
        blocks, size = self.element * self.k // 64, 8 * self.element
        words = chacha20(key, first * blocks, count * blocks).view("<i%d" % self.element).reshape(count, self.k)
        return (words >> (size - self.bits)).astype(np.float64) * 2.0**(1 - self.bits)

    @staticmethod
    def fma(a, b, c):
        """a·b is exact; then the sum, rounded to odd and to a float."""
        return to_odd(*two_sum(a * b, c)).astype(np.float32).astype(np.float64)

    def product(self, a, b):
        """a·bᵀ of the last two axes: one step for all entries of all products that are asked for."""
        a, b = (np.ascontiguousarray(np.moveaxis(x, -1, 0)) for x in (a, b))
        c = np.zeros(a.shape[1:] + b.shape[-1:])
        for l in range(len(a)):
            c = self.fma(*np.broadcast_arrays(a[l, ..., :, None], b[l, ..., None, :], c))
        return c

    def encode(self, numbers):
        return numbers.astype("<f%d" % self.element).tobytes()

    def value(self, seed, t):
        return self.leaves([(seed, t)])[0]

    def leaves(self, places):
        return [self.encode(tile) for at in range(0, len(places), 64) for tile in self.tiles(places[at:at + 64])]

    def tiles(self, places):
        """All at once: one alone takes almost as long."""
        rows = [[self.rows(key, 8 * x, 8) for key, x in zip(self.keys(seed), divmod(t, self.n // 8))] for seed, t in places]
        return self.product(*(np.stack(operand) for operand in zip(*rows)))

    def values(self, seed):
        key_a, key_b = self.keys(seed)
        return self.cut(self.product(self.rows(key_a, 0, self.m), self.rows(key_b, 0, self.n)))

    def cut(self, c):
        return [self.encode(c[i:i + 8, j:j + 8]) for i in range(0, self.m, 8) for j in range(0, self.n, 8)]


class MatmulF64(MatmulF32):
    """§5.5 `matmul-f64/1`."""
    name, k_max, element, bits = "matmul-f64/1", 8192, 8, 53

    @staticmethod
    def fma(a, b, c):
        """Emulation of FMA by Boldo and Melquiond: the two lowest parts rounded to odd, then one rounding."""
        high, low = two_product(a, b)
        middle, rest = two_sum(c, low)
        top, below = two_sum(high, middle)
        return top + to_odd(*two_sum(rest, below))


class Memory:
    """§5.6 `memory/1`. States are arrays of 32 rows of words, a column each; `fill` is the fill's run seed."""
    unit, reads, is_fill = "B", 64, False

    def __init__(self, params):
        need(has(params, "doubleRounds items log2Walkers") and all(is_int(x) for x in params.values()),
             "challenge.malformed", "params")
        self.params, self.items, self.walkers = params, params["items"], params["log2Walkers"]
        self.double_rounds, caps = params["doubleRounds"], "challenge.caps"
        need(2 <= self.double_rounds <= 4096 and self.double_rounds % 2 == 0, caps, "doubleRounds")
        need(64 <= self.items < 2**32 and 0 <= self.walkers <= 22, caps, "items or log2Walkers")
        self.depth, self.work = self.walkers, 128 * self.reads << self.walkers
        self.cost = self.reads * self.double_rounds // 8 + self.depth + 20
        self.least = -(-8 * self.items // (self.reads << self.walkers))

    @staticmethod
    def mix(x, double_rounds):
        """Both halves at once, which swap their last rows."""
        a, b, c, d = x.reshape(2, 4, 4, -1).swapaxes(0, 1)
        for _ in range(double_rounds):
            a, b, c, d = double_round(a, b, c, d)
            d = d[::-1]
        return np.stack((a, b, c, d), axis=1).reshape(32, -1)

    def table_key(self, fill):
        return chacha20(H("assay/1 memory/1 table\n", fill), 0, 2).view("<u4").astype(np.uint32)

    def item(self, key, indices):
        x = np.repeat(key[:, None], len(indices), axis=1)
        x[12] ^= np.array(indices, np.uint64).astype(np.uint32)
        return self.mix(x, self.double_rounds)

    @staticmethod
    def start(places):
        """Of (seed, walker) each."""
        keys = {seed: H("assay/1 memory/1 walkers\n", seed) for seed, w in places}
        return np.stack([chacha20(keys[seed], 2 * w, 2).view("<u4").astype(np.uint32) for seed, w in places], axis=1)

    def index(self, state):
        return [((int(high) << 32 | int(low)) * self.items) >> 64 for low, high in zip(state[0], state[1])]

    def step(self, state, key):
        return self.mix(state ^ self.item(key, self.index(state)), 2)

    def leaves(self, places, fill):
        """All at once: one alone takes almost as long."""
        key, state = self.table_key(fill), self.start(places)
        for _ in range(self.reads):
            state = self.step(state, key)
        return [state[:, i].astype("<u4").tobytes() for i in range(len(places))]

    def values(self, seed, fill):
        return self.leaves([(seed, w) for w in range(1 << self.walkers)], fill)


class MemoryFill(Memory):
    """The fill of §5.6: no rounds, and so no leaves."""
    is_fill = True

    def __init__(self, params):
        super().__init__(params)
        self.depth, self.work, self.cost, self.least = 0, 0, 0, 0


WORKLOADS = {"matmul-i8/1": Matmul, "matmul-i9/1": Matmul9, "matmul-f32/1": MatmulF32,
             "matmul-f64/1": MatmulF64, "sha256/1": Sha256, "memory-fill/1": MemoryFill, "memory/1": Memory}
FILLS = {"memory/1": "memory-fill/1"}


# ---------------------------------------------------------------- §3 challenge, §6 devices block

class Segment:
    """§3.2, with the caps of §3.3."""

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
        return rounds <= (0 if self.is_fill else 2**22) and rounds * self.leaves <= 2**48 and rounds * self.workload.work < 2**63


class Challenge:
    """§3.1."""

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
        asked = self.mode == "verifier"
        self.expires = exchange.seconds_of(x["expires"]) if asked else None
        need(x["expires"] is None if not asked else self.expires is not None, bad, "expires")
        need(0 <= self.leased <= (64 if asked else 0), "challenge.caps", "leased")
        need(is_hex64(self.verifier) if asked else self.verifier is None, bad, "verifier")
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
        """§12."""
        return sum(self.samples * self.segments[j].workload.cost for j, d in self.runs)


def check_devices(data, count):
    """§6."""
    bad = "devices.malformed"
    block = parse_json(data, bad)
    need(type(block) is list and len(block) == count, bad, "not one object per device")
    for x in block:
        texts = "architecture backend driver name variant"
        need(has(x, texts + " computeUnits deviceId memoryBytes"), bad, "members")
        need(all(is_text(x[i], 256) for i in texts.split()), bad, "text")
        need(is_int(x["computeUnits"], 0) and is_int(x["memoryBytes"], 0), bad, "integer")
        need(x["deviceId"] is None or is_text(x["deviceId"], 256), bad, "deviceId")


# ---------------------------------------------------------------- §4 chain, §9 sampling

def job_of(challenge_bytes, devices_bytes, key):
    return H("assay/1 job\n", sha256(challenge_bytes), key, sha256(devices_bytes))


def commit_of(j, runs):
    """Of the roots of each device."""
    return H("assay/1 commit\n", le32(j), *(le32(len(roots)) + b"".join(roots) for roots in runs))


class Chain:
    """§4.1. `roots_of(j, d, run_seed)` gives the roots of a run: the recorded ones, or a prover's; `nonce_of(chain, j)`
    is asked for nonce_j when all before it is known."""

    def __init__(self, challenge_bytes, devices_bytes, key, challenge, roots_of, nonce_of=lambda chain, j: ZERO):
        self.job = job_of(challenge_bytes, devices_bytes, key)
        self.segments, self.run_seeds, self.commits = [], {}, []
        self.nonces = [nonce_of(self, 0)]
        self.sample_key = H("assay/1 segment\n", self.job, self.nonces[0])
        for j in range(len(challenge.segments)):
            self.segments.append(self.sample_key)
            runs = []
            for d in range(challenge.devices):
                self.run_seeds[j, d] = H("assay/1 run\n", self.sample_key, le32(d))
                runs.append(roots_of(j, d, self.run_seeds[j, d]))
            self.commits.append(commit_of(j, runs))
            self.nonces.append(nonce_of(self, j + 1))
            self.sample_key = H("assay/1 segment\n", self.sample_key, self.commits[j], self.nonces[j + 1])

    def draw_key(self, j, d):
        return H("assay/1 draw\n", self.sample_key, le32(j), le32(d))


def next_seed(seed, root):
    return H("assay/1 round\n", seed, root)


def draws(draw_key, total, count):
    """§9.1: the first `count` draws below `total`."""
    limit, found, block = 2**64 // total * total, [], 0
    while len(found) < count:
        words = struct.unpack("<512Q", chacha20(draw_key, block, 64).tobytes())
        found += [x % total for x in words if x < limit]
        block += 64
    return found[:count]


@functools.lru_cache(maxsize=None)
def e_star_ppm(s, g=64):
    """§9.2, exactly: the least E with (10^6 - E)^s · 2^(20+g) <= 10^(6s)."""
    low, high = 0, 10**6
    while low < high:
        e = (low + high) // 2
        low, high = (low, e) if (10**6 - e)**s << (20 + g) <= 10**(6 * s) else (e + 1, high)
    return low


def certified(work, e_ppm):
    """§9.3."""
    return work * (10**6 - e_ppm) // 10**6


# ---------------------------------------------------------------- §7 transcript

class Run:
    def __init__(self, roots, times):
        self.roots, self.times = roots, times

    def record(self):
        return le32(len(self.roots)) + b"".join(self.roots) + b"".join(le64(t) for t in self.times)


def pack(challenge, devices, key, *records):
    """§7.1."""
    sections = b"".join(le32(len(x)) + x for x in (challenge, devices))
    return b"assay-t1" + sections + key + b"".join(records)


class Transcript:
    """§7: the header on construction, the records with cut()."""
    bad = "transcript.malformed"

    def __init__(self, data):
        self.data, self.at = data, 0
        magic = self.take(8)
        need(magic[:7] == b"assay-t", self.bad, "magic")
        need(magic == b"assay-t1", "transcript.version")
        self.challenge, self.devices = self.section(), self.section()
        self.key = self.take(32)

    def take(self, count):
        need(count <= len(self.data) - self.at, self.bad, "file ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def parts(self, count, size):
        """So many of so many bytes."""
        block = self.take(count * size)
        return [block[i * size:(i + 1) * size] for i in range(count)]

    def section(self):
        length, = struct.unpack("<I", self.take(4))
        need(1 <= length <= 65536, self.bad, "section length")
        return self.take(length)

    def cut(self, challenge):
        self.runs, self.openings = {}, {}
        for j, d in challenge.runs:
            rounds, = struct.unpack("<I", self.take(4))
            segment = challenge.segments[j]
            need(rounds <= (segment.rounds or 2**22) and segment.within(rounds), self.bad, "too many rounds")
            roots = self.parts(rounds, 32)
            self.runs[j, d] = Run(roots, struct.unpack("<%dQ" % rounds, self.take(8 * rounds)))
        for j, d in challenge.runs:
            size = 32 * challenge.segments[j].workload.depth
            count = challenge.samples if self.runs[j, d].roots else 0
            self.openings[j, d] = self.parts(count, size)
        need(self.at == len(self.data), self.bad, "bytes after the end")


# ---------------------------------------------------------------- §8 attestation

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE, PREDICATE_TYPE = "https://in-toto.io/Statement/v1", "urn:assay:attestation:1"
NON_CLAIMS = ["exclusivity", "identity", "locality", "partition", "service"]


def pae(payload, kind=PAYLOAD_TYPE):
    return b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(payload)) + payload


def seal(payload, signature, key_id, kind=PAYLOAD_TYPE):
    """§8.1."""
    p, s = base64.b64encode(payload).decode(), base64.b64encode(signature).decode()
    return ('{"payload":"%s","payloadType":"%s","signatures":[{"keyid":"%s","sig":"%s"}]}\n'
            % (p, kind, key_id, s)).encode()


def open_envelope(data, kind=PAYLOAD_TYPE, most=524288, bad="envelope.malformed"):
    text = r'"([A-Za-z0-9+/=]*)"'
    found = re.fullmatch(r'{"payload":%s,"payloadType":"%s","signatures":\[{"keyid":"([0-9a-f]{64})","sig":%s}\]}\n'
                         % (text, re.escape(kind), text), data.decode("latin-1"))
    need(found, bad, "not the one encoding")
    try:
        payload, signature = (base64.b64decode(found.group(i), validate=True) for i in (1, 3))
    except ValueError:
        raise Refused(bad, "base64") from None
    need(len(payload) <= most and len(signature) == 64, bad, "length of payload or signature")
    need(seal(payload, signature, found.group(2), kind) == data, bad, "not the one encoding")
    return payload, signature, found.group(2)


def median(values):
    """§8.3."""
    t, n = sorted(values), len(values)
    return (t[(n - 1) // 2] + t[n // 2]) // 2


def root_floor(n):
    """⌊196·√n⌋, for ranks without rounding."""
    return math.isqrt(196 * 196 * n)


def times_claimed(times):
    """§8.3: the members of a claimed run that follow from the times of its rounds (§7.2)."""
    t, n = sorted(times), len(times)
    # ⌊(n − 1.96·√n)/2⌋ and ⌈1 + (n + 1.96·√n)/2⌉, in hundredths
    exact = root_floor(n)**2 == 196 * 196 * n
    low = (100 * n - root_floor(n) - (0 if exact else 1)) // 200
    high = 1 - (-(100 * n + root_floor(n) + (0 if exact else 1)) // 200)
    middle, began, first = median(times), 0, 0
    for first, time in enumerate(times):
        if began >= 2 * 10**9:
            break
        began += time
    else:
        first = n
    steady, drift = times[first:], None
    third = len(steady) // 3
    if len(steady) >= 9 and median(steady[:third]) > 0:
        before, after = median(steady[:third]), median(steady[-third:])
        drift = abs(after - before) * 10**6 // before * (1 if after > before else -1)
    found = {"driftPpm": drift, "firstNs": median(times[:first]), "highNs": t[min(n, high) - 1],
             "lowNs": t[max(1, low) - 1], "madNs": median([abs(x - middle) for x in times]), "medianNs": middle,
             "steadyNs": median(steady) if steady else None}
    return {name: x if x is None else max(-MAX_INT, min(MAX_INT, x)) for name, x in found.items()}


def is_series(x):
    """§8.5: the time line of a device."""
    if not has(x, "clockMhz powerMw stepMs temperatureMc") or not is_int(x["stepMs"], 1):
        return False
    columns = [x[i] for i in ("clockMhz", "powerMw", "temperatureMc") if x[i] is not None]
    if not all(has(c, "max mean min") and all(type(row) is list for row in c.values()) for c in columns):
        return False
    lengths = {len(row) for c in columns for row in c.values()}
    if len(lengths) != 1 or not 1 <= min(lengths) <= 120:
        return False
    points = [list(zip(c["min"], c["mean"], c["max"])) for c in columns]
    nothing = (None, None, None)
    return (all(p == nothing or all(is_int(n, 0) for n in p) and list(p) == sorted(p) for c in points for p in c) and
            all(set(c) != {nothing} for c in points) and any(c[-1] != nothing for c in points))


def are_throttled(x, rounds):
    """§8.3: ranges of rounds that were throttled."""
    if type(x) is not list or not 1 <= len(x) <= 64 or not is_int(rounds, len(x)):
        return False
    if not all(type(r) is list and len(r) == 2 and all(is_int(n, 0, 2**22 - 1) for n in r) for r in x):
        return False
    return (all(first <= last for first, last in x) and all(a[1] + 1 < b[0] for a, b in zip(x, x[1:])) and
            rounds <= sum(last - first + 1 for first, last in x))


def is_telemetry(x):
    """§8.5."""
    if type(x) is dict and "series" in x:
        x = dict(x)
        if not is_series(x.pop("series")):
            return False
    ranges, numbers = "clockMhz memoryClockMhz powerMw temperatureMc", "eccErrors pcieGeneration pcieWidth powerLimitMw xidErrors"
    if not has(x, ranges + " " + numbers + " joined samples source throttleReasons"):
        return False
    reasons = x["throttleReasons"]
    return (all(x[i] is None or has(x[i], "max median min") and all(is_int(n, 0) for n in x[i].values())
                for i in ranges.split()) and
            all(x[i] is None or is_int(x[i], 0) for i in numbers.split()) and is_int(x["samples"], 0) and
            is_text(x["source"], 32) and x["source"] != "" and
            is_text(x["joined"]) and x["joined"] in ("host", "pci", "unverified", "uuid") and
            (reasons is None or type(reasons) is list and len(reasons) <= 16 and
             all(is_text(i) and re.fullmatch("[a-z0-9-]{1,32}", i) for i in reasons) and
             reasons == sorted(set(reasons))))


def check_statement(payload):
    """§8.2 and §8.3."""
    bad = "statement.malformed"
    x = parse_json(payload, bad)
    need(has(x, "_type predicate predicateType subject"), bad, "members")
    need(is_text(x["_type"]) and is_text(x["predicateType"]), bad, "types")
    need(x["_type"] == STATEMENT_TYPE and x["predicateType"] == PREDICATE_TYPE, "statement.version")
    subject, p = x["subject"], x["predicate"]
    need(has(p, "challenge claimed devices harness nonClaims work"), bad, "predicate")
    c = p["challenge"]
    need(has(c, "digest mode profile") and has(c["digest"], "sha256"), bad, "challenge")
    need(is_hex64(c["digest"]["sha256"]) and is_text(c["mode"]) and is_text(c["profile"]), bad, "challenge")
    names = ["transcript", "receipts"] if c["mode"] == "verifier" else ["transcript"]
    need(type(subject) is list and len(subject) == len(names), bad, "subject")
    for one, name in zip(subject, names):
        need(has(one, "digest name") and one["name"] == name and has(one["digest"], "sha256"), bad, "subject")
        need(is_hex64(one["digest"]["sha256"]), bad, "subject")
    h = p["harness"]
    need(has(h, "gitCommit kernels name version") and has(h["kernels"], "sha256"), bad, "harness")
    need(all(is_text(h[i], 256) for i in ("gitCommit", "name", "version")), bad, "harness")
    need(is_hex64(h["kernels"]["sha256"]), bad, "harness")
    need(p["nonClaims"] == NON_CLAIMS, bad, "nonClaims")
    need(type(p["work"]) is list and all(is_text(i) for i in p["work"]), bad, "work")
    need(type(p["devices"]) is list, bad, "devices")
    claimed = p["claimed"]
    need(has(claimed, "finishedAt pauses powerBudgetW segments staggerMs startedAt telemetry"), bad, "claimed")
    need(is_int(claimed["staggerMs"], 0, 86400000), bad, "staggerMs")
    need(is_int(claimed["powerBudgetW"], 0, 10**6), bad, "powerBudgetW")
    need(is_int(claimed["pauses"], 0, 10**6), bad, "pauses")
    time = r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}Z"
    for i in ("startedAt", "finishedAt"):
        need(is_text(claimed[i]) and re.fullmatch(time, claimed[i]), bad, "time")
    need(type(claimed["telemetry"]) is list, bad, "telemetry")
    for entry in claimed["telemetry"]:
        need(entry is None or is_telemetry(entry), bad, "telemetry")
    need(type(claimed["segments"]) is list, bad, "claimed segments")
    for segment in claimed["segments"]:
        need(type(segment) is list, bad, "claimed segment")
        for run in filter(lambda run: run is not None, segment):
            unknown = "deviceMedianNs energyMj steadyNs throttledRounds driftPpm".split()
            known = "elapsedNs firstNs highNs lowNs madNs medianNs".split()
            if type(run) is dict and "throttled" in run:
                run = dict(run)
                need(are_throttled(run.pop("throttled"), run.get("throttledRounds")), bad, "throttled")
            need(has(run, " ".join(known + unknown)), bad, "claimed run")
            need(all(is_int(run[i], 0) for i in known) and run["elapsedNs"] >= 1, bad, "claimed run")
            need(all(run[i] is None or is_int(run[i], -MAX_INT if i == "driftPpm" else 0) for i in unknown), bad,
                 "claimed run")
    return x


# ---------------------------------------------------------------- §10 verification

CHECKS = ("envelope", "transcript", "signature", "trust", "statement", "challenge", "records", "digest", "devices",
          "binding", "receipts", "profile", "cost", "recheck")
GRAVITY = ("leaf.mismatch", "run.empty", "run.short")
VERDICTS = {"pass": 0, "fail": 1, "inconclusive": 2, "malformed": 4}


def verdict_of(reason):
    """§10.3."""
    if reason == "challenge.caps" or reason.endswith(".malformed"):
        return "malformed"
    fails = ("signature.invalid signature.keyid transcript.digest binding.mismatch receipts.digest receipts.mismatch "
             "receipts.signature leaf.mismatch")
    return "fail" if reason in fails.split() else "inconclusive"


class Verification:
    """§10.1: the checks in order. A refusal ends the walk, except those of trust, untrusted receipts, profile and
    recheck. `receipts` is None when there is no such file, `verifiers` are the keys of trusted verifiers."""

    def __init__(self, envelope, transcript, trusted, budget=2**30, receipts=None, verifiers=()):
        self.lines, self.figures, self.signed, self.proven = [], [], False, False
        self.shown, self.receipts, self.verifiers, self.bracketed = {}, receipts, verifiers, None
        try:
            self.walk(envelope, transcript, trusted, budget)
        except Refused as refused:
            self.note(self.check, refused.code, refused.detail)
        seen = [line[0] for line in self.lines]
        self.lines += [(check, "skipped", "-", "") for check in CHECKS if check not in seen]
        self.lines.sort(key=lambda line: (CHECKS.index(line[0]), GRAVITY.index(line[2])
                                          if line[2] in GRAVITY else len(GRAVITY)))
        self.reasons = list(dict.fromkeys(line[2] for line in self.lines if line[2] != "-"))
        verdicts = [verdict_of(reason) for reason in self.reasons]
        self.verdict = next((v for v in ("malformed", "fail", "inconclusive") if v in verdicts), "pass")
        proven = "time-bracketed" if self.bracketed else "work-proven"
        self.assurance = proven if self.proven else "self-asserted" if self.signed else "null"

    def note(self, check, reason=None, detail=""):
        self.lines.append((check, verdict_of(reason) if reason else "pass", reason or "-", detail))

    def steps(self):
        """Notes the check before as passed, and names the next."""
        for i, check in enumerate(CHECKS):
            if i and CHECKS[i - 1] not in [line[0] for line in self.lines]:
                self.note(CHECKS[i - 1])
            self.check = check
            yield check

    def walk(self, envelope, transcript, trusted, budget):
        step = self.steps()
        next(step)  # envelope
        payload, signature, key_id = open_envelope(envelope)
        next(step)  # transcript
        t = Transcript(transcript)
        next(step)  # signature
        need(key_id == keyid(t.key), "signature.keyid")
        need(ed25519_verify(t.key, pae(payload), signature), "signature.invalid")
        self.signed = True
        next(step)  # trust
        if t.key not in trusted:
            self.note("trust", "key.untrusted", key_id)
        next(step)  # statement
        statement = check_statement(payload)
        p = statement["predicate"]
        next(step)  # challenge
        challenge = Challenge(t.challenge)
        next(step)  # records
        t.cut(challenge)
        next(step)  # digest
        need(statement["subject"][0]["digest"]["sha256"] == sha256(transcript).hex(), "transcript.digest")
        next(step)  # devices
        check_devices(t.devices, challenge.devices)
        next(step)  # binding
        expected = {"digest": {"sha256": sha256(t.challenge).hex()}, "mode": challenge.mode,
                    "profile": challenge.profile}
        need(p["challenge"] == expected, "binding.mismatch", "challenge")
        need(p["work"] == [s.name for s in challenge.segments], "binding.mismatch", "work")
        need(canonical(p["devices"]) == t.devices, "binding.mismatch", "devices")
        claimed = [[run is None for run in segment] for segment in p["claimed"]["segments"]]
        empty = [[not t.runs[j, d].roots for d in range(challenge.devices)] for j in range(len(challenge.segments))]
        need(claimed == empty, "binding.mismatch", "claimed runs")
        for j, segment in enumerate(p["claimed"]["segments"]):
            for d, run in enumerate(segment):
                ranges = run.get("throttled") if run else None
                need(not ranges or ranges[-1][1] < len(t.runs[j, d].roots), "binding.mismatch", "throttled rounds")
        need(len(p["claimed"]["telemetry"]) == challenge.devices, "binding.mismatch", "telemetry")
        next(step)  # receipts
        nonce_of = self.exchanged(challenge, t, statement)
        next(step)  # profile
        if not challenge.in_profile():
            self.note("profile", "profile.unknown")
        next(step)  # cost
        cost = challenge.cost()
        need(cost <= budget, "cost.exceeded", "%d units" % cost)
        next(step)  # recheck
        chain = Chain(t.challenge, t.devices, t.key, challenge, lambda j, d, seed: t.runs[j, d].roots, nonce_of)
        results = [self.recheck(challenge, t, chain, p["claimed"], j, d) for j, d in challenge.runs]
        self.proven = all(results)
        self.aggregate(challenge)

    def exchanged(self, challenge, t, statement):
        """§8.6: where the chain has its nonces. `bracketed` are (T0, T1) of each segment, if they are to be trusted."""
        if challenge.mode == "self":
            return lambda chain, j: ZERO
        need(self.receipts is not None, "receipts.missing")
        need(statement["subject"][1]["digest"]["sha256"] == sha256(self.receipts).hex(), "receipts.digest")
        job, runs = job_of(t.challenge, t.devices, t.key), range(challenge.devices)
        commits = [commit_of(j, [t.runs[j, d].roots for d in runs]) for j in range(len(challenge.segments))]
        receipts = exchange.Receipts(self.receipts, len(commits))
        receipts.must_match(sha256(t.challenge), job, commits, challenge)
        key = next((key for key in self.verifiers if keyid(key) == challenge.verifier), None)
        if key is None:
            self.note("receipts", "receipts.untrusted", challenge.verifier)
        else:
            receipts.must_be_signed(key)
            self.bracketed = receipts.brackets
        return lambda chain, j: receipts.nonces[j]

    def proven_rate(self, work, j, segment):
        """§9.3, of certified work."""
        if not self.bracketed:
            return "nothing"
        released, received = self.bracketed[j]
        rate = exchange.proven_rate(work, received - released, segment.duration)
        return "%d %s/s in %d ns" % (rate, segment.workload.unit, received - released)

    def aggregate(self, challenge):
        """§9.4: figures of each segment, before those of the runs."""
        lines = []
        for j, segment in enumerate(challenge.segments):
            runs, asked = self.shown.get(j, []), (segment.duration or 0) * 10**6
            work, ns = sum(run[0] for run in runs), max([asked] + [run[2] for run in runs])
            rate = "%d %s/s" % (work * 10**9 // ns, segment.workload.unit) if runs else "nothing"
            sure = sum(run[1] for run in runs)
            lines.append("segment %d %s: runs %d, work %d, certified %d, claimed %s in %d ns, proven %s" % (
                j, segment.name, len(runs), work, sure, rate, ns if runs else 0,
                self.proven_rate(sure, j, segment) if runs else "nothing"))
        self.figures = lines + self.figures

    def recheck(self, challenge, t, chain, claimed, j, d):
        """§10.2; notes the result and the figures of §9.3, and returns whether the run passed."""
        segment, roots, where = challenge.segments[j], t.runs[j, d].roots, "segment %d device %d" % (j, d)
        if not roots:
            if not segment.is_fill:
                self.note("recheck", "run.empty", where)
            return segment.is_fill
        fill = (chain.run_seeds[j - 1, d],) if segment.name in FILLS else ()
        seeds = [chain.run_seeds[j, d]]
        for root in roots:
            seeds.append(next_seed(seeds[-1], root))
        drawn = draws(chain.draw_key(j, d), len(roots) * segment.leaves, challenge.samples)
        once = sorted(set(drawn))
        places = [(seeds[y // segment.leaves], y % segment.leaves) for y in once]
        hashes = {y: leaf(value) for y, value in zip(once, segment.workload.leaves(places, *fill))}
        for y, path in zip(drawn, t.openings[j, d]):
            r, i = divmod(y, segment.leaves)
            if fold(hashes[y], i, path) != roots[r]:
                self.note("recheck", "leaf.mismatch", "%s round %d leaf %d" % (where, r, i))
                return False
        short = len(roots) < max(segment.rounds or 0, getattr(segment.workload, "least", 0))
        self.note("recheck", "run.short" if short else None, "%s: %d draws" % (where, len(drawn)))
        work, e_ppm = len(roots) * segment.workload.work, e_star_ppm(challenge.samples, 0 if self.bracketed else 64)
        self.shown.setdefault(j, []).append((work, certified(work, e_ppm), claimed["segments"][j][d]["elapsedNs"]))
        ns = max(claimed["segments"][j][d]["elapsedNs"], (segment.duration or 0) * 10**6)
        run = claimed["segments"][j][d]
        stated = all(run[name] == x for name, x in times_claimed(t.runs[j, d].times).items())
        sure = certified(work, e_ppm)
        self.figures.append("run %d %d %s: rounds %d, work %d, eStarPpm %d, certified %d, claimed %d %s/s, proven %s, "
                            "statistics %s" % (j, d, segment.name, len(roots), work, e_ppm, sure, work * 10**9 // ns,
                                               segment.workload.unit, self.proven_rate(sure, j, segment),
                                               "of the times" if stated else "of other times"))
        return not short


# ---------------------------------------------------------------- commands

def read(path, limit=None):
    with open(path, "rb") as f:
        return f.read() if limit is None else f.read(limit)


def verify_file(path, trusted, budget=2**30, verifiers=()):
    """The transcript lies beside the envelope, and in mode `verifier` the receipts. An envelope of 800,000 bytes can only
    be malformed (§8.1)."""
    stem = path[:-len(".intoto.json")]
    receipts = stem + ".receipts.jsonl"
    return Verification(read(path, 800000), read(stem + ".transcript"), trusted, budget,
                        read(receipts) if os.path.exists(receipts) else None, verifiers)


def read_key(path):
    return read_public_pem(read(path).decode("ascii"))


def command_verify(arguments):
    trusted, verifiers, budget, files = set(), set(), 2**30, []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--trust":
            trusted.add(read_key(next(rest, "")))
        elif argument == "--verifier":
            verifiers.add(read_key(next(rest, "")))
        elif argument == "--budget":
            budget = int(next(rest, ""))
        else:
            files.append(argument)
    if len(files) != 1 or not files[0].endswith(".intoto.json"):
        raise ValueError("one FILE.intoto.json is needed")
    result = verify_file(files[0], trusted, budget, verifiers)
    for line in result.lines:
        print(" ".join(line).rstrip())
    for line in result.figures:
        print(line)
    print("verdict: %s  assurance: %s" % (result.verdict, result.assurance))
    return VERDICTS[result.verdict]


def found_in(part, name, folder, trusted, verifiers):
    """What the index says of one attestation; reject/ states the first reason only."""
    result = verify_file(os.path.join(folder, part, name + ".intoto.json"), trusted, verifiers=verifiers)
    reasons = result.reasons
    if part == "reject":
        reasons = [x for x in reasons if x != "profile.unknown"][:1]
    return [result.verdict, ",".join(reasons) or "-"] + ([result.assurance] if part == "good" else [])


def command_check(folder):
    """Every attestation of good/ and reject/ against its index."""
    trusted, verifiers = ({read_key(os.path.join(folder, "good", name))} for name in ("key.pem", "verifier.pem"))
    wrong, count = 0, 0
    for part in ("good", "reject"):
        names = set()
        for line in read(os.path.join(folder, part, "index.txt")).decode("ascii").splitlines():
            if not line or line.startswith("#"):
                continue
            name, *expected = line.split()
            names.add(name)
            found = found_in(part, name, folder, trusted, verifiers)
            if len(expected) == 6:
                found += found_in(part, name, folder, trusted, ())
            if found != expected:
                print("%s/%s: expected %s, found %s" % (part, name, " ".join(expected), " ".join(found)))
                wrong += 1
            count += 1
        files = {f.split(".")[0] for f in os.listdir(os.path.join(folder, part))} - {"index", "key", "verifier"}
        if files != names:
            print("%s: files and index differ: %s" % (part, sorted(files ^ names)))
            wrong += 1
    print("%d attestations, %d differ" % (count, wrong))
    return 1 if wrong else 0


def main(arguments):
    try:
        if arguments[:1] == ["verify"]:
            return command_verify(arguments[1:])
        if arguments[:1] == ["check"] and len(arguments) == 2:
            return command_check(arguments[1])
        if arguments[:1] == ["write"] and len(arguments) == 2:
            import reject
            return reject.write(arguments[1])
        raise ValueError(__doc__)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    import vectors  # this file once more, under the name by which the other modules know it
    sys.exit(vectors.main(sys.argv[1:]))
