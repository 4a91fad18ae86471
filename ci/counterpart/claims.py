# SPDX-License-Identifier: Apache-2.0
"""§8.3 and §8.5: what is claimed of a run and of a device."""
import math
import re

from .canonical import has, is_int, is_text, MAX_INT


def median(values):
    """§8.3."""
    t, n = sorted(values), len(values)
    return (t[(n - 1) // 2] + t[n // 2]) // 2


def root_floor(n):
    """⌊196·√n⌋, for ranks without rounding."""
    return math.isqrt(196 * 196 * n)


def times_claimed(times):
    """§8.3: the members of a claimed run that follow from the times of its rounds (§7.2)."""
    t, n = sorted(times), len(times)
    # ⌊(n − 1.96·√n)/2⌋ and ⌈1 + (n + 1.96·√n)/2⌉, in hundredths
    exact = root_floor(n)**2 == 196 * 196 * n
    low = (100 * n - root_floor(n) - (0 if exact else 1)) // 200
    high = 1 - (-(100 * n + root_floor(n) + (0 if exact else 1)) // 200)
    middle, began, first = median(times), 0, 0
    for first, time in enumerate(times):
        if began >= 2 * 10**9:
            break
        began += time
    else:
        first = n
    steady, drift = times[first:], None
    third = len(steady) // 3
    if len(steady) >= 9 and median(steady[:third]) > 0:
        before, after = median(steady[:third]), median(steady[-third:])
        drift = abs(after - before) * 10**6 // before * (1 if after > before else -1)
    found = {"driftPpm": drift, "firstNs": median(times[:first]), "highNs": t[min(n, high) - 1],
             "lowNs": t[max(1, low) - 1], "madNs": median([abs(x - middle) for x in times]), "medianNs": middle,
             "steadyNs": median(steady) if steady else None}
    return {name: x if x is None else max(-MAX_INT, min(MAX_INT, x)) for name, x in found.items()}


def are_throttled(x, rounds):
    """§8.3: ranges of rounds that were throttled."""
    if type(x) is not list or not 1 <= len(x) <= 64 or not is_int(rounds, len(x)):
        return False
    if not all(type(r) is list and len(r) == 2 and all(is_int(n, 0, 2**22 - 1) for n in r) for r in x):
        return False
    return (all(first <= last for first, last in x) and all(a[1] + 1 < b[0] for a, b in zip(x, x[1:])) and
            rounds <= sum(last - first + 1 for first, last in x))


def is_claimed_run(x):
    """§8.3."""
    unknown = "deviceMedianNs driftPpm energyMj steadyNs throttledRounds".split()
    known = "elapsedNs firstNs highNs lowNs madNs medianNs".split()
    if type(x) is dict and "throttled" in x:
        x = dict(x)
        if not are_throttled(x.pop("throttled"), x.get("throttledRounds")):
            return False
    return (has(x, " ".join(known + unknown)) and all(is_int(x[i], 0) for i in known) and x["elapsedNs"] >= 1 and
            all(x[i] is None or is_int(x[i], -MAX_INT if i == "driftPpm" else 0) for i in unknown))


def is_series(x):
    """§8.5: the time line of a device."""
    if not has(x, "clockMhz powerMw stepMs temperatureMc") or not is_int(x["stepMs"], 1):
        return False
    columns = [x[i] for i in ("clockMhz", "powerMw", "temperatureMc") if x[i] is not None]
    if not all(has(c, "max mean min") and all(type(row) is list for row in c.values()) for c in columns):
        return False
    lengths = {len(row) for c in columns for row in c.values()}
    if len(lengths) != 1 or not 1 <= min(lengths) <= 120:
        return False
    points = [list(zip(c["min"], c["mean"], c["max"])) for c in columns]
    nothing = (None, None, None)
    return (all(p == nothing or all(is_int(n, 0) for n in p) and list(p) == sorted(p) for c in points for p in c) and
            all(set(c) != {nothing} for c in points) and any(c[-1] != nothing for c in points))


def is_telemetry(x):
    """§8.5."""
    if type(x) is dict and "series" in x:
        x = dict(x)
        if not is_series(x.pop("series")):
            return False
    ranges = "clockMhz memoryClockMhz powerMw temperatureMc"
    numbers = "eccErrors pcieGeneration pcieWidth powerLimitMw xidErrors"
    if not has(x, ranges + " " + numbers + " joined samples source throttleReasons"):
        return False
    reasons = x["throttleReasons"]
    return (all(x[i] is None or has(x[i], "max median min") and all(is_int(n, 0) for n in x[i].values())
                for i in ranges.split()) and
            all(x[i] is None or is_int(x[i], 0) for i in numbers.split()) and is_int(x["samples"], 0) and
            is_text(x["source"], 32) and x["source"] != "" and
            is_text(x["joined"]) and x["joined"] in ("host", "pci", "unverified", "uuid") and
            (reasons is None or type(reasons) is list and len(reasons) <= 16 and
             all(is_text(i) and re.fullmatch("[a-z0-9-]{1,32}", i) for i in reasons) and
             reasons == sorted(set(reasons))))
