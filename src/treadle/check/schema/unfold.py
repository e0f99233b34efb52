"""One step from a schema to those that hold with it: what it refers to, `allOf`, and choices that are none."""

from __future__ import annotations

from treadle.check.schema.choices import branches
from treadle.check.schema.source import Source
from treadle.contract.library import Node


def unfold(source: Source, node: Node, kept: frozenset[str] = frozenset()) -> tuple[list[Node], Node | None]:
    """The nodes that have to hold with this one, and the node itself where it says more than that.

    A choice of one is that one, unless its keyword is `kept`.
    """
    if not isinstance(node.value, dict):
        return [], node if node.value is False else None
    below: list[Node] = []
    if node.reference is not None:
        target = source.follow(node)
        if target is None:
            alone = Node(node.file, node.pointer, {"$ref": node.reference})
            return [], node if source.rules(node.file).siblings else alone
        below.append(target)
        if not source.rules(node.file).siblings:
            return below, None
    every = node.value.get("allOf")
    below += [node.child("allOf", at) for at in range(len(every) if isinstance(every, list) else 0)]
    for keyword in ("anyOf", "oneOf"):
        found = branches(source, node, keyword)
        if found is not None and len(found) == 1 and keyword not in kept:
            below.append(found[0])
    return below[::-1], node
