# SPDX-License-Identifier: Apache-2.0
"""Writes verify/vectors/claims: a catalogue, attestations, claims that are held against them, and claims as text."""
import os

from counterpart.catalogue import Catalogue
from counterpart.judgement import without_details
from counterpart.machine import read_json, read_line, together
from counterpart.verification import Verification, verdict_of
from . import machine
from .machine_cases import BEYOND, CASES, FILES, REASONS, summary, text_of
from .machine_catalogue import text_catalogue
from .machine_texts import ACCEPT, REJECT

INDEX = """Claims about a machine (SPEC 10.6 to 10.11), held against attestations by catalogue.tsv; good/key.pem and
good/verifier.pem trusted. Name, attestation, claims ("; " between them; a name that ends in .json is of a file here), verdict,
all reasons (- for none), the verdict's member "claims" without any "detail"; tabs between them.
accept.txt has claims as text, and what they are in the first form; reject.txt has what is a usage error. What begins with {
or [ there is a file's content."""
SUFFIXES = ".intoto.json", ".transcript", ".receipts.jsonl"


def claims_of(text):
    """Of a line of CASES."""
    return together(*(read_json(text_of(FILES[part[:-5]])) if part.endswith(".json") else [read_line(part)]
                      for part in text.split("; ")))


def line_of(name, stem, claims, reason, summaries, before, result):
    """A line of the index, if it came as it must."""
    reasons = [x for x in before.split(",") if x] + (["claim." + reason] if reason else [])
    verdicts = [verdict_of(x) for x in reasons]
    verdict = "fail" if "fail" in verdicts else "inconclusive" if verdicts else "pass"
    found = [summary(entry) for entry in result.claims or []]
    assert (result.verdict, result.reasons, found) == (verdict, reasons, summaries), (name, result.reasons, found)
    return "\t".join((name, stem, claims, verdict, ",".join(reasons) or "-", without_details(result.claims)))


def must_be_beyond(stem, result, catalogue):
    """Which models are consistent with what device 0 showed."""
    for entry in result.claims or []:
        for shown in entry["devices"][:1]:
            if stem in BEYOND and shown["device"] == 0:
                beyond = [x.name for x in catalogue.models if x.name not in shown["consistentWith"]]
                assert sorted(beyond) == sorted(filter(None, BEYOND[stem].split("|"))), (stem, beyond)
                return {stem}
    return set()


def write_claims(folder, save, files_of, trusted, verifiers):
    """`files_of` gives the files of an attestation of good/ or reject/, in the order of SUFFIXES."""
    here = os.path.join(folder, "claims")
    os.makedirs(here, exist_ok=True)
    for name in os.listdir(here):
        if name.endswith(SUFFIXES + (".json",)):
            os.remove(os.path.join(here, name))
    catalogue = text_catalogue().encode()
    save(here, "catalogue.tsv", catalogue)
    attestations = {}
    for name, reasons, files in machine.attestations():
        attestations[name] = reasons, files
        for suffix, data in zip(SUFFIXES, files):
            save(here, name + suffix, data)
    lines, names, seen = ["# " + line for line in INDEX.split("\n")], set(), set()
    for name, stem, claims, reason, *summaries in CASES:
        before, files = attestations[stem] if stem in attestations else (REASONS[stem], files_of(stem))
        envelope, transcript, receipts = (*files, None)[:3]
        result = Verification(envelope, transcript, trusted, receipts=receipts, verifiers=verifiers, claims=claims_of(claims),
                              catalogue=catalogue)
        path = "claims/" + stem if stem in attestations else stem
        lines.append(line_of(name, path, claims, reason, summaries, before, result))
        seen |= must_be_beyond(stem, result, Catalogue(catalogue))
        assert name not in names, name
        names.add(name)
    assert seen == set(BEYOND), seen ^ set(BEYOND)
    save(here, "index.txt", "".join(line + "\n" for line in lines).encode())
    for name, content in FILES.items():
        save(here, name + ".json", text_of(content))
    write_texts(here, save)


def write_texts(here, save):
    for text in REJECT:
        try:
            together(read_json(text.encode()) if text[:1] in ("{", "[") else [read_line(text)])
        except ValueError:
            continue
        raise AssertionError("read: " + text)
    for text, normal in ACCEPT:
        claims = together(read_json(text.encode()) if text[:1] in ("{", "[") else [read_line(text)])
        assert "; ".join(claim.line() for claim in claims) == normal, text
    for text in REJECT + [x for pair in ACCEPT for x in pair]:
        assert all(" " <= c <= "~" or c == "\u00d7" for c in text), text
    assert len(set(REJECT)) == len(REJECT) and "" not in REJECT
    save(here, "reject.txt", "".join(text + "\n" for text in REJECT).encode())
    save(here, "accept.txt", "".join("%s\t%s\n" % pair for pair in ACCEPT).encode())
