# SPDX-License-Identifier: Apache-2.0
"""The independent counterpart of the verifier (ci/counterpart), and what makes the test vectors with it (ci/cases).

    vectors.py write DIR      regenerate every test vector below DIR (deterministic)
    vectors.py check DIR      verify DIR/good and DIR/reject and compare with their index.txt
    vectors.py verify [--trust PUB.pem]... [--verifier PUB.pem]... [--budget UNITS] NAME.intoto.json

`verify` exits 0 pass, 1 fail, 2 inconclusive, 3 usage or input/output, 4 malformed (SPEC §10.3).
"""
import os
import sys

from counterpart.ed25519 import read_public_pem
from counterpart.verification import VERDICTS, Verification


def read(path, limit=None):
    with open(path, "rb") as f:
        return f.read() if limit is None else f.read(limit)


def verify_file(path, trusted, budget=2**30, verifiers=()):
    """The transcript lies beside the envelope, and in mode `verifier` the receipts. An envelope of 800,000 bytes can only
    be malformed (§8.1)."""
    stem = path[:-len(".intoto.json")]
    receipts = stem + ".receipts.jsonl"
    return Verification(read(path, 800000), read(stem + ".transcript"), trusted, budget,
                        read(receipts) if os.path.exists(receipts) else None, verifiers)


def read_key(path):
    return read_public_pem(read(path).decode("ascii"))


def command_verify(arguments):
    trusted, verifiers, budget, files = set(), set(), 2**30, []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--trust":
            trusted.add(read_key(next(rest, "")))
        elif argument == "--verifier":
            verifiers.add(read_key(next(rest, "")))
        elif argument == "--budget":
            budget = int(next(rest, ""))
        else:
            files.append(argument)
    if len(files) != 1 or not files[0].endswith(".intoto.json"):
        raise ValueError("one FILE.intoto.json is needed")
    result = verify_file(files[0], trusted, budget, verifiers)
    for line in result.lines:
        print(" ".join(line).rstrip())
    for line in result.figures:
        print(line)
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
    return 1 if wrong else 0


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
