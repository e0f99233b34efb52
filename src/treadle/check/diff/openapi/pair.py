"""One operation in both versions: what every detector gets, and how it says what it found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import Document, spot
from treadle.check.diff.openapi.reach import Reach
from treadle.check.diff.openapi.schemas import Comparison
from treadle.check.diff.openapi.sunset import Grace
from treadle.check.diff.rule import Direction, Level, Rule
from treadle.check.diff.rules import BY_ID
from treadle.contract.library import Node


@dataclass(frozen=True, slots=True)
class Run:
    """What one comparison of two documents knows throughout."""

    old: Document
    new: Document
    today: dt.date
    grace: Grace
    reach: Reach
    comparison: Comparison
    other_security: bool
    """Whether the document's own requirement changed, which operations stand under that are otherwise the same."""

    def change(
        self, rule: str, old: Node, new: Node, words: Mapping[str, str], *, path: str = "", operation: str = ""
    ) -> Change:
        """A change at a node of each side."""
        return Change(rule, BY_ID[rule].level, words, path, operation, spot(old), spot(new))


@dataclass(frozen=True, slots=True)
class Pair:
    """`path` is the old template as written, `webhook:NAME` for a webhook; `method` is in upper case.

    `old` and `new` are the operations, `old_item` and `new_item` the path items they stand in. `renamed` says what each
    path parameter of the old template is called in the new one. An `inverted` operation is called by the server: its
    requests are read by those who keep to the old contract, and its responses written by them.
    """

    run: Run
    path: str
    method: str
    old: Node
    new: Node
    old_item: Node
    new_item: Node
    renamed: Mapping[str, str] = field(default_factory=dict)
    inverted: bool = False

    def change(self, rule: str, old: Node | None = None, new: Node | None = None, /, **words: str) -> Change:
        """A change of this operation; a side that says no place is the operation itself."""
        change = self.run.change(rule, old or self.old, new or self.new, words, path=self.path, operation=self.method)
        return replace(change, level=_inverted(BY_ID[rule])) if self.inverted else change

    def both(self, *names: str | int) -> tuple[Node, Node]:
        """The same place below both operations, references followed."""
        return self.run.old.child(self.old, *names), self.run.new.child(self.new, *names)

    def same(self, old: Node, new: Node) -> bool:
        """Whether two nodes mean the same, as far as can be told without a walk."""
        return self.run.reach.same(old, new)


def _inverted(rule: Rule) -> Level:
    """The level of a rule where senders and readers have changed sides. What is about neither stays as it is."""
    if rule.direction is Direction.NONE or rule.kind == "lifecycle":
        return rule.level
    return Level.ERROR if rule.forward else Level.INFO
