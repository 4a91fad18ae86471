# SPDX-License-Identifier: Apache-2.0
"""Receipts in form that are not those of this transcript, or not signed by whom the challenge names (§8.6, §10.1). The
statement follows, and a receipt that is changed is signed again, wherever digest and signature are not the point."""
import json

from counterpart.basics import sha256
from counterpart.canonical import MAX_INT
from counterpart.ed25519 import ed25519_public, ed25519_sign, encode_point, IDENTITY, L
from counterpart.envelope import open_envelope, pae, seal
from counterpart.exchange import MESSAGE_TYPE, RECEIPT_TYPE
from .cheats import with_bit_flipped
from .cheats_exchange import cheat
from .jobs import BEGIN, device, keyid_of, SECRET, STRANGER, VERIFIER
from .prover import finish
from .verifier import answer, resign, small


def mismatched(b):
    """Not those of this transcript, or not the file that is signed for."""
    lines, x = b.lines, [json.loads(open_envelope(line, RECEIPT_TYPE)[0]) for line in b.lines]
    yield "missing", "receipts.missing", (b.envelope, b.transcript, None)
    yield "missing-and-wrong", "receipts.missing", (*finish(cheat("no-work"))[:2], None)
    theirs = answer(small(leased=1))
    for name, data in (("other", b"".join(theirs.receipts)), ("empty", b""), ("no-newline", b.file[:-1]),
                       ("one-more", b.file + lines[0]), ("bit", with_bit_flipped(b.file, 40)),
                       ("resigned-time", b"".join(lines[:4] + [resign(lines[4], at=str(int(x[4]["at"]) + 1))]))):
        yield "digest-" + name, "receipts.digest", (b.envelope, b.transcript, data)
    for name, digest in (("zero", "0" * 64), ("of-transcript", sha256(b.transcript).hex()),
                         ("of-line", sha256(lines[0]).hex())):
        yield "digest-" + name, "receipts.digest", b.with_member("subject.1.digest.sha256", digest)
    swapped = {"exchanged": (1, 0, 2, 3, 4), "last-two-exchanged": (0, 1, 2, 4, 3), "reversed": (4, 3, 2, 1, 0),
               "readies-first": (0, 2, 4, 1, 3), "replaced": (0, 0, 2, 3, 4), "segments-exchanged": (2, 3, 0, 1, 4)}
    for name, order in swapped.items():
        yield "order-" + name, "receipts.mismatch", b.with_receipts(b"".join(lines[i] for i in order))
        timed = [resign(lines[i], at=x[k]["at"]) for k, i in enumerate(order)]
        yield "order-%s-in-time" % name, "receipts.mismatch", b.with_receipts(b"".join(timed))
    end, other = (BEGIN // 10**9 + 3600) * 10**9, theirs.chain
    cases = {
        "at-equal": (1, dict(at=x[0]["at"])), "at-less": (1, dict(at=str(int(x[0]["at"]) - 1))), "at-zero": (3, dict(at="0")),
        "at-after-next": (2, dict(at=str(int(x[3]["at"]) + 1))), "at-as-text-rises": (4, dict(at="9")),
        "at-after-expiry": (4, dict(at=str(end + 1))), "at-second-after-expiry": (4, dict(at=str(end + 10**9))),
        "at-most": (4, dict(at=str(2**63 - 1))), "challenge": (0, dict(challenge=sha256(theirs.payload).hex())),
        "challenge-of-last": (4, dict(challenge="0" * 64)), "challenge-is-nonce": (0, dict(challenge=b.job["nonce"])),
        "job": (0, dict(job=other.job.hex())), "job-of-commit": (3, dict(job=other.job.hex())),
        "job-of-last": (4, dict(job="0" * 64)), "commit": (1, dict(commit="0" * 64)),
        "commit-of-other-segment": (1, dict(commit=x[3]["commit"])), "commit-of-first": (3, dict(commit=x[1]["commit"])),
        "commit-of-other-job": (3, dict(commit=other.commits[1].hex())),
        "ready-for-commit": (1, dict(commit=None, nonce="0" * 64)),
        "commit-for-ready": (4, dict(commit=x[3]["commit"], nonce=None)), "segment-one-more": (0, dict(segment=1)),
        "segment-one-less": (4, dict(segment=1)), "segment-of-commit": (3, dict(segment=0)),
        "segment-negative": (0, dict(segment=-1)), "segment-2-32": (0, dict(segment=2**32)),
        "segment-most": (4, dict(segment=MAX_INT)), "keyid-of-stranger": (2, dict(secret=STRANGER)),
        "keyid-of-prover": (0, dict(secret=SECRET)), "keyid-alone": (4, dict(key_id=keyid_of(STRANGER))),
        "keyid-of-raw-key": (4, dict(key_id=sha256(ed25519_public(VERIFIER)).hex()))}
    for name, (i, members) in cases.items():
        yield "mismatch-" + name, "receipts.mismatch", b.with_receipt(i, **members)
    yield "mismatch-all-after-expiry", "receipts.mismatch", b.with_receipts(b"".join(
        resign(line, at=str(end + 1 + i)) for i, line in enumerate(lines)))
    yield "mismatch-other-exchange", "receipts.mismatch", b.with_receipts(b"".join(theirs.receipts))
    renamed = answer(b.job, devices=[device("better device"), device("device 1")])
    yield "mismatch-other-job", "receipts.mismatch", b.with_receipts(b"".join(renamed.receipts))
    yield "mismatch-other-prover", "receipts.mismatch", b.with_receipts(b"".join(answer(b.job, secret=STRANGER).receipts))
    # The first of two reasons, in the order of §10.1.
    late = resign(lines[0], at=str(end + 1))
    yield "first-digest", "receipts.digest", (b.envelope, b.transcript, b.file[:-1] + b" \n")
    yield "first-form", "receipts.malformed", b.with_receipts(late + b"".join(lines[1:4]) + resign(lines[4], at="01"))
    forged = resign(lines[0], STRANGER, b.job["verifier"])
    yield "first-mismatch", "receipts.mismatch", b.with_receipts(
        forged + b"".join(lines[1:4]) + resign(lines[4], job="0" * 64))


def badly_signed(b):
    lines, named = b.lines, b.job["verifier"]
    payload, signature, key = open_envelope(lines[2], RECEIPT_TYPE)
    R, S = signature[:32], int.from_bytes(signature[32:], "little")

    strangers, provers = (ed25519_sign(secret, pae(payload, RECEIPT_TYPE)) for secret in (STRANGER, SECRET))
    ours = {"of-payload": payload, "of-message": pae(payload, MESSAGE_TYPE), "of-statement": pae(payload)}
    for name, changed in (
            ("bit-of-r", with_bit_flipped(signature, 0)), ("bit-of-s", with_bit_flipped(signature, 40)),
            ("s-plus-l", R + (S + L).to_bytes(32, "little")), ("s-negated", R + (L - S).to_bytes(32, "little")),
            ("zero", bytes(64)), ("identity", encode_point(IDENTITY) + bytes(32)),
            ("of-other-line", open_envelope(lines[4], RECEIPT_TYPE)[1]),
            *((name, ed25519_sign(VERIFIER, message)) for name, message in ours.items()), ("by-stranger", strangers),
            ("by-prover", provers)):
        yield "signature-" + name, "receipts.signature", b.with_line(2, seal(payload, changed, key, RECEIPT_TYPE))
    yield "signature-of-last", "receipts.signature", b.with_line(4, resign(lines[4], STRANGER, named))
    yield "signature-of-first", "receipts.signature", b.with_line(0, resign(lines[0], STRANGER, named))
    for name, secret in (("stranger", STRANGER), ("prover", SECRET)):  # the key of a prover is none of a verifier
        yield "untrusted-" + name, "receipts.untrusted", finish(answer(small(by=secret), by=secret))
    yield "untrusted-and-wrong", "receipts.untrusted", finish(cheat("no-work", STRANGER))
    theirs = answer(small(by=STRANGER), by=STRANGER)
    theirs.receipts[1] = resign(theirs.receipts[1], VERIFIER, keyid_of(STRANGER))
    yield "untrusted-and-not-signed", "receipts.untrusted", finish(theirs)
    # Nor is the key of a verifier one of a prover.
    yield "untrusted-as-prover", "key.untrusted", finish(answer(b.job, secret=VERIFIER))


def cases(b):
    yield from mismatched(b)
    yield from badly_signed(b)
