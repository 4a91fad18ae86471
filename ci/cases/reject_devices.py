# SPDX-License-Identifier: Apache-2.0
"""Devices blocks that are malformed (§6): only the transcript's is at fault, the statement keeps a good one."""
from counterpart.canonical import canonical
from .base import edit, GONE

# (name, path, value) of the base job's block.
MEMBERS = (
    ("name-257", "0.name", "n" * 257), ("device-id-257", "1.deviceId", "n" * 257), ("variant-257", "1.variant", "n" * 257),
    ("device-id-integer", "0.deviceId", 0), ("name-null", "0.name", None), ("units-negative", "0.computeUnits", -1),
    ("units-string", "0.computeUnits", "1"), ("units-true", "0.computeUnits", True), ("memory-null", "1.memoryBytes", None),
    ("memory-negative", "1.memoryBytes", -1), ("memory-2-53", "1.memoryBytes", 2**53), ("unknown-member", "0.uuid", ""),
    ("driver-missing", "1.driver", GONE), ("device-id-missing", "1.deviceId", GONE))


def texts(block, text):
    """(name, text) of the block."""
    def name(new):
        return text.replace(b'"device 0"', new)

    return (
        ("not-json", b"devices"), ("null", b"null"), ("object", canonical(block[0])), ("object-empty", b"{}"),
        ("empty", b"[]"), ("control", name(b'"\x1b[2Jdevice"')), ("del", name(b'"\x7f"')),
        ("escaped-control", name(b'"\\u001b[2J"')), ("nul", name(b'"\0"')), ("escaped-newline", name(b'"a\\nb"')),
        ("non-ascii", name(b'"\xc2\xae"')), ("escaped-letter", name(b'"\\u0064evice 0"')),
        ("space", text.replace(b",", b", ", 1)), ("newline-at-end", text + b"\n"),
        ("float", text.replace(b'"computeUnits":1', b'"computeUnits":1.0', 1)),
        ("duplicate-name", text.replace(b'"name":"device 0"', b'"name":"device 0","name":"device 0"')),
        ("unsorted", text.replace(b'"memoryBytes":0,"name":"device 0"', b'"name":"device 0","memoryBytes":0')),
        ("one-less", canonical(block[:1])), ("one-more", canonical(block + block[:1])),
        ("null-inside", canonical([block[0], None])), ("array-inside", canonical([block[0], []])))


def cases(b):
    block, text = b.prover.devices, b.prover.block
    changed = texts(block, text) + tuple((name, canonical(edit(block, path, value))) for name, path, value in MEMBERS)
    for name, devices in changed:
        assert devices != text, name
        yield "devices-" + name, "devices.malformed", b.with_sections(devices=devices)
