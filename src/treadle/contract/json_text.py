"""JSON text -> plain data, judged at the speed of C: orjson reads, and sizes are told from the marks alone.

A text without its strings and scalars is a skeleton of brackets, colons and commas, soon judged. Only a text that is
over budget, or that gives a key twice, is looked at token by token, to say where.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import accumulate, islice

import orjson

from treadle.contract.faults import Faults
from treadle.contract.json_spots import JsonSpots
from treadle.contract.place import Json
from treadle.contract.places import Places

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]++')
_BEFORE_NODE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?:,|[\[{](?!\s*+[\]}]))\s*+')
_NOT_MARKS = bytes(set(range(256)) - set(b'{}[],:"'))
_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_STRING_REST = re.compile(rb'"[^"]*"')
"""A string of which only the marks in it are left."""


def read_json(data: bytes, faults: Faults, *, named_json: bool) -> Places | None:
    """Read the one value of `data`. None where it is not JSON, which is a fault if its name says that it is.

    Raises `Refused` where it is over budget, or where a text that should be JSON is not, and UnicodeDecodeError.
    """
    skeleton = _skeleton(data)
    _check_nodes(skeleton, faults)  # first, because every node costs orjson memory
    try:
        root = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if named_json:
            _refuse_depth(faults)
            _broken(error, faults)
        return None
    _check_depth(skeleton, faults)
    if skeleton.count(b":") != _members(root):
        _name_duplicates(faults)
    begins = len(data) - len(data.lstrip(b" \t\r\n"))
    return Places(faults.file, root, JsonSpots(faults.lines, root, begins), faults.lines, begins)


def _broken(error: orjson.JSONDecodeError, faults: Faults) -> None:
    """A tolerant reading goes on: many a `.json` with comments or a last comma too many is YAML."""
    message = f"not JSON: {error.msg.split(': line ')[0]}"
    if not faults.tolerant:
        raise faults.refuse("json-broken", error.pos, message)
    faults.complain("json-broken", error.pos, message)


def _skeleton(data: bytes) -> bytes:
    """The brackets, colons and commas of a JSON text that stand outside of strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Quotes of two strings never meet: a comma or colon is between them.
    marks = data.translate(None, _NOT_MARKS).replace(b'""', b"")
    return _STRING_REST.sub(b"", marks) if b'"' in marks else marks


def _members(root: Json) -> int:
    """How many pairs the objects of `root` hold: fewer than the text has colons where a key was given twice."""
    found = 0
    waiting: list[Json] = [(root,)]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            found += len(value)
            value = value.values()
        waiting.extend(each for each in value if type(each) is dict or type(each) is list)
    return found


def _check_nodes(skeleton: bytes, faults: Faults) -> None:
    openings = skeleton.count(b"{") + skeleton.count(b"[")
    # A node is the root, or it follows a comma or an opening bracket: at most so many, exact but for empty containers.
    if 1 + openings + skeleton.count(b",") > faults.budget.nodes_max:
        _refuse_nodes(faults)


def _check_depth(skeleton: bytes, faults: Faults) -> None:
    steps = array("b", skeleton.translate(_STEPS, b":,"))
    if max(accumulate(steps), default=0) > faults.budget.depth_max:
        _refuse_depth(faults)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    for match in _TOKEN.finditer(text):
        yield match[0], match.start()


def _refuse_depth(faults: Faults) -> None:
    """Orjson stops at 1024 levels and calls it a syntax error; say what it really is, where our own budget ends."""
    depth = 0
    for mark, at in _tokens(faults.lines.text):
        if mark in ("{", "["):
            depth += 1
            if depth > faults.budget.depth_max:
                raise faults.too_deep(at)
        elif mark in ("}", "]"):
            depth -= 1


def _refuse_nodes(faults: Faults) -> None:
    """Refuse at the first key or item too many: what follows a comma or an opening bracket, when the root is one."""
    text = faults.lines.text
    nodes = (match.end() for match in _BEFORE_NODE.finditer(text) if match[0][0] != '"')
    at = next(islice(nodes, faults.budget.nodes_max - 1, None), None)
    if at is not None:
        raise faults.too_many(at)


def _name_duplicates(faults: Faults) -> None:
    """Complain of every key that its object holds twice, each at its place."""
    open_: list[dict[str, int] | None] = []
    before = ""
    for mark, at in _tokens(faults.lines.text):
        if mark == "{":
            open_.append({})
        elif mark == "[":
            open_.append(None)
        elif mark in ("}", "]"):
            open_.pop()
        elif mark[0] == '"' and before in ("{", ",") and (seen := open_[-1]) is not None:
            key: Json = orjson.loads(mark)
            if key in seen:
                faults.duplicate(key, at, seen[key])
            seen[key] = at
        before = mark
