"""The way from a body down to the place of an edit, and how a value found there is lifted into a body.

What stands around a value is thought of once for each step, however many values and edits go the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from treadle.check.schema.bridge import bridge
from treadle.check.schema.edit import Step
from treadle.check.schema.matching import text_for
from treadle.check.schema.meet import meet
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part
from treadle.check.schema.specimen import NoSpecimen, an_array, specimen
from treadle.contract.model import Json

CHOICES = frozenset({"anyOf", "oneOf"})
_SAME_VALUE = frozenset({"then", "else", "dependentSchemas", "contentSchema"})

_Lift = Callable[[Json], Json]


class Taken(NamedTuple):
    """One step, as the version that takes the body counts it and as the one that refuses it does."""

    step: Step
    at: str | int
    other: str | int


class _Level(NamedTuple):
    """One step down: the shapes that are reached, and how a value of theirs is set into one of the shapes above."""

    taken: Shape
    refused: Shape
    lift: _Lift | None


@dataclass(frozen=True, slots=True)
class Way:
    """The shapes at the end of a way, and the lifts that lead back from there, the innermost first."""

    taken: Shape
    refused: Shape
    lifts: tuple[_Lift, ...]

    def lift(self, value: Json) -> Json:
        """A body that holds a value at the end of the way. Raises `NoSpecimen`."""
        for lift in self.lifts:
            value = lift(value)
        return value


class Ways:
    """Goes down two versions at once, and remembers each step that was gone."""

    def __init__(self) -> None:
        """Went nowhere yet."""
        self._levels: dict[tuple[int, int, Taken], _Level | None] = {}
        self._bridges: dict[tuple[int, int], dict[str, Json] | None] = {}
        self._kept: list[Shape] = []

    def down(self, taken: Shape, refused: Shape, trail: Sequence[Taken]) -> Way | None:
        """The way along a trail; None where nothing of `taken` is there, or nothing was thought of around it."""
        lifts: list[_Lift] = []
        for each in trail:
            level = self._level(taken, refused, each)
            if level is None or level.lift is None:
                return None
            taken, refused = level.taken, level.refused
            lifts.append(level.lift)
        return Way(taken, refused, tuple(reversed(lifts)))

    def with_and_without(self, taken: Shape, refused: Shape, name: str) -> Iterator[Json]:
        """An object of both with all that either requires, once less one property and once with it."""
        whole = self._whole(taken, refused)
        if whole is not None:
            yield {each: value for each, value in whole.items() if each != name}
            with suppress(NoSpecimen):
                yield {**whole, name: specimen(taken.at(name))}

    def _whole(self, taken: Shape, refused: Shape) -> dict[str, Json] | None:
        """An object of both with all that either requires, thought of once; None where none was thought of."""
        key = (id(taken), id(refused))
        if key not in self._bridges:
            self._kept += (taken, refused)  # so that no other shape gets their identities
            self._bridges[key] = None
            with suppress(NoSpecimen):
                self._bridges[key] = bridge(taken, refused)
        return self._bridges[key]

    def _around(self, taken: Shape, refused: Shape, name: str) -> dict[str, Json]:
        """An object to put one property into. Raises `NoSpecimen`."""
        whole = None if name in taken.needs else self._whole(taken, refused)
        return bridge(taken, refused, name) if whole is None else whole

    def _level(self, taken: Shape, refused: Shape, along: Taken) -> _Level | None:
        key = (id(taken), id(refused), along)
        if key not in self._levels:
            self._kept += (taken, refused)
            self._levels[key] = self._stepped(taken, refused, along)
        return self._levels[key]

    def _stepped(self, taken: Shape, refused: Shape, along: Taken) -> _Level | None:
        below = _below(taken, along.step, along.at)
        if below is None:
            return None
        lift: _Lift | None = None
        with suppress(NoSpecimen):
            lift = self._lift(taken, refused, along.step, along.at)
        return _Level(below, _below(refused, along.step, along.other) or Shape(refused.source), lift)

    def _lift(self, taken: Shape, refused: Shape, step: Step, at: str | int) -> _Lift | None:
        match step.keyword:
            case "properties":
                return partial(_with, self._around(taken, refused, str(at)), str(at))
            case "patternProperties" | "additionalProperties":
                name = text_for(str(at)) if step.keyword == "patternProperties" else "extra"
                return None if name is None else partial(_with, self._around(taken, refused, name), name)
            case "propertyNames":
                return partial(_named, taken, refused)
            case "prefixItems" | "items" | "contains":
                first = int(at) if step.keyword == "prefixItems" else len(taken.prefix)
                items = _items(taken, max(first + 1, int(taken.bounds.get("minItems", 0))))
                return lambda value: [*items[:first], value, *items[first + 1 :]]
            case "dependentSchemas":
                return partial(_beside, str(at), _or_null(taken.at(str(at))))
            case _:
                return lambda value: value


def part_at(shape: Shape, step: Step, at: str | int) -> Part | None:
    """What has to hold one step below a shape, by itself; None where there is nothing."""
    match step.keyword:
        case "properties":
            return shape.at(str(at))
        case "patternProperties":
            return next((rest.patterns[str(at)] for rest in shape.rests if at in rest.patterns), None)
        case "additionalProperties":
            return shape.source.join(rest.other for rest in shape.rests)
        case "prefixItems":
            return shape.item(int(at))
        case "items":
            return shape.items
        case "contains":
            return shape.holds[0].part if shape.holds else None
        case "propertyNames":
            return shape.source.join(shape.names)
        case "dependentSchemas":
            return shape.dependents.get(str(at))
        case "then" | "else":
            return next((each.then if step.keyword == "then" else each.other for each in shape.ifs), None)
        case "anyOf" | "oneOf":
            choices = shape.any_of if step.keyword == "anyOf" else shape.one_of
            return next((choice[int(at)] for choice in choices if int(at) < len(choice)), None)
        case _:
            return None


def _below(shape: Shape, step: Step, at: str | int) -> Shape | None:
    part = part_at(shape, step, at)
    if part is None:
        return None
    if step.keyword in CHOICES:
        rest = replace(shape, any_of=()) if step.keyword == "anyOf" else replace(shape, one_of=())
        return meet(shape.source, [rest, part.shape])
    return meet(shape.source, [shape, part.shape]) if step.keyword in _SAME_VALUE else part.shape


def _with(around: dict[str, Json], name: str, value: Json) -> Json:
    return {**around, name: value}


def _named(taken: Shape, refused: Shape, name: Json) -> Json:
    if not isinstance(name, str):
        raise NoSpecimen
    return {**bridge(taken, refused, name), name: specimen(taken.at(name))}


def _beside(name: str, spare: Json, value: Json) -> Json:
    if not isinstance(value, dict):
        raise NoSpecimen
    return value if name in value else {**value, name: spare}


def _items(shape: Shape, length: int) -> list[Json]:
    with suppress(NoSpecimen):
        return an_array(shape, length)
    return [None] * length


def _or_null(part: Part) -> Json:
    with suppress(NoSpecimen):
        return specimen(part)
    return None
