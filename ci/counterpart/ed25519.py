# SPDX-License-Identifier: Apache-2.0
"""§1.4: Ed25519 (RFC 8032 §5.1) and its keys in files. Nothing here is constant-time: never sign anything real with it.

A point is (X, Y, Z, T) in extended coordinates, integers modulo P; keys are 32 bytes, signatures 64."""
import base64
import functools
import hashlib
import re

from .basics import sha256

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
