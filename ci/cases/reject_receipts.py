# SPDX-License-Identifier: Apache-2.0
"""Files of receipts that are malformed, by themselves or line by line (§4.5, §8.6). The statement follows, and what is changed
is signed again by the verifier's key where that can be."""
import base64
import json

from counterpart.canonical import canonical
from counterpart.envelope import open_envelope, PAYLOAD_TYPE, sign
from counterpart.exchange import MESSAGE_TYPE, RECEIPT_TYPE
from .jobs import VERIFIER
from .verifier import resign


def receipt(payload):
    return sign(payload, VERIFIER, RECEIPT_TYPE)


def cases(b):
    malformed = "receipts.malformed"
    lines, file = b.lines, b.file
    files = {
        "empty": b"", "newline": b"\n", "text": b"receipts\n", "no-final-newline": file[:-1], "two-newlines": file + b"\n",
        "newline-first": b"\n" + file, "crlf": file.replace(b"\n", b"\r\n"), "nul-at-end": file + b"\0",
        "bom": b"\xef\xbb\xbf" + file, "space-at-start": b" " + file, "space-at-end": file[:-1] + b" \n",
        "blank-line": lines[0] + b"\n" + b"".join(lines[1:]), "line-of-space": lines[0] + b" \n" + b"".join(lines[1:]),
        "on-one-line": file.replace(b"\n", b"") + b"\n", "array": b"[" + b",".join(x[:-1] for x in lines) + b"]\n",
        "first-missing": b"".join(lines[1:]), "second-missing": b"".join(lines[:1] + lines[2:]),
        "last-missing": b"".join(lines[:-1]), "first-alone": lines[0], "line-twice": lines[0] + file,
        "last-twice": file + lines[-1], "twice": file * 2, "twenty-times": file * 20,
        "extra-segment": file + resign(lines[1], segment=2, at="1893459000000000000"),
        "messages-too": b"".join(x + y for x, y in zip(b.prover.messages, lines)), "messages": b"".join(b.prover.messages),
        "envelope-of-statement": b.envelope + b"".join(lines[1:])}
    for name, data in files.items():
        yield "form-" + name, malformed, b.with_receipts(data)
    payload, signature, key = open_envelope(lines[1], RECEIPT_TYPE)
    x, p, s = json.loads(payload), base64.b64encode(payload), base64.b64encode(signature)
    one = b'{"keyid":"%s","sig":"%s"}' % (key.encode(), s)
    envelopes = {
        "type-of-message": (RECEIPT_TYPE.encode(), MESSAGE_TYPE.encode()),
        "type-of-statement": (RECEIPT_TYPE.encode(), PAYLOAD_TYPE.encode()), "type-case": (b"receipt+json", b"Receipt+json"),
        "type-dot-any": (b"vnd.assay.", b"vnd-assay."), "space-inside": (b'"payload":', b'"payload": '),
        "tab-at-end": (b"}\n", b"}\t\n"), "unknown-member": (b'{"payload":', b'{"at":0,"payload":'),
        "two-signatures": (one, one + b"," + one), "no-signature": (one, b""),
        "sig-before-keyid": (one, b'{"sig":"%s","keyid":"%s"}' % (s, key.encode())),
        "keyid-upper": (key.encode(), key.upper().encode()), "keyid-short": (key.encode(), key[1:].encode()),
        "sig-padding": (s, s.rstrip(b"=")), "sig-63-bytes": (s, base64.b64encode(signature[:63])),
        "sig-65-bytes": (s, base64.b64encode(signature + b"\0")), "payload-null": (b'"%s"' % p, b"null"),
        "payload-tail": (p, p + b"===="), "payload-cut": (p, p[:-4])}
    for name, (old, new) in envelopes.items():
        assert lines[1].count(old) == 1 and key.upper() != key, name
        yield "form-envelope-" + name, malformed, b.with_line(1, lines[1].replace(old, new))

    def text(old, new):
        assert payload.count(old) == 1, old
        return receipt(payload.replace(old, new))

    time, no = b'"at":"%s"' % x["at"].encode(), b'"nonce":null'
    texts = {
        "empty": receipt(b""), "null": receipt(b"null"), "array": receipt(b"[]"),
        "space": text(b'"segment":0', b'"segment": 0'), "newline": receipt(payload + b"\n"),
        "segment-float": text(b'"segment":0', b'"segment":0.0'), "segment-zero-zero": text(b'"segment":0', b'"segment":00'),
        "segment-minus-0": text(b'"segment":0', b'"segment":-0'),
        "unsorted": receipt(b'{"segment":0,' + payload[1:].replace(b',"segment":0', b"")),
        "duplicate": text(no, no + b"," + no), "escaped": text(no + b",", b'"non\\u0063e":null,'),
        "segment-2-53": text(b'"segment":0', b'"segment":9007199254740992'),
        "segment-2-64": text(b'"segment":0', b'"segment":18446744073709551616'), "at-number": text(time, b'"at":1893456000'),
        "more-than-2048": receipt(canonical(dict(x, at="1" * 2000)))}
    for name, line in texts.items():
        yield "form-payload-" + name, malformed, b.with_line(1, line)
    for name in x:
        less = canonical({i: x[i] for i in x if i != name})
        yield "form-%s-missing" % name, malformed, b.with_line(1, receipt(less))
    wrong = {
        "unknown-member": dict(key=b.prover.key.hex()), "segment-string": dict(segment="0"),
        "segment-null": dict(segment=None), "segment-true": dict(segment=False), "segment-array": dict(segment=[0]),
        "at-null": dict(at=None), "at-empty": dict(at=""), "at-leading-zero": dict(at="0" + x["at"]),
        "at-zero-zero": dict(at="00"), "at-plus": dict(at="+" + x["at"]), "at-negative": dict(at="-1"),
        "at-float": dict(at=x["at"] + ".0"), "at-space": dict(at=" " + x["at"]), "at-hex": dict(at="0x1a46f"),
        "at-letters": dict(at="now"), "at-exponent": dict(at="18e17"), "at-2-63": dict(at=str(2**63)),
        "at-2-64": dict(at=str(2**64 + int(x["at"]))), "at-date": dict(at="2030-01-01T00:00:00Z"),
        "at-20-digits": dict(at="9" * 20), "challenge-null": dict(challenge=None),
        "challenge-short": dict(challenge=x["challenge"][1:]), "challenge-upper": dict(challenge="A" * 64),
        "job-null": dict(job=None), "job-short": dict(job=x["job"][1:]), "job-upper": dict(job="A" * 64),
        "job-integer": dict(job=0), "commit-short": dict(commit=x["commit"][1:]), "commit-upper": dict(commit="A" * 64),
        "commit-long": dict(commit="0" * 65), "commit-integer": dict(commit=0), "commit-null": dict(commit=None),
        "nonce-in-commit": dict(nonce="0" * 64), "nonce-integer": dict(nonce=0), "nonce-empty": dict(nonce="")}
    for name, members in wrong.items():
        yield "form-" + name, malformed, b.with_receipt(1, **members)
    for name, members in (("nonce-null", dict(nonce=None)), ("commit-in-ready", dict(commit=x["commit"])),
                          ("nonce-short", dict(nonce="0" * 62)), ("nonce-upper", dict(nonce="A" * 64))):
        yield "form-" + name, malformed, b.with_receipt(2, **members)
    yield "form-nonce-null-in-last", malformed, b.with_receipt(4, nonce=None)
