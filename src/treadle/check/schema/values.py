"""Single JSON values: which kind each is, when two are equal, and whether a text matches a pattern."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from treadle.contract.schema import InvalidSchema, validator

if TYPE_CHECKING:
    from treadle.contract.model import Json

KINDS = frozenset({"null", "boolean", "number", "string", "array", "object"})
"""Every kind of value; `integer` is part of `number` and stands in a set only where `number` does not."""

_DEPTH_MAX = 100
"""Values that are nested deeper are equal only where they are written alike."""


def kind_of(value: Json) -> str:
    """The narrowest kind of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if value == value // 1 else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def narrow(kinds: frozenset[str]) -> frozenset[str]:
    """A set of kinds in its normal form."""
    return kinds - {"integer"} if "number" in kinds else kinds


def both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """The kinds that stand in both sets."""
    found = one & other
    if ("integer" in one and "number" in other) or ("integer" in other and "number" in one):
        found |= {"integer"}
    return narrow(found)


def takes(kinds: frozenset[str], kind: str) -> bool:
    """Whether a value of this kind is in a set of kinds."""
    return kind in kinds or (kind == "integer" and "number" in kinds)


def token(value: Json) -> str:
    """A text that two values share when JSON Schema calls them equal: 1 is 1.0, and is not true."""
    plain = _plain(value)
    try:
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return repr(plain)


def _plain(value: Json, depth: int = 0) -> Json:
    if depth > _DEPTH_MAX:
        return f"deeper than {_DEPTH_MAX}: {value!r}"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner, depth + 1) for key, inner in value.items()}
    return [_plain(inner, depth + 1) for inner in value] if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def matches(pattern: str, text: str) -> bool | None:
    """Whether a pattern matches somewhere in a text, in linear time; None where the pattern does not compile."""
    try:
        return validator({"pattern": pattern}).is_valid(text)
    except InvalidSchema:
        return None
