"""What is said beside the values that are taken: defaults, read-only and write-only, deprecation, discriminators."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.edit import Effect, Mark
from treadle.check.schema.judge import Change, Found, Judge
from treadle.check.schema.shape import Shape
from treadle.check.schema.values import token
from treadle.contract.model import Json

_MARKS = {"readOnly": Mark.READ_ONLY, "writeOnly": Mark.WRITE_ONLY, "deprecated": Mark.DEPRECATED}


def marks_of(shape: Shape, *, required: bool = False) -> frozenset[Mark]:
    """The marks of what a shape describes."""
    found = {mark for keyword, mark in _MARKS.items() if any(said is True for said in shape.said(keyword))}
    found |= {Mark.REQUIRED} if required else set()
    return frozenset(found | ({Mark.DEFAULT} if any(True for _ in shape.said("default")) else set()))


def compare_annotations(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """Changes that no validator sees, and that people or generated code do."""
    yield from _default(old, new)
    before, after = marks_of(old), marks_of(new)
    for keyword in ("readOnly", "writeOnly"):
        mark = _MARKS[keyword]
        if (mark in before) != (mark in after):
            yield Change(f"became-{mark}" if mark in after else f"became-not-{mark}", Effect.NONE, keyword)
    yield from _lifecycle(old, new, before, after)
    yield from _discriminator(_first(old, "discriminator"), _first(new, "discriminator"))


def _first(shape: Shape, keyword: str) -> Json:
    return next(shape.said(keyword), None)


def _default(old: Shape, new: Shape) -> Iterator[Found]:
    before, after = ([token(said) for said in shape.said("default")][:1] for shape in (old, new))
    if before == after:
        return
    verb = "added" if not before else "removed" if not after else "changed"
    words = {"old": "".join(before), "new": "".join(after)}
    yield Change(f"default-value-{verb}", Effect.NONE, "default", words)


def _lifecycle(old: Shape, new: Shape, before: frozenset[Mark], after: frozenset[Mark]) -> Iterator[Found]:
    words = {
        f"{side}_{name}": str(said)
        for side, shape in (("old", old), ("new", new))
        for name, keyword in (("sunset", "x-sunset"), ("stability", "x-stability-level"))
        if (said := _first(shape, keyword)) is not None
    }
    if (Mark.DEPRECATED in before) != (Mark.DEPRECATED in after):
        yield Change("deprecated" if Mark.DEPRECATED in after else "reactivated", Effect.NONE, "deprecated", words)
    elif words.get("old_sunset") != words.get("new_sunset"):
        yield Change("sunset-changed", Effect.NONE, "x-sunset", words)
    if words.get("old_stability") != words.get("new_stability"):
        yield Change("stability-changed", Effect.NONE, "x-stability-level", words)


def _discriminator(old: Json, new: Json) -> Iterator[Found]:
    old, new = (each if isinstance(each, dict) else {"propertyName": each} if each else {} for each in (old, new))
    if bool(old) != bool(new):
        verb = "removed" if old else "added"
        yield Change(
            f"discriminator-{verb}", Effect.NONE, "discriminator", {"name": str((old or new).get("propertyName"))}
        )
        return
    if old.get("propertyName") != new.get("propertyName"):
        words = {"old": str(old.get("propertyName")), "new": str(new.get("propertyName"))}
        yield Change(
            "discriminator-property-name-changed", Effect.NONE, "discriminator", words, where=("propertyName",)
        )
    before, after = (each.get("mapping") if isinstance(each.get("mapping"), dict) else {} for each in (old, new))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            verb = "added" if name not in before else "deleted" if name not in after else "changed"
            words = {"name": str(name), "old": str(before.get(name, "")), "new": str(after.get(name, ""))}
            yield Change(f"discriminator-mapping-{verb}", Effect.NONE, "discriminator", words, where=("mapping", name))
