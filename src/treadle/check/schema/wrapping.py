"""An object whose properties moved into the branches of `oneOf`, or back: one edit instead of one a property."""

from __future__ import annotations

from treadle.check.schema.edit import Effect
from treadle.check.schema.judge import Change, Judge
from treadle.check.schema.shape import Shape


def compare_wrapping(old: Shape, new: Shape, judge: Judge) -> Change | None:
    """The edit, where that is what happened."""
    wraps, unwraps = _wraps(old, new), _wraps(new, old)
    effect = judge.strict.effect(old, new) if wraps or unwraps else Effect.NONE
    if effect is Effect.NONE:
        return None
    words = {"name": f"{len((new if wraps else old).one_of[0])} alternatives"}
    if unwraps:
        return Change("unwrapped-from-one-of", effect, "oneOf", words)
    kept = any(judge.strict.within(old, branch) for branch in new.one_of[0])
    return Change("wrapped-in-one-of-original-preserved" if kept else "wrapped-in-one-of", effect, "oneOf", words)


def _wraps(one: Shape, other: Shape) -> bool:
    if one.one_of or not one.properties or other.properties or len(other.one_of) != 1:
        return False
    return any(name in branch.shape.properties for branch in other.one_of[0] for name in one.properties)
