# SPDX-License-Identifier: Apache-2.0
"""§8.2, §8.3: the signed statement."""
import re

from .basics import need
from .canonical import has, is_hex64, is_int, is_text, parse_json
from .claims import is_claimed_run, is_telemetry

STATEMENT_TYPE, PREDICATE_TYPE = "https://in-toto.io/Statement/v1", "urn:assay:attestation:1"
NON_CLAIMS = ["exclusivity", "identity", "locality", "partition", "service"]


def check_statement(payload):
    """The object of a payload, if it is as §8.2, §8.3, §8.5 and §8.6 have it."""
    bad = "statement.malformed"
    x = parse_json(payload, bad)
    need(has(x, "_type predicate predicateType subject"), bad, "members")
    need(is_text(x["_type"]) and is_text(x["predicateType"]), bad, "types")
    need(x["_type"] == STATEMENT_TYPE and x["predicateType"] == PREDICATE_TYPE, "statement.version")
    subject, p = x["subject"], x["predicate"]
    need(has(p, "challenge claimed devices harness nonClaims work"), bad, "predicate")
    c = p["challenge"]
    need(has(c, "digest mode profile") and has(c["digest"], "sha256"), bad, "challenge")
    need(is_hex64(c["digest"]["sha256"]) and is_text(c["mode"]) and is_text(c["profile"]), bad, "challenge")
    names = ["transcript", "receipts"] if c["mode"] == "verifier" else ["transcript"]
    need(type(subject) is list and len(subject) == len(names), bad, "subject")
    for one, name in zip(subject, names):
        need(has(one, "digest name") and one["name"] == name and has(one["digest"], "sha256"), bad, "subject")
        need(is_hex64(one["digest"]["sha256"]), bad, "subject")
    h = p["harness"]
    need(has(h, "gitCommit kernels name version") and has(h["kernels"], "sha256"), bad, "harness")
    need(all(is_text(h[i], 256) for i in ("gitCommit", "name", "version")), bad, "harness")
    need(is_hex64(h["kernels"]["sha256"]), bad, "harness")
    need(p["nonClaims"] == NON_CLAIMS, bad, "nonClaims")
    need(type(p["work"]) is list and all(is_text(i) for i in p["work"]), bad, "work")
    need(type(p["devices"]) is list, bad, "devices")
    claimed = p["claimed"]
    need(has(claimed, "finishedAt pauses powerBudgetW segments staggerMs startedAt telemetry"), bad, "claimed")
    need(is_int(claimed["staggerMs"], 0, 86400000), bad, "staggerMs")
    need(is_int(claimed["powerBudgetW"], 0, 10**6), bad, "powerBudgetW")
    need(is_int(claimed["pauses"], 0, 10**6), bad, "pauses")
    time = r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}Z"
    for i in ("startedAt", "finishedAt"):
        need(is_text(claimed[i]) and re.fullmatch(time, claimed[i]), bad, "time")
    need(type(claimed["telemetry"]) is list, bad, "telemetry")
    for entry in claimed["telemetry"]:
        need(entry is None or is_telemetry(entry), bad, "telemetry")
    need(type(claimed["segments"]) is list, bad, "claimed segments")
    for segment in claimed["segments"]:
        need(type(segment) is list, bad, "claimed segment")
        for run in filter(lambda run: run is not None, segment):
            need(is_claimed_run(run), bad, "claimed run or its throttled rounds")
    return x
