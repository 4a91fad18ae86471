# SPDX-License-Identifier: Apache-2.0
"""§10.9 to §10.11: claims about a machine (machine.py) held against what its devices said and showed."""
from .canonical import canonical
from .catalogue import bare, CAPACITY, is_label
from .chain import capacity

MODEL, UNKNOWN, TIME, COUNT, MINIMUM, LITTLE, LESSER = REASONS = (
    "claim.model", "claim.unknown", "claim.time", "claim.count", "claim.minimum", "claim.capacity", "claim.lesser")


class Shown:
    """What a device showed: `rates` by workload, each with the table (bytes) that it was of, and `capacity`."""

    def __init__(self):
        self.rates, self.capacity = {}, 0

    def add(self, name, rate, items=None):
        """A run's rate, and its table if it has one."""
        if name not in self.rates or rate > self.rates[name][0]:
            self.rates[name] = rate, items and 128 * items
        if items:
            self.capacity = max(self.capacity, capacity(items, rate))

    def of(self, model):
        """What can be held against a model's ceilings."""
        rates = {name: rate for name, (rate, table) in self.rates.items() if table is None or 1000 * table >= model.table}
        return {CAPACITY: self.capacity, **rates}


class Held:
    """A claim with the devices that are held against it: those that belong to it, and those that were taken."""

    def __init__(self, claim, models):
        self.claim, self.models, self.belonging, self.taken, self.leased = claim, models, [], [], 0

    @property
    def lacking(self):
        return self.claim.count - len(self.belonging) - len(self.taken) - self.leased

    def label(self):
        """Bytes that a device's table is held against, or None."""
        return self.claim.memory or min((label for model in self.models for label in model.labels), default=None)


def first(reasons):
    return min(filter(None, reasons), key=REASONS.index, default=None)


def assign(claims, catalogue, devices, leased):
    """§10.9: claims and their devices."""
    says, free = [catalogue.model_of(device["name"]) for device in devices], list(range(len(devices)))
    held = [Held(claim, [model for model in catalogue.models if model.fits(claim)]) for claim in claims]
    known = [one for one in held if one.models]

    def give(wanted):
        """Each free device to the first claim that wants it, and before that to the first that it fits too."""
        for fitting in (True, False):
            for d in list(free):
                one = next((one for one in known if one.lacking and wanted(d, one) and
                            (not fitting or any(tells(devices[d], model, one.claim.memory) for model in one.models))), None)
                if one:
                    one.belonging.append(d)
                    free.remove(d)

    give(lambda d, one: says[d] in one.models)
    give(lambda d, one: says[d] is None and devices[d]["backend"] != "cpu")
    for one in known:
        one.leased = min(one.lacking, leased)
        leased -= one.leased
    for one in known:
        others = [d for d in free if says[d] and all(says[d].is_lesser(model) for model in one.models)][:one.lacking]
        one.taken = others
        free = [d for d in free if d not in others]
    return held, says


def tells(device, model, memory):
    """Whether what a device tells of itself, as far as it does, is what a model has, with a memory if one is claimed."""
    labels = [memory] if memory else model.labels
    units, size = device["computeUnits"], device["memoryBytes"]
    return ((units == 0 or not model.units or units in model.units) and
            (size == 0 or not labels or any(is_label(size, label) for label in labels)))


def denies(device, model, memory):
    """Whether what a device tells of itself is not what a model has, or is less of it."""
    labels = [memory] if memory else model.labels
    units, size = device["computeUnits"], device["memoryBytes"]
    return units and model.units and units not in model.units or size and labels and 100 * size < 90 * min(labels)


def reason_of(one, device, says, shown, consistent, is_taken, bracketed):
    """§10.10: of a device, or None."""
    claim, label = one.claim, one.label()
    if is_taken or all(says and denies(device, model, claim.memory) or model.is_beyond(shown) for model in one.models):
        return MODEL
    if not bracketed:
        return TIME
    if any(shown.rates.get(name, (0,))[0] < least for name, least in claim.minimum.items()):
        return MINIMUM
    if label and 2 * shown.capacity <= label:
        return LITTLE
    if any(all(model.is_lesser(claimed) for claimed in one.models) for model in consistent):
        return LESSER
    return None


def best(consistent):
    """Those that none of the others is lesser than, unless they are lesser than it."""
    return [x for x in consistent if not any(y.is_lesser(x) and not x.is_lesser(y) for y in consistent)]


def told(one, d, says, device, shown, catalogue, bracketed):
    """§10.11: the entry of a device."""
    consistent = [model for model in catalogue.models if not model.is_beyond(shown)]
    reason = reason_of(one, device, says, shown, consistent, d in one.taken, bracketed)
    status = "contradicted" if reason == MODEL else "not-demonstrated" if reason else "demonstrated"
    return {"bestMatch": [model.name for model in best(consistent)] if bracketed else None,
            "consistentWith": [model.name for model in consistent] if bracketed else None,
            "detail": None if reason is None else "device %d, which says %s" % (d, bare(device["name"])),
            "device": d, "reason": reason, "says": says.name if says else None, "status": status}


def judge(claims, catalogue, devices, leased, shown, bracketed):
    """The member `claims` of §10.11, and the reason of the check or None. `shown` are Shown of each device."""
    entries = []
    held, says = assign(claims, catalogue, devices, leased)
    for one in held:
        told_of = [told(one, d, says[d], devices[d], shown[d], catalogue, bracketed)
                   for d in sorted(one.belonging + one.taken)]
        own = UNKNOWN if not one.models else COUNT if one.lacking else None
        entries.append({"claim": one.claim.line(), "count": one.claim.count,
                        "demonstrated": sum(x["status"] == "demonstrated" for x in told_of), "devices": told_of,
                        "lacking": one.lacking, "leased": one.leased, "reason": first([own] + [x["reason"] for x in told_of])})
    return entries, first(x["reason"] for x in entries)


def without_details(entries):
    """The same as the vectors have it, a text."""
    def less(x):
        return {name: value for name, value in x.items() if name != "detail"}

    return canonical(entries and [dict(x, devices=[less(device) for device in x["devices"]]) for x in entries]).decode()
