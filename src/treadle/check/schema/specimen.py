"""Small values that a shape should take, and the many near them that it or another may not.

Nothing here is sure: a validator has the last word on every value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from treadle.check.schema.matching import text_for
from treadle.check.schema.meet import meet
from treadle.check.schema.shape import Choice, Shape
from treadle.check.schema.source import Part
from treadle.check.schema.values import matches
from treadle.contract.model import Json

FORMATS: dict[str, tuple[str, ...]] = {
    "date": ("2024-01-31", "1999-12-01"), "date-time": ("2024-01-31T12:00:00Z", "1999-12-01T00:00:00Z"),
    "time": ("12:00:00Z", "00:00:00Z"), "duration": ("P1D", "PT1H"), "email": ("a@example.com", "b@example.org"),
    "idn-email": ("a@example.com",), "hostname": ("example.com", "localhost"), "idn-hostname": ("example.com",),
    "ipv4": ("192.0.2.1", "10.0.0.1"), "ipv6": ("2001:db8::1", "::1"), "uri": ("https://example.com/a", "urn:a:b"),
    "uri-reference": ("/a", "a"), "iri": ("https://example.com/a",), "iri-reference": ("/a",),
    "uri-template": ("/a/{b}",), "url": ("https://example.com/a",), "json-pointer": ("/a", ""),
    "uuid": ("123e4567-e89b-42d3-a456-426614174000", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"),
    "relative-json-pointer": ("1/a", "0"), "regex": ("a+", "b"), "byte": ("YQ==",), "binary": ("a",),
}  # fmt: skip
"""A text or two of each format."""
_DEPTH_MAX = 10
_ITEMS_MAX = 300
_TEXT_MAX = 20_000
_ORDER = ("object", "string", "integer", "number", "array", "boolean", "null")
_NAMES = ("extra", "other", "another")


class NoSpecimen(Exception):  # noqa: N818 - asked and answered by callers
    """Nothing was thought of."""


def specimen(part: Part | Shape, depth: int = 0) -> Json:
    """A small value that the shape should take. Raises `NoSpecimen`."""
    shape = settled(part.shape if isinstance(part, Part) else part)
    if shape.values is not None:
        for value in shape.values.values():
            return value
    if depth > _DEPTH_MAX or not shape.kinds:
        raise NoSpecimen
    kind = next(each for each in _ORDER if each in shape.kinds)
    return of_kind(shape, kind, depth)


def settled(shape: Shape) -> Shape:
    """The shape with the first branch that can be taken of each of its choices."""
    for _ in range(_DEPTH_MAX):
        if not shape.any_of and not shape.one_of:
            break
        shape = next((each for each in with_branches(shape) if each.kinds), replace(shape, any_of=(), one_of=()))
    return shape


def with_branches(shape: Shape) -> Iterator[Shape]:
    """The shape with each branch of its first choice."""
    choice: Choice = (shape.any_of or shape.one_of)[0]
    rest = replace(shape, any_of=shape.any_of[1:]) if shape.any_of else replace(shape, one_of=shape.one_of[1:])
    for branch in choice:
        yield meet(shape.source, [rest, branch.shape])


def of_kind(shape: Shape, kind: str, depth: int = 0) -> Json:
    """A small value of one kind."""
    match kind:
        case "object":
            return an_object(shape, depth)
        case "array":
            return an_array(shape, max(shape.bounds.get("minItems", 0), len(shape.holds)), depth)
        case "string":
            return a_text(shape)
        case "integer" | "number":
            return a_number(shape)
        case "boolean":
            return True
        case _:
            return None


def a_text(shape: Shape) -> str:
    """A text of the pattern, format and length."""
    least, most = shape.bounds.get("minLength", 0), shape.bounds.get("maxLength", _TEXT_MAX)
    tried = [text for each in sorted(shape.formats) for text in FORMATS.get(each, ())]
    tried += [text for each in sorted(shape.patterns) if (text := text_for(each)) is not None]
    for text in (*tried, "a", ""):
        for padded in (text, text.ljust(min(int(least), _TEXT_MAX), text[-1:] or "a")):
            if least <= len(padded) <= most and all(matches(each, padded) for each in shape.patterns):
                return padded
    raise NoSpecimen


def a_number(shape: Shape) -> float:
    """A number inside the limits."""
    bounds, whole = shape.bounds, "number" not in shape.kinds
    step = max(shape.multiples, default=1)
    low = bounds.get("minimum", bounds.get("exclusiveMinimum"))
    high = bounds.get("maximum", bounds.get("exclusiveMaximum"))
    start = 0 if low is None or low <= 0 <= (math.inf if high is None else high) else low
    start = start if low is not None or high is None or high > 0 else high - step
    tried = [start, start + step, math.ceil(start / step) * step, (math.floor(start / step) + 1) * step]
    tried += [(low + high) / 2] if low is not None and high is not None else []
    tried += [] if high is None else [high, math.floor(high / step) * step, (math.ceil(high / step) - 1) * step]
    for each in tried:
        value = int(each) if float(each).is_integer() else each
        inside = bounds.get("minimum", value) <= value <= bounds.get("maximum", value)
        strictly = bounds.get("exclusiveMinimum", -math.inf) < value < bounds.get("exclusiveMaximum", math.inf)
        if inside and strictly and not (whole and value % 1):
            return value
    raise NoSpecimen


def an_array(shape: Shape, length: float, depth: int = 0) -> list[Json]:
    """An array of so many items."""
    if length > _ITEMS_MAX:
        raise NoSpecimen
    held = [specimen(each.part, depth + 1) for each in shape.holds for _ in range(int(each.least))]
    items = held[: int(length)] or held
    while len(items) < length:
        part = shape.item(len(items))
        items.append(distinct(part, len(items), depth + 1) if shape.unique else specimen(part, depth + 1))
    return items


def distinct(part: Part, number: int, depth: int) -> Json:
    """A value unlike those with another number."""
    shape = settled(part.shape)
    if shape.values is not None:
        return list(shape.values.values())[number % max(len(shape.values), 1)]
    value = specimen(shape, depth)
    if isinstance(value, str) and not shape.patterns and not shape.formats:
        return f"{value}{number}"
    return value + number if isinstance(value, int) and not isinstance(value, bool) else value


def an_object(shape: Shape, depth: int = 0, also: tuple[str, ...] = ()) -> dict[str, Json]:
    """An object with what is required, and these besides."""
    names = list(dict.fromkeys((*sorted(shape.required), *also)))
    for name in names:
        names += [each for each in sorted(shape.needs.get(name, ())) if each not in names]
    for spare in (*shape.properties, *_NAMES):
        if len(names) >= shape.bounds.get("minProperties", 0):
            break
        if spare not in names and shape.at(spare).shape.kinds:
            names.append(spare)
    return {name: specimen(shape.at(name), depth + 1) for name in names}
