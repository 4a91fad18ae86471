# SPDX-License-Identifier: Apache-2.0
"""What mode `verifier` adds (verify/SPEC.md §4.5, §4.6, §8.6, §9.3): messages, receipts, requests, and who answers.

Receipts is the reader of a file of receipts, for ci/vectors.py; Verifier is the other end of an exchange, for the prover of
ci/reject.py. It has a fixed key, and its clock and its nonces are functions of what it is asked, so that the vectors never
change.
"""
import calendar
import re
import struct

import vectors as v

MESSAGE_TYPE = "application/vnd.assay.message+json"
RECEIPT_TYPE = "application/vnd.assay.receipt+json"
REQUEST_TYPE = "application/vnd.assay.request+json"
PAYLOAD_MAX = 2048
MALFORMED, MISMATCH = "receipts.malformed", "receipts.mismatch"


def seconds_of(text):
    """§3.1 `expires`: seconds since 1970, or None when the text is no such time."""
    found = v.is_text(text) and re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(x) for x in found.groups())
    if year < 2000 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))


def sign(payload, kind, secret, key_id=None):
    """A line: an envelope of §8.1 of another type."""
    signature = v.ed25519_sign(secret, v.pae(payload, kind))
    return v.seal(payload, signature, key_id or v.keyid(v.ed25519_public(secret)), kind)


# ---------------------------------------------------------------- messages

def message_of(challenge_digest, job, key, segment, commit=None):
    """The payload of a message: ready without, a commitment with `commit`."""
    return v.canonical({"challenge": challenge_digest.hex(), "commit": commit and commit.hex(), "job": job.hex(),
                        "key": key.hex(), "segment": segment})


def read_message(line):
    """(object, payload) of a message that is in form and signed by the key in it, else None."""
    try:
        payload, signature, key_id = v.open_envelope(line, MESSAGE_TYPE, PAYLOAD_MAX)
        x = v.parse_json(payload, "message")
        v.need(v.has(x, "challenge commit job key segment") and v.is_int(x["segment"]), "message")
        v.need(all(v.is_hex64(x[i]) for i in ("challenge", "job", "key")), "message")
        v.need(x["commit"] is None or v.is_hex64(x["commit"]), "message")
        key = bytes.fromhex(x["key"])
        v.need(key_id == v.keyid(key) and v.ed25519_verify(key, v.pae(payload, MESSAGE_TYPE), signature), "message")
    except v.Refused:
        return None
    return x, payload


# ---------------------------------------------------------------- requests

def request_of(key, verifier):
    """§4.6: the payload of a request for a challenge; `verifier` is a keyid."""
    return v.canonical({"key": key.hex(), "type": "assay/1 request", "verifier": verifier})


def read_request(line):
    """The object of a request that is in form and signed by the key in it, else None."""
    try:
        payload, signature, key_id = v.open_envelope(line, REQUEST_TYPE, PAYLOAD_MAX)
        x = v.parse_json(payload, "request")
        v.need(v.has(x, "key type verifier") and x["type"] == "assay/1 request", "request")
        v.need(v.is_hex64(x["key"]) and v.is_hex64(x["verifier"]), "request")
        key = bytes.fromhex(x["key"])
        v.need(key_id == v.keyid(key) and v.ed25519_verify(key, v.pae(payload, REQUEST_TYPE), signature), "request")
    except v.Refused:
        return None
    return x


# ---------------------------------------------------------------- receipts

def steps(segments):
    """The segment of each of the 2n + 1 receipts, and whether it answers a commitment."""
    return [(j, committed) for j in range(segments) for committed in (False, True)] + [(segments, False)]


def is_receipt(x):
    """§4.5: the members, and one of `commit` and `nonce`."""
    return (v.has(x, "at challenge commit job nonce segment") and v.is_int(x["segment"]) and
            v.is_text(x["at"]) and re.fullmatch("0|[1-9][0-9]{0,18}", x["at"]) is not None and int(x["at"]) < 2**63 and
            v.is_hex64(x["challenge"]) and v.is_hex64(x["job"]) and
            (v.is_hex64(x["commit"]) and x["nonce"] is None or x["commit"] is None and v.is_hex64(x["nonce"])))


class Receipts:
    """§8.6. The form on construction; must_match() and must_be_signed() are what §10.1 asks next."""

    def __init__(self, data, segments):
        lines = data.split(b"\n")
        v.need(lines.pop() == b"" and len(lines) == 2 * segments + 1, MALFORMED, "not 2n + 1 lines")
        self.steps, self.opened, self.receipts = steps(segments), [], []
        for line in lines:
            self.opened.append(v.open_envelope(line + b"\n", RECEIPT_TYPE, PAYLOAD_MAX, MALFORMED))
            self.receipts.append(v.parse_json(self.opened[-1][0], MALFORMED))
            v.need(is_receipt(self.receipts[-1]), MALFORMED, "members of a receipt")

    def must_match(self, challenge_digest, job, commits, challenge):
        before = -1
        for (j, committed), x, (payload, signature, key_id) in zip(self.steps, self.receipts, self.opened):
            at = int(x["at"])
            v.need(x["segment"] == j and (x["commit"] is not None) == committed, MISMATCH, "order")
            v.need(x["challenge"] == challenge_digest.hex() and x["job"] == job.hex(), MISMATCH, "challenge or job")
            v.need(not committed or x["commit"] == commits[j].hex(), MISMATCH, "commitment")
            v.need(before < at <= challenge.expires * 10**9, MISMATCH, "time")
            v.need(key_id == challenge.verifier, MISMATCH, "keyid")
            before = at
        self.nonces = [bytes.fromhex(x["nonce"]) for x in self.receipts[::2]]
        times = [int(x["at"]) for x in self.receipts]
        self.brackets = list(zip(times[:-1:2], times[1::2]))

    def must_be_signed(self, key):
        for payload, signature, key_id in self.opened:
            v.need(v.ed25519_verify(key, v.pae(payload, RECEIPT_TYPE), signature), "receipts.signature")


def proven_rate(certified, bracket_ns, duration_ms=None):
    """§9.3."""
    return certified * 10**9 // max(bracket_ns, (duration_ms or 0) * 10**6)


# ---------------------------------------------------------------- the other end

class Conflict(Exception):
    """The exchange is refused; the argument is one of the codes of §4.5."""


class Verifier:
    """Answers one challenge. `now` is its clock in nanoseconds, `pace` what passes after each receipt besides what the prover
    takes."""

    def __init__(self, payload, secret, now, pace=1234567):
        self.payload, self.secret, self.now, self.pace = payload, secret, now, pace
        self.challenge, self.digest = v.Challenge(payload), v.sha256(payload)
        self.steps, self.answers, self.taken = steps(len(self.challenge.segments)), {}, []

    def nonce(self, j):
        return v.sha256(b"test vectors: nonce of a verifier" + struct.pack("<I", j) + self.digest)

    def receipt(self, x):
        """The payload that answers a message."""
        return {"at": str(self.now), "challenge": x["challenge"], "commit": x["commit"], "job": x["job"],
                "nonce": self.nonce(x["segment"]).hex() if x["commit"] is None else None, "segment": x["segment"]}

    def answer(self, line):
        """§4.5: the receipt of a message, as a line."""
        read = read_message(line)
        step = read and (read[0]["segment"], read[0]["commit"] is not None)
        if not read or read[0]["challenge"] != self.digest.hex() or step not in self.steps:
            raise Conflict("no message of this challenge")
        x, payload = read
        if self.now > self.challenge.expires * 10**9:
            raise Conflict("exchange.expired")
        if payload in self.answers:
            return self.answers[payload]
        if self.taken and (x["job"], x["key"]) != self.taken[0] or step in self.steps[:len(self.taken)]:
            raise Conflict("exchange.conflict")
        if [step] != self.steps[len(self.taken):len(self.taken) + 1]:
            raise Conflict("exchange.order")
        self.answers[payload] = sign(v.canonical(self.receipt(x)), RECEIPT_TYPE, self.secret)
        self.taken.append((x["job"], x["key"]))
        self.now += self.pace
        return self.answers[payload]
