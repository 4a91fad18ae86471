# SPDX-License-Identifier: Apache-2.0
"""What is no envelope (§8.1)."""
import base64
import json
import itertools

from counterpart.canonical import canonical
from counterpart.ed25519 import keyid
from counterpart.envelope import open_envelope, PAYLOAD_TYPE
from .base import edit
from .prover import signed


def cases(b):
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

    p, s = (base64.b64encode(x) for x in (b.payload, open_envelope(b.envelope)[1]))
    # The payload's base64 must end in "=" for some cases, so the harness's version is made longer.
    longer = b.statement
    while len(canonical(longer)) % 3 != 1:
        longer = edit(longer, "predicate.harness.version", longer["predicate"]["harness"]["version"] + "0")
    padded = signed(longer)
    q = base64.b64encode(canonical(longer))
    key, kind = keyid(b.prover.key).encode(), PAYLOAD_TYPE.encode()
    signature = b'{"keyid":"%s","sig":"%s"}' % (key, s)
    cases = {
        "empty-file": b"", "newline-only": b"\n", "no-final-newline": b.envelope[:-1], "two-newlines": b.envelope + b"\n",
        "crlf": b.envelope[:-1] + b"\r\n", "nul-at-end": b.envelope + b"\0", "nul-for-newline": b.envelope[:-1] + b"\0",
        "bom": b"\xef\xbb\xbf" + b.envelope, "space-at-start": b" " + b.envelope,
        "space-after-colon": text((b'"payload":', b'"payload": ')),
        "space-after-comma": text((b'","payloadType', b'", "payloadType')), "tab-inside": text((b"[{", b"[\t{")),
        "pretty-printed": json.dumps(json.loads(b.envelope), indent=1).encode() + b"\n",
        "member-order": canonical({"payload": 0}).replace(b"}", b"") + b"," + b.envelope[1:],
        "signatures-first": b'{"signatures":[%s],"payload":"%s","payloadType":"%s"}\n' % (signature, p, kind),
        "sig-before-keyid": text((signature, b'{"sig":"%s","keyid":"%s"}' % (s, key))),
        "two-signatures": text((signature, signature + b"," + signature)), "no-signature": text((signature, b"")),
        "unknown-member": text((b'{"payload":', b'{"extra":0,"payload":')),
        "unknown-member-of-signature": text((b'{"keyid":', b'{"cert":"","keyid":')),
        "keyid-missing": text((b'"keyid":"%s",' % key, b"")), "sig-missing": text((b',"sig":"%s"' % s, b"")),
        "keyid-short": text((key, key[:-1])), "keyid-empty": text((key, b"")),
        "payload-type-other": text((b"vnd.in-toto+json", b"vnd.in-toto+xml")),
        "payload-type-escaped": text((b"application/", b"application\\/")),
        "payload-type-dot-any": text((b"vnd.in-toto", b"vnd_in-toto")), "payload-null": text((b'"%s"' % p, b"null")),
        "payload-cut": text((p, p[:-4 - len(p) % 4 - 1])), "payload-newline-inside": text((p, p[:76] + b"\\n" + p[76:])),
        "payload-raw-newline-inside": text((p, p[:76] + b"\n" + p[76:])),
        "payload-padding-missing": padded.replace(q, q.rstrip(b"=")), "payload-padding-one": padded.replace(q, q[:-1]),
        "payload-padding-more": padded.replace(q, q + b"="), "payload-padding-group": padded.replace(q, q + b"===="),
        "payload-tail-bits": padded.replace(q, tail(q)), "payload-padding-inside": text((p, p[:4] + b"====" + p[4:])),
        "payload-letter": text((p, b"*" + p[1:])), "payload-non-ascii": text((p, b"\xc3" + p[1:])),
        "payload-524289-bytes": signed(b" " * 524289), "sig-padding-missing": text((s, s.rstrip(b"="))),
        "sig-padding-one": text((s, s[:-1])), "sig-tail-bits": text((s, tail(s))), "sig-empty": text((s, b"")),
        "sig-63-bytes": text((s, base64.b64encode(bytes(63)))), "sig-65-bytes": text((s, base64.b64encode(bytes(65)))),
        "sig-hexadecimal": text((s, b"0" * 128)), "sig-escaped-letter": text((s, b"\\u0041" + s[1:])),
        "twice": b.envelope + b.envelope, "cut-in-the-middle": b.envelope[:len(b.envelope) // 2],
        "not-json": b"-----BEGIN PGP SIGNATURE-----\n", "array": b"[" + b.envelope[:-1] + b"]\n"}
    for name, envelope in cases.items():
        yield "envelope-" + name, "envelope.malformed", (envelope, b.transcript)
    # The url-safe alphabet, for a payload and a signature whose base64 has "+" or "/".
    for i in itertools.count():
        envelope = signed(edit(b.statement, "predicate.harness.name", "name %d?>" % i))
        p, s = (base64.b64encode(x) for x in open_envelope(envelope)[:2])
        if set(b"+/") & set(p) and set(b"+/") & set(s):
            break
    for name, x in (("payload", p), ("sig", s)):
        changed = envelope.replace(x, x.translate(bytes.maketrans(b"+/", b"-_")))
        yield "envelope-url-safe-" + name, "envelope.malformed", (changed, b.transcript)
