"""A whole body that one version takes and the other refuses, because of one edit.

Bodies are thought of around the edit: values near the edge of what changed, set into the smallest bodies that lead
there. A validator of each version, asked about the whole body, has the last word: what it confirms is a proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from treadle.check.schema.bridge import bridge
from treadle.check.schema.compare import Sides
from treadle.check.schema.edit import Flow, SchemaEdit, Step
from treadle.check.schema.matching import text_for
from treadle.check.schema.meet import meet
from treadle.check.schema.nearby import nearby
from treadle.check.schema.pertinent import QUITE, pertinent
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part, Source
from treadle.check.schema.specimen import NoSpecimen, an_array, specimen
from treadle.check.schema.standalone import Unprovable, validator_of
from treadle.check.schema.values import token
from treadle.contract.library import Node
from treadle.contract.model import Json

_TRIES_MAX = 400
_TRIES_IN_ALL_MAX = 2_000
_TRIES_LATER_MAX = 20
"""Bodies that are tried for one edit, for all together, and for one edit once a quarter of those was tried in vain."""
_TRIES_FOR_BETTER_MAX = 100
"""So many more are tried for one whose refusal is about the edit, and not about another."""
_OF_PARENT = frozenset(
    {"property-added", "property-removed", "became-required", "became-required-with-default", "became-optional"}
)
"""Edits that are about whether a property is there, so that the object around it is the value to vary."""
_SAME_VALUE = frozenset({"then", "else", "dependentSchemas", "contentSchema"})


class Witnesses:
    """Finds witnesses, and keeps the validators that it made of bodies."""

    def __init__(self, sides: Sides) -> None:
        """Makes no validator yet."""
        self.sides = sides
        self._validators: dict[tuple[int, tuple[str, str], bool], Any] = {}
        self._in_vain = 0

    def prove(self, old: Node, new: Node, edit: SchemaEdit, flow: Flow) -> SchemaEdit:
        """The edit with a witness for what it breaks in this flow, where one is found."""
        if edit.effect.narrows and flow is not Flow.RESPONSE:
            edit = replace(edit, narrows=self.narrowing(old, new, edit))
        if edit.effect.widens and flow is not Flow.REQUEST:
            edit = replace(edit, widens=self.widening(old, new, edit))
        return edit

    def narrowing(self, old: Node, new: Node, edit: SchemaEdit) -> tuple[Json] | None:
        """A body that the old version takes and the new refuses, as (body,)."""
        return self._find((self.sides.old, old), (self.sides.new, new), edit, "old")

    def widening(self, old: Node, new: Node, edit: SchemaEdit) -> tuple[Json] | None:
        """A body that the new version takes and the old refuses, as (body,)."""
        return self._find((self.sides.new, new), (self.sides.old, old), edit, "new")

    def _find(
        self, taking: tuple[Source, Node], refusing: tuple[Source, Node], edit: SchemaEdit, side: str
    ) -> tuple[Json] | None:
        formats = taking[0].rules(taking[1].file).lenient or "format" in edit.words.get("dimension", "")
        if self._in_vain >= _TRIES_IN_ALL_MAX:
            return None
        try:
            yes, no = self._validator(*taking, formats=formats), self._validator(*refusing, formats=formats)
        except Unprovable:
            return None
        tries = _TRIES_MAX if self._in_vain < _TRIES_IN_ALL_MAX // 4 else _TRIES_LATER_MAX
        found: tuple[Json] | None = None
        best, better_tries = -1, _TRIES_FOR_BETTER_MAX
        for body in islice(self._bodies(taking, refusing, edit, side), min(tries, _TRIES_IN_ALL_MAX - self._in_vain)):
            if yes.is_valid(body) and not no.is_valid(body):
                rank = max(pertinent(edit, error) for error in no.iter_errors(body))
                if rank > best:
                    found, best = (body,), rank
            if found is None:
                self._in_vain += 1
            else:
                better_tries -= 1
            if best == QUITE or not better_tries:
                break
        return found

    def _validator(self, source: Source, node: Node, *, formats: bool) -> Any:
        key = (id(source), node.key, formats)
        if key not in self._validators:
            self._validators[key] = validator_of(source, node, formats=formats)
        return self._validators[key]

    def _bodies(
        self, taking: tuple[Source, Node], refusing: tuple[Source, Node], edit: SchemaEdit, side: str
    ) -> Iterator[Json]:
        trail = edit.trail[:-1] if edit.kind in _OF_PARENT else edit.trail
        positions = [step.old if side == "old" else step.new for step in trail]
        others = [step.new if side == "old" else step.old for step in trail]
        seen: set[str] = set()
        shapes = taking[0].part((taking[1],)).shape, refusing[0].part((refusing[1],)).shape
        for body in _around(*shapes, list(zip(trail, positions, others, strict=True))):
            known = token(body)
            if known not in seen:
                seen.add(known)
                yield body


def _below(shape: Shape, step: Step, at: str | int) -> Shape | None:
    part = _part(shape, step, at)
    if part is None:
        return None
    if step.keyword in {"anyOf", "oneOf"}:
        rest = replace(shape, any_of=()) if step.keyword == "anyOf" else replace(shape, one_of=())
        return meet(shape.source, [rest, part.shape])
    return meet(shape.source, [shape, part.shape]) if step.keyword in _SAME_VALUE else part.shape


def _part(shape: Shape, step: Step, at: str | int) -> Part | None:
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


def _around(taken: Shape, refused: Shape, trail: list[tuple[Step, str | int, str | int]]) -> Iterator[Json]:
    """Bodies that `taken` takes around each value that may matter at the end of a trail."""
    if not trail:
        yield from nearby(taken, refused)
        return
    step, at, other = trail[0]
    below = _below(taken, step, at)
    if below is None:
        return
    for inner in _around(below, _below(refused, step, other) or Shape(refused.source), trail[1:]):
        with suppress(NoSpecimen):
            yield from _holding(taken, refused, step, at, inner)


def _holding(taken: Shape, refused: Shape, step: Step, at: str | int, inner: Json) -> Iterator[Json]:
    """Bodies that hold a value one step below."""
    match step.keyword:
        case "properties":
            yield {**bridge(taken, refused, str(at)), str(at): inner}
        case "patternProperties" | "additionalProperties":
            name = text_for(str(at)) if step.keyword == "patternProperties" else "extra"
            if name is not None:
                yield {**bridge(taken, refused, name), name: inner}
        case "propertyNames":
            if isinstance(inner, str):
                yield {**bridge(taken, refused, inner), inner: specimen(taken.at(inner))}
        case "prefixItems" | "items" | "contains":
            first = int(at) if step.keyword == "prefixItems" else len(taken.prefix)
            items = _items(taken, max(first + 1, int(taken.bounds.get("minItems", 0))))
            yield [*items[:first], inner, *items[first + 1 :]]
        case "dependentSchemas":
            if isinstance(inner, dict):
                yield {**inner, str(at): inner.get(str(at), _or_null(taken.at(str(at))))}
        case _:
            yield inner


def _items(shape: Shape, length: int) -> list[Json]:
    with suppress(NoSpecimen):
        return an_array(shape, length)
    return [None] * length


def _or_null(part: Part) -> Json:
    with suppress(NoSpecimen):
        return specimen(part)
    return None
