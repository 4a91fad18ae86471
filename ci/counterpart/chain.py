# SPDX-License-Identifier: Apache-2.0
"""§4.1: the chain of seeds; §9.1 to §9.3: the draw and what it certifies."""
import functools
import struct

from .basics import H, le32, sha256, ZERO
from .chacha import chacha20


def job_of(challenge_bytes, devices_bytes, key):
    return H("assay/1 job\n", sha256(challenge_bytes), key, sha256(devices_bytes))


def commit_of(j, runs):
    """commit_j of §4.1; `runs` are the roots of each device."""
    return H("assay/1 commit\n", le32(j), *(le32(len(roots)) + b"".join(roots) for roots in runs))


class Chain:
    """§4.1. `roots_of(j, d, run_seed)` gives the roots of a run: the recorded ones, or a prover's; `nonce_of(chain, j)`
    is asked for nonce_j when all before it is known."""

    def __init__(self, challenge_bytes, devices_bytes, key, challenge, roots_of, nonce_of=lambda chain, j: ZERO):
        self.job = job_of(challenge_bytes, devices_bytes, key)
        self.segments, self.run_seeds, self.commits = [], {}, []
        self.nonces = [nonce_of(self, 0)]
        self.sample_key = H("assay/1 segment\n", self.job, self.nonces[0])
        for j in range(len(challenge.segments)):
            self.segments.append(self.sample_key)
            runs = []
            for d in range(challenge.devices):
                self.run_seeds[j, d] = H("assay/1 run\n", self.sample_key, le32(d))
                runs.append(roots_of(j, d, self.run_seeds[j, d]))
            self.commits.append(commit_of(j, runs))
            self.nonces.append(nonce_of(self, j + 1))
            self.sample_key = H("assay/1 segment\n", self.sample_key, self.commits[j], self.nonces[j + 1])

    def draw_key(self, j, d):
        return H("assay/1 draw\n", self.sample_key, le32(j), le32(d))


def next_seed(seed, root):
    return H("assay/1 round\n", seed, root)


def draws(draw_key, total, count):
    """§9.1: the first `count` draws below `total`."""
    limit, found, block = 2**64 // total * total, [], 0
    while len(found) < count:
        words = struct.unpack("<512Q", chacha20(draw_key, block, 64).tobytes())
        found += [x % total for x in words if x < limit]
        block += 64
    return found[:count]


@functools.lru_cache(maxsize=None)
def e_star_ppm(s, g=64):
    """§9.2, exactly: the least E with (10^6 - E)^s · 2^(20+g) <= 10^(6s)."""
    low, high = 0, 10**6
    while low < high:
        e = (low + high) // 2
        low, high = (low, e) if (10**6 - e)**s << (20 + g) <= 10**(6 * s) else (e + 1, high)
    return low


def certified(work, e_ppm):
    """§9.3, in units of the work."""
    return work * (10**6 - e_ppm) // 10**6


def proven_rate(certified, bracket_ns, duration_ms=None):
    """§9.3: units a second, of certified work."""
    return certified * 10**9 // max(bracket_ns, (duration_ms or 0) * 10**6)


def capacity(items, rate):
    """§5.6: bytes that a walk shows which reads so many bytes a second."""
    return 128 * items * max(0, rate - 80 * 10**9) // max(1, rate)
