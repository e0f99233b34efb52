"""Documents that mean harm: each ends with a finding or a clear error, soon, whatever reads it.

A document is made by a function of its size, so that the daily tests can use small ones and the soak big ones. Where
the harm is in what a document describes, it is an OpenAPI document around a schema.
"""

from collections.abc import Callable, Mapping

HEAD = "openapi: 3.1.0\ninfo: {title: Harm, version: 1.0.0}\npaths: {}\n"


def around(schemas: str) -> bytes:
    return f"{HEAD}components:\n  schemas:\n{schemas}".encode()


def laughs(levels: int) -> bytes:
    lines = ["x0: &x0 [ha, ha]"]
    lines += [f"x{at}: &x{at} [*x{at - 1}, *x{at - 1}]" for at in range(1, levels)]
    return (HEAD + "\n".join(lines)).encode()


def quadratic(size: int) -> bytes:
    return (HEAD + f"x-a: &a [{'a,' * size}]\nx-b: [{'*a,' * size}]\n").encode()


def merges(levels: int) -> bytes:
    lines = ["x0: &x0 {a0: 1}"]
    lines += [f"x{at}: &x{at} {{<<: [*x{at - 1}, *x{at - 1}], a{at}: 1}}" for at in range(1, levels)]
    return (HEAD + "\n".join(lines)).encode()


def chain(size: int) -> bytes:
    lines = [f"    s{at}: {{$ref: '#/components/schemas/s{at + 1}'}}" for at in range(size)]
    return around("\n".join([*lines, f"    s{size}: {{type: string}}\n"]))


def fan_out(levels: int) -> bytes:
    def level(at: int) -> str:
        ref = f"{{$ref: '#/components/schemas/s{at + 1}'}}"
        return f"    s{at}: {{type: object, properties: {{a: {ref}, b: {ref}, c: {ref}}}}}"

    return around("\n".join([*map(level, range(levels)), f"    s{levels}: {{type: string}}\n"]))


def all_of_fan_out(levels: int) -> bytes:
    def level(at: int) -> str:
        ref = f"{{$ref: '#/components/schemas/s{at + 1}'}}"
        return f"    s{at}: {{allOf: [{ref}, {ref}], anyOf: [{ref}, {ref}], not: {ref}}}"

    return around("\n".join([*map(level, range(levels)), f"    s{levels}: {{type: string}}\n"]))


def deep_all_of(levels: int) -> bytes:
    return around("    s: " + "{allOf: [" * levels + "{type: string}" + "]}" * levels + "\n")


def entangled(size: int) -> bytes:
    def schema(at: int) -> str:
        refs = ", ".join(f"p{to}: {{$ref: '#/components/schemas/s{to}'}}" for to in range(size) if to != at)
        return f"    s{at}: {{type: object, properties: {{{refs}}}}}"

    return around("\n".join(map(schema, range(size))) + "\n")


def expensive_patterns(size: int) -> bytes:
    patterns = ["(a+)+$", "(a|a)*b", f"(.*a){{{size}}}", f"a{{{size}}}{{{size}}}", "[a-z]+" * size, "(?=a)" * 5]
    return around(
        "".join(
            f"    s{at}: {{type: string, pattern: '^{each}$', example: '{'a' * size}!', default: '{'a' * size}!'}}\n"
            for at, each in enumerate(patterns)
        )
    )


def numbers(size: int) -> bytes:
    values = ["9" * size, "-" + "9" * size, "1e" + "9" * min(size, 900), "1e400", "-1e400", "0x" + "f" * size, "1e-400"]
    values += ["0." + "0" * size + "1", "." * size, "1:" * size]
    return around("".join(f"    s{at}: {{type: number, maximum: {each}}}\n" for at, each in enumerate(values)))


HOSTILE: Mapping[str, tuple[str, Callable[[int], bytes], int, int]] = {
    # name: (file, maker, its size in the daily tests, its size in the soak)
    "billion-laughs": ("a.yaml", laughs, 20, 100),
    "quadratic-aliases": ("a.yaml", quadratic, 2_000, 50_000),
    "merge-bomb": ("a.yaml", merges, 20, 100),
    "alias-cycle": ("a.yaml", lambda _: HEAD.encode() + b"x: &x [*x]\n", 0, 0),
    "deep-yaml-flow": ("a.yaml", lambda size: HEAD.encode() + b"x: " + b"[" * size + b"]" * size, 2_000, 100_000),
    "deep-yaml-flow-open": ("a.yaml", lambda size: b"[" * size, 2_000, 100_000),
    "deep-yaml-maps": ("a.yaml", lambda size: b'{"a": ' * size, 2_000, 100_000),
    "deep-yaml-block": ("a.yaml", lambda size: b"- " * size, 2_000, 100_000),
    "deep-yaml-keys": ("a.yaml", lambda size: b"? " * size, 2_000, 100_000),
    "deep-yaml-indents": (
        "a.yaml", lambda size: b"".join(b" " * at + b"a:\n" for at in range(min(size, 3_000))), 600, 3_000,
    ),
    "deep-json": ("a.json", lambda size: b"[" * size + b"]" * size, 2_000, 100_000),
    "deep-json-maps": ("a.json", lambda size: b'{"a":' * size + b"1" + b"}" * size, 2_000, 100_000),
    "long-string": ("a.yaml", lambda size: HEAD.encode() + b"x-a: " + b"a" * size, 10_000, 10_000_000),
    "long-quoted": (
        "a.yaml", lambda size: HEAD.encode() + b'x-a: "' + b"\\x41 " * (size // 5) + b'"', 10_000, 10_000_000,
    ),
    "long-json-string": ("a.json", lambda size: b'{"openapi": "' + b'\\"[' * (size // 3) + b'"}', 10_000, 10_000_000),
    "long-key": ("a.yaml", lambda size: HEAD.encode() + b"? " + b"k" * size + b"\n: 1\n", 10_000, 10_000_000),
    "long-json-key": ("a.json", lambda size: b'{"' + b"k" * size + b'": 1}', 10_000, 10_000_000),
    "long-line-of-spaces": ("a.yaml", lambda size: HEAD.encode() + b"x-a:" + b" " * size + b"1", 10_000, 10_000_000),
    "many-keys": ("a.yaml", lambda size: b"".join(b"k%d: 1\n" % at for at in range(size)), 1_000, 300_000),
    "many-json-keys": (
        "a.json", lambda size: b"{" + b",".join(b'"k%d": 1' % at for at in range(size)) + b"}", 1_000, 1_000_000,
    ),
    "many-nodes": ("a.json", lambda size: b"[" + b"[]," * size + b"1]", 10_000, 5_000_000),
    "many-paths": (
        "a.yaml",
        lambda size: b"openapi: 3.1.0\npaths:\n" + b"".join(b"  /a%d/{b}: {get: {}}\n" % at for at in range(size)),
        100, 20_000,
    ),
    "many-templates": (
        "a.yaml",
        lambda size: b"openapi: 3.1.0\npaths:\n  /" + b"{a}/" * size + b": {get: {}}\n  /" + b"{" * size + b": {}\n",
        100, 100_000,
    ),
    "duplicate-keys": ("a.yaml", lambda size: b"k: 1\n" * size, 1_000, 100_000),
    "duplicate-json-keys": ("a.json", lambda size: b"{" + b'"k": 1,' * size + b'"k": 1}', 1_000, 100_000),
    "number-keys": ("a.yaml", lambda size: b"".join(b"%d: 1\n" % at for at in range(size)), 1_000, 100_000),
    "expensive-patterns": ("a.yaml", expensive_patterns, 50, 5_000),
    "reference-chain": ("a.yaml", chain, 200, 100_000),
    "reference-cycle": ("a.yaml", lambda _: around("    a: {$ref: '#/components/schemas/b'}\n"
                                                   "    b: {$ref: '#/components/schemas/a'}\n"), 0, 0),
    "reference-to-itself": ("a.yaml", lambda _: around("    a: {$ref: '#/components/schemas/a'}\n"), 0, 0),
    "reference-to-all": ("a.yaml", lambda _: around("    a: {properties: {b: {$ref: '#'}, c: {$ref: ''}}}\n"), 0, 0),
    "reference-to-its-file": ("a.yaml", lambda _: around("    a: {properties: {b: {$ref: 'a.yaml'}}}\n"), 0, 0),
    "reference-fan-out": ("a.yaml", fan_out, 30, 200),
    "all-of-fan-out": ("a.yaml", all_of_fan_out, 20, 100),
    "deep-all-of": ("a.yaml", deep_all_of, 100, 240),
    "entangled-schemas": ("a.yaml", entangled, 10, 150),
    "huge-enum": (
        "a.yaml",
        lambda size: around("    a: {enum: [" + ", ".join(f"v{at}" for at in range(size)) + "]}\n"), 1_000, 200_000,
    ),
    "huge-numbers": ("a.yaml", numbers, 1_000, 1_000_000),
    "huge-json-number": ("a.json", lambda size: b'{"a": ' + b"9" * size + b"}", 1_000, 1_000_000),
    "not-utf-8": ("a.yaml", lambda _: HEAD.encode() + b"x: \xff\xfe\xc3\x28\n", 0, 0),
    "overlong-utf-8": ("a.json", lambda _: b'{"a": "\xc0\xaf"}', 0, 0),
    "nul": ("a.yaml", lambda _: HEAD.encode() + b"x: a\x00b\n", 0, 0),
    "nul-only": ("a.json", lambda size: b"\x00" * size, 100, 1_000_000),
    "two-byte-order-marks": ("a.yaml", lambda _: b"\xef\xbb\xbf\xef\xbb\xbf" + HEAD.encode(), 0, 0),
    "utf-16": ("a.yaml", lambda _: HEAD.encode("utf-16"), 0, 0),
    "utf-32-json": ("a.json", lambda _: '{"a": 1}'.encode("utf-32"), 0, 0),
    "lone-surrogate": ("a.json", lambda _: b'{"a": "\\ud800"}', 0, 0),
    "line-separators": (
        "a.yaml", lambda size: HEAD.encode() + "x-a: 'a\u2028b\u2029c\x85d\re'\n".encode() * 1
        + "".join(f"x-{at}: \u2028\n" for at in range(size)).encode(), 10, 100_000,
    ),
    "bidirectional": ("a.yaml", lambda _: HEAD.encode() + "x-a: '\u202e\u2066 \x1b[31m'\n".encode(), 0, 0),
    "terminal-escapes-in-keys": ("a.json", lambda _: b'{"openapi": "3.1.0", "\\u001b[2J\\u0007": {}}', 0, 0),
    "prototype": ("a.json", lambda _: b'{"openapi": "3.1.0", "__proto__": {"paths": {}}, "constructor": 1}', 0, 0),
    "comments": ("a.yaml", lambda size: HEAD.encode() + b"# a\n" * size, 1_000, 2_000_000),
    "anchors": ("a.yaml", lambda size: b"".join(b"a%d: &a%d 1\n" % (at, at) for at in range(size)), 1_000, 200_000),
    "many-documents": ("a.yaml", lambda size: b"---\n" * size, 100, 1_000_000),
    "tags": ("a.yaml", lambda size: b"".join(b"k%d: !t%d x\n" % (at, at) for at in range(size)), 100, 100_000),
    "directives": ("a.yaml", lambda size: b"%TAG !a! tag:b\n" * size + b"---\na: 1\n", 100, 100_000),
    "block-scalars": ("a.yaml", lambda size: HEAD.encode() + b"x-a: |\n" + b"\n" * size, 1_000, 5_000_000),
}  # fmt: skip
