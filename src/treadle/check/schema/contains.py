"""Whether one schema takes everything that another takes: yes, no with a value, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.check.schema.compare import Sides, compare_schemas
from treadle.check.schema.edit import Flow
from treadle.check.schema.witness import Witnesses
from treadle.contract.library import Node
from treadle.contract.model import Json


class Answer(StrEnum):
    """`YES` is proved and `NO` shown; under `Policy.EVOLUTION` a `YES` may be refuted by undeclared properties."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Containment:
    """An answer, and for `NO` the value that the inner takes and the outer refuses, as (value,)."""

    answer: Answer
    witness: tuple[Json] | None = None


def contains(sides: Sides, outer: Node, inner: Node) -> Containment:
    """Whether the new version's schema at `outer` takes everything that the old version's at `inner` takes."""
    if sides.prover.within(sides.old.part((inner,)), sides.new.part((outer,))):
        return Containment(Answer.YES)
    witnesses = Witnesses(sides)
    for edit in compare_schemas(sides, inner, outer, Flow.BOTH):
        found = witnesses.narrowing(inner, outer, edit) if edit.effect.narrows else None
        if found is not None:
            return Containment(Answer.NO, found)
    return Containment(Answer.UNKNOWN)
