"""`unevaluatedProperties` and `unevaluatedItems`, where what is evaluated does not depend on the value.

Beside `properties`, `prefixItems`, references and `allOf` alone they are `additionalProperties` and `items` that see
through `allOf`. Source: JSON Schema 2020-12 Core, sections 11.2 and 11.3.
"""

from __future__ import annotations

from treadle.check.schema.shape import Rest, Shape
from treadle.check.schema.source import Source
from treadle.check.schema.unfold import unfold
from treadle.check.schema.values import matches
from treadle.contract.library import Node
from treadle.contract.model import Json

_MOVING = ("anyOf", "oneOf", "if", "dependentSchemas", "$dynamicRef", "$recursiveRef")
_NODES_MAX = 500


def unevaluated(source: Source, node: Node, keyword: str) -> Shape | None:
    """The shape of one of the two keywords at a node; None where it depends on the value."""
    below = node.child(keyword)
    beside = _beside(source, node)
    if beside is None:
        return None
    part = source.part((below,))
    if keyword == "unevaluatedProperties":
        return _properties(source, node, beside, Rest({}, part))
    return _items(source, node, beside, Shape(source, (node,), items=part))


def _beside(source: Source, node: Node) -> list[dict[str, Json]] | None:
    """All that is said of the same value, the node first; None where some of it is said under conditions only."""
    found: list[dict[str, Json]] = []
    waiting, seen = [node], {node.key}
    while waiting:
        at = waiting.pop(0)
        below, left = unfold(source, at)
        said = left.value if left is not None and isinstance(left.value, dict) else {}
        conditional = any(key in said and not _unfolded(said, key) for key in _MOVING)
        if conditional or (at.reference and source.follow(at) is None) or len(seen) > _NODES_MAX:
            return None
        found.append(said)
        for each in below:
            if each.key not in seen:
                seen.add(each.key)
                waiting.append(each)
    return found


def _unfolded(said: dict[str, Json], keyword: str) -> bool:
    return isinstance(said[keyword], list) and len(said[keyword]) == 1


def _properties(source: Source, node: Node, beside: list[dict[str, Json]], rest: Rest) -> Shape | None:
    if any("additionalProperties" in said for said in beside) or any(
        "unevaluatedProperties" in said for said in beside[1:]
    ):
        return Shape(source, (node,))
    patterns = [pattern for said in beside for pattern in _names(said, "patternProperties")]
    if any(matches(pattern, "") is None for pattern in patterns):
        return None
    names = [name for said in beside for name in _names(said, "properties")]
    evaluated = Rest(dict.fromkeys(patterns, source.any), rest.other)
    return Shape(source, (node,), properties=dict.fromkeys(names, source.any), rests=(evaluated,))


def _items(source: Source, node: Node, beside: list[dict[str, Json]], rest: Shape) -> Shape | None:
    if any("contains" in said for said in beside):
        return None
    tuples = [said for said in beside if isinstance(said.get("items"), list)]
    if any("items" in said for said in beside if said not in tuples) or any(
        "additionalItems" in said for said in tuples
    ):
        return Shape(source, (node,))
    if any("unevaluatedItems" in said for said in beside[1:]):
        return Shape(source, (node,))
    lists = [said.get("prefixItems", []) for said in beside] + [said["items"] for said in tuples]
    rest.prefix = (source.any,) * max(len(each) if isinstance(each, list) else 0 for each in lists)
    return rest


def _names(said: dict[str, Json], keyword: str) -> list[str]:
    found = said.get(keyword)
    return list(found) if isinstance(found, dict) else []
