# SPDX-License-Identifier: Apache-2.0
"""§4.5, §4.6 and §8.6: messages, requests and receipts of mode `verifier`. Each is an envelope with its newline, a line."""
import re

from .basics import need, Refused
from .canonical import canonical, has, is_hex64, is_int, is_text, parse_json
from .ed25519 import ed25519_verify, keyid
from .envelope import open_envelope, pae

MESSAGE_TYPE = "application/vnd.assay.message+json"
RECEIPT_TYPE = "application/vnd.assay.receipt+json"
REQUEST_TYPE = "application/vnd.assay.request+json"
PAYLOAD_MAX = 2048
MALFORMED, MISMATCH = "receipts.malformed", "receipts.mismatch"


def message_of(challenge_digest, job, key, segment, commit=None):
    """The payload of a message: ready without, a commitment with `commit`."""
    return canonical({"challenge": challenge_digest.hex(), "commit": commit and commit.hex(), "job": job.hex(),
                      "key": key.hex(), "segment": segment})


def is_message(x):
    return (has(x, "challenge commit job key segment") and is_int(x["segment"]) and
            all(is_hex64(x[i]) for i in ("challenge", "job", "key")) and (x["commit"] is None or is_hex64(x["commit"])))


def signed_by_key_inside(line, kind, is_in_form):
    """The object of a line that is in form and signed by the key in it, else None."""
    try:
        payload, signature, key_id = open_envelope(line, kind, PAYLOAD_MAX)
        x = parse_json(payload, "malformed")
        need(is_in_form(x), "malformed")
        key = bytes.fromhex(x["key"])
        need(key_id == keyid(key) and ed25519_verify(key, pae(payload, kind), signature), "signature")
    except Refused:
        return None
    return x


def read_message(line):
    return signed_by_key_inside(line, MESSAGE_TYPE, is_message)


def request_of(key, verifier):
    """§4.6: the payload of a request for a challenge; `verifier` is a keyid."""
    return canonical({"key": key.hex(), "type": "assay/1 request", "verifier": verifier})


def is_request(x):
    return (has(x, "key type verifier") and x["type"] == "assay/1 request" and
            is_hex64(x["key"]) and is_hex64(x["verifier"]))


def read_request(line):
    return signed_by_key_inside(line, REQUEST_TYPE, is_request)


def steps(segments):
    """The segment of each of the 2n + 1 receipts, and whether it answers a commitment."""
    return [(j, committed) for j in range(segments) for committed in (False, True)] + [(segments, False)]


def is_receipt(x):
    """§4.5: the members, and one of `commit` and `nonce`."""
    return (has(x, "at challenge commit job nonce segment") and is_int(x["segment"]) and
            is_text(x["at"]) and re.fullmatch("0|[1-9][0-9]{0,18}", x["at"]) is not None and int(x["at"]) < 2**63 and
            is_hex64(x["challenge"]) and is_hex64(x["job"]) and
            (is_hex64(x["commit"]) and x["nonce"] is None or x["commit"] is None and is_hex64(x["nonce"])))


class Receipts:
    """§8.6. The form on construction; must_match() and must_be_signed() are what §10.1 asks next. Then there are `nonces` and
    `brackets`, (T0, T1) of each segment in ns since 1970."""

    def __init__(self, data, segments):
        lines = data.split(b"\n")
        need(lines.pop() == b"" and len(lines) == 2 * segments + 1, MALFORMED, "not 2n + 1 lines")
        self.steps, self.opened, self.receipts = steps(segments), [], []
        for line in lines:
            self.opened.append(open_envelope(line + b"\n", RECEIPT_TYPE, PAYLOAD_MAX, MALFORMED))
            self.receipts.append(parse_json(self.opened[-1][0], MALFORMED))
            need(is_receipt(self.receipts[-1]), MALFORMED, "members of a receipt")

    def must_match(self, challenge_digest, job, commits, challenge):
        before = -1
        for (j, committed), x, (payload, signature, key_id) in zip(self.steps, self.receipts, self.opened):
            at = int(x["at"])
            need(x["segment"] == j and (x["commit"] is not None) == committed, MISMATCH, "order")
            need(x["challenge"] == challenge_digest.hex() and x["job"] == job.hex(), MISMATCH, "challenge or job")
            need(not committed or x["commit"] == commits[j].hex(), MISMATCH, "commitment")
            need(before < at <= challenge.expires * 10**9, MISMATCH, "time")
            need(key_id == challenge.verifier, MISMATCH, "keyid")
            before = at
        self.nonces = [bytes.fromhex(x["nonce"]) for x in self.receipts[::2]]
        times = [int(x["at"]) for x in self.receipts]
        self.brackets = list(zip(times[:-1:2], times[1::2]))

    def must_be_signed(self, key):
        for payload, signature, key_id in self.opened:
            need(ed25519_verify(key, pae(payload, RECEIPT_TYPE), signature), "receipts.signature")
