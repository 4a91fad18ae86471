# SPDX-License-Identifier: Apache-2.0
"""§1.1, §1.2, §1.5: bytes, SHA-256 and the Merkle tree; and how a check fails. Hashes and seeds are 32 bytes."""
import hashlib
import struct

ZERO = bytes(32)


class Refused(Exception):
    """A check failed; `code` is one of §10.3."""

    def __init__(self, code, detail=""):
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def need(condition, code, detail=""):
    """Refuses for this reason unless the condition holds."""
    if not condition:
        raise Refused(code, detail)


def sha256(data):
    return hashlib.sha256(data).digest()


def H(label, *parts):
    """§1.2."""
    return sha256(label.encode() + b"".join(parts))


def le32(x):
    return struct.pack("<I", x)


def le64(x):
    return struct.pack("<Q", x)


def leaf(value):
    return sha256(b"\0" + value)


def node(left, right):
    return sha256(b"\1" + left + right)


def tree(leaves, node=node):
    """§1.5: the levels, leaves first; the root is levels[-1][0]."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def path_of(levels, i):
    """§1.5, of leaf i."""
    return b"".join(level[(i >> t) ^ 1] for t, level in enumerate(levels[:-1]))


def fold(hash_, i, path):
    """The root to which this path leads from the hash of leaf i."""
    for t in range(len(path) // 32):
        sibling = path[32 * t:32 * t + 32]
        hash_ = node(sibling, hash_) if i >> t & 1 else node(hash_, sibling)
    return hash_
