"""Limits of numbers, and how many characters, items or properties there may be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from treadle.check.schema.edit import Effect
from treadle.check.schema.judge import Change, Found, Judge
from treadle.check.schema.shape import Shape
from treadle.check.schema.values import both, takes


class _Limit(NamedTuple):
    keyword: str
    name: str
    kind: str


_COUNTS = (
    _Limit("maxLength", "max-length", "string"),
    _Limit("minLength", "min-length", "string"),
    _Limit("maxItems", "max-items", "array"),
    _Limit("minItems", "min-items", "array"),
    _Limit("maxProperties", "max-properties", "object"),
    _Limit("minProperties", "min-properties", "object"),
)


def compare_limits(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """Every limit of values of the kinds that both take."""
    kinds = both(old.kinds, new.kinds)
    if takes(kinds, "integer"):
        whole = "number" not in kinds
        yield from _bound(old, new, ("minimum", "exclusiveMinimum"), "min", whole=whole)
        yield from _bound(old, new, ("maximum", "exclusiveMaximum"), "max", whole=whole)
        yield from _multiples(old, new, whole=whole)
    for limit in _COUNTS:
        if limit.kind in kinds:
            before, after = old.bounds.get(limit.keyword), new.bounds.get(limit.keyword)
            if before != after:
                yield _moved(limit.keyword, limit.name, before, after, lower=limit.name.startswith("min"))


def _bound(old: Shape, new: Shape, keywords: tuple[str, str], side: str, *, whole: bool) -> Iterator[Found]:
    before, after = _written(old, keywords), _written(new, keywords)
    if before == after or (before and after and whole and _least(*before, side) == _least(*after, side)):
        return
    lower = side == "min"
    names = {keywords[0]: side, keywords[1]: f"exclusive-{side}"}
    if before is None or after is None or before[0] == after[0]:
        keyword = (after or before or ("", 0.0))[0]
        yield _moved(keyword, names[keyword], before and before[1], after and after[1], lower=lower)
        return
    higher = (after[1], after[0] == keywords[1]) > (before[1], before[0] == keywords[1])
    if not lower:
        higher = (after[1], after[0] == keywords[0]) > (before[1], before[0] == keywords[0])
    effect = Effect.NARROWS if higher == lower else Effect.WIDENS
    words = {"old": _text(before[1]), "new": _text(after[1])}
    kind = f"{names[after[0]]}-set" if effect is Effect.NARROWS else f"{names[before[0]]}-unset"
    yield Change(kind, effect, after[0] if effect is Effect.NARROWS else before[0], words)


def _written(shape: Shape, keywords: tuple[str, str]) -> tuple[str, float] | None:
    return next(((each, shape.bounds[each]) for each in keywords if each in shape.bounds), None)


def _least(keyword: str, bound: float, side: str) -> int:
    """The first whole number inside a bound."""
    exclusive = keyword.startswith("exclusive")
    if side == "min":
        return math.floor(bound) + 1 if exclusive else math.ceil(bound)
    return math.ceil(bound) - 1 if exclusive else math.floor(bound)


def _moved(keyword: str, name: str, old: float | None, new: float | None, *, lower: bool) -> Change:
    words = {"old": _text(old), "new": _text(new)}
    if old is None:
        return Change(f"{name}-set", Effect.NARROWS, keyword, words)
    if new is None:
        return Change(f"{name}-unset", Effect.WIDENS, keyword, words)
    effect = Effect.NARROWS if (new > old) == lower else Effect.WIDENS
    return Change(f"{name}-{'increased' if new > old else 'decreased'}", effect, keyword, words)


def _multiples(old: Shape, new: Shape, *, whole: bool) -> Iterator[Found]:
    before, after = (
        frozenset(each for each in shape.multiples if not whole or Fraction(1) % Fraction(str(each)))
        for shape in (old, new)
    )
    narrows = any(not _divided(each, before) for each in after)
    widens = any(not _divided(each, after) for each in before)
    if not narrows and not widens:
        return
    words = {"old": ", ".join(map(_text, sorted(before))), "new": ", ".join(map(_text, sorted(after)))}
    effect = Effect.of(narrows=narrows, widens=widens)
    name = {Effect.NARROWS: "specialized", Effect.WIDENS: "generalized"}.get(effect, "changed")
    if not before or not after:
        name = "unset" if before else "set"
    yield Change(f"multiple-of-{name}", effect, "multipleOf", words)


def _divided(divisor: float, multiples: frozenset[float]) -> bool:
    return any(Fraction(str(each)) % Fraction(str(divisor)) == 0 for each in multiples)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def span(shape: Shape) -> tuple[tuple[float, int], tuple[float, int]]:
    """The least and the greatest number that a shape takes; each with -1, 0 or 1 for just below, at, just above it."""
    bounds = shape.bounds
    low = (bounds["minimum"], 0) if "minimum" in bounds else (bounds.get("exclusiveMinimum", -math.inf), 1)
    high = (bounds["maximum"], 0) if "maximum" in bounds else (bounds.get("exclusiveMaximum", math.inf), -1)
    return low, high
