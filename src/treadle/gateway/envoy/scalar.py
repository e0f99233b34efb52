"""What the text of a parameter must be, by its schema: expressions that must all fit, and what they leave unsaid.

Only scalars can be told from their text alone: strings, integers, numbers, booleans. A number is written as in JSON
(RFC 8259 section 6). `format` says nothing here, as by default in JSON Schema 2020-12.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.contract.model import Json
from treadle.gateway.envoy.ecma import COUNT_MAX, NotTaken, search
from treadle.gateway.envoy.expression import ANY, DIGIT, Chars, Choice, Expression, Repeat, Sequence, size, text

SIZE_MAX = 8_000
"""The largest expression, in the engine's instructions, about."""
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_BY_TYPE = {
    "string": frozenset({"pattern", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": frozenset({"minimum", "exclusiveMinimum"}),
    "boolean": frozenset(),
}
_SAID = frozenset({"type", "enum", "const", "allOf", "anyOf", "oneOf"})
_NOTES = frozenset(
    {
        "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "format",
        "$comment", "$schema", "$id", "$anchor", "$defs", "nullable", "externalDocs", "xml", "contentMediaType",
        "contentEncoding",
    }
)  # fmt: skip
_OTHERS: Mapping[str, frozenset[str]] = {
    "string": _BY_TYPE["integer"] | {"multipleOf"},
    "integer": _BY_TYPE["string"],
    "number": _BY_TYPE["string"],
    "boolean": _BY_TYPE["string"] | _BY_TYPE["integer"] | {"multipleOf"},
}
_NOTHING = Chars(frozenset())
_SIGN = Repeat(text("-"), 0, 1)
_LEADING = Chars(frozenset(b"123456789"))
_DIGITS = Repeat(DIGIT, 0, None)
_SIGNS = Chars(frozenset(b"+-"))
_FRACTION = Repeat(Sequence((text("."), Repeat(DIGIT, 1, None))), 0, 1)
_EXPONENT = Repeat(Sequence((Chars(frozenset(b"eE")), Repeat(_SIGNS, 0, 1), Repeat(DIGIT, 1, None))), 0, 1)
_NATURAL = Choice((text("0"), Sequence((_LEADING, _DIGITS))))
_MERGED_MAX = 8


@dataclass(frozen=True, slots=True)
class Text:
    """`scalar` says that there is one value; `fits` must all fit it; `left` are keywords that were left out."""

    scalar: bool
    fits: tuple[Expression, ...] = ()
    left: tuple[str, ...] = ()


def text_of(schema: Json) -> Text:
    """What a schema says of a parameter's text."""
    if schema is True or schema is None or schema == {}:
        return Text(scalar=False)
    if not isinstance(schema, Mapping):
        return Text(scalar=False, left=("false",))
    schema, odd = _plain(schema)
    kind = _type(schema)
    if kind not in _SCALARS:
        return Text(scalar=False, left=tuple(sorted({*odd, kind or "type"})))
    fits: list[Expression] = []
    left = set(odd)
    for keyword, each in _each(kind, schema):
        if isinstance(each, str):
            left.add(each or keyword)
        elif size(each) > SIZE_MAX:
            left.add(keyword)
        else:
            fits.append(each)
    known = _SAID | _NOTES | _BY_TYPE[kind] | _OTHERS[kind]
    left |= {key for key in schema if key not in known and not key.startswith("x-")}
    return Text(scalar=True, fits=tuple(fits), left=tuple(sorted(left)))


def _plain(schema: Mapping[str, Any], depth: int = 0) -> tuple[dict[str, Any], set[str]]:
    """The schema with its only real alternative, and with the parts that must hold together, in one object.

    Also the names of what could not be joined.
    """
    whole = {key: value for key, value in schema.items() if key not in {"allOf", "anyOf", "oneOf"}}
    odd: set[str] = set()
    for key in ("allOf", "anyOf", "oneOf"):
        parts = schema.get(key)
        if not isinstance(parts, list):
            continue
        real = [part for part in parts if key == "allOf" or not _is_null(part)]
        one = real and all(isinstance(part, Mapping) for part in real) and (key == "allOf" or len(real) == 1)
        if not one or depth > _MERGED_MAX:
            odd.add(key)
            continue
        for part in real:
            inner, more = _plain(part, depth + 1)
            odd |= more
            for name, value in inner.items():
                if name not in whole or name in _NOTES:
                    whole[name] = value
                elif whole[name] != value:
                    odd.add(key)
    return whole, odd


def _is_null(part: Json) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "null"


def _type(schema: Mapping[str, Any]) -> str:
    said = schema.get("type")
    kinds = [each for each in said if each != "null"] if isinstance(said, list) else [said]
    if len(kinds) == 1 and isinstance(kinds[0], str):
        return kinds[0]
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if said is None and values and all(isinstance(each, str) for each in values):
        return "string"
    return ""


def _each(kind: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Expression | str]]:
    """Each keyword's expression, or the name of what is left out."""
    if "const" in schema:
        yield "const", _listed(kind, [schema["const"]])
    if "enum" in schema:
        yield "enum", _listed(kind, schema["enum"])
    elif kind == "boolean":
        yield "type", Choice((text("true"), text("false")))
    elif kind == "integer":
        yield "type", _integers(*_bounds(schema))
    elif kind == "number":
        yield from _numbers(schema)
    if kind == "string":
        yield from _strings(schema)


def _listed(kind: str, values: Json) -> Expression | str:
    if not isinstance(values, list):
        return "enum"
    words = [each for each in values if each is not None]
    if kind == "string":
        plain = [each for each in words if isinstance(each, str)]
    else:
        plain = [json.dumps(each) for each in words if isinstance(each, int | float | bool)]
    # Of a character beyond ASCII only its presence is seen: such a list is not one.
    exact = plain and len(plain) == len(words) and all(each.isascii() for each in plain)
    return Choice(tuple(text(each) for each in plain)) if exact else "enum"


def _strings(schema: Mapping[str, Any]) -> Iterator[tuple[str, Expression | str]]:
    if isinstance(schema.get("pattern"), str):
        try:
            yield "pattern", search(schema["pattern"])
        except NotTaken as why:
            yield "pattern", f"pattern ({why})"
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if low or high is not None:
        usable = all(isinstance(each, int) and 0 <= each <= COUNT_MAX for each in (low, 0 if high is None else high))
        if usable and (high is None or high >= low):
            yield "maxLength" if high else "minLength", Repeat(ANY, low, high)
        else:
            yield "maxLength", "maxLength" if high else "minLength"


def _numbers(schema: Mapping[str, Any]) -> Iterator[tuple[str, Expression | str]]:
    low, _ = _bounds(schema)
    positive = low is not None and low >= 0
    yield "type", Sequence((*(() if positive else (_SIGN,)), _NATURAL, _FRACTION, _EXPONENT))
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema and not (keyword == "minimum" and schema[keyword] == 0):
            yield keyword, keyword


def _bounds(schema: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The least and the greatest integer."""

    def numbers(name: str) -> list[float]:
        value = schema.get(name)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return [value] if good else []  # type: ignore[list-item]

    lows = [math.ceil(each) for each in numbers("minimum")]
    lows += [math.floor(each) + 1 for each in numbers("exclusiveMinimum")]
    highs = [math.floor(each) for each in numbers("maximum")]
    highs += [math.ceil(each) - 1 for each in numbers("exclusiveMaximum")]
    return max(lows, default=None), min(highs, default=None)


def _integers(low: int | None, high: int | None) -> Expression:
    """Integers of a range, without leading zeros."""
    ways: list[Expression] = []
    if low is None or low < 0:
        least = 1 if high is None or high >= 0 else -high
        ways.append(Sequence((text("-"), _naturals(least, None if low is None else -low))))
    if high is None or high >= 0:
        start = max(low or 0, 0)
        ways.append(_naturals(start, high))
    return Choice(tuple(ways)) if ways else _NOTHING


def _naturals(low: int, high: int | None) -> Expression:
    """Numbers from `low` (0 or more) to `high`."""
    if high is not None and high < low:
        return _NOTHING
    if high is None:
        first = str(low)
        longer = Sequence((_LEADING, Repeat(DIGIT, len(first), None)))
        same = _between(first, "9" * len(first)) if low else DIGIT
        return Choice((same, longer))
    ways = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first = str(max(low, 10 ** (length - 1) if length > 1 else 0))
        last = str(min(high, 10**length - 1))
        ways.append(_between(first, last))
    return ways[0] if len(ways) == 1 else Choice(tuple(ways))


def _between(first: str, last: str) -> Expression:
    """Numbers of one length, from the first to the last."""
    rest = len(first) - 1
    if not first or (set(first) == {"0"} and set(last) == {"9"}):
        return Repeat(DIGIT, len(first), len(first))
    if first[0] == last[0]:
        return Sequence((text(first[0]), _between(first[1:], last[1:])))
    low, high = ord(first[0]), ord(last[0])
    ways: list[Expression] = []
    if first[1:].strip("0"):
        ways.append(Sequence((text(first[0]), _between(first[1:], "9" * rest))))
        low += 1
    if last[1:].strip("9"):
        ways.append(Sequence((text(last[0]), _between("0" * rest, last[1:]))))
        high -= 1
    if low <= high:
        ways.append(Sequence((Chars(frozenset(range(low, high + 1))), Repeat(DIGIT, rest, rest))))
    return Choice(tuple(ways))
