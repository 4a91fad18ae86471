# SPDX-License-Identifier: Apache-2.0
"""The vectors of mode `verifier` that hold, and the text of an exchange. "§" cites verify/SPEC.md (§4.5, §8.6)."""
import json

import exchange
import reject as r
import vectors as v
from vectors import canonical, keyid, sha256

VERIFIER = sha256(b"test vectors: a verifier's key")
BEGIN, EXPIRES = 1893456000 * 10**9, "2030-01-01T01:00:00Z"
TYPE = exchange.RECEIPT_TYPE


def asked(segments, devices=1, samples=16, profile="vectors", leased=0, expires=EXPIRES, by=VERIFIER):
    return r.challenge_of(segments, devices, samples, profile, mode="verifier", expires=expires, leased=leased,
                          verifier=keyid(v.ed25519_public(by)))


def answer(challenge, rounds=None, by=VERIFIER, now=BEGIN, kind=r.Prover, **other):
    """The prover that did such a challenge with the verifier of that key."""
    return kind(challenge, rounds=rounds, verifier=exchange.Verifier(canonical(challenge), by, now), **other)


def resign(line, secret=VERIFIER, key_id=None, **members):
    """A receipt with other members."""
    payload = json.loads(v.open_envelope(line, TYPE)[0])
    return exchange.sign(canonical(dict(payload, **members)), TYPE, secret, key_id)


def at(prover, times):
    """The same exchange by another clock."""
    prover.receipts = [resign(line, at=str(time)) for line, time in zip(prover.receipts, times)]
    return prover


def small(**other):
    return asked([r.hashes(1, 2, rounds=2), r.hashes(2, 1, durationMs=900)], 2, 4, **other)


def pair():
    """good/receipts-two, which is also exchange.txt."""
    return answer(asked([r.matmul(32, 32, 64, rounds=3), r.hashes(3, 4, durationMs=900)], 2, 32))


# ---------------------------------------------------------------- text

def put_line(t, name, line, kind):
    payload, signature, key_id = v.open_envelope(line, kind)
    for label, value in (("payload", payload.decode()), ("pae", v.pae(payload, kind)), ("signature", signature),
                         ("keyid", key_id), ("envelope", line.decode().rstrip("\n"))):
        t.put(name + "_" + label, value)


def text_exchange():
    t = r.Text("The exchange of good/receipts-two (SPEC 4.5, 8.6): message and receipt of each step, without the newline.",
               "request: what this prover asks this verifier's server with (SPEC 4.6).",
               "after_*: what a verifier says to `message` after so many steps, by its clock `now`: a receipt or an answer.",
               "run_J_D and segment_J are the figures of SPEC 9.3 and 9.4 with g = 0; proven_N are further cases of 9.3.")
    p = pair()
    t.section("inputs")
    for name, value in (("challenge", p.payload.decode()), ("challenge_sha256", sha256(p.payload)),
                        ("expires_seconds", p.challenge.expires), ("devices", p.block.decode()),
                        ("prover_seed", p.secret), ("prover_key", p.key), ("verifier_seed", VERIFIER),
                        ("verifier_key", v.ed25519_public(VERIFIER)), ("verifier_keyid", p.challenge.verifier)):
        t.put(name, value)
    put_request(t, p)
    for i, (j, committed) in enumerate(exchange.steps(len(p.challenge.segments))):
        t.section("step_%d" % i)
        t.put("segment", j)
        t.put("step", "commit" if committed else "ready")
        put_line(t, "message", p.messages[i], exchange.MESSAGE_TYPE)
        put_line(t, "receipt", p.receipts[i], TYPE)
    t.section("file")
    t.put("receipts_sha256", sha256(b"".join(p.receipts)))
    t.section("chain")
    t.put("job", p.chain.job)
    for j, nonce in enumerate(p.chain.nonces):
        t.put("nonce_%d" % j, nonce)
        if j < len(p.chain.commits):
            t.put("seg_%d" % j, p.chain.segments[j])
            t.put("commit_%d" % j, p.chain.commits[j])
    t.put("sample_key", p.chain.sample_key)
    for j, d in p.challenge.runs:
        t.put("run_seed_%d_%d" % (j, d), p.chain.run_seeds[j, d])
        t.put("draw_key_%d_%d" % (j, d), p.chain.draw_key(j, d))
    put_refusals(t, p)
    put_figures(t, p)
    return t


def put_request(t, p):
    t.section("request")
    payload = exchange.request_of(p.key, p.challenge.verifier)
    line = exchange.sign(payload, exchange.REQUEST_TYPE, p.secret)
    put_line(t, "request", line, exchange.REQUEST_TYPE)
    assert exchange.read_request(line) == {"key": p.key.hex(), "type": "assay/1 request",
                                           "verifier": v.keyid(v.ed25519_public(VERIFIER))}
    # By another key; with another member; a message.
    assert exchange.read_request(exchange.sign(payload, exchange.REQUEST_TYPE, r.STRANGER)) is None
    more = canonical(dict(json.loads(payload), more=0))
    assert exchange.read_request(exchange.sign(more, exchange.REQUEST_TYPE, p.secret)) is None
    assert exchange.read_request(p.messages[0]) is None


def put_refusals(t, p):
    """Every message is in form and signed by the key in it."""
    digest, other = sha256(p.payload), sha256(b"other")

    def message(segment, commit=None, job=p.chain.job, secret=p.secret):
        payload = exchange.message_of(digest, job, v.ed25519_public(secret), segment, commit)
        return exchange.sign(payload, exchange.MESSAGE_TYPE, secret)

    commits, late = p.chain.commits, p.challenge.expires * 10**9 + 1
    cases = (("repeated_ready", 3, message(0), None), ("repeated_commit", 2, message(0, commits[0]), None),
             ("repeated_last", 5, message(2), None),
             ("commit_first", 0, message(0, commits[0]), None), ("ready_of_next", 1, message(1), None),
             ("first_of_second_segment", 0, message(1), None), ("commit_of_next", 2, message(1, commits[1]), None),
             ("draw_before_commit", 3, message(2), None),
             ("commit_other", 2, message(0, other), None), ("commit_other_later", 4, message(0, other), None),
             ("commit_other_at_the_end", 5, message(1, other), None),
             ("job_other", 1, message(0, commits[0], other), None), ("job_other_again", 1, message(0, None, other), None),
             ("key_other", 1, message(0, commits[0], secret=r.STRANGER), None),
             ("late", 1, message(0, commits[0]), late), ("late_first", 0, message(0), late),
             ("at_expiry", 4, message(2), late - 1))
    for name, after, line, now in cases:
        end = exchange.Verifier(p.payload, VERIFIER, BEGIN)
        for i, earlier in enumerate(p.messages[:after]):
            end.now = int(json.loads(v.open_envelope(p.receipts[i], TYPE)[0])["at"])
            assert end.answer(earlier) == p.receipts[i]
        end.now = now or end.now
        t.section("after_" + name)
        t.put("after", after)
        t.put("now", end.now)
        t.put("message", line.decode().rstrip("\n"))
        try:
            t.put("receipt", end.answer(line).decode().rstrip("\n"))
        except exchange.Conflict as refused:
            t.put("answer", refused.args[0])


def put_figures(t, p):
    t.section("figures")
    c, receipts = p.challenge, exchange.Receipts(b"".join(p.receipts), len(p.challenge.segments))
    receipts.must_match(sha256(p.payload), p.chain.job, p.chain.commits, c)
    e_ppm = v.e_star_ppm(c.samples, 0)
    t.put("e_star_ppm", e_ppm)
    for j, segment in enumerate(c.segments):
        sure = [v.certified(len(p.runs[j, d].roots) * segment.workload.work, e_ppm) for d in range(c.devices)]
        released, received = receipts.brackets[j]
        for name, value in (("released", released), ("received", received), ("bracket_ns", received - released),
                            ("asked_ms", segment.duration or 0), ("certified", sum(sure)),
                            ("proven_rate", exchange.proven_rate(sum(sure), received - released, segment.duration))):
            t.put("segment_%d_%s" % (j, name), value)
        for d in range(c.devices):
            t.put("run_%d_%d_certified" % (j, d), sure[d])
            t.put("run_%d_%d_proven_rate" % (j, d),
                  exchange.proven_rate(sure[d], received - released, segment.duration))
    # The verifier of files comes to the same figures, and to none without the verifier's key.
    envelope, transcript, file = r.finish(p)
    for keys, g in (({v.ed25519_public(VERIFIER)}, 0), ((), 64)):
        shown = v.Verification(envelope, transcript, {p.key}, receipts=file, verifiers=keys).figures
        rates = [line.split(" = ")[1] for line in t.lines if "_proven_rate = " in line]
        expected = ["proven %s " % rate for rate in rates] if not g else ["proven nothing"] * len(rates)
        assert all(any(text in line + " " for line in shown) for text in expected)
        assert sum("eStarPpm %d," % v.e_star_ppm(c.samples, g) in line for line in shown) == len(c.runs)
    cases = ((0, 1, 0), (1, 10**9, 0), (999, 10**9 + 1, 0), (10**15, 999999999, 1000), (10**15, 10**9, 1000),
             (10**15, 10**9 + 1, 1000), (2**63 - 1, 86400 * 10**9, 86400000), (2**62, 10**9 - 1, 0),
             (2**34, 1, 0), (2**63 - 1, 2**63 - 1, 0))
    for i, (sure, bracket, ms) in enumerate(cases):
        t.section("proven_%d" % i)
        for name, value in (("certified", sure), ("bracket_ns", bracket), ("asked_ms", ms),
                            ("rate", exchange.proven_rate(sure, bracket, ms))):
            t.put(name, value)


# ---------------------------------------------------------------- exchanges that hold

def good():
    """(name, verdict with the verifier's key, reasons, files)."""
    unknown, empty, quick = "profile.unknown", "profile.unknown,run.empty", "assay/1 quick"
    one, square = r.hashes(0, 1, rounds=1), lambda ms: r.matmul(2048, 2048, 16384, durationMs=ms)
    three = [r.matmul(32, 32, 64, rounds=3), r.hashes(3, 4, durationMs=700), r.matmul9(32, 16, 128, rounds=2)]
    jobs = [("receipts", unknown, answer(asked(three, 2))), ("receipts-two", unknown, pair()),
            ("receipts-one", unknown, answer(asked([one]))),
            ("receipts-leased", unknown, answer(asked([r.hashes(1, 2, rounds=2)], 2, leased=3))),
            ("receipts-leased-most", unknown, answer(asked([one], leased=64))),
            ("receipts-memory", unknown, answer(asked(r.table(4, 64, 0, rounds=9) + r.table(2, 65, 2, rounds=3), 2, 4))),
            ("receipts-memory-duration", unknown,
             answer(asked(r.table(2, 100, 1, durationMs=7), 2, 4), [[0, 0], [7, 8]])),
            ("receipts-memory-seven-passes", unknown + ",run.short", answer(asked(r.table(2, 64, 0, rounds=7), 1, 4))),
            ("receipts-sixteen-segments", unknown, answer(asked([one] * 16, 1, 2))),
            ("receipts-empty-run", empty, answer(asked([r.hashes(1, 2, durationMs=10)] * 2, 2, 4), [[2, 1], [0, 3]])),
            ("receipts-short-run", unknown + ",run.short", answer(asked([r.hashes(1, 2, rounds=5)], 2, 4), [[5, 4]]))]
    # Clocks: faster than the asked duration, as fast as can be told, up to the last instant, and at all bounds.
    jobs.append(("receipts-short-bracket", unknown, at(pair(), range(BEGIN, BEGIN + 5 * 10**6, 10**6))))
    jobs.append(("receipts-nanoseconds", unknown, at(pair(), range(BEGIN, BEGIN + 5))))
    jobs.append(("receipts-until-expiry", unknown, at(pair(), range(BEGIN + 3600 * 10**9 - 4, BEGIN + 3600 * 10**9 + 1))))
    most = answer(small(expires="9999-12-31T23:59:59Z"))
    jobs.append(("receipts-bounds-of-time", unknown, at(most, (0, 1, 9, 10, 2**63 - 1))))
    jobs.append(("receipts-before-the-challenge", unknown, at(pair(), range(5))))
    for name, expires in (("2000", "2000-02-29T23:59:59Z"), ("2096", "2096-02-29T00:00:00Z"),
                          ("2100", "2100-02-28T23:59:59Z"), ("2001", "2001-12-31T23:00:59Z")):
        end = exchange.seconds_of(expires) * 10**9
        job = answer(asked([one], expires=expires), now=0)
        jobs.append(("receipts-expire-" + name, unknown, at(job, (end - 2, end - 1, end))))
    # Profiles (§11), never worked.
    for name, samples, inside in (("127", 127, 0), ("128", 128, 1), ("256", 256, 1), ("512", 512, 1), ("1024", 1024, 0),
                                  ("2048", 2048, 1)):
        jobs.append(("receipts-profile-samples-" + name, "run.empty" if inside else empty,
                     answer(asked([square(5000)], 1, samples, quick), [[0]])))
    for samples in (128, 256):
        itself = r.Prover(r.challenge_of([square(5000)], 1, samples, quick), rounds=[[0]])
        jobs.append(("profile-samples-%d" % samples, empty, itself))
    for name, reasons, prover in jobs:
        yield name, "inconclusive", reasons, r.finish(prover)
    itself = r.Prover(r.challenge_of([one]))
    yield "receipts-of-nobody", "inconclusive", unknown, (*r.finish(itself), b"in mode self nobody reads this")
    host = answer(asked([square(5000), r.hashes(12, 12, durationMs=5000)], 1, 128, quick), [[1], [1]])
    yield "receipts-quick-host", "pass", "-", r.finish(host)
