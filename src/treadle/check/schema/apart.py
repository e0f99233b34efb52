"""Whether it is plain that no value fits two schemas."""

from __future__ import annotations

from treadle.check.schema.numbers import span
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part
from treadle.check.schema.values import both

_DEPTH_MAX = 4
_BRANCHES_MAX = 100
"""A choice of more is not asked whether its branches overlap: they may."""


def apart(one: Part | Shape, other: Part | Shape, depth: int = 0) -> bool:
    """True only where nothing fits both: by kind, by listed values, by limits, or by a property that both require."""
    first, second = (each.shape if isinstance(each, Part) else each for each in (one, other))
    kinds = both(first.kinds, second.kinds)
    if not kinds:
        return True
    if first.values is not None and second.values is not None and not first.values.keys() & second.values.keys():
        return True
    if kinds <= {"number", "integer"}:
        return _no_number(first, second)
    if kinds != {"object"} or depth > _DEPTH_MAX:
        return False
    for name in first.required | second.required:
        mine, its = first.at(name), second.at(name)
        if not mine.shape.kinds or not its.shape.kinds or apart(mine, its, depth + 1):
            return True
    return False


def all_apart(parts: tuple[Part, ...]) -> bool:
    """Whether no two of the branches of a choice overlap."""
    return len(parts) <= _BRANCHES_MAX and all(
        apart(one, other) for at, one in enumerate(parts) for other in parts[:at]
    )


def _no_number(one: Shape, other: Shape) -> bool:
    (low, high), (low_too, high_too) = span(one), span(other)
    return max(low, low_too) > min(high, high_too)
