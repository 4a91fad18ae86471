# SPDX-License-Identifier: Apache-2.0
"""§6 and §7: the devices block, and the file that it stands in."""
import struct

from .basics import le32, le64, need
from .canonical import has, is_int, is_text, parse_json


def check_devices(data, count):
    """§6."""
    bad = "devices.malformed"
    block = parse_json(data, bad)
    need(type(block) is list and len(block) == count, bad, "not one object per device")
    for x in block:
        texts = "architecture backend driver name variant"
        need(has(x, texts + " computeUnits deviceId memoryBytes"), bad, "members")
        need(all(is_text(x[i], 256) for i in texts.split()), bad, "text")
        need(is_int(x["computeUnits"], 0) and is_int(x["memoryBytes"], 0), bad, "integer")
        need(x["deviceId"] is None or is_text(x["deviceId"], 256), bad, "deviceId")


class Run:
    """§7.2: roots, and as many times in ns."""

    def __init__(self, roots, times):
        self.roots, self.times = roots, times

    def record(self):
        return le32(len(self.roots)) + b"".join(self.roots) + b"".join(le64(t) for t in self.times)


def pack(challenge, devices, key, *records):
    """§7.1."""
    sections = b"".join(le32(len(x)) + x for x in (challenge, devices))
    return b"assay-t1" + sections + key + b"".join(records)


class Transcript:
    """§7: the header on construction, the records with cut()."""
    bad = "transcript.malformed"

    def __init__(self, data):
        self.data, self.at = data, 0
        magic = self.take(8)
        need(magic[:7] == b"assay-t", self.bad, "magic")
        need(magic == b"assay-t1", "transcript.version")
        self.challenge, self.devices = self.section(), self.section()
        self.key = self.take(32)

    def take(self, count):
        need(count <= len(self.data) - self.at, self.bad, "file ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def parts(self, count, size):
        """So many of so many bytes."""
        block = self.take(count * size)
        return [block[i * size:(i + 1) * size] for i in range(count)]

    def section(self):
        length, = struct.unpack("<I", self.take(4))
        need(1 <= length <= 65536, self.bad, "section length")
        return self.take(length)

    def cut(self, challenge):
        self.runs, self.openings = {}, {}
        for j, d in challenge.runs:
            rounds, = struct.unpack("<I", self.take(4))
            segment = challenge.segments[j]
            need(rounds <= (segment.rounds or 2**22) and segment.within(rounds), self.bad, "too many rounds")
            roots = self.parts(rounds, 32)
            self.runs[j, d] = Run(roots, struct.unpack("<%dQ" % rounds, self.take(8 * rounds)))
        for j, d in challenge.runs:
            size = 32 * challenge.segments[j].workload.depth
            count = challenge.samples if self.runs[j, d].roots else 0
            self.openings[j, d] = self.parts(count, size)
        need(self.at == len(self.data), self.bad, "bytes after the end")
