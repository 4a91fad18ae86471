# SPDX-License-Identifier: Apache-2.0
"""The vectors of mode `verifier` that do not hold: each has one fault (§4.5, §8.6, §10.1).

A receipt that is changed is signed again by the verifier's key, and the statement follows, wherever signature and digest
are not the point. "§" cites verify/SPEC.md.
"""
import base64
import json

import exchange
import reject as r
import vectors as v
from good_exchange import BEGIN, TYPE, VERIFIER, answer, resign, small
from vectors import H, canonical, keyid, le32, sha256


# ---------------------------------------------------------------- cheating provers

class Cheat(r.Prover):
    """Has an honest verifier, and does what `how` says."""

    def __init__(self, challenge, how="", **other):
        self.how = how
        super().__init__(challenge, **other)

    def nonce(self, chain, j):
        self.link = chain
        return super().nonce(chain, j)

    def first_seed(self, j, d, run_seed):
        link = self.link
        other = {"nonce-not-awaited": (0, v.ZERO), "nonce-of-challenge": (0, sha256(b"test vectors: nonce")),
                 "nonce-of-segment-not-awaited": (1, v.ZERO), "nonce-of-first-for-all": (1, link.nonces[0]),
                 "nonce-for-entropy": (0, self.verifier.nonce(2))}.get(self.how)
        if not other or other[0] != j:
            return run_seed
        before = (link.segments[0], link.commits[0]) if j else (link.job,)
        return H("assay/1 run\n", H("assay/1 segment\n", *before, other[1]), le32(d))

    def draws(self, j, d):
        theirs = exchange.Verifier(canonical(dict(json.loads(self.payload), nonce="0" * 64)), VERIFIER, BEGIN)
        entropy = {"entropy-not-awaited": v.ZERO, "entropy-of-other-challenge": theirs.nonce(2),
                   "entropy-of-last-segment": self.chain.nonces[1]}.get(self.how)
        if entropy:
            self.chain.sample_key = H("assay/1 segment\n", self.chain.segments[-1], self.chain.commits[-1], entropy)
        return super().draws(j, d)

    def committed(self, chain, j):
        return sha256(b"to be filled in") if self.how == "commit-of-nothing" and j == 1 else chain.commits[j]

    def values(self, j, d, r_):
        values = super().values(j, d, r_)
        return [bytes(32)] * len(values) if self.how == "no-work" and d == 1 else values


CHEATS = """nonce-not-awaited nonce-of-challenge nonce-of-segment-not-awaited nonce-of-first-for-all nonce-for-entropy
entropy-not-awaited entropy-of-other-challenge entropy-of-last-segment no-work""".split()


# ---------------------------------------------------------------- exchanges that do not hold

class Base(r.Base):
    """A small honest exchange, and ways to present it with something else in some place."""

    def __init__(self):
        self.job, self.prover = small(), answer(small())
        self.lines, self.transcript = list(self.prover.receipts), self.prover.transcript()
        self.file, self.statement = b"".join(self.lines), self.prover.statement(self.transcript)
        self.payload = canonical(self.statement)
        self.envelope = r.sign(self.payload)

    def files(self, data):
        """With this file of receipts, which the statement names."""
        changed = r.edit(self.statement, "subject.1.digest.sha256", sha256(data).hex())
        return r.sign(canonical(changed)), self.transcript, data

    def line(self, i, line):
        return self.files(b"".join(self.lines[:i] + [line] + self.lines[i + 1:]))

    def member(self, i, **members):
        return self.line(i, resign(self.lines[i], **members))

    def with_payload(self, payload, secret=r.SECRET):
        return (*super().with_payload(payload, secret), self.file)

    def with_sections(self, **sections):
        return (*super().with_sections(**sections), self.file)


def reject_form(b):
    """§8.6 and §4.5: the file and each line alone. Signed again where that can be."""
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
        "extra-segment": file + resign(lines[1], segment=2, at="1893459000000000000"), "messages-too": b"".join(
            x + y for x, y in zip(b.prover.messages, lines)), "messages": b"".join(b.prover.messages),
        "envelope-of-statement": b.envelope + b"".join(lines[1:])}
    for name, data in files.items():
        yield "form-" + name, "receipts.malformed", b.files(data)
    payload, signature, key = v.open_envelope(lines[1], TYPE)
    x, p, s = json.loads(payload), base64.b64encode(payload), base64.b64encode(signature)
    signed = b'{"keyid":"%s","sig":"%s"}' % (key.encode(), s)
    envelopes = {
        "type-of-message": (TYPE.encode(), exchange.MESSAGE_TYPE.encode()),
        "type-of-statement": (TYPE.encode(), v.PAYLOAD_TYPE.encode()), "type-case": (b"receipt+json", b"Receipt+json"),
        "type-dot-any": (b"vnd.assay.", b"vnd-assay."), "space-inside": (b'"payload":', b'"payload": '),
        "tab-at-end": (b"}\n", b"}\t\n"), "unknown-member": (b'{"payload":', b'{"at":0,"payload":'),
        "two-signatures": (signed, signed + b"," + signed), "no-signature": (signed, b""),
        "sig-before-keyid": (signed, b'{"sig":"%s","keyid":"%s"}' % (s, key.encode())),
        "keyid-upper": (key.encode(), key.upper().encode()), "keyid-short": (key.encode(), key[1:].encode()),
        "sig-padding": (s, s.rstrip(b"=")), "sig-63-bytes": (s, base64.b64encode(signature[:63])),
        "sig-65-bytes": (s, base64.b64encode(signature + b"\0")), "payload-null": (b'"%s"' % p, b"null"),
        "payload-tail": (p, p + b"===="), "payload-cut": (p, p[:-4])}
    for name, (old, new) in envelopes.items():
        assert lines[1].count(old) == 1 and key.upper() != key, name
        yield "form-envelope-" + name, "receipts.malformed", b.line(1, lines[1].replace(old, new))

    def text(old, new):
        assert payload.count(old) == 1, old
        return exchange.sign(payload.replace(old, new), TYPE, VERIFIER)

    time, no = b'"at":"%s"' % x["at"].encode(), b'"nonce":null'
    texts = {
        "empty": exchange.sign(b"", TYPE, VERIFIER), "null": exchange.sign(b"null", TYPE, VERIFIER),
        "array": exchange.sign(b"[]", TYPE, VERIFIER), "space": text(b'"segment":0', b'"segment": 0'),
        "newline": exchange.sign(payload + b"\n", TYPE, VERIFIER), "segment-float": text(b'"segment":0', b'"segment":0.0'),
        "segment-zero-zero": text(b'"segment":0', b'"segment":00'),
        "segment-minus-0": text(b'"segment":0', b'"segment":-0'),
        "unsorted": exchange.sign(b'{"segment":0,' + payload[1:].replace(b',"segment":0', b""), TYPE, VERIFIER),
        "duplicate": text(no, no + b"," + no),
        "escaped": text(no + b",", b'"non\\u0063e":null,'),
        "segment-2-53": text(b'"segment":0', b'"segment":9007199254740992'),
        "segment-2-64": text(b'"segment":0', b'"segment":18446744073709551616'),
        "at-number": text(time, b'"at":1893456000'),
        "more-than-2048": exchange.sign(canonical(dict(x, at="1" * 2000)), TYPE, VERIFIER)}
    for name, line in texts.items():
        yield "form-payload-" + name, "receipts.malformed", b.line(1, line)
    for name in x:
        less = canonical({i: x[i] for i in x if i != name})
        yield "form-%s-missing" % name, "receipts.malformed", b.line(1, exchange.sign(less, TYPE, VERIFIER))
    wrong = {
        "unknown-member": dict(key=b.prover.key.hex()),
        "segment-string": dict(segment="0"), "segment-null": dict(segment=None),
        "segment-true": dict(segment=False), "segment-array": dict(segment=[0]), "at-null": dict(at=None),
        "at-empty": dict(at=""), "at-leading-zero": dict(at="0" + x["at"]), "at-zero-zero": dict(at="00"),
        "at-plus": dict(at="+" + x["at"]), "at-negative": dict(at="-1"), "at-float": dict(at=x["at"] + ".0"),
        "at-space": dict(at=" " + x["at"]), "at-hex": dict(at="0x1a46f"), "at-letters": dict(at="now"),
        "at-exponent": dict(at="18e17"), "at-2-63": dict(at=str(2**63)), "at-2-64": dict(at=str(2**64 + int(x["at"]))),
        "at-date": dict(at="2030-01-01T00:00:00Z"), "at-20-digits": dict(at="9" * 20),
        "challenge-null": dict(challenge=None),
        "challenge-short": dict(challenge=x["challenge"][1:]), "challenge-upper": dict(challenge="A" * 64),
        "job-null": dict(job=None), "job-short": dict(job=x["job"][1:]), "job-upper": dict(job="A" * 64),
        "job-integer": dict(job=0), "commit-short": dict(commit=x["commit"][1:]), "commit-upper": dict(commit="A" * 64),
        "commit-long": dict(commit="0" * 65), "commit-integer": dict(commit=0), "commit-null": dict(commit=None),
        "nonce-in-commit": dict(nonce="0" * 64), "nonce-integer": dict(nonce=0), "nonce-empty": dict(nonce="")}
    for name, members in wrong.items():
        yield "form-" + name, "receipts.malformed", b.member(1, **members)
    for name, members in (("nonce-null", dict(nonce=None)), ("commit-in-ready", dict(commit=x["commit"])),
                          ("nonce-short", dict(nonce="0" * 62)), ("nonce-upper", dict(nonce="A" * 64))):
        yield "form-" + name, "receipts.malformed", b.member(2, **members)
    yield "form-nonce-null-in-last", "receipts.malformed", b.member(4, nonce=None)


def reject_match(b):
    """§8.6: receipts in form that are not those of this transcript, and their file."""
    lines, x = b.lines, [json.loads(v.open_envelope(line, TYPE)[0]) for line in b.lines]
    yield "missing", "receipts.missing", (b.envelope, b.transcript, None)
    yield "missing-and-wrong", "receipts.missing", (*r.finish(cheat("no-work"))[:2], None)
    theirs = answer(small(leased=1))
    for name, data in (("other", b"".join(theirs.receipts)), ("empty", b""), ("no-newline", b.file[:-1]),
                       ("one-more", b.file + lines[0]), ("bit", b.file[:40] + bytes([b.file[40] ^ 1]) + b.file[41:]),
                       ("resigned-time", b"".join(lines[:4] + [resign(lines[4], at=str(int(x[4]["at"]) + 1))]))):
        yield "digest-" + name, "receipts.digest", (b.envelope, b.transcript, data)
    for name, digest in (("zero", "0" * 64), ("of-transcript", sha256(b.transcript).hex()),
                         ("of-line", sha256(lines[0]).hex())):
        yield "digest-" + name, "receipts.digest", b.with_payload(r.edit(b.statement, "subject.1.digest.sha256", digest))
    swapped = {"exchanged": (1, 0, 2, 3, 4), "last-two-exchanged": (0, 1, 2, 4, 3), "reversed": (4, 3, 2, 1, 0),
               "readies-first": (0, 2, 4, 1, 3), "replaced": (0, 0, 2, 3, 4), "segments-exchanged": (2, 3, 0, 1, 4)}
    for name, order in swapped.items():
        yield "order-" + name, "receipts.mismatch", b.files(b"".join(lines[i] for i in order))
        timed = [resign(lines[i], at=x[k]["at"]) for k, i in enumerate(order)]
        yield "order-%s-in-time" % name, "receipts.mismatch", b.files(b"".join(timed))
    end, other = (BEGIN // 10**9 + 3600) * 10**9, theirs.chain
    stranger = v.ed25519_public(r.STRANGER)
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
        "commit-for-ready": (4, dict(commit=x[3]["commit"], nonce=None)),
        "segment-one-more": (0, dict(segment=1)), "segment-one-less": (4, dict(segment=1)),
        "segment-of-commit": (3, dict(segment=0)),
        "segment-negative": (0, dict(segment=-1)), "segment-2-32": (0, dict(segment=2**32)),
        "segment-most": (4, dict(segment=v.MAX_INT)),
        "keyid-of-stranger": (2, dict(secret=r.STRANGER)), "keyid-of-prover": (0, dict(secret=r.SECRET)),
        "keyid-alone": (4, dict(key_id=keyid(stranger))),
        "keyid-of-raw-key": (4, dict(key_id=sha256(v.ed25519_public(VERIFIER)).hex()))}
    for name, (i, members) in cases.items():
        yield "mismatch-" + name, "receipts.mismatch", b.member(i, **members)
    yield "mismatch-all-after-expiry", "receipts.mismatch", b.files(b"".join(
        resign(line, at=str(end + 1 + i)) for i, line in enumerate(lines)))
    yield "mismatch-other-exchange", "receipts.mismatch", b.files(b"".join(theirs.receipts))
    renamed = answer(b.job, devices=[r.device("better device"), r.device("device 1")])
    yield "mismatch-other-job", "receipts.mismatch", b.files(b"".join(renamed.receipts))
    yield "mismatch-other-prover", "receipts.mismatch", b.files(
        b"".join(answer(b.job, secret=r.STRANGER).receipts))
    # The first of two reasons, in the order of §10.1.
    late = resign(lines[0], at=str(end + 1))
    yield "first-digest", "receipts.digest", (b.envelope, b.transcript, b.file[:-1] + b" \n")
    yield "first-form", "receipts.malformed", b.files(late + b"".join(lines[1:4]) + resign(lines[4], at="01"))
    yield "first-mismatch", "receipts.mismatch", b.files(resign(lines[0], r.STRANGER, b.prover.challenge.verifier) + b"".join(
        lines[1:4]) + resign(lines[4], job="0" * 64))


def cheat(how, by=VERIFIER):
    return answer(small(by=by), by=by, kind=Cheat, how=how)


def reject_signature(b):
    """§8.6: who signed."""
    lines, named = b.lines, b.prover.challenge.verifier
    payload, signature, key = v.open_envelope(lines[2], TYPE)
    R, S = signature[:32], int.from_bytes(signature[32:], "little")

    def by(secret, message):
        return v.ed25519_sign(secret, message)

    def flip(i):
        return signature[:i] + bytes([signature[i] ^ 1]) + signature[i + 1:]

    for name, changed in (
            ("bit-of-r", flip(0)), ("bit-of-s", flip(40)), ("s-plus-l", R + (S + v.L).to_bytes(32, "little")),
            ("s-negated", R + (v.L - S).to_bytes(32, "little")), ("zero", bytes(64)),
            ("identity", v.encode_point(v.IDENTITY) + bytes(32)), ("of-other-line", v.open_envelope(lines[4], TYPE)[1]),
            ("of-payload", by(VERIFIER, payload)), ("of-message", by(VERIFIER, v.pae(payload, exchange.MESSAGE_TYPE))),
            ("of-statement", by(VERIFIER, v.pae(payload))), ("by-stranger", by(r.STRANGER, v.pae(payload, TYPE))),
            ("by-prover", by(r.SECRET, v.pae(payload, TYPE)))):
        yield "signature-" + name, "receipts.signature", b.line(2, v.seal(payload, changed, key, TYPE))
    yield "signature-of-last", "receipts.signature", b.line(4, resign(lines[4], r.STRANGER, named))
    yield "signature-of-first", "receipts.signature", b.line(0, resign(lines[0], r.STRANGER, named))
    for name, secret in (("stranger", r.STRANGER), ("prover", r.SECRET)):  # the key of a prover is none of a verifier
        yield "untrusted-" + name, "receipts.untrusted", r.finish(answer(small(by=secret), by=secret))
    yield "untrusted-and-wrong", "receipts.untrusted", r.finish(cheat("no-work", r.STRANGER))
    theirs = answer(small(by=r.STRANGER), by=r.STRANGER)
    theirs.receipts[1] = resign(theirs.receipts[1], VERIFIER, keyid(v.ed25519_public(r.STRANGER)))
    yield "untrusted-and-not-signed", "receipts.untrusted", r.finish(theirs)
    # Nor is the key of a verifier one of a prover.
    yield "untrusted-as-prover", "key.untrusted", r.finish(answer(b.job, secret=VERIFIER))


def reject_statement(b):
    """§8.2 and §8.6: subjects and mode."""
    s, two = b.statement, b.statement["subject"]
    for name, subject in (
            ("one", two[:1]), ("receipts-alone", two[1:]), ("exchanged", two[::-1]), ("three", two + two[:1]),
            ("transcript-twice", two[:1] * 2), ("null", [two[0], None]), ("name-other", r.edit(two, "1.name", "receipt")),
            ("name-of-file", r.edit(two, "1.name", "receipts.jsonl")), ("uri", r.edit(two, "1.uri", "")),
            ("sha512", r.edit(two, "1.digest.sha512", "0" * 128)), ("digest-short", r.edit(two, "1.digest.sha256", "0" * 63)),
            ("digest-upper", r.edit(two, "1.digest.sha256", "A" * 64)), ("digest-null", r.edit(two, "1.digest.sha256", None)),
            ("digest-string", r.edit(two, "1.digest", "0" * 64)), ("name-missing", r.edit(two, "1.name", r.GONE))):
        yield "statement-" + name, "statement.malformed", b.with_payload(r.edit(s, "subject", subject))
    other = r.edit(s, "predicate.challenge.mode", "self")
    yield "statement-two-for-self", "statement.malformed", b.with_payload(other)
    yield "binding-mode-self", "binding.mismatch", b.with_payload(r.edit(other, "subject", two[:1]))
    yield "binding-mode-other", "binding.mismatch", b.with_payload(
        r.edit(r.edit(s, "predicate.challenge.mode", "auditor"), "subject", two[:1]))
    plain = r.Base()
    claims = r.edit(plain.statement, "predicate.challenge.mode", "verifier")
    yield "statement-one-for-verifier", "statement.malformed", plain.with_payload(claims)
    both = [claims["subject"][0], two[1]]
    yield "binding-mode-verifier", "binding.mismatch", (*plain.with_payload(r.edit(claims, "subject", both)), b.file)
    yield "statement-two-in-self", "statement.malformed", (
        *plain.with_payload(r.edit(plain.statement, "subject", both)), b.file)


def reject_challenge(b):
    """§3.1 and the order of §3.3. The exchange is that of the base job."""
    def case(**members):
        return b.with_sections(challenge=canonical(dict(b.job, **members)))

    dates = """2030-02-30T00:00:00Z 2030-02-29T00:00:00Z 2100-02-29T00:00:00Z 2030-04-31T00:00:00Z 2030-00-01T00:00:00Z
        2030-13-01T00:00:00Z 2030-01-00T00:00:00Z 2030-01-32T00:00:00Z 2030-01-01T24:00:00Z 2030-01-01T23:60:00Z
        2030-12-31T23:59:60Z 2030-01-01T01:00:00z 2030-01-01t01:00:00Z 1999-12-31T23:59:59Z 0000-01-01T00:00:00Z
        12030-01-01T00:00:00Z 30-01-01T00:00:00Z 2030-1-01T00:00:00Z 2030-01-01T1:00:00Z 2030-01-01T01:00Z
        2030-01-01T01:00:00 2030-01-01T01:00:00.0Z 2030-01-01T01:00:00+00:00 2030-01-01 20300101T010000Z
        2030/01/01T01:00:00Z +030-01-01T01:00:00Z 2030-01-01T01:00:-1Z 2030-01-01T0x:00:00Z 2030-W01-1T01:00:00Z""".split()
    for i, date in enumerate(dates + ["", "2030-01-01 01:00:00Z", " 2030-01-01T01:00:00Z", "2030-01-01T01:00:00Z ",
                                      "2030-01-01T 1:00:00Z", "never", "YYYY-MM-DDThh:mm:ssZ"]):
        yield "expires-%02d" % i, "challenge.malformed", case(expires=date)
    key = b.job["verifier"]
    for name, members in (
            ("expires-null", dict(expires=None)), ("expires-integer", dict(expires=1893459600)),
            ("verifier-null", dict(verifier=None)), ("verifier-upper", dict(verifier=key.upper())),
            ("verifier-short", dict(verifier=key[1:])), ("verifier-long", dict(verifier=key + "0")),
            ("verifier-letters", dict(verifier="g" * 64)), ("verifier-empty", dict(verifier="")),
            ("verifier-integer", dict(verifier=0)), ("verifier-array", dict(verifier=[key])),
            ("leased-null", dict(leased=None)), ("leased-string", dict(leased="1")), ("leased-true", dict(leased=True)),
            # Which fault is the first (§3.3).
            ("expires-before-leased", dict(expires=None, leased=65)), ("mode-self", dict(mode="self")),
            ("types-before-mode", dict(mode="auditor", expires=0)),
            ("leased-type-before-mode", dict(mode="auditor", leased="0")),
            ("verifier-before-devices", dict(verifier=None, devices=0))):
        yield "challenge-" + name, "challenge.malformed", case(**members)
    for name, members in (("65", dict(leased=65)), ("negative", dict(leased=-1)), ("most", dict(leased=v.MAX_INT)),
                          ("2-32", dict(leased=2**32)), ("before-verifier", dict(leased=65, verifier=None))):
        yield "caps-leased-" + name, "challenge.caps", case(**members)
    for name, members in (("other", dict(mode="auditor")), ("case", dict(mode="Verifier")), ("empty", dict(mode="")),
                          ("before-expires", dict(mode="auditor", expires="never", leased=65, verifier=""))):
        yield "mode-" + name, "challenge.mode", case(**members)
    # The work of one challenge shown as that of another: its receipts name the first.
    for name, members in (("leased", dict(leased=1)), ("expires", dict(expires="2030-01-01T02:00:00Z")),
                          ("nonce", dict(nonce="0" * 64)), ("profile", dict(profile="assay/1 quick"))):
        changed = canonical(dict(b.job, **members))
        profile = json.loads(changed)["profile"]
        yield "replay-" + name, "receipts.mismatch", b.with_sections(
            challenge=changed, statement=[("challenge.profile", profile)])
    theirs = canonical(dict(b.job, verifier=keyid(v.ed25519_public(r.STRANGER))))
    yield "replay-verifier", "receipts.mismatch", b.with_sections(challenge=theirs)


def reject_work(b):
    """Cheats in the order of things, each with an honest verifier; and one who is its own."""
    for how in CHEATS:
        yield "work-" + how, "leaf.mismatch", r.finish(cheat(how))
    yield "work-commit-of-nothing", "receipts.mismatch", r.finish(cheat("commit-of-nothing"))
    own = answer(b.job, by=r.SECRET)  # its nonces are its own choice, and so is the key that signs them
    yield "work-receipts-of-own-key", "receipts.mismatch", r.finish(own)
    own.receipts = [resign(line, r.SECRET, b.job["verifier"]) for line in own.receipts]
    yield "work-receipts-forged", "receipts.signature", r.finish(own)
    chosen = cheat("entropy-not-awaited")  # every nonce is the verifier's but the last
    chosen.receipts[4] = resign(chosen.receipts[4], r.SECRET, b.job["verifier"], nonce="0" * 64)
    yield "work-draw-chosen", "receipts.signature", r.finish(chosen)
    again = answer(b.job, rounds=[[2, 2], [2, 1]])
    again.receipts = list(b.lines)
    yield "work-second-commitment", "receipts.mismatch", r.finish(again)
    short = answer(small(), rounds=[[2, 1], [2, 2]])
    yield "work-run-short", "run.short", r.finish(short)


def rejects():
    """(name, verdict, reason, files), of which the verdict is as the reason says but where it is not."""
    b, verdicts = Base(), {"untrusted-and-wrong": "fail"}
    whole = v.Verification(b.envelope, b.transcript, {b.prover.key}, receipts=b.file,
                           verifiers={v.ed25519_public(VERIFIER)})
    assert whole.reasons == ["profile.unknown"] and whole.assurance == "time-bracketed"
    for part in (reject_form, reject_match, reject_signature, reject_statement, reject_challenge, reject_work):
        for name, reason, files in part(b):
            yield "receipts-" + name, verdicts.get(name) or v.verdict_of(reason), reason, files
