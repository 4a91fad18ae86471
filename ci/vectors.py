# SPDX-License-Identifier: Apache-2.0
"""The independent counterpart of the verifier (ci/counterpart), and what makes the test vectors with it (ci/cases).

    vectors.py write DIR      regenerate every test vector below DIR (deterministic)
    vectors.py check DIR      verify DIR/good, DIR/reject and DIR/claims and compare with their index.txt
    vectors.py verify [--trust PUB.pem]... [--verifier PUB.pem]... [--budget UNITS]
                      [--claim TEXT|FILE.json]... [--catalogue FILE] NAME.intoto.json

`verify` exits 0 pass, 1 fail, 2 inconclusive, 3 usage or input/output, 4 malformed (SPEC §10.3).
"""
import os
import sys

from counterpart.canonical import canonical
from counterpart.ed25519 import read_public_pem
from counterpart.judgement import without_details
from counterpart.machine import read_json, read_line, together
from counterpart.verification import VERDICTS, Verification

CATALOGUE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "verify", "gpu_catalogue.tsv")


def read(path, limit=None):
    with open(path, "rb") as f:
        return f.read() if limit is None else f.read(limit)


def verify_file(path, trusted, budget=2**30, verifiers=(), claims=(), catalogue=None):
    """The transcript lies beside the envelope, and in mode `verifier` the receipts. An envelope of 800,000 bytes can only
    be malformed (§8.1)."""
    stem = path[:-len(".intoto.json")]
    receipts = stem + ".receipts.jsonl"
    return Verification(read(path, 800000), read(stem + ".transcript"), trusted, budget,
                        read(receipts) if os.path.exists(receipts) else None, verifiers, claims, catalogue)


def read_key(path):
    return read_public_pem(read(path).decode("ascii"))


def read_claims(argument, folder=""):
    """§10.7: of a text, or of a file whose name ends in .json."""
    return read_json(read(os.path.join(folder, argument))) if argument.endswith(".json") else [read_line(argument)]


def command_verify(arguments):
    trusted, verifiers, budget, files, claims, catalogue = set(), set(), 2**30, [], [], CATALOGUE
    rest = iter(arguments)
    for argument in rest:
        if argument == "--trust":
            trusted.add(read_key(next(rest, "")))
        elif argument == "--verifier":
            verifiers.add(read_key(next(rest, "")))
        elif argument == "--budget":
            budget = int(next(rest, ""))
        elif argument == "--claim":
            claims.append(read_claims(next(rest, "")))
        elif argument == "--catalogue":
            catalogue = next(rest, "")
        else:
            files.append(argument)
    if len(files) != 1 or not files[0].endswith(".intoto.json"):
        raise ValueError("one FILE.intoto.json is needed")
    claims = together(*claims)
    result = verify_file(files[0], trusted, budget, verifiers, claims, read(catalogue) if claims else None)
    for line in result.lines:
        print(" ".join(line).rstrip())
    for line in result.figures:
        print(line)
    if claims:
        print("claims: %s" % canonical(result.claims).decode())
    print("verdict: %s  assurance: %s" % (result.verdict, result.assurance))
    return VERDICTS[result.verdict]


def found_in(part, name, folder, trusted, verifiers):
    """What the index says of one attestation; reject/ states the first reason only."""
    result = verify_file(os.path.join(folder, part, name + ".intoto.json"), trusted, verifiers=verifiers)
    reasons = result.reasons
    if part == "reject":
        reasons = [x for x in reasons if x != "profile.unknown"][:1]
    return [result.verdict, ",".join(reasons) or "-"] + ([result.assurance] if part == "good" else [])


def command_check(folder):
    """Every attestation of good/ and reject/ against its index."""
    trusted, verifiers = ({read_key(os.path.join(folder, "good", name))} for name in ("key.pem", "verifier.pem"))
    wrong, count = 0, 0
    for part in ("good", "reject"):
        names = set()
        for line in read(os.path.join(folder, part, "index.txt")).decode("ascii").splitlines():
            if not line or line.startswith("#"):
                continue
            name, *expected = line.split()
            names.add(name)
            found = found_in(part, name, folder, trusted, verifiers)
            if len(expected) == 6:
                found += found_in(part, name, folder, trusted, ())
            if found != expected:
                print("%s/%s: expected %s, found %s" % (part, name, " ".join(expected), " ".join(found)))
                wrong += 1
            count += 1
        files = {f.split(".")[0] for f in os.listdir(os.path.join(folder, part))} - {"index", "key", "verifier"}
        if files != names:
            print("%s: files and index differ: %s" % (part, sorted(files ^ names)))
            wrong += 1
    print("%d attestations, %d differ" % (count, wrong))
    differ = check_claims(folder, trusted, verifiers) + check_claim_texts(os.path.join(folder, "claims"))
    for line in differ:
        print("claims/" + line)
    print("claims: %d differ" % len(differ))
    return 1 if wrong or differ else 0


def check_claims(folder, trusted, verifiers):
    """Claims held against attestations; what is not as the index has it, a line each."""
    here, differ, used = os.path.join(folder, "claims"), [], {"catalogue.tsv", "index.txt", "accept.txt", "reject.txt"}
    catalogue = read(os.path.join(here, "catalogue.tsv"))
    for line in read(os.path.join(here, "index.txt")).decode("utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, stem, texts, *expected = line.split("\t")
        texts = texts.split("; ")
        claims = together(*(read_claims(text, here) for text in texts))
        result = verify_file(os.path.join(folder, stem + ".intoto.json"), trusted, verifiers=verifiers, claims=claims,
                             catalogue=catalogue)
        found = [result.verdict, ",".join(result.reasons) or "-", without_details(result.claims)]
        if found != expected:
            differ.append("%s: expected %s, found %s" % (name, " ".join(expected), " ".join(found)))
        used |= {os.path.basename(stem)} | {text for text in texts if text.endswith(".json")}
    files = {f if f.endswith(".txt") or f in used else f.split(".")[0] for f in os.listdir(here)}
    return differ + ["files and index differ: %s" % f for f in sorted(files - used)]


def claims_in(text):
    """As the first form has them, of a text or of what a file would hold; None when it is a usage error."""
    try:
        claims = together(read_json(text.encode()) if text[:1] in ("{", "[") else [read_line(text)])
    except ValueError:
        return None
    return "; ".join(claim.line() for claim in claims)


def check_claim_texts(here):
    """accept.txt and reject.txt likewise."""
    def lines(name):
        return read(os.path.join(here, name)).decode("utf-8").split("\n")[:-1]

    wanted = [line.split("\t") for line in lines("accept.txt")] + [[line, None] for line in lines("reject.txt")]
    return ["%s: expected %s, found %s" % (text, form, claims_in(text)) for text, form in wanted if claims_in(text) != form]


def main(arguments):
    try:
        if arguments[:1] == ["verify"]:
            return command_verify(arguments[1:])
        if arguments[:1] == ["check"] and len(arguments) == 2:
            return command_check(arguments[1])
        if arguments[:1] == ["write"] and len(arguments) == 2:
            from cases.files import write
            return write(arguments[1])
        raise ValueError(__doc__)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
