"""Response headers: those that come and go, and what changes about one."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import flag
from treadle.check.diff.openapi.pair import Pair
from treadle.check.diff.rules.places import RESPONSE_HEADER
from treadle.contract.library import Node


def header_changes(pair: Pair, status: str, old: Node, new: Node) -> Iterator[Change]:
    """Every change of the headers of one response. A header has one name in any case (RFC 9110 section 5.1)."""
    if pair.same(old, new):
        return
    before = {name.lower(): (name, node) for name, node in pair.run.old.entries(old).items()}
    after = {name.lower(): (name, node) for name, node in pair.run.new.entries(new).items()}
    for key, (name, node) in before.items():
        if key not in after:
            need = "required" if flag(node.child("required")) else "optional"
            yield pair.change(f"{need}-response-header-removed", node, new, header=name, status=status)
    for key, (name, node) in after.items():
        if key not in before:
            yield pair.change("response-header-added", old, node, header=name, status=status)
        else:
            yield from _header(pair, before[key][1], node, {"header": name, "status": status})


def _header(pair: Pair, old: Node, new: Node, words: dict[str, str]) -> Iterator[Change]:
    if pair.same(old, new):
        return
    was, now = old.child("required"), new.child("required")
    if flag(was) != flag(now):
        rule = "response-header-became-required" if flag(now) else "response-header-became-optional"
        yield pair.change(rule, was, now, **words)
    yield from pair.run.comparison.changes(pair, RESPONSE_HEADER, old.child("schema"), new.child("schema"), words)
