# SPDX-License-Identifier: Apache-2.0
"""§10: the checks of an attestation in order, and what they come to."""
from .basics import fold, leaf, need, Refused, sha256, ZERO
from .canonical import canonical
from .catalogue import Catalogue
from .chain import certified, Chain, commit_of, draws, e_star_ppm, job_of, next_seed, proven_rate
from .challenge import Challenge, FILLS
from .claims import times_claimed
from .ed25519 import ed25519_verify, keyid
from .envelope import open_envelope, pae
from .exchange import Receipts
from .judgement import judge, Shown
from .statement import check_statement
from .transcript import check_devices, Transcript

CHECKS = ("envelope", "transcript", "signature", "trust", "statement", "challenge", "records", "digest", "devices",
          "binding", "receipts", "profile", "cost", "recheck", "claims")
GRAVITY = ("leaf.mismatch", "run.empty", "run.short")
VERDICTS = {"pass": 0, "fail": 1, "inconclusive": 2, "malformed": 4}


def verdict_of(reason):
    """§10.3."""
    if reason == "challenge.caps" or reason.endswith(".malformed"):
        return "malformed"
    fails = ("signature.invalid signature.keyid transcript.digest binding.mismatch receipts.digest receipts.mismatch "
             "receipts.signature leaf.mismatch claim.model")
    return "fail" if reason in fails.split() else "inconclusive"


def check_binding(p, t, challenge):
    """§10.1 `binding`, of the predicate p and the transcript t."""
    code = "binding.mismatch"
    expected = {"digest": {"sha256": sha256(t.challenge).hex()}, "mode": challenge.mode, "profile": challenge.profile}
    need(p["challenge"] == expected, code, "challenge")
    need(p["work"] == [s.name for s in challenge.segments], code, "work")
    need(canonical(p["devices"]) == t.devices, code, "devices")
    claimed = [[run is None for run in segment] for segment in p["claimed"]["segments"]]
    empty = [[not t.runs[j, d].roots for d in range(challenge.devices)] for j in range(len(challenge.segments))]
    need(claimed == empty, code, "claimed runs")
    for j, d in challenge.runs:
        ranges = (p["claimed"]["segments"][j][d] or {}).get("throttled")
        need(not ranges or ranges[-1][1] < len(t.runs[j, d].roots), code, "throttled rounds")
    need(len(p["claimed"]["telemetry"]) == challenge.devices, code, "telemetry")


class Verification:
    """§10.1: the checks in order. A refusal ends the walk, except those of trust, untrusted receipts, profile and
    recheck. `receipts` is None when there is no such file, `verifiers` are the keys of trusted verifiers; the budget is in
    units of §12. Then there are `verdict`, `assurance`, all `reasons`, a line for each check and for each run (`lines`: check,
    status, reason, detail), and `figures` of §9, texts. `claims` about the machine (machine.Claim) are held against it by a
    catalogue, the bytes of one; then `claims` is what §10.11 says of them, None when it did not come to that."""

    def __init__(self, envelope, transcript, trusted, budget=2**30, receipts=None, verifiers=(), claims=(), catalogue=None):
        self.lines, self.figures, self.signed, self.proven = [], [], False, False
        self.shown, self.receipts, self.verifiers, self.bracketed = {}, receipts, verifiers, None
        self.claimed, self.claims, self.shown_by = claims, None, {}
        self.catalogue = Catalogue(catalogue) if claims else None
        try:
            self.walk(envelope, transcript, trusted, budget)
        except Refused as refused:
            self.note(self.check, refused.code, refused.detail)
        seen = [line[0] for line in self.lines]
        self.lines += [(check, "skipped", "-", "") for check in CHECKS
                       if check not in seen and (check != "claims" or claims)]
        self.lines.sort(key=lambda line: (CHECKS.index(line[0]), GRAVITY.index(line[2])
                                          if line[2] in GRAVITY else len(GRAVITY)))
        self.reasons = list(dict.fromkeys(line[2] for line in self.lines if line[2] != "-"))
        verdicts = [verdict_of(reason) for reason in self.reasons]
        self.verdict = next((v for v in ("malformed", "fail", "inconclusive") if v in verdicts), "pass")
        proven = "time-bracketed" if self.bracketed else "work-proven"
        self.assurance = proven if self.proven else "self-asserted" if self.signed else "null"

    def note(self, check, reason=None, detail=""):
        self.lines.append((check, verdict_of(reason) if reason else "pass", reason or "-", detail))

    def steps(self):
        """Notes the check before as passed, and names the next."""
        for i, check in enumerate(CHECKS):
            if i and CHECKS[i - 1] not in [line[0] for line in self.lines]:
                self.note(CHECKS[i - 1])
            self.check = check
            yield check

    def walk(self, envelope, transcript, trusted, budget):
        step = self.steps()
        next(step)  # envelope
        payload, signature, key_id = open_envelope(envelope)
        next(step)  # transcript
        t = Transcript(transcript)
        next(step)  # signature
        need(key_id == keyid(t.key), "signature.keyid")
        need(ed25519_verify(t.key, pae(payload), signature), "signature.invalid")
        self.signed = True
        next(step)  # trust
        if t.key not in trusted:
            self.note("trust", "key.untrusted", key_id)
        next(step)  # statement
        statement = check_statement(payload)
        p = statement["predicate"]
        next(step)  # challenge
        challenge = Challenge(t.challenge)
        next(step)  # records
        t.cut(challenge)
        next(step)  # digest
        need(statement["subject"][0]["digest"]["sha256"] == sha256(transcript).hex(), "transcript.digest")
        next(step)  # devices
        check_devices(t.devices, challenge.devices)
        next(step)  # binding
        check_binding(p, t, challenge)
        next(step)  # receipts
        nonce_of = self.exchanged(challenge, t, statement)
        next(step)  # profile
        if not challenge.in_profile():
            self.note("profile", "profile.unknown")
        next(step)  # cost
        cost = challenge.cost()
        need(cost <= budget, "cost.exceeded", "%d units" % cost)
        next(step)  # recheck
        chain = Chain(t.challenge, t.devices, t.key, challenge, lambda j, d, seed: t.runs[j, d].roots, nonce_of)
        results = [self.recheck(challenge, t, chain, p["claimed"], j, d) for j, d in challenge.runs]
        self.proven = all(results)
        self.aggregate(challenge)
        if self.claimed and "leaf.mismatch" not in [line[2] for line in self.lines]:
            next(step)  # claims
            self.judge(challenge, p["devices"])

    def exchanged(self, challenge, t, statement):
        """§8.6: where the chain has its nonces. `bracketed` are (T0, T1) of each segment, if they are to be trusted."""
        if challenge.mode == "self":
            return lambda chain, j: ZERO
        need(self.receipts is not None, "receipts.missing")
        need(statement["subject"][1]["digest"]["sha256"] == sha256(self.receipts).hex(), "receipts.digest")
        job, runs = job_of(t.challenge, t.devices, t.key), range(challenge.devices)
        commits = [commit_of(j, [t.runs[j, d].roots for d in runs]) for j in range(len(challenge.segments))]
        receipts = Receipts(self.receipts, len(commits))
        receipts.must_match(sha256(t.challenge), job, commits, challenge)
        others = [key for key in self.verifiers if key != t.key]
        key = next((key for key in others if keyid(key) == challenge.verifier), None)
        if key is None:
            self.note("receipts", "receipts.untrusted", challenge.verifier)
        else:
            receipts.must_be_signed(key)
            self.bracketed = receipts.brackets
        return lambda chain, j: receipts.nonces[j]

    def proven_rate(self, work, j, segment):
        """§9.3, of certified work."""
        if not self.bracketed:
            return "nothing"
        released, received = self.bracketed[j]
        rate = proven_rate(work, received - released, segment.duration)
        return "%d %s/s in %d ns" % (rate, segment.workload.unit, received - released)

    def aggregate(self, challenge):
        """§9.4: figures of each segment, before those of the runs."""
        lines = []
        for j, segment in enumerate(challenge.segments):
            runs, asked = self.shown.get(j, []), (segment.duration or 0) * 10**6
            work, ns = sum(run[0] for run in runs), max([asked] + [run[2] for run in runs])
            rate = "%d %s/s" % (work * 10**9 // ns, segment.workload.unit) if runs else "nothing"
            sure = sum(run[1] for run in runs)
            lines.append("segment %d %s: runs %d, work %d, certified %d, claimed %s in %d ns, proven %s" % (
                j, segment.name, len(runs), work, sure, rate, ns if runs else 0,
                self.proven_rate(sure, j, segment) if runs else "nothing"))
        self.figures = lines + self.figures

    def judge(self, challenge, devices):
        """§10.9 to §10.11."""
        shown = [self.shown_by.get(d, Shown()) for d in range(challenge.devices)]
        self.claims, reason = judge(self.claimed, self.catalogue, devices, challenge.leased, shown, bool(self.bracketed))
        self.note("claims", reason, ", ".join(x["claim"] for x in self.claims if x["reason"] == reason) if reason else "")

    def recheck(self, challenge, t, chain, claimed, j, d):
        """§10.2; notes the result and the figures of §9.3, and returns whether the run passed."""
        segment, roots, where = challenge.segments[j], t.runs[j, d].roots, "segment %d device %d" % (j, d)
        if not roots:
            if not segment.is_fill:
                self.note("recheck", "run.empty", where)
            return segment.is_fill
        seeds = [chain.run_seeds[j, d]]
        for root in roots:
            seeds.append(next_seed(seeds[-1], root))
        fill = (chain.run_seeds[j - 1, d],) if segment.name in FILLS else ()
        drawn = draws(chain.draw_key(j, d), len(roots) * segment.leaves, challenge.samples)
        once = sorted(set(drawn))
        values = segment.workload.leaves([(seeds[y // segment.leaves], y % segment.leaves) for y in once], *fill)
        hashes = {y: leaf(value) for y, value in zip(once, values)}
        for y, path in zip(drawn, t.openings[j, d]):
            r, i = divmod(y, segment.leaves)
            if fold(hashes[y], i, path) != roots[r]:
                self.note("recheck", "leaf.mismatch", "%s round %d leaf %d" % (where, r, i))
                return False
        short = len(roots) < max(segment.rounds or 0, segment.workload.least)
        self.note("recheck", "run.short" if short else None, "%s: %d draws" % (where, len(drawn)))
        self.show(challenge, j, d, t.runs[j, d], claimed["segments"][j][d])
        return not short

    def show(self, challenge, j, d, run, claim):
        """The figures of a run (§9.3)."""
        segment, e_ppm = challenge.segments[j], e_star_ppm(challenge.samples, 0 if self.bracketed else 64)
        work = len(run.roots) * segment.workload.work
        sure, ns = certified(work, e_ppm), max(claim["elapsedNs"], (segment.duration or 0) * 10**6)
        self.shown.setdefault(j, []).append((work, sure, claim["elapsedNs"]))
        rate = work * 10**9 // ns
        if self.bracketed:
            released, received = self.bracketed[j]
            rate = proven_rate(sure, received - released, segment.duration)
        self.shown_by.setdefault(d, Shown()).add(segment.name, rate, segment.params.get("items"))
        stated = all(claim[name] == x for name, x in times_claimed(run.times).items())
        self.figures.append("run %d %d %s: rounds %d, work %d, eStarPpm %d, certified %d, claimed %d %s/s, proven %s, "
                            "statistics %s" % (j, d, segment.name, len(run.roots), work, e_ppm, sure, work * 10**9 // ns,
                                               segment.workload.unit, self.proven_rate(sure, j, segment),
                                               "of the times" if stated else "of other times"))
