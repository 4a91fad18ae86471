# SPDX-License-Identifier: Apache-2.0
"""The catalogue of verify/vectors/claims (§10.8). No device of these names exists: each model is there for a bound, or for a
rule."""
from counterpart.catalogue import COLUMNS


def hashes(ops, **other):
    """A ceiling of ⌊64 · 10⁶ / ops⌋ digests a second."""
    return {"units": "1", "boost_mhz": "1", "sha256_ops": ops, **other}


def slow(**other):
    """1,000 digests a second, which jobs of machine.py that show digests are all beyond."""
    return hashes("64000", **other)


# (model, key, cells)
MODELS = (
    # Of 8,000 digests a second. 125 % of 6,400 are as many, so that Low can have done them, and Edge with 6,399 cannot. 13/10
    # of that are 10,400: Low is lesser than Just with 10,401 (the division is the last thing), and not than PairB.
    ("Low", "low", {"names": "Acme Low|Low One", "units": "2|4", "boost_mhz": "1", "sha256_ops": "40000",
                    "margin_percent": "25"}),
    ("Edge", "edge", hashes("10001.562", names="Acme Edge", margin_percent="25")),
    ("Even", "even", {"names": "NVIDIA Acme Even|Acme Even Plus", "units": "2|4", "boost_mhz": "0.5", "sha256_ops": "16000",
                      "margin_percent": "1"}),
    ("Just", "just", hashes("6153.254", names="Acme Just")),
    ("Big", "big", {"names": "Acme Big", "units": "8", "boost_mhz": "1", "sha256_ops": "8000", "margin_percent": "100"}),
    ("PairA", "pair", hashes("6153.254", interface="a")), ("PairB", "pair", hashes("6153.846", interface="b")),
    ("TwinS", "twin", hashes("8001", interface="sxm5")), ("TwinP", "twin", hashes("8000", interface="pcie")),
    ("Other", "even", hashes("8000", vendor="bolt", names="Bolt Even")), ("Host", "host", hashes("20")),
    ("No", "none-known", {"units": "0", "memory_gib": "0.00", "boost_mhz": "1", "sha256_ops": "999999.999"}),
    # Each is lesser than the other, in one thing; and Five than Six in one, but Six than Five in two.
    ("One", "one", {"int8_tops": "0.001", "f32_tflops": "0.002"}),
    ("Two", "two", {"int8_tops": "0.002", "f32_tflops": "0.001"}),
    ("Five", "five", slow(bandwidth_gbs="99", cache_mib="2", f32_tflops="4.2", f64_tflops="2.2")),
    ("Six", "six", slow(bandwidth_gbs="130", cache_mib="2", f32_tflops="2.1", f64_tflops="1.1")),
    # Of what machine.py's `kinds` shows: 4.096, 8.192 (6.272 · 64/49), 2.048 and 1.024 tera, and 144 GB/s of a table of 67,200 bytes.
    ("K", "k", slow(names="Acme K", int8_tops="4.096", f16_tflops="6.272", f32_tflops="2.048", f64_tflops="1.024")),
    ("K+", "k2", slow(int8_tops="4.096", f16_tflops="6.272", f32_tflops="2.663")),
    ("i8-", "i8", slow(int8_tops="4.095")), ("i9f-", "i9", slow(int8_tops="4.096", f16_tflops="6.271")),
    ("i9i", "i9", slow(int8_tops="16.384", f16_tflops="1")), ("i9i-", "i9", slow(int8_tops="16.382", f16_tflops="1")),
    ("i9?", "i9", slow(f16_tflops="0.001")), ("f32-", "f32", slow(f32_tflops="2.047")),
    ("f64-", "f64", slow(f32_tflops="8.184", f64_tflops="1.023")),
    ("f64x4", "f64", slow(f32_tflops="8.185", f64_tflops="1.023")),
    ("f64?", "f64", slow(f32_tflops="0", f64_tflops="0.256")), ("f64?-", "f64", slow(f64_tflops="0.255")),
    ("f64m", "f64", slow(f64_tflops="0.001", f64_matrix_tflops="1.024")),
    ("f64m-", "f64", slow(f64_tflops="0.001", f64_matrix_tflops="1.023")), ("f64m?", "f64", slow(f64_matrix_tflops="0.001")),
    ("bw", "bw", slow(bandwidth_gbs="144", cache_mib="0.001")),
    ("bw-", "bw-", slow(bandwidth_gbs="143.999", cache_mib="0.001")),
    ("bw2", "bw2", slow(bandwidth_gbs="143.999", cache_mib="0.002")), ("bw?", "bw-unknown", slow(bandwidth_gbs="1")),
    # Of 128 GB/s of 8 MiB, which is 64 · 0.125 MiB.
    ("bw8", "bw8", slow(bandwidth_gbs="128", cache_mib="0.125")),
    ("bw8-", "bw8-", slow(bandwidth_gbs="127.999", cache_mib="0.125")),
    ("bw9", "bw9", slow(bandwidth_gbs="127.999", cache_mib="0.126")),
    # 0.625 GiB are 640 MiB: 90 % are 576, 105 % 672. The others are of tables of some MiB.
    ("Mem", "mem|memory", {"interface": "oam|sxm", "names": "Acme Mem", "memory_gib": "0.3|0.625"}),
    ("m1", "m1", slow(memory_gib="0.001")),
    ("m3", "m3", slow(memory_gib="0.003")), ("m4", "m4", slow(memory_gib="0.004")), ("m7", "m7", slow(memory_gib="0.007")),
    ("m22", "m22", slow(memory_gib="0.022")), ("m30", "m30", slow(memory_gib="0.030")),
    ("m40", "m40", slow(memory_gib="0.04")),
    ("m60", "m60", slow(memory_gib="0.06|0.02")))


def text_catalogue():
    lines = ["# The catalogue of the vectors (SPEC 10.8): no such devices exist.", "\t".join(COLUMNS)]
    for model, key, cells in MODELS:
        row = {"model": model, "vendor": "acme", "key": key, "margin_percent": "0", "source": "vectors", **cells}
        assert set(row) <= set(COLUMNS), model
        lines.append("\t".join(row.get(column, "") for column in COLUMNS))
    lines.insert(7, "# A comment among the models.")
    return "".join(line + "\n" for line in lines)
