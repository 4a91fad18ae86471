# SPDX-License-Identifier: Apache-2.0
"""An exchange of mode `verifier` as text (§4.5, §4.6, §8.6, §9.3)."""
import json

from counterpart.basics import sha256
from counterpart.canonical import canonical
from counterpart.chain import capacity, certified, e_star_ppm, proven_rate
from counterpart.ed25519 import ed25519_public
from counterpart.envelope import open_envelope, pae, sign
from counterpart.exchange import (message_of, MESSAGE_TYPE, read_request, RECEIPT_TYPE, Receipts, request_of, REQUEST_TYPE,
                                  steps)
from counterpart.verification import Verification
from .jobs import BEGIN, STRANGER, VERIFIER
from .prover import finish
from .text import Text
from .verifier import Conflict, pair, Verifier


def bare(line):
    return line.decode().rstrip("\n")


def put_line(t, name, line, kind):
    payload, signature, key_id = open_envelope(line, kind)
    parts = {"payload": payload.decode(), "pae": pae(payload, kind), "signature": signature, "keyid": key_id,
             "envelope": bare(line)}
    t.put({name + "_" + label: value for label, value in parts.items()})


def text_exchange():
    t = Text("The exchange of good/receipts-two (SPEC 4.5, 8.6): message and receipt of each step, without the newline.",
             "request: what this prover asks this verifier's server with (SPEC 4.6).",
             "after_*: what a verifier says to `message` after so many steps, by its clock `now`: a receipt or an answer.",
             "run_J_D and segment_J are the figures of SPEC 9.3 and 9.4 with g = 0; proven_N are further cases of 9.3.")
    p = pair()
    t.section("inputs", challenge=p.payload.decode(), challenge_sha256=sha256(p.payload),
              expires_seconds=p.challenge.expires, devices=p.block.decode(), prover_seed=p.secret, prover_key=p.key,
              verifier_seed=VERIFIER, verifier_key=ed25519_public(VERIFIER), verifier_keyid=p.challenge.verifier)
    put_request(t, p)
    for i, (j, committed) in enumerate(steps(len(p.challenge.segments))):
        t.section("step_%d" % i, segment=j, step="commit" if committed else "ready")
        put_line(t, "message", p.messages[i], MESSAGE_TYPE)
        put_line(t, "receipt", p.receipts[i], RECEIPT_TYPE)
    t.section("file", receipts_sha256=sha256(b"".join(p.receipts)))
    t.section("chain", job=p.chain.job)
    for j, nonce in enumerate(p.chain.nonces):
        t.put({"nonce_%d" % j: nonce})
        if j < len(p.chain.commits):
            t.put({"seg_%d" % j: p.chain.segments[j], "commit_%d" % j: p.chain.commits[j]})
    t.put({"sample_key": p.chain.sample_key})
    for j, d in p.challenge.runs:
        t.put({"run_seed_%d_%d" % (j, d): p.chain.run_seeds[j, d], "draw_key_%d_%d" % (j, d): p.chain.draw_key(j, d)})
    put_refusals(t, p)
    put_figures(t, p)
    return t


def put_request(t, p):
    payload = request_of(p.key, p.challenge.verifier)
    line = sign(payload, p.secret, REQUEST_TYPE)
    t.section("request")
    put_line(t, "request", line, REQUEST_TYPE)
    assert read_request(line) == {"key": p.key.hex(), "type": "assay/1 request", "verifier": p.challenge.verifier}
    # By another key; with another member; a message.
    more = canonical(dict(json.loads(payload), more=0))
    for wrong in (sign(payload, STRANGER, REQUEST_TYPE), sign(more, p.secret, REQUEST_TYPE), p.messages[0]):
        assert read_request(wrong) is None


def put_refusals(t, p):
    """Every message is in form and signed by the key in it."""
    digest, other = sha256(p.payload), sha256(b"other")

    def message(segment, commit=None, job=p.chain.job, secret=p.secret):
        return sign(message_of(digest, job, ed25519_public(secret), segment, commit), secret, MESSAGE_TYPE)

    commits, late = p.chain.commits, p.challenge.expires * 10**9 + 1
    cases = (
        ("repeated_ready", 3, message(0), None), ("repeated_commit", 2, message(0, commits[0]), None),
        ("repeated_last", 5, message(2), None), ("commit_first", 0, message(0, commits[0]), None),
        ("ready_of_next", 1, message(1), None), ("first_of_second_segment", 0, message(1), None),
        ("commit_of_next", 2, message(1, commits[1]), None), ("draw_before_commit", 3, message(2), None),
        ("commit_other", 2, message(0, other), None), ("commit_other_later", 4, message(0, other), None),
        ("commit_other_at_the_end", 5, message(1, other), None), ("job_other", 1, message(0, commits[0], other), None),
        ("job_other_again", 1, message(0, None, other), None), ("key_other", 1, message(0, commits[0], secret=STRANGER), None),
        ("late", 1, message(0, commits[0]), late), ("late_first", 0, message(0), late), ("at_expiry", 4, message(2), late - 1))
    for name, after, line, now in cases:
        end = Verifier(p.payload, VERIFIER, BEGIN)
        for i, earlier in enumerate(p.messages[:after]):
            end.now = int(json.loads(open_envelope(p.receipts[i], RECEIPT_TYPE)[0])["at"])
            assert end.answer(earlier) == p.receipts[i]
        end.now = now or end.now
        t.section("after_" + name, after=after, now=end.now, message=bare(line))
        try:
            t.put({"receipt": bare(end.answer(line))})
        except Conflict as refused:
            t.put({"answer": refused.args[0]})


def put_figures(t, p):
    c, receipts = p.challenge, Receipts(b"".join(p.receipts), len(p.challenge.segments))
    receipts.must_match(sha256(p.payload), p.chain.job, p.chain.commits, c)
    e_ppm, rates = e_star_ppm(c.samples, 0), []
    t.section("figures", e_star_ppm=e_ppm)
    for j, segment in enumerate(c.segments):
        sure = [certified(len(p.runs[j, d].roots) * segment.workload.work, e_ppm) for d in range(c.devices)]
        released, received = receipts.brackets[j]
        of_all, *of_each = [proven_rate(x, received - released, segment.duration) for x in (sum(sure), *sure)]
        rates += [of_all, *of_each]
        figures = {"released": released, "received": received, "bracket_ns": received - released,
                   "asked_ms": segment.duration or 0, "certified": sum(sure), "proven_rate": of_all}
        t.put({"segment_%d_%s" % (j, name): value for name, value in figures.items()})
        for d in range(c.devices):
            t.put({"run_%d_%d_certified" % (j, d): sure[d], "run_%d_%d_proven_rate" % (j, d): of_each[d]})
    # The verifier of files comes to the same figures, and to none without the verifier's key.
    envelope, transcript, file = finish(p)
    for keys, g in (({ed25519_public(VERIFIER)}, 0), ((), 64)):
        shown = Verification(envelope, transcript, {p.key}, receipts=file, verifiers=keys).figures
        expected = ["proven nothing"] * len(rates) if g else ["proven %d " % rate for rate in rates]
        for text in set(expected):
            assert sum(text in line + " " for line in shown) == expected.count(text)
        assert sum("eStarPpm %d," % e_star_ppm(c.samples, g) in line for line in shown) == len(c.runs)
    cases = ((0, 1, 0), (1, 10**9, 0), (999, 10**9 + 1, 0), (10**15, 999999999, 1000), (10**15, 10**9, 1000),
             (10**15, 10**9 + 1, 1000), (2**63 - 1, 86400 * 10**9, 86400000), (2**62, 10**9 - 1, 0),
             (2**34, 1, 0), (2**63 - 1, 2**63 - 1, 0))
    for i, (sure, bracket, ms) in enumerate(cases):
        t.section("proven_%d" % i, certified=sure, bracket_ns=bracket, asked_ms=ms, rate=proven_rate(sure, bracket, ms))
    items = (64, 2**20, 2**32 - 2**17, 2**32 - 1)
    for i, rate in enumerate((0, 1, 80 * 10**9 - 1, 80 * 10**9, 80 * 10**9 + 1, 4 * 10**12, 2**63 - 1, (2**63 - 1) * 10**9)):
        t.section("capacity_%d" % i, rate=rate, **{"of_%d" % n: capacity(n, rate) for n in items})
