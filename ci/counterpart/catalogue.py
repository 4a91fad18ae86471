# SPDX-License-Identifier: Apache-2.0
"""§10.8: the catalogue of models, and what each can do at most. An error in it is a ValueError."""
import hashlib
import re

COLUMNS = ("model vendor key interface names units memory_gib bandwidth_gbs cache_mib boost_mhz sha256_ops int8_tops "
           "f16_tflops f32_tflops f64_tflops f64_matrix_tflops margin_percent source").split()
NUMBERS = COLUMNS[7:16]
CAPACITY = "capacity"
MODELS_MAX = 256


def must(condition, what):
    if not condition:
        raise ValueError("catalogue: " + what)


def thousandths(text, what):
    """Of a cell; 0 is unknown."""
    found = re.fullmatch(r"([0-9]{1,6})(?:\.([0-9]{1,3}))?", text or "0")
    must(found, "%s: no number of at most six digits and three decimals: %s" % (what, text))
    return int(found.group(1)) * 1000 + int((found.group(2) or "").ljust(3, "0"))


def bare(name):
    """A device's name without capitals and its vendor."""
    return re.sub(r"^(nvidia|amd|intel\(r\)) ", "", name.lower())


def alternatives(cells, name):
    """Of a cell that may have several."""
    found = cells[name].split("|") if cells[name] else []
    must("" not in found, "%s: %s: an empty alternative" % (cells["model"], name))
    return found


def numbers(cells, name):
    """The same, in thousandths."""
    found = [thousandths(text, "%s: %s" % (cells["model"], name)) for text in alternatives(cells, name)]
    must(len(found) < 2 or 0 not in found, "%s: %s: an alternative of 0" % (cells["model"], name))
    return [x for x in found if x]


class Model:
    """`labels` are what its memory may be, in bytes; `table` is the least table whose reads tell of it, in thousandths of a
    byte; `ceilings` are those that are known, units a second by workload, and bytes of capacity."""

    def __init__(self, cells):
        self.name, self.vendor = cells["model"], cells["vendor"]
        must(self.name and cells["vendor"] and cells["key"], "a model without a name, a vendor or a key")
        must(all(re.fullmatch("[a-z0-9._|-]*", cells[i]) for i in ("vendor", "key", "interface")),
             self.name + ": characters that no claim has")
        self.keys, self.interfaces = alternatives(cells, "key"), alternatives(cells, "interface")
        self.names = {bare(name) for name in alternatives(cells, "names")}
        x = {name: thousandths(cells[name], self.name + ": " + name) for name in NUMBERS}
        units, margin = numbers(cells, "units"), thousandths(cells["margin_percent"], self.name + ": margin_percent")
        must("." not in cells["units"], self.name + ": units")
        must(cells["margin_percent"] and margin % 1000 == 0 and margin <= 10**5, self.name + ": margin_percent")
        self.units, self.margin, self.table = [n // 1000 for n in units], margin // 1000, 64 * x["cache_mib"] << 20
        self.labels = [n * 2**30 // 1000 for n in numbers(cells, "memory_gib")]
        self.ceilings = ceilings(x, self.units, self.labels)
        must(all(value < 2**62 for value in self.ceilings.values()), self.name + ": a ceiling of 2^62 or more")

    def is_beyond(self, shown):
        """Beyond reach of what a device showed."""
        return any(100 * value > (105 if of == CAPACITY else 100 + self.margin) * self.ceilings[of]
                   for of, value in shown.of(self).items() if of in self.ceilings)

    def lesser_in(self, other):
        """In how many ceilings it is lesser."""
        both = self.ceilings.keys() & other.ceilings.keys()
        return sum(4 * self.ceilings[of] < 3 * other.ceilings[of] if of == CAPACITY else
                   13 * (100 + self.margin) * self.ceilings[of] < 1000 * other.ceilings[of] for of in both)

    def is_lesser(self, other):
        return self.lesser_in(other) >= max(1, other.lesser_in(self))

    def fits(self, claim):
        """Whether it is one of the models of a claim."""
        return (self.vendor == claim.vendor and claim.model in self.keys and
                (not self.interfaces or claim.interface is None or
                 any(x.startswith(claim.interface) or claim.interface.startswith(x) for x in self.interfaces)) and
                (claim.memory is None or any(is_label(claim.memory, label) for label in self.labels)))


def is_label(size, label):
    """Whether bytes are what such a label means."""
    return 90 * label <= 100 * size <= 105 * label


def ceilings(x, units, labels):
    """Of the numbers in thousandths, by what they are of; 0 is unknown, and so is what needs it."""
    tera, int8, f16, f32, f64 = 10**9, x["int8_tops"], x["f16_tflops"], x["f32_tflops"], x["f64_tflops"]
    found = {}
    if int8:
        found["matmul-i8/1"] = max(int8 * tera, 64 * f16 * tera // 49)
    if int8 and f16:
        found["matmul-i9/1"] = max(64 * f16 * tera // 49, int8 * tera // 2)
    if f32:
        found["matmul-f32/1"] = f32 * tera
    if f64:
        found["matmul-f64/1"] = max(x["f64_matrix_tflops"], f64 * (4 if not f32 or f32 > 8 * f64 else 1)) * tera
    if units and x["boost_mhz"] and x["sha256_ops"]:
        found["sha256/1"] = 64 * max(units) * x["boost_mhz"] * 10**6 // x["sha256_ops"]
    if x["bandwidth_gbs"] and x["cache_mib"]:
        found["memory/1"] = x["bandwidth_gbs"] * 10**6
    if labels:
        found[CAPACITY] = max(labels)
    return found


class Catalogue:
    """Of the bytes of a file."""

    def __init__(self, data):
        self.digest = hashlib.sha256(data).hexdigest()
        lines = data.decode("utf-8").split("\n")
        rows = [line.split("\t") for line in lines[:-1] + [line for line in lines[-1:] if line] if not line.startswith("#")]
        must(rows and rows[0] == COLUMNS, "the first line is not the names of the columns")
        must(all(re.fullmatch("[ -~]*", cell) for row in rows for cell in row), "a character that is not printable ASCII")
        must(all(len(row) == len(COLUMNS) for row in rows), "a line has not %d columns" % len(COLUMNS))
        must(len(rows) <= MODELS_MAX + 1, "more than %d models" % MODELS_MAX)
        self.models = [Model(dict(zip(COLUMNS, row))) for row in rows[1:]]

    def model_of(self, name):
        """What a device says that it is, by its name; None if the catalogue knows no such name."""
        return next((model for model in self.models if bare(name) in model.names), None)
