# SPDX-License-Identifier: Apache-2.0
"""Claims as text (§10.7): what must be refused, and what is read as what. What begins with { or [ is a file's content."""
import json

LONG, LONGER = "a" * 32, "a" * 33
MANY = ["m%d" % i for i in range(17)]


def claims(*entries):
    return json.dumps({"claims": list(entries)})


def one(members=None, **others):
    """Of a claim that holds but for these."""
    return claims({"vendor": "a", "model": "b", **(members or {}), **others})


def least(workload, **rate):
    return one(minimum={workload: {name + "PerSecond": value for name, value in rate.items()}})


def keys(*texts):
    return json.dumps([{"key": text, "value": "true"} for text in texts])


def models(*entries, **others):
    names = "vendor", "model", "ram", "interface"
    return json.dumps({"gpuModels": [dict(zip(names, entry)) for entry in entries], **others})


def lines(text):
    return text.strip("\n").split("\n")


WORDS = """/ // a a/ /a a//b a/b/ a/b/c/ a/b//c a/b/80Gi/ a/b+ a*/b a/b/c: a/b,c/d a/b; a/b\\c a/b" a/b/sxm/80Gi
a/b/80Gi/80Gi a/b/80Gi/8x a/b/sxm/pcie a/b/80Gi/sxm/c a/b/c/d/e A/B/5 a/b/80 a/b/80Gix2 a/b/80Gi\u00d7 a/b\u00d70 x2""".split()
SPACES = [" ", "a b", "a/b c", "a /b", "a/ b", " a/b", "a/b ", " x2", "a/b/80 Gi", "a/b x2/80Gi"]
LENGTHS = ["a/" + LONGER, LONGER + "/b", "a/b/" + LONGER, "a/b/80Gi/" + LONGER, "vendor/a/model/" + LONGER,
           "vendor/%s/model/b" % LONGER]
MEMORIES = """0Gi 00Gi 080Gi 5gi 80gi 80GI 80Gib 80gb 80Gb 80g 80M 80MB 80mi 80Ki 80Ti 1T 80GiBs 1.5Gi 1e3Gi 0x10Gi 1025Gi
1025GB 1048577Mi 1048577MiB 17179869184Gi 17179869185Gi 17592186044417Mi 18446744073709551616Gi 18446744073709551617Mi
99999999999999999999999999Gi""".split()
COUNTS = """x x0 x00 x01 x08 x65 x99 x100 x-1 x+1 x1.0 X2 2 2x *2 x2x2 x0x2 \u00d7 \u00d70 \u00d702 \u00d765 x\u00d72
\u00d7x2 x4294967297 x18446744073709551617""".split() + ["x 2", "\u00d7 2", "x2 ", "x2 x2", " x2"]
PATHS = """vendor/a vendor/a/b vendor/a/model vendor/a/model/ vendor//model/b vendor/a/Model/b vendor/a/model/b/80Gi
vendor/a/model/b/sxm vendor/a/model/b/ram vendor/a/model/b/ram/ vendor/a/model/b/ram/80 vendor/a/model/b/ram/80gi
vendor/a/model/b/ram/080Gi vendor/a/model/b/ram/0Gi vendor/a/model/b/ram/1025Gi vendor/a/model/b/ram/sxm
vendor/a/model/b/interface vendor/a/model/b/interface/ vendor/a/model/b/interface/4x vendor/a/model/b/interface/sxm/ram/80Gi
vendor/a/model/b/ram/80Gi/sxm vendor/a/model/b/interface/sxm/c vendor/a/model/b/vendor/a vendor/a.model.b vendor.a/model/b
vendor/a/model.b vendor.a.model.b.c vendor.a.model.b.ram/80Gi vendor.a.model.b.ram.1.5Gi vendor.a.model.b.interface.4x
vendor.a vendor.a.model vendor..model.b vendor.a.model. xvendor/a/model/b gpu/xvendor/a/model/b gpu.vendor/a/model/b
a/vendor/b a/x.vendor.b a/b.vendor.c.d model/b/vendor/a vendor/a/model/* vendor/a/model/b=true Vendor/a/model/b Vendor/nvidia
a/vendor a/VENDOR a/b/vendor a/b/1Gi/Vendor a/vendor.x.model.y a/xvendor.b a/Vendor.b a/b/vendor.c gpu/vendor.a.model.b/c
vendor/vendor/model/b vendor/a/model/vendor vendor/a/model/b/interface/vendor vendor.vendor.model.b
vendor/a/model/xvendor.c""".split()
JSONS = lines(r"""
{
{}
[
[]
[1]
[null]
[[]]
[{}]
[]]
{"a":1}
{'claims':[]}
{"vendor":"a","model":"b"}
[{"vendor":"a","model":"b"}]
{"claims":[{"vendor":"a","model":"b"}]} {}
{"claims":[{"vendor":"a","model":"b"}]},
{"claims":[{"vendor":"a","model":"b"},]}
{"claims":[{"vendor":"a","model":"b"}]
{"claims":[{"vendor":"a","model":"b","model":"b"}]}
{"claims":[{"vendor":"a","model":"b"}],"claims":[]}
{"claims":[{"vendor":"a","model":"b"}],"more":1}
{"claims":[{"vendor":"a","model":"b"}],"gpuModels":null}
{"claims":[{"vendor":"a","model":"b"}],"gpuModels":{}}
{"claims":[{"vendor":"a","model":"b","count":01}]}
{"claims":[{"vendor":"a","model":"b","count":1e0}]}
{"claims":[{"vendor":"a","model":"b","count":NaN}]}
{"claims":[{"vendor":"a","model":"b","minimum":{"sha256/1":{"hashesPerSecond":1,"hashesPerSecond":1}}}]}
{"claims":null}
{"claims":{}}
{"claims":1}
{"claims":"a/b"}
{"claims":[]}
{"claims":[null]}
{"claims":["a/b"]}
{"claims":[[]]}
{"claims":[{}]}
{"claims":[{"vendor":"a"}]}
{"claims":[{"model":"b"}]}
{"claims":[{"vendor":"a","model":"b"},{"vendor":"a"}]}
{"Claims":[{"vendor":"a","model":"b"}]}
[{"value":"vendor/a/model/b"}]
[{"key":null,"value":1}]
[{"key":["vendor/a/model/b"]}]
[{"Key":"vendor/a/model/b"}]
[{"key":"vendor/a/model/b","key":"x"}]
[{"key":1,"value":1},{"key":"vendor/a/model/b"}]
[{"key":"vendor/a/model/b","value":1},1]
[{"key":"vendor/a/model/b"},[]]
["vendor/a/model/b"]
{"gpuModels":null}
{"gpuModels":{}}
{"gpuModels":"a/b"}
{"gpuModels":[]}
{"gpuModels":[null]}
{"gpuModels":["a/b"]}
{"gpuModels":[[]]}
{"gpuModels":[{"vendor":"a","model":"b","vendor":"a"}]}
{"gpuModels":[{"vendor":"a","model":"b"}],"more":NaN}
{"gpuModels":[{"vendor":"a","model":"b"}],"more":01}
{"gpumodels":[{"vendor":"a","model":"b"}]}""")
# Members of a claim, and values of each.
MEMBERS = {"vendor": ["", None, 1, ["a"], "a b", "a/b", "vendor", "Vendor", "x.vendor.y", LONGER],
           "model": ["", None, 4090, "b x2", "\u00e9", "a\n", "vendor", "vendor.b", LONGER],
           "memory": [None, "", 80, 80 << 30, "80", "0Gi", "080Gi", "80gi", "1025Gi", " 80Gi", "80Gi\n", "85899345920"],
           "interface": [None, "", 1, "4x", "a b", "80Gi", "VENDOR", "vendor.", LONGER],
           "count": [None, 0, 65, -1, 1.0, 1.5, "1", True, [], 2**32 + 1, 10**30], "source": [None, 1, ["x"]],
           "minimum": [None, [], 1, "1"], "ram": ["80Gi"], "more": [None], "Count": [1], "gpuModels": [[]]}
RATES = [None, True, [1], 0, -1, 1.0, 10**18 + 1, 2**64 + 1, "", "0", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1",
         "1,000", "1000000000000000001", "18446744073709551617"]
UNITS = [least("sha256/1"), least("sha256/1", ops=1), least("sha256/1", hashes=1, ops=1), least("sha256/1", Hashes=1),
         least("matmul-i8/1", hashes=1), least("matmul-i8/1", flops=1), least("matmul-i9/1", bytes=1),
         least("matmul-f32/1", ops=1), least("matmul-f64/1", ops=1), least("memory/1", ops=1), least("memory-fill/1", bytes=1),
         least("sha256", hashes=1), least("sha256/2", hashes=1), least("SHA256/1", hashes=1), least("", hashes=1),
         least("capacity", bytes=1), one(minimum={"sha256/1": None}), one(minimum={"sha256/1": 1}),
         one(minimum={"sha256/1": []})]
KEYS = [["region"], [""], ["a/b"], ["vendor/a/model/*"], ["vendor/a/model/b x2"], ["vendor/a/model/b/ram/80gi"],
        ["xvendor/a/model/b"], ["vendor/a/model/b/interface/4x"], ["vendor/a/model/b"] * 65,
        ["vendor/a/model/" + x for x in MANY]]
MODELS = [[["a"]], [["a", None]], [[None, "b"]], [["", "b"]], [["a", ""]], [[1, "b"]], [["a", 2]], [["a", "b c"]],
          [["a", LONGER]], [["a", "b", 80]], [["a", "b", "80"]], [["a", "b", "80gi"]], [["a", "b", "0Gi"]],
          [["a", "b", "1025Gi"]], [["a", "b", []]], [["a", "b", " "]], [["a", "b", False]], [["a", "b", "", 4]],
          [["a", "b", "", "4x"]], [["a", "b", "", " "]], [["a", "b", "", {}]], [["vendor", "b"]], [["a", "vendor.b"]],
          [["a", "b", None, "vendor"]], [["a", "b"], ["a"]], [["a", "b"]] * 65, [["a", x] for x in MANY]]
REJECT = [*WORDS, *SPACES, *LENGTHS, "%s/vendor/a/model/b" % ("c" * 1007), *("a/b/" + x for x in MEMORIES), *("a/b " + x for x in COUNTS), *PATHS,
          "vendor/a/model/b x0", "vendor/a/model/b x65", "vendor/a/model/b/ram/80Gi/interface/sxm x08", *JSONS,
          claims(*({"vendor": "a", "model": x} for x in MANY)), *(one({name: x}) for name in MEMBERS for x in MEMBERS[name]),
          *(least("sha256/1", hashes=x) for x in RATES), *UNITS, *(keys(*x) for x in KEYS), *(models(*x) for x in MODELS)]

PATH = "vendor/a/model/b"
SIXTEEN = "; ".join("a/%s x1" % x for x in MANY[:16])
# (text, normal forms)
ACCEPT = [
    *((x, x) for x in ("a/b x1", "a/b x10", "a/b x64", "3dfx/5500 x1", "a/b/-8x x1", "a/b/1Mi x1", "a/b/1024Gi x1",
                       "a/b/1025Mi x1", "a/b/1048575Mi/c x2", "nvidia/h100/80Gi/sxm x8",
                       "%s/%s/1Gi/%s x64" % (LONG, LONG, LONG))),
    *((x, x + " x1") for x in ("a/b", "0/0", "./..", "-/_", "a/b/.5", "a/x2", "a/b/x2", "a/b/_", "a/b.c", "a/vendor-x",
                               "a/model/ram", "a/xvendor", "xvendor/a", "a/b.vendor", "model/b", "a/b/" + LONG)),
    ("nvidia/h100/80Gi/sxm \u00d78", "nvidia/h100/80Gi/sxm x8"), ("a/b \u00d764", "a/b x64"), ("a/b\u00d72", "a/b x2"),
    ("a/b/80Gi\u00d764", "a/b/80Gi x64"), ("vendor/a/model/b\u00d72", "a/b x2"), ("A/B/C", "a/b/c x1"),
    ("NVIDIA/RTX-4090/24GB/PCIe x2", "nvidia/rtx-4090/24Gi/pcie x2"), ("a/b-x8 x8", "a/b-x8 x8"),
    ("a/b/80GiB", "a/b/80Gi x1"), ("a/b/80GB", "a/b/80Gi x1"), ("a/b/80G", "a/b/80Gi x1"),
    ("a/b/80MiB/c", "a/b/80Mi/c x1"), ("a/b/1024Mi", "a/b/1Gi x1"), ("a/b/1048576Mi", "a/b/1024Gi x1"),
    # Paths.
    ("capabilities/gpu/vendor/nvidia/model/h100", "nvidia/h100 x1"), ("vendor/nvidia/model/h100", "nvidia/h100 x1"),
    ("/vendor/nvidia/model/h100", "nvidia/h100 x1"), ("vendor.nvidia.model.h100", "nvidia/h100 x1"),
    ("capabilities/gpu/vendor/nvidia/model/h100/ram/80Gi", "nvidia/h100/80Gi x1"),
    ("capabilities/gpu/vendor/nvidia/model/H100/ram/80GB/interface/SXM x8", "nvidia/h100/80Gi/sxm x8"),
    ("capabilities.gpu.vendor.nvidia.model.h100.ram.80Gi.interface.sxm", "nvidia/h100/80Gi/sxm x1"),
    ("capabilities.gpu.vendor.nvidia.model.h100.interface.pcie \u00d72", "nvidia/h100/pcie x2"),
    ("vendor/a/model/b.c/interface/d.e", "a/b.c/d.e x1"), ("any thing, \"at\" all/vendor/a/model/b", "a/b x1"),
    ("my x1 box/vendor/a/model/b", "a/b x1"), ("a\u00d7b x/vendor/a/model/b x2", "a/b x2"),
    (" x3.vendor.a.model.b\u00d72", "a/b x2"), ("%s/vendor/a/model/b" % ("c" * 1006), "a/b x1"),
    ("a/b.vendor.c.model.d", "c/d x1"), ("vendor/model/model/model", "model/model x1"),
    ("vendor/ram/model/ram/ram/1Gi", "ram/ram/1Gi x1"), ("vendor/a/model/b/vendor/c/model/d", "c/d x1"),
    ("vendor/a/model/interface/interface/model", "a/interface/model x1"),
    # JSON.
    (one(), "a/b x1"), ("{ \"claims\" : [ { \"vendor\" : \"A\", \"model\" : \"\\u0062\" } ] } ", "a/b x1"),
    (one(memory="80GB", interface="SXM", count=8, source="any \"\\ \u20ac", minimum={}), "a/b/80Gi/sxm x8"),
    (one(source=""), "a/b x1"), (one(count=64), "a/b x64"),
    (claims({"vendor": "a", "model": "b"}, {"vendor": "a", "model": "b"}), "a/b x1; a/b x1"),
    (claims(*({"vendor": "a", "model": x} for x in MANY[:16])), SIXTEEN), (least("sha256/1", hashes=10**18), "a/b x1"),
    (least("sha256/1", hashes="1000000000000000000"), "a/b x1"), (least("memory/1", bytes="1"), "a/b x1"),
    (one(minimum={"matmul-i8/1": {"opsPerSecond": 1}, "matmul-i9/1": {"opsPerSecond": "2"},
                  "matmul-f32/1": {"flopsPerSecond": 3}, "matmul-f64/1": {"flopsPerSecond": 4},
                  "sha256/1": {"hashesPerSecond": "10"}, "memory/1": {"bytesPerSecond": 5}}), "a/b x1"),
    # Keys: equal ones are counted, and those drop out that another says more exactly.
    (keys(PATH), "a/b x1"), (keys("\n/" + PATH), "a/b x1"), (keys(*["gpu/" + PATH] * 64), "a/b x64"),
    (keys("vendor.a.model.b"), "a/b x1"), (keys(PATH, "vendor.A.model.B", "gpu/" + PATH), "a/b x3"),
    (keys(PATH, "vendor/c/model/d", PATH), "a/b x2; c/d x1"),
    (keys(PATH, PATH + "/ram/80Gi", PATH + "/interface/sxm", PATH + "/ram/80Gi/interface/sxm"), "a/b/80Gi/sxm x1"),
    (keys(PATH, PATH + "/ram/80Gi", PATH + "/interface/sxm"), "a/b/80Gi x1; a/b/sxm x1"),
    (keys(PATH + "/ram/80Gi", PATH + "/ram/40Gi/interface/sxm"), "a/b/80Gi x1; a/b/40Gi/sxm x1"),
    (keys(PATH + "/interface/sxm", PATH + "/interface/sxm5"), "a/b/sxm x1; a/b/sxm5 x1"),
    (keys(PATH + "/ram/80Gi", PATH + "/ram/80GB", PATH + "/ram/81920Mi"), "a/b/80Gi x3"),
    (keys("vendor/a/model/c", "region", "vendor/a/model/*", PATH + " x2", PATH + "/ram/80", PATH), "a/c x1; a/b x1"),
    (keys(*[PATH] * 65, PATH + "/ram/1Gi"), "a/b/1Gi x1"),
    ("[{\"key\":\"vendor/a/model/b\"},{\"key\":\"x\",\"value\":[1.5,true,null]}]", "a/b x1"),
    # gpuModels.
    (models(["a", "b"]), "a/b x1"), (models(["NVIDIA", "H100", "80Gi", "SXM5"]), "nvidia/h100/80Gi/sxm5 x1"),
    (models(*[["a", "b", None, ""]] * 32, *[["a", "b", "", None]] * 32), "a/b x64"),
    (models(["a", "b"], ["a", "b", "1Gi"], ["a", "b", "1024Mi"], ["a", "c"]), "a/b/1Gi x2; a/c x1"),
    (models(["a", "b"], claims=[{"vendor": "c", "model": "d"}], more={"x": [1.5, True]}), "a/b x1"),
    (models(*(["a", x] for x in MANY[:16])), SIXTEEN),
    ("{\"gpuModels\":[{\"vendor\":\"a\",\"model\":\"b\",\"count\":7,\"ramSize\":-1.0}]}", "a/b x1")]
