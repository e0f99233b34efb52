"""JSON text -> an assembly.

orjson judges whether the text is JSON; a regular expression then finds the tokens and their places. libyaml would not
do for the places: it refuses surrogate-pair escapes and keys of more than 1024 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from treadle.contract.assembly import Assembly, Spot

_TOKEN = re.compile(r'\n|"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def read_json(text: str, into: Assembly) -> None:
    """Push the one value of `text`. Raises `Refused` where it is not JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        _refuse_depth(text, into)
        reason = error.msg.split(": line ")[0]
        raise into.refuse("json-broken", (error.lineno, error.colno), f"not JSON: {reason}") from None
    plain: dict[str, str] = {}
    for token, spot in _tokens(text):
        first = token[0]
        if first == '"':
            value = orjson.loads(token) if "\\" in token else plain.setdefault(token, token[1:-1])
            if into.wants_key:
                into.key(value, spot)
            else:
                into.value(value, spot)
        elif first == "{":
            into.open({}, spot)
        elif first == "[":
            into.open([], spot)
        elif first in "}]":
            into.close()
        elif first not in ",:":
            into.value(orjson.loads(token), spot)


def _tokens(text: str) -> Iterator[tuple[str, Spot]]:
    line, begins = 1, 0
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == "\n":
            line, begins = line + 1, match.end()
        else:
            yield piece, (line, match.start() - begins + 1)


def _refuse_depth(text: str, into: Assembly) -> None:
    """Orjson stops at 1024 levels and calls it a syntax error; say what it really is, where our own budget ends."""
    depth = 0
    for token, spot in _tokens(text):
        if token in ("{", "["):
            depth += 1
            if depth > into.budget.depth_max:
                raise into.too_deep(spot)
        elif token in ("}", "]"):
            depth -= 1
