"""How sure it is that a change breaks somebody: `proved` by an example, or `possible`."""

from __future__ import annotations

import orjson

from treadle.check.diff.change import Change, Side
from treadle.check.diff.judge import Judgement
from treadle.check.diff.report import POSSIBLE, PROVED, Proof
from treadle.check.diff.rule import Rule
from treadle.check.schema.compare import Sides
from treadle.check.schema.edit import Flow, SchemaEdit, Spot
from treadle.check.schema.source import Source
from treadle.check.schema.witness import Witnesses
from treadle.contract.dialect import Dialect, Family, dialect_of
from treadle.contract.library import Node, References
from treadle.contract.model import Json
from treadle.contract.places import index
from treadle.contract.pointer import tokens
from treadle.contract.problems import Problems

_NAMED = ("property", "parameter", "where", "media", "status", "header", "name")
"""Words of a change that tell one exchange from another."""


class Prover:
    """Finds the example for each breaking change of one pair of documents."""

    def __init__(self, old: Side, new: Side) -> None:
        """Looks at nothing yet."""
        self._sides = (old, new)
        self._witnesses: Witnesses | None = None

    def prove(self, change: Change, rule: Rule, judgement: Judgement) -> Proof:
        """The proof, with its witness where there is one.

        Of values it is a body that one version takes and the other refuses, each asked by a validator, or else a value
        of the alternative that changed. What else breaks (an operation that is gone, a parameter that is required,
        another default) is plain from the documents; the example is the exchange that fails.
        """
        if change.edit is not None and not change.edit.kind.startswith("default-"):
            found = self._instance(change, change.edit, backward=judgement.backward)
            readable = found.witness is not None and _writable(found.witness[0])
            return found if readable else Proof(POSSIBLE, of_values=True)
        if rule.kind == "lifecycle" or not (change.path or change.operation):
            return Proof(POSSIBLE)
        exchange = {"operation": change.operation, "path": change.path}
        exchange |= {word: change.words[word] for word in _NAMED if word in change.words}
        return Proof(PROVED, ({key: value for key, value in exchange.items() if value},))

    def _instance(self, change: Change, edit: SchemaEdit, *, backward: bool) -> Proof:
        if change.schemas is None:
            return Proof(POSSIBLE, of_values=True)
        if self._witnesses is None:
            self._witnesses = Witnesses(Sides(_source(self._sides[0]), _source(self._sides[1])))
        old, new = (_node(side, spot) for side, spot in zip(self._sides, change.schemas, strict=True))
        both = change.flow is Flow.BOTH
        narrows = edit.effect.narrows and (both or (change.flow is Flow.REQUEST) == backward)
        widens = edit.effect.widens and (both or (change.flow is Flow.RESPONSE) == backward)
        body = self._witnesses.narrowing(old, new, edit) if narrows else None
        if body is None and widens:
            body = self._witnesses.widening(old, new, edit)
        if body is not None:
            return Proof(PROVED, body, of_values=True)
        for counts, way in ((narrows, True), (widens, False)):
            found = self._witnesses.alternative(old, new, edit, narrows=way) if counts else None
            if found is not None:
                return Proof(PROVED, (found.value,), of_values=True, part=(found.old.pointer, found.new.pointer))
        return Proof(POSSIBLE, of_values=True)


def _writable(instance: Json) -> bool:
    """Whether it can be shown: what is nested some hundred levels deep is an example for nobody."""
    try:
        orjson.dumps(instance)
    except TypeError:
        return False
    return True


def _source(side: Side) -> Source:
    dialect = dialect_of(side.library.root(side.file).value)
    return Source(References(side.library, Problems()), dialect or Dialect(Family.JSON_SCHEMA))


def _node(side: Side, spot: Spot) -> Node:
    """The schema at a spot. Where none is written anything is taken; headers are an object all the same."""
    value = side.library.root(spot.file).value
    for token in tokens(spot.pointer):
        at = index(token) if isinstance(value, list) else token
        try:
            value = value[at]
        except (KeyError, IndexError, TypeError):
            return Node(spot.file, spot.pointer, {"type": "object"} if spot.pointer.endswith("/headers") else True)
    return Node(spot.file, spot.pointer, value)
