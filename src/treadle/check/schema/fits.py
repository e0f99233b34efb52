"""Whether one value fits a shape, as far as that can be told without a validator."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part
from treadle.check.schema.values import kind_of, matches, takes, token
from treadle.contract.model import Json

_DEPTH_MAX = 16


def fits(value: Json, part: Part | Shape, depth: int = 0) -> bool | None:
    """True or False where it is sure, None where it is not."""
    shape = part.shape if isinstance(part, Part) else part
    if not takes(shape.kinds, kind_of(value)):
        return False
    if shape.values is not None and token(value) not in shape.values:
        return False
    if depth > _DEPTH_MAX:
        return None
    answers = [_scalar(value, shape), _beside(value, shape, depth)]
    if isinstance(value, dict):
        answers.append(_object(value, shape, depth))
    elif isinstance(value, list):
        answers.append(_array(value, shape, depth))
    return every(answers)


def every(answers: list[bool | None]) -> bool | None:
    """And, of three values."""
    return False if False in answers else None if None in answers else True


def _scalar(value: Json, shape: Shape) -> bool | None:
    sure: list[bool | None] = [None if shape.opaque or shape.ifs else True]
    if isinstance(value, str):
        sure += [matches(pattern, value) for pattern in shape.patterns]
        sure.append(shape.bounds.get("minLength", 0) <= len(value) <= shape.bounds.get("maxLength", len(value)))
        sure.append(None if shape.formats or shape.media or shape.encodings or shape.content else True)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        sure.append(shape.bounds.get("minimum", value) <= value <= shape.bounds.get("maximum", value))
        sure.append("exclusiveMinimum" not in shape.bounds or shape.bounds["exclusiveMinimum"] < value)
        sure.append("exclusiveMaximum" not in shape.bounds or shape.bounds["exclusiveMaximum"] > value)
        sure += [Fraction(str(value)) % Fraction(str(each)) == 0 or None for each in shape.multiples]
        sure.append(None if shape.formats else True)
    return every(sure)


def _beside(value: Json, shape: Shape, depth: int) -> bool | None:
    sure: list[bool | None] = []
    for choice in shape.any_of:
        answers = [fits(value, branch, depth + 1) for branch in choice]
        sure.append(True if True in answers else None if None in answers else False)
    for choice in shape.one_of:
        answers = [fits(value, branch, depth + 1) for branch in choice]
        sure.append(None if None in answers else answers.count(True) == 1)
    for part in shape.nots:
        answer = fits(value, part, depth + 1)
        sure.append(None if answer is None else not answer)
    return every(sure)


def _object(value: dict[str, Any], shape: Shape, depth: int) -> bool | None:
    sure: list[bool | None] = [shape.required <= value.keys()]
    sure.append(shape.bounds.get("minProperties", 0) <= len(value) <= shape.bounds.get("maxProperties", len(value)))
    sure += [fits(inner, shape.at(name), depth + 1) for name, inner in value.items()]
    sure += [fits(name, part, depth + 1) for name in value for part in shape.names]
    sure += [needed <= value.keys() for name, needed in shape.needs.items() if name in value]
    sure += [fits(value, part, depth + 1) for name, part in shape.dependents.items() if name in value]
    return every(sure)


def _array(value: list[Any], shape: Shape, depth: int) -> bool | None:
    sure: list[bool | None] = [
        shape.bounds.get("minItems", 0) <= len(value) <= shape.bounds.get("maxItems", len(value)),
        not shape.unique or len({token(each) for each in value}) == len(value),
    ]
    sure += [fits(each, shape.item(at), depth + 1) for at, each in enumerate(value)]
    for held in shape.holds:
        answers = [fits(each, held.part, depth + 1) for each in value]
        most = len(value) if held.most is None else held.most
        sure.append(None if None in answers else held.least <= answers.count(True) <= most)
    return every(sure)
