"""`anyOf` and `oneOf` as they are written: which branches there are, and what all of them have in common."""

from __future__ import annotations

from treadle.check.schema.source import Part, Source
from treadle.check.schema.values import narrow
from treadle.contract.library import Node
from treadle.contract.refs import ANNOTATIONS


def branches(source: Source, node: Node, keyword: str) -> list[Node] | None:
    """The branches that can be taken; None where the keyword says nothing.

    A branch that takes nothing is left out; an `anyOf` with one that takes everything says nothing.
    """
    written = node.value.get(keyword)
    if not isinstance(written, list) or not written or not source.rules(node.file).counts(keyword):
        return None
    found = [node.child(keyword, at) for at in range(len(written))]
    if keyword == "anyOf" and any(each.value is True or each.value == {} for each in found):
        return None
    return [each for each in found if each.value is not False]


def listed_kinds(found: list[Node], keyword: str) -> frozenset[str] | None:
    """The kinds that the branches list, where that is all they do."""
    kinds: list[str] = []
    for each in found:
        said = each.value if isinstance(each.value, dict) else {}
        if not isinstance(said.get("type"), str) or not all(_mute(key) for key in said if key != "type"):
            return None
        kinds.append(said["type"])
    overlap = len(set(kinds)) < len(kinds) or {"integer", "number"} <= set(kinds)
    return None if keyword == "oneOf" and overlap else narrow(frozenset(kinds))


def nullable_branch(source: Source, node: Node, keyword: str) -> Part | None:
    """The other branch, where one of two is null and the other says only what it says of single kinds."""
    found = branches(source, node, keyword)
    if found is None or len(found) != 2 or listed_kinds(found, keyword) is not None:
        return None
    others = [each for each in found if not _null(each)]
    if len(others) != 1:
        return None
    part = source.part(others)
    fits = part.ready and part.shape.plain and (keyword == "anyOf" or "null" not in part.shape.kinds)
    return part if fits else None


def _null(node: Node) -> bool:
    said = node.value if isinstance(node.value, dict) else {}
    return said.get("type") in ("null", ["null"]) and all(_mute(key) for key in said if key != "type")


def _mute(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-") or keyword == "$comment"
