"""How sure it is that a change breaks somebody: `proved` by an example, or `possible`."""

from __future__ import annotations

from treadle.check.diff.change import Change, Side
from treadle.check.diff.judge import Judgement
from treadle.check.diff.rule import Rule
from treadle.check.schema.edit import Flow
from treadle.contract.model import Json

PROVED, POSSIBLE = "proved", "possible"
_NAMED = ("parameter", "where", "media", "status", "header", "property", "name")
"""Words of a change that tell one exchange from another."""


class Prover:
    """Finds the example for each breaking change of one pair of documents."""

    def __init__(self, old: Side, new: Side) -> None:
        self._sides = (old, new)

    def prove(self, change: Change, rule: Rule, judgement: Judgement) -> tuple[str, tuple[Json] | None]:
        """The proof, and (instance,) where there is one.

        Of a schema it is a value that one version takes and the other refuses. What else breaks (an operation that is
        gone, a parameter that is required) is plain from the documents; the example is the exchange that fails.
        """
        if change.edit is not None:
            witness = self._instance(change, backward=judgement.backward)
            return (POSSIBLE if witness is None else PROVED), witness
        if rule.kind == "lifecycle" or not (change.path or change.operation):
            return POSSIBLE, None
        exchange = {"operation": change.operation, "path": change.path}
        exchange |= {word: change.words[word] for word in _NAMED if word in change.words}
        return PROVED, ({key: value for key, value in exchange.items() if value},)

    def _instance(self, change: Change, *, backward: bool) -> tuple[Json] | None:
        edit = change.edit
        if edit is None:
            return None
        if change.flow is Flow.BOTH:
            return edit.narrows or edit.widens
        return edit.narrows if (change.flow is Flow.REQUEST) == backward else edit.widens
