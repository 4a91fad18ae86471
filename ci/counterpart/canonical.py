# SPDX-License-Identifier: Apache-2.0
"""§1.6: canonical JSON, and the types of its values."""
import json
import re

from .basics import need, Refused

MAX_INT = 2**53 - 1


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def parse_json(data, code):
    """The value of a canonical text; anything else is Refused(code)."""
    def integer(text):
        need(len(text) <= 17 and abs(int(text)) <= MAX_INT, code, "integer out of range")
        return int(text)

    def never(text):
        raise Refused(code, "not an integer")

    def walk(x, depth):
        need(depth <= 16 or not isinstance(x, (dict, list)), code, "nested too deep")
        need(x is not True and x is not False, code, "true or false")
        strings = list(x) if isinstance(x, dict) else [x] if isinstance(x, str) else []
        need(all(" " <= c <= "~" for s in strings for c in s), code, "character outside 0x20 ... 0x7e")
        for item in (x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()):
            walk(item, depth + 1)

    try:
        value = json.loads(data.decode("ascii"), parse_int=integer, parse_float=never, parse_constant=never)
    except (ValueError, RecursionError):
        raise Refused(code, "not JSON in ASCII") from None
    walk(value, 1)
    need(canonical(value) == data, code, "not in canonical form")
    return value


def is_int(x, low=-MAX_INT, high=MAX_INT):
    return type(x) is int and low <= x <= high


def is_text(x, limit=None):
    return type(x) is str and (limit is None or len(x) <= limit)


def is_hex64(x):
    return type(x) is str and re.fullmatch("[0-9a-f]{64}", x) is not None


def has(x, names):
    """An object with exactly these members."""
    return type(x) is dict and sorted(x) == sorted(names.split())
