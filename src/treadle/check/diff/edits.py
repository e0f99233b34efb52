"""The edits between two whole schemas, less what they cannot do because the whole does not do it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from treadle.check.schema.compare import Sides, compare_schemas
from treadle.check.schema.edit import Effect, Flow, SchemaEdit
from treadle.contract.library import Node


def settled_edits(sides: Sides, old: Node, new: Node, flow: Flow) -> Iterator[SchemaEdit]:
    """As `compare_schemas`, with the effects that are left.

    A limit on a value that is listed anyway narrows by itself, and nothing as a whole. So where the kernel proves that
    the new schema takes all that the old one took, no edit of it narrows; nor does one widen, the other way round.
    """
    edits = list(compare_schemas(sides, old, new, flow))
    before, after = sides.old.part((old,)), sides.new.part((new,))
    narrows = any(each.effect.narrows for each in edits) and not sides.prover.within(before, after)
    widens = any(each.effect.widens for each in edits) and not sides.prover.within(after, before)
    for edit in edits:
        effect = Effect.of(narrows=edit.effect.narrows and narrows, widens=edit.effect.widens and widens)
        yield edit if effect is edit.effect else replace(edit, effect=effect)
