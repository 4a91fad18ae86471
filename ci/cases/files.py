# SPDX-License-Identifier: Apache-2.0
"""Writes verify/vectors: text, attestations that hold (good/) and that do not (reject/), each with an index."""
import json
import os

from counterpart.ed25519 import ed25519_public, pem, SPKI
from counterpart.envelope import open_envelope
from counterpart.floats import MatmulF32, MatmulF64
from counterpart.matmul import Matmul, Matmul9
from counterpart.verification import Verification, verdict_of
from . import (good, good_exchange, reject_challenge, reject_devices, reject_envelope, reject_exchange, reject_receipts,
               reject_receipts_match, reject_signature, reject_statement, reject_transcript, reject_work)
from .base import base, base_of_exchange
from .jobs import SECRET, VERIFIER
from .machine_files import write_claims
from .text import text_chacha20, text_chain, text_estar, text_keys, text_merkle, text_statistics
from .text_exchange import text_exchange
from .text_work import text_memory, text_product, text_sha256

FILES = ".intoto.json", ".transcript", ".receipts.jsonl"
GOOD = ("name, verdict, all reasons, assurance; key.pem and verifier.pem trusted.",
        "In mode verifier verdict, all reasons, assurance follow once more: without verifier.pem")
REJECT = ("name, verdict, first reason that is not profile.unknown; good/key.pem and good/verifier.pem trusted",)


def texts():
    yield "chacha20", text_chacha20()
    yield "merkle", text_merkle()
    yield "matmul-i8", text_product(Matmul, "5.1", b"matmul", (16, 32, 16384), (32, 32, 131008))
    yield "matmul-i9", text_product(Matmul9, "5.3", b"matmul-i9", (16, 32, 16384), (32, 32, 32704))
    yield "matmul-f32", text_product(MatmulF32, "5.4", b"matmul-f32", (16, 32, 16384))
    yield "matmul-f64", text_product(MatmulF64, "5.5", b"matmul-f64", (16, 32, 8192))
    yield "sha256", text_sha256()
    yield "memory", text_memory()
    yield "chain", text_chain(good.worked("chain"))
    yield "estar", text_estar()
    yield "keys", text_keys()
    yield "statistics", text_statistics()
    yield "exchange", text_exchange()


def in_full(cases):
    """The lines of good/index.txt: with the assurance, and in mode `verifier` what there is without the verifier's key."""
    for name, verdict, reasons, files in cases:
        payload = open_envelope(files[0])[0]
        shown = "self-asserted" if "run." in reasons else "work-proven"
        if json.loads(payload)["predicate"]["challenge"]["mode"] == "self":
            yield name, verdict, reasons, shown, files
            continue
        without = "receipts.untrusted" + ("," + reasons if reasons != "-" else "")
        bracketed = shown.replace("work-proven", "time-bracketed")
        yield name, verdict, reasons, bracketed, "inconclusive", without, shown, files


def rejects():
    """(name, verdict, reason, files). Every case has one fault, is signed again wherever the signature is not the point, and
    states the first reason that it must get; the verdict follows from all of them (§10.3)."""
    parts = (("", base(), (reject_envelope, reject_transcript, reject_signature, reject_statement, reject_challenge,
                           reject_devices, reject_work)),
             ("receipts-", base_of_exchange(), (reject_receipts, reject_receipts_match, reject_exchange)))
    for prefix, b, modules in parts:
        whole = Verification(b.envelope, b.transcript, {b.prover.key}, receipts=b.file, verifiers={ed25519_public(VERIFIER)})
        assert whole.reasons == ["profile.unknown"]
        assert whole.assurance == ("time-bracketed" if b.lines else "work-proven")
        for module in modules:
            for name, reason, files in module.cases(b):
                verdict = "fail" if name == "untrusted-and-wrong" else verdict_of(reason)
                yield prefix + name, verdict, reason, files


def save(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def write_attestations(folder, comment, cases):
    """`files` of a case are those of FILES, in order; what is None or not there at all is not written."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(FILES):
            os.remove(os.path.join(folder, name))
    index = {}
    for name, *expected, files in cases:
        assert name not in index, name
        index[name] = " ".join([name] + expected)
        for suffix, data in zip(FILES, files):
            if data is not None:
                save(folder, name + suffix, data)
    save(folder, "index.txt", "".join(line + "\n" for line in ["# " + x for x in comment] + list(index.values())).encode())


def files_of(folder, stem):
    """An attestation that is written, as write_attestations() takes it."""
    paths = [os.path.join(folder, stem + suffix) for suffix in FILES]
    files = []
    for path in paths:
        if os.path.exists(path):
            with open(path, "rb") as f:
                files.append(f.read())
    return files


def write(folder):
    os.makedirs(folder, exist_ok=True)
    for name, text in texts():
        save(folder, name + ".txt", text.encode())
    good_folder = os.path.join(folder, "good")
    write_attestations(good_folder, GOOD, in_full([*good.good(), *good_exchange.good()]))
    for name, secret in (("key", SECRET), ("verifier", VERIFIER)):
        save(good_folder, name + ".pem", pem("PUBLIC KEY", SPKI + ed25519_public(secret)).encode())
    write_attestations(os.path.join(folder, "reject"), REJECT, rejects())
    write_claims(folder, save, lambda stem: files_of(folder, stem), {ed25519_public(SECRET)}, {ed25519_public(VERIFIER)})
    return 0
