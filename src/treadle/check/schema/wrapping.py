"""An object whose properties moved into the branches of `oneOf`, or back: one edit instead of one a property."""

from __future__ import annotations

from treadle.check.schema.edit import Effect
from treadle.check.schema.judge import Change, Judge
from treadle.check.schema.shape import Shape


def compare_wrapping(old: Shape, new: Shape, judge: Judge) -> Change | None:
    """The edit, where that is what happened."""
    if _wraps(old, new):
        effect = judge.strict.effect(old, new)
        kind = "wrapped-in-one-of" if effect.narrows else "wrapped-in-one-of-original-preserved"
        return Change(kind, effect, "oneOf") if effect is not Effect.NONE else None
    if _wraps(new, old):
        effect = judge.strict.effect(old, new)
        return Change("unwrapped-from-one-of", effect, "oneOf") if effect is not Effect.NONE else None
    return None


def _wraps(one: Shape, other: Shape) -> bool:
    if one.one_of or not one.properties or other.properties or len(other.one_of) != 1:
        return False
    return any(name in branch.shape.properties for branch in other.one_of[0] for name in one.properties)
