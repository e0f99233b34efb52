"""Compares the schemas of what channels carry: payloads, headers, keys, parameters."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.asyncapi.here import Here, spot
from treadle.check.diff.asyncapi.view import MERGED
from treadle.check.diff.change import Change, Side
from treadle.check.diff.edits import settled_edits
from treadle.check.diff.rules.payloads import EVENT, payload_rule
from treadle.check.schema.compare import Sides
from treadle.check.schema.edit import Flow
from treadle.check.schema.judge import Policy
from treadle.check.schema.source import Source
from treadle.contract.dialect import dialect_of
from treadle.contract.library import Node, References
from treadle.contract.problems import Problems


class Payloads:
    """The schemas of one pair of documents, and all that was found out about them so far."""

    def __init__(self, old: Side, new: Side, policy: Policy) -> None:
        """Compares nothing yet."""
        self._sides = Sides(_source(old), _source(new), policy)

    def changes(self, here: Here, flow: Flow, whole: str, old: Node | None, new: Node | None) -> Iterator[Change]:
        """Every edit of one schema; `whole` is what a message calls it. A side without one takes anything."""
        before, after = old or _anything(here.old, whole), new or _anything(here.new, whole)
        merged = any(each.pointer.endswith(MERGED) for each in (before, after))
        for edit in settled_edits(self._sides, before, after, flow):
            rule = payload_rule(EVENT, edit)
            yield Change(
                rule.id,
                rule.level,
                {**edit.words, "whole": whole, "property": edit.property},
                here.path,
                here.operation,
                edit.old,
                edit.new,
                edit,
                flow,
                None if merged else (spot(before), spot(after)),
            )


def _source(side: Side) -> Source:
    root = side.library.root(side.file)
    return Source(References(side.library, Problems()), dialect_of(root.value))


def _anything(near: Node, whole: str) -> Node:
    """What is taken where nothing is said. Headers are an object all the same (AsyncAPI 3.0, Message Object)."""
    named = "headers" if whole.startswith("the headers") else "payload"
    return Node(near.file, f"{near.pointer}/{named}", {"type": "object"} if named == "headers" else True)
