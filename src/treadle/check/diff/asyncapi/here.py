"""Where a change is felt: what each comparison of AsyncAPI needs to tell one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from treadle.check.diff.change import Change
from treadle.check.diff.rules import BY_ID
from treadle.check.schema.edit import Spot
from treadle.contract.library import Node


@dataclass(frozen=True, slots=True)
class Here:
    """A pair of nodes in both versions, and the channel and action that they concern."""

    old: Node
    new: Node
    path: str = ""
    operation: str = ""

    def at(self, old: Node, new: Node, operation: str | None = None) -> Here:
        """The same channel, further inside."""
        return replace(self, old=old, new=new, operation=self.operation if operation is None else operation)

    def change(self, rule: str, old: Node | None = None, new: Node | None = None, /, **words: str) -> Change:
        """A change at a pair of nodes; on a side without one it stands where the pair of this place stands."""
        return Change(
            rule, BY_ID[rule].level, words, self.path, self.operation, spot(old or self.old), spot(new or self.new)
        )

    def member(self, rule: str, *steps: str, **words: str) -> Change:
        """A change of what stands at the same steps below both nodes."""
        return self.change(rule, self.old.child(*steps), self.new.child(*steps), **words)


def spot(node: Node) -> Spot:
    """Where a node stands, or would stand."""
    return Spot(node.file, node.pointer)
