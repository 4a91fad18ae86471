# SPDX-License-Identifier: Apache-2.0
"""Signatures, keys and digests that do not hold (§1.4, §8.2)."""
from counterpart.basics import le32, sha256
from counterpart.canonical import canonical
from counterpart.ed25519 import (add, decode_point, ed25519_expand, ed25519_public, ed25519_sign, ed25519_verify, encode_point,
                                 hash_to_scalar, IDENTITY, keyid, L, multiply_base)
from counterpart.envelope import open_envelope, pae, seal
from .base import edit
from .cheats import Cheat, with_bit_flipped
from .jobs import SECRET, STRANGER
from .prover import finish, Prover
from .text import point_of_order_8, small_order_keys


def forge(key, message):
    """A signature that verifies under a key of small order if such keys are not refused."""
    r = 1
    while True:
        R = encode_point(multiply_base(r))
        if hash_to_scalar(R, key, message) % 8 == 0:
            return R + r.to_bytes(32, "little")
        r += 1


def sign_with_cofactor(secret, key, message, more):
    """A signature that holds when both sides are multiplied by 8, and not as they are: `more` is added to R."""
    a, r = ed25519_expand(secret)[0], 1
    while True:
        R = encode_point(add(multiply_base(r), more))
        signature = R + ((r + hash_to_scalar(R, key, message) * a) % L).to_bytes(32, "little")
        if not ed25519_verify(key, message, signature):
            return signature
        r += 1


def cases(b):
    payload, signature, key_id = open_envelope(b.envelope)
    R, S = signature[:32], int.from_bytes(signature[32:], "little")

    def sealed(signature, payload=payload):
        return seal(payload, signature, key_id), b.transcript

    def flipped(i):
        return sealed(with_bit_flipped(signature, i))

    secret = b.prover.secret
    other_type = b"DSSEv1 16 application/json %d " % len(payload) + payload
    for name, case in (
            ("bit-flipped-r", flipped(0)), ("bit-flipped-s", flipped(32)), ("sign-of-r", flipped(31)),
            ("top-bit-of-s", sealed(signature[:63] + bytes([signature[63] | 0x80]))),
            ("s-plus-l", sealed(R + (S + L).to_bytes(32, "little"))),
            ("s-plus-8-l", sealed(R + (S + 8 * L).to_bytes(32, "little"))),
            ("s-negated", sealed(R + (L - S).to_bytes(32, "little"))), ("zero", sealed(bytes(64))),
            ("identity", sealed(encode_point(IDENTITY) + bytes(32))),
            ("of-payload-without-pae", sealed(ed25519_sign(secret, payload))),
            ("of-other-payload-type", sealed(ed25519_sign(secret, other_type))),
            ("of-transcript", sealed(ed25519_sign(secret, b.transcript))),
            ("of-other-payload", sealed(signature, payload.replace(b'"version":"0"', b'"version":"1"'))),
            ("by-stranger", sealed(ed25519_sign(STRANGER, pae(payload))))):
        yield "signature-" + name, "signature.invalid", case

    def by_key(key, sign):
        """A job of this public key, signed in some way."""
        p = Prover(b.job, key=key)
        payload = canonical(p.statement())
        return seal(payload, sign(pae(payload)), keyid(key)), p.transcript()

    for i, key in enumerate(small_order_keys()):
        yield "signature-key-of-small-order-%d" % i, "signature.invalid", by_key(key, lambda message: forge(key, message))
    yield ("signature-with-cofactor", "signature.invalid",
           sealed(sign_with_cofactor(secret, b.prover.key, pae(payload), point_of_order_8())))
    mixed = encode_point(add(multiply_base(ed25519_expand(secret)[0]), point_of_order_8()))
    yield ("signature-key-with-cofactor", "signature.invalid",
           by_key(mixed, lambda message: sign_with_cofactor(secret, mixed, message, IDENTITY)))
    off_curve = next(y for y in (y.to_bytes(32, "little") for y in range(2, 99)) if decode_point(y) is None)
    for name, key in (("not-on-curve", off_curve), ("not-reduced", b"\xff" * 32)):
        yield "signature-key-" + name, "signature.invalid", by_key(key, lambda message: ed25519_sign(SECRET, message))
    stranger = ed25519_public(STRANGER)
    for name, other in (("of-stranger", keyid(stranger)), ("of-raw-key", sha256(b.prover.key).hex()), ("zero", "0" * 64)):
        yield "keyid-" + name, "signature.keyid", (b.envelope.replace(key_id.encode(), other.encode()), b.transcript)
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
    yield "digest-zero", "transcript.digest", b.with_member("subject.0.digest.sha256", "0" * 64)
