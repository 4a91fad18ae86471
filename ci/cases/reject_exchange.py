# SPDX-License-Identifier: Apache-2.0
"""Statements, challenges and work of mode `verifier` that do not hold (§3.1, §4.5, §8.6)."""
from counterpart.canonical import canonical, MAX_INT
from .base import base, edit, GONE
from .cheats_exchange import cheat, CHEATS
from .jobs import keyid_of, QUICK, SECRET, STRANGER
from .prover import finish
from .verifier import answer, resign, small


def statements(b):
    """§8.2 and §8.6: subjects and mode."""
    s, two = b.statement, b.statement["subject"]
    for name, subject in (
            ("one", two[:1]), ("receipts-alone", two[1:]), ("exchanged", two[::-1]), ("three", two + two[:1]),
            ("transcript-twice", two[:1] * 2), ("null", [two[0], None]), ("name-other", edit(two, "1.name", "receipt")),
            ("name-of-file", edit(two, "1.name", "receipts.jsonl")), ("uri", edit(two, "1.uri", "")),
            ("sha512", edit(two, "1.digest.sha512", "0" * 128)), ("digest-short", edit(two, "1.digest.sha256", "0" * 63)),
            ("digest-upper", edit(two, "1.digest.sha256", "A" * 64)), ("digest-null", edit(two, "1.digest.sha256", None)),
            ("digest-string", edit(two, "1.digest", "0" * 64)), ("name-missing", edit(two, "1.name", GONE))):
        yield "statement-" + name, "statement.malformed", b.with_member("subject", subject)
    other = edit(s, "predicate.challenge.mode", "self")
    yield "statement-two-for-self", "statement.malformed", b.with_payload(other)
    yield "binding-mode-self", "binding.mismatch", b.with_payload(edit(other, "subject", two[:1]))
    yield "binding-mode-other", "binding.mismatch", b.with_payload(
        edit(edit(s, "predicate.challenge.mode", "auditor"), "subject", two[:1]))
    plain = base()
    claims = edit(plain.statement, "predicate.challenge.mode", "verifier")
    yield "statement-one-for-verifier", "statement.malformed", plain.with_payload(claims)
    both = [claims["subject"][0], two[1]]
    yield "binding-mode-verifier", "binding.mismatch", (*plain.with_payload(edit(claims, "subject", both)), b.file)
    yield "statement-two-in-self", "statement.malformed", (*plain.with_member("subject", both), b.file)


def challenges(b):
    """§3.1 and the order of §3.3. The exchange is that of the base job."""
    def case(**members):
        return b.with_sections(canonical({**b.job, **members}))

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
    for name, members in (("65", dict(leased=65)), ("negative", dict(leased=-1)), ("most", dict(leased=MAX_INT)),
                          ("2-32", dict(leased=2**32)), ("before-verifier", dict(leased=65, verifier=None))):
        yield "caps-leased-" + name, "challenge.caps", case(**members)
    for name, members in (("other", dict(mode="auditor")), ("case", dict(mode="Verifier")), ("empty", dict(mode="")),
                          ("before-expires", dict(mode="auditor", expires="never", leased=65, verifier=""))):
        yield "mode-" + name, "challenge.mode", case(**members)
    # The work of one challenge shown as that of another: its receipts name the first.
    for name, members in (("leased", dict(leased=1)), ("expires", dict(expires="2030-01-01T02:00:00Z")),
                          ("nonce", dict(nonce="0" * 64)), ("profile", dict(profile=QUICK))):
        yield "replay-" + name, "receipts.mismatch", b.with_job({**b.job, **members})
    yield "replay-verifier", "receipts.mismatch", case(verifier=keyid_of(STRANGER))


def work(b):
    """Cheats in the order of things, each with an honest verifier; and one who is its own."""
    for how in CHEATS:
        yield "work-" + how, "leaf.mismatch", finish(cheat(how))
    yield "work-commit-of-nothing", "receipts.mismatch", finish(cheat("commit-of-nothing"))
    own = answer(b.job, by=SECRET)  # its nonces are its own choice, and so is the key that signs them
    yield "work-receipts-of-own-key", "receipts.mismatch", finish(own)
    own.receipts = [resign(line, SECRET, b.job["verifier"]) for line in own.receipts]
    yield "work-receipts-forged", "receipts.signature", finish(own)
    chosen = cheat("entropy-not-awaited")  # every nonce is the verifier's but the last
    chosen.receipts[4] = resign(chosen.receipts[4], SECRET, b.job["verifier"], nonce="0" * 64)
    yield "work-draw-chosen", "receipts.signature", finish(chosen)
    again = answer(b.job, rounds=[[2, 2], [2, 1]])
    again.receipts = list(b.lines)
    yield "work-second-commitment", "receipts.mismatch", finish(again)
    short = answer(small(), rounds=[[2, 1], [2, 2]])
    yield "work-run-short", "run.short", finish(short)


def cases(b):
    yield from statements(b)
    yield from challenges(b)
    yield from work(b)
