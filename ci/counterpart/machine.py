# SPDX-License-Identifier: Apache-2.0
"""§10.7: claims about a machine, in all their forms. What cannot be read is a ValueError: a usage error, never a verdict."""
import json
import re

NAME, INTERFACE = "[A-Za-z0-9._-]{1,32}", "(?![0-9])[A-Za-z0-9._-]{1,32}"
MEMORY = "([1-9][0-9]{0,15})(GiB|Gi|GB|G|MiB|Mi)"
COUNT = "(?:(?: x| ?×)([1-9][0-9]?))?"
LINE = re.compile("(%s)/(%s)(?:/([0-9][^/ ×]*))?(?:/(%s))?%s" % (NAME, NAME, INTERFACE, COUNT))


def path_form(separator, name, interface):
    """`…vendor/V/model/M[/ram/R][/interface/I][ xN]`; groups are V, M, R, I, N as in LINE."""
    form = ("(?:.*{s})?vendor{s}({name}){s}model{s}({name})(?:{s}ram{s}([0-9][^/. ×]*))?(?:{s}interface{s}({interface}))?"
            "{count}")
    return re.compile(form.format(s=re.escape(separator), name=name, interface=interface, count=COUNT), re.DOTALL)


# With `.` between them no part has one.
PATHS = [path_form("/", NAME, INTERFACE), path_form(".", NAME.replace(".", ""), INTERFACE.replace(".", ""))]
# The member that names a rate of each workload.
RATES = {"matmul-i8/1": "opsPerSecond", "matmul-i9/1": "opsPerSecond", "matmul-f32/1": "flopsPerSecond",
         "matmul-f64/1": "flopsPerSecond", "sha256/1": "hashesPerSecond", "memory/1": "bytesPerSecond"}
CLAIMS_MAX, COUNT_MAX, LINE_MAX = 16, 64, 1023


def must(condition, what):
    if not condition:
        raise ValueError("no claim about a machine: " + what)


def bytes_of(text):
    """Of a memory as it is written; None of None."""
    if text is None:
        return None
    found = re.fullmatch(MEMORY, text)
    must(found, "memory %s" % text)
    size = int(found.group(1)) << (20 if found.group(2).startswith("M") else 30)
    must(size <= 2**40, "memory %s" % text)
    return size


def is_word_of_paths(name):
    """What no vendor, model or interface is, so that no text is both a line of the first form and a path."""
    return name.lower() == "vendor" or "vendor." in name.lower()


def text_of(x, pattern, what):
    must(type(x) is str and re.fullmatch(pattern, x) and not is_word_of_paths(x), what)
    return x.lower()


class Claim:
    """`memory` in bytes and `interface` are None where they are not said; `minimum` are units a second by workload."""

    def __init__(self, vendor, model, memory=None, interface=None, count=1, minimum=None):
        self.vendor, self.model = text_of(vendor, NAME, "vendor"), text_of(model, NAME, "model")
        self.interface = None if interface is None else text_of(interface, INTERFACE, "interface")
        self.memory, self.count, self.minimum = bytes_of(memory), count, minimum or {}
        must(type(count) is int and 1 <= count <= COUNT_MAX, "count")

    def what(self):
        return self.vendor, self.model, self.memory, self.interface

    def says_more_than(self, other):
        """The same, and more exactly."""
        return (self.what() != other.what() and self.what()[:2] == other.what()[:2] and
                other.memory in (None, self.memory) and other.interface in (None, self.interface))

    def line(self):
        """The first form."""
        parts = [self.vendor, self.model]
        if self.memory is not None:
            whole = self.memory % 2**30 == 0
            parts.append("%d%s" % (self.memory >> (30 if whole else 20), "Gi" if whole else "Mi"))
        if self.interface is not None:
            parts.append(self.interface)
        return "%s x%d" % ("/".join(parts), self.count)


def match(forms, text):
    """The first of these that the text is of, or None; its groups are what Claim takes."""
    for form in forms:
        found = form.fullmatch(text)
        if found and not any(is_word_of_paths(found.group(i) or "") for i in (1, 2, 4)):
            return found
    return None


def from_match(found):
    *what, count = found.groups()
    return Claim(*what, int(count or 1))


def read_line(text):
    """A claim in the first form, or as a path."""
    must(len(text.encode()) <= LINE_MAX, "a line of more than %d bytes" % LINE_MAX)
    found = match([LINE] + PATHS, text)
    must(found, text)
    return from_match(found)


def counted(claims):
    """Those that no other says more exactly, each with the number of its equals."""
    kept = {}
    for claim in claims:
        if not any(other.says_more_than(claim) for other in claims):
            kept.setdefault(claim.what(), []).append(claim)
    must(kept, "nothing is claimed")
    for same in kept.values():
        must(len(same) <= COUNT_MAX, "count")
        same[0].count = len(same)
    return [same[0] for same in kept.values()]


def from_keys(entries):
    """Of a marketplace's attributes: keys that are no paths do not count."""
    claims = []
    for entry in entries:
        must(type(entry) is dict and type(entry.get("key")) is str, "key")
        found = match(PATHS, entry["key"])
        if found and found.group(5) is None and is_memory(found.group(3)):
            claims.append(from_match(found))
    return counted(claims)


def is_memory(text):
    try:
        bytes_of(text)
    except ValueError:
        return False
    return True


def from_models(entries):
    """Of the member `gpuModels`."""
    claims = []
    for entry in entries:
        must(type(entry) is dict, "gpuModels")
        memory, interface = (entry.get(name) for name in ("ram", "interface"))
        must(memory is None or type(memory) is str, "ram")
        claims.append(Claim(entry.get("vendor"), entry.get("model"), memory or None, None if interface == "" else interface))
    return counted(claims)


def minimum_of(x):
    must(type(x) is dict, "minimum")
    least = {}
    for name, rate in x.items():
        must(name in RATES and type(rate) is dict and list(rate) == [RATES[name]], "minimum of %s" % name)
        value = rate[RATES[name]]
        if type(value) is str and re.fullmatch("[1-9][0-9]{0,18}", value):
            value = int(value)
        must(type(value) is int and 1 <= value <= 10**18, "minimum of %s" % name)
        least[name] = value
    return least


def from_object(x):
    members = "vendor model memory interface count source minimum".split()
    must(type(x) is dict and set(x) <= set(members), "members")
    must(all(type(x[name]) is str for name in ("memory", "interface", "source") if name in x), "memory, interface or source")
    return Claim(x.get("vendor"), x.get("model"), x.get("memory"), x.get("interface"), x.get("count", 1),
                 minimum_of(x.get("minimum", {})))


def read_json(data):
    """The claims of a file's bytes."""
    def once(pairs):
        must(len(dict(pairs)) == len(pairs), "a member twice")
        return dict(pairs)

    def never(text):
        raise ValueError("no claim about a machine: %s" % text)

    try:
        x = json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=never)
    except RecursionError:
        raise ValueError("no claim about a machine: nested too deep") from None
    if type(x) is list:
        return from_keys(x)
    must(type(x) is dict, "neither an object nor an array")
    if type(x.get("gpuModels")) is list:
        return from_models(x["gpuModels"])
    must(list(x) == ["claims"] and type(x["claims"]) is list and x["claims"], "claims")
    return [from_object(entry) for entry in x["claims"]]


def together(*claims):
    """All that is claimed."""
    everything = [claim for some in claims for claim in some]
    must(len(everything) <= CLAIMS_MAX, "more than %d" % CLAIMS_MAX)
    return everything
