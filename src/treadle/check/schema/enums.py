"""`enum`, `const` and `x-extensible-enum`."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.edit import Effect
from treadle.check.schema.judge import Change, Found, Judge
from treadle.check.schema.shape import Shape
from treadle.check.schema.values import token


def compare_enums(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """The values that are listed, one change a value."""
    if old.values is None or new.values is None:
        yield from _whole(old, new)
        return
    told = {token(None)} if _null_is_told(old, new) else set[str]()
    gone = [each for each in old.values if each not in new.values and each not in told]
    come = [each for each in new.values if each not in old.values and each not in told]
    if gone and come and _is_const(old) and _is_const(new):
        yield Change("const-changed", Effect.CHANGES, "const", {"old": gone[0], "new": come[0]})
        return
    for each in gone:
        yield Change("enum-value-removed", Effect.NARROWS, "enum", {"old": each, "name": each})
    for each in come:
        yield Change("enum-value-added", Effect.WIDENS, "enum", {"new": each, "name": each})


def _null_is_told(old: Shape, new: Shape) -> bool:
    """Whether null came or went by the kinds, which say so."""
    return all(
        ("null" in before) != ("null" in after)
        for before, after in ((old.kinds, new.kinds), (old.own_kinds, new.own_kinds))
    )


def _whole(old: Shape, new: Shape) -> Iterator[Found]:
    if new.values is not None:
        if _is_const(new):
            yield Change("const-added", Effect.NARROWS, "const", {"new": ", ".join(new.values)})
        else:
            yield Change("became-enum", Effect.NARROWS, "enum", {"new": ", ".join(new.values)})
    elif old.values is not None:
        if _is_const(old):
            yield Change("const-removed", Effect.WIDENS, "const", {"old": ", ".join(old.values)})
        else:
            yield Change("became-not-enum", Effect.WIDENS, "enum", {"old": ", ".join(old.values)})


def _is_const(shape: Shape) -> bool:
    return not shape.says("enum") and len(shape.values or ()) == 1


def compare_extensible(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """`x-extensible-enum`: values that are known today, with more to come. An annotation, so nothing is refused."""
    before, after = (
        {token(value) for values in shape.said("x-extensible-enum") if isinstance(values, list) for value in values}
        for shape in (old, new)
    )
    if not before or not after:
        return
    for each in sorted(before - after):
        yield Change("x-extensible-enum-value-removed", Effect.NONE, "x-extensible-enum", {"old": each, "name": each})
    for each in sorted(after - before):
        yield Change("x-extensible-enum-value-added", Effect.NONE, "x-extensible-enum", {"new": each, "name": each})
