"""The edits that lead from one schema to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from treadle.check.schema.annotations import compare_annotations, marks_of
from treadle.check.schema.arrays import compare_arrays
from treadle.check.schema.combinators import compare_all_of, compare_choices
from treadle.check.schema.conditions import compare_conditions, compare_nots
from treadle.check.schema.contain import Prover
from treadle.check.schema.edit import Effect, Flow, Mark, SchemaEdit, Step
from treadle.check.schema.enums import compare_enums, compare_extensible
from treadle.check.schema.judge import Change, Found, Pair, Policy
from treadle.check.schema.kinds import compare_kinds
from treadle.check.schema.normal import shape_of
from treadle.check.schema.numbers import compare_limits
from treadle.check.schema.objects import compare_objects
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part, Source, Unchanged
from treadle.check.schema.strings import compare_strings
from treadle.check.schema.wrapping import compare_wrapping
from treadle.contract.library import Node

_VALUES = (
    compare_kinds, compare_enums, compare_limits, compare_strings, compare_arrays, compare_objects, compare_conditions,
    compare_nots, compare_choices, compare_all_of,
)  # fmt: skip
"""What is compared where the values that are taken may differ, in the order in which edits come out."""
_BESIDE = (compare_annotations, compare_extensible)
_PAIRS_MAX = 20_000
_HIDES = {Flow.REQUEST: Mark.READ_ONLY, Flow.RESPONSE: Mark.WRITE_ONLY}


class Sides:
    """Two versions, and all that was found out about their schemas so far.

    `unchanged` may tell at once that two nodes read the same, with all that they refer to.
    """

    def __init__(
        self,
        old: Source,
        new: Source,
        policy: Policy = Policy.EVOLUTION,
        unchanged: Callable[[Node, Node], bool] | None = None,
    ) -> None:
        """Compares nothing yet."""
        self.old = old
        self.new = new
        self.policy = policy
        self._unchanged = Unchanged(old, new, unchanged)
        self.prover = Prover(policy, self.unchanged)
        self._found: dict[tuple[Part, Part], tuple[Found, ...]] = {}

    def unchanged(self, old: Part, new: Part) -> bool:
        """Whether a part of the old version and one of the new read the same; False where that is not known."""
        return old.source is self.old and new.source is self.new and self._unchanged.parts(old, new)

    def found(self, old: Part, new: Part) -> tuple[Found, ...]:
        """What changed in one schema itself, and the pairs below it that may differ."""
        pair = (old, new)
        if pair not in self._found:
            self._found[pair] = tuple(self._compare(*_aligned(old, new)))
        return self._found[pair]

    def _compare(self, old: Shape, new: Shape) -> Iterator[Found]:
        wrapping = compare_wrapping(old, new, self.prover)
        if wrapping is not None:
            yield wrapping
        else:
            for compare in _VALUES:
                for found in compare(old, new, self.prover):
                    if not isinstance(found, Pair) or not self._silent(found):
                        yield found
        for compare in _BESIDE:
            yield from compare(old, new, self.prover)

    def _silent(self, pair: Pair) -> bool:
        return (pair.old.free and pair.new.free) or self.unchanged(pair.old, pair.new)


def _aligned(old: Part, new: Part) -> tuple[Shape, Shape]:
    """Both shapes, with choices on both sides where there is one on one side, and the other only folded its own."""
    shapes = []
    for part, other in ((old, new.shape), (new, old.shape)):
        shape = part.shape
        folded = frozenset(
            keyword
            for keyword, own, its in (("anyOf", shape.any_of, other.any_of), ("oneOf", shape.one_of, other.one_of))
            if its and not own and shape.says(keyword)
        )
        shapes.append(shape_of(part, folded) if folded else shape)
    return shapes[0], shapes[1]


class _Visit(NamedTuple):
    old: Part
    new: Part
    path: str
    trail: tuple[Step, ...]
    hidden: bool
    old_marks: frozenset[Mark]
    new_marks: frozenset[Mark]


@dataclass(slots=True)
class _Walk:
    """One body: each pair of schemas is visited once, on the first path that leads to it."""

    sides: Sides
    flow: Flow
    seen: set[tuple[Part, Part]] = field(default_factory=set)

    def edits(self, old: Part, new: Part) -> Iterator[SchemaEdit]:
        if self.sides.unchanged(old, new):
            return
        waiting = [_Visit(old, new, "", (), False, marks_of(old.shape), marks_of(new.shape))]
        while waiting:
            visit = waiting.pop()
            pair = (visit.old, visit.new)
            if pair in self.seen:
                continue
            self.seen.add(pair)
            if len(self.seen) > _PAIRS_MAX:
                yield self._edit(visit, Change("undecided", Effect.CHANGES, words={"name": "too many schemas"}))
                return
            below = []
            for found in self.sides.found(*pair):
                if isinstance(found, Pair):
                    below.append(self._step(visit, found))
                else:
                    yield self._edit(visit, found)
            waiting += reversed(below)

    def _step(self, visit: _Visit, pair: Pair) -> _Visit:
        old_marks, new_marks = visit.old_marks, visit.new_marks
        hidden = visit.hidden
        if pair.step.keyword == "properties":
            old_marks = _marks(visit.old.shape, pair.name)
            new_marks = _marks(visit.new.shape, pair.name)
            hidden = hidden or _HIDES.get(self.flow) in new_marks
        path = f"{visit.path}/{pair.name}" if visit.path else pair.name
        return _Visit(pair.old, pair.new, path, (*visit.trail, pair.step), hidden, old_marks, new_marks)

    def _edit(self, visit: _Visit, change: Change) -> SchemaEdit:
        old, new = visit.old.shape, visit.new.shape
        old_marks, new_marks, path, trail, hidden = (
            visit.old_marks,
            visit.new_marks,
            visit.path,
            visit.trail,
            visit.hidden,
        )
        if change.at is not None:
            old_marks, new_marks = _marks(old, change.at), _marks(new, change.at)
            path = f"{path}/{change.at}" if path else change.at
            trail = (*trail, Step("properties", change.at, change.at))
            there = new_marks if change.at in new.properties else old_marks
            hidden = hidden or _HIDES.get(self.flow) in there
        where = (change.keyword, *change.where) if change.keyword else ()
        return SchemaEdit(
            change.kind,
            Effect.NONE if hidden else change.effect,
            path,
            old.spot(*where, listing=change.at),
            new.spot(*where, listing=change.at),
            words=change.words,
            old_marks=old_marks,
            new_marks=new_marks,
            hidden=hidden,
            trail=trail,
        )


def _marks(shape: Shape, name: str) -> frozenset[Mark]:
    """The marks of a property; none where it is not declared."""
    if name not in shape.properties:
        return frozenset()
    return marks_of(shape.properties[name].shape, required=name in shape.required)


def compare_schemas(sides: Sides, old: Node, new: Node, flow: Flow) -> Iterator[SchemaEdit]:
    """Every edit that leads from `old` to `new`, the nearest first; none where both take the same values.

    A schema that is reached on several ways is told of on the first. Edits of what does not travel in this flow are
    `hidden`, and take nothing away.
    """
    return _Walk(sides, flow).edits(sides.old.part((old,)), sides.new.part((new,)))
