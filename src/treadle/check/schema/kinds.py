"""`type`, `format`, null, and schemas that take nothing."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.edit import Effect
from treadle.check.schema.judge import Change, Found, Judge
from treadle.check.schema.shape import Shape
from treadle.check.schema.values import KINDS, both

_WITHIN = {("int32", "int64"), ("int32", "bigint"), ("int64", "bigint"), ("float", "double")}
"""Formats all of whose values another takes (the OpenAPI format registry)."""


def compare_kinds(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """The kinds of values that are taken, and the formats of those that stay."""
    if bool(old.kinds) != bool(new.kinds):
        yield (
            Change("schema-became-false", Effect.NARROWS)
            if old.kinds
            else Change("schema-became-not-false", Effect.WIDENS)
        )
        return
    kinds = both(old.kinds, new.kinds)
    own = both(old.own_kinds, new.own_kinds)
    narrows = kinds != old.kinds and own != old.own_kinds
    widens = kinds != new.kinds and own != new.own_kinds
    formats = _formats(old, new) if kinds - {"null", "boolean", "array", "object"} else Effect.NONE
    words = {
        "old": _said(old),
        "new": _said(new),
        "old_type": ", ".join(sorted(old.kinds)),
        "new_type": ", ".join(sorted(new.kinds)),
        "old_format": ", ".join(sorted(old.formats)),
        "new_format": ", ".join(sorted(new.formats)),
        "dimension": "/".join(
            each for each, is_so in (("type", narrows or widens), ("format", formats is not Effect.NONE)) if is_so
        ),
    }
    only_null = (old.kinds ^ new.kinds) == {"null"} and KINDS not in {old.kinds, new.kinds}
    if only_null:
        kind = "became-nullable" if widens else "became-not-nullable"
        yield Change(
            kind, Effect.of(narrows=narrows, widens=widens), "nullable" if _nullable(old, new) else "type", words
        )
        narrows = widens = False
    elif (old.listed or new.listed) and (narrows or widens):
        effect = Effect.of(narrows=narrows, widens=widens)
        gone, come = sorted(old.kinds - new.kinds), sorted(new.kinds - old.kinds)
        if gone:
            yield Change("list-of-types-narrowed", effect, "type", {**words, "name": ", ".join(gone)})
        elif come:
            yield Change("list-of-types-widened", effect, "type", {**words, "name": ", ".join(come)})
        narrows = widens = False
    if narrows or widens or formats is not Effect.NONE:
        effect = Effect.of(narrows=narrows or formats.narrows, widens=widens or formats.widens)
        yield Change(_NAMES[effect], effect, "type" if narrows or widens else "format", words)


_NAMES = {
    Effect.NARROWS: "type-specialized",
    Effect.WIDENS: "type-generalized",
    Effect.CHANGES: "type-changed",
}


def _formats(old: Shape, new: Shape) -> Effect:
    narrows = any(each not in old.formats and not _implied(each, old.formats) for each in new.formats)
    widens = any(each not in new.formats and not _implied(each, new.formats) for each in old.formats)
    return Effect.of(narrows=narrows, widens=widens)


def _implied(name: str, by: frozenset[str]) -> bool:
    return any((each, name) in _WITHIN for each in by)


def _nullable(old: Shape, new: Shape) -> bool:
    return old.says("nullable") or new.says("nullable")


def _said(shape: Shape) -> str:
    kinds = "any type" if shape.kinds == KINDS else " or ".join(sorted(shape.kinds)) or "nothing"
    return f"{kinds}/{','.join(sorted(shape.formats))}" if shape.formats else kinds
