"""From nodes as they are written to the normal form of what all of them say."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.choices import nullable_branch
from treadle.check.schema.meet import meet, tidy
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part, Source
from treadle.check.schema.statement import opaque, statement
from treadle.check.schema.unevaluated import unevaluated
from treadle.check.schema.unfold import unfold
from treadle.check.schema.values import KINDS, both, narrow, token
from treadle.contract.library import Node


def shape_of(part: Part, kept: frozenset[str] = frozenset()) -> Shape:
    """The normal form of a part. Choices under a keyword that is `kept` stay as they are written."""
    source = part.source
    shape = meet(source, [shape for node in part.nodes for shape in _shapes(source, node, kept)])
    for choice in (*shape.any_of, *shape.one_of):
        kinds = [branch.shape.kinds if branch.ready else KINDS for branch in choice]
        shape.kinds = both(shape.kinds, narrow(frozenset[str]().union(*kinds)))
    return tidy(shape)


def _shapes(source: Source, start: Node, kept: frozenset[str] = frozenset()) -> Iterator[Shape]:
    """What one node says: itself, what it refers to, and each branch of its `allOf`, each met once."""
    waiting, seen = [start], {start.key}
    while waiting:
        node = waiting.pop()
        if _adds_null(source, node):
            yield _with_null(source, node)
            continue
        below, left = unfold(source, node, kept)
        for each in below:
            if each.key not in seen:
                seen.add(each.key)
                waiting.append(each)
        if left is not None:
            yield from _said(source, left, kept)


def _said(source: Source, node: Node, kept: frozenset[str]) -> Iterator[Shape]:
    shape = statement(source, node, kept)
    if isinstance(node.value, dict):
        if node.reference is not None and source.follow(node) is None:
            shape.opaque |= {opaque(source, node, "$ref")}
        for keyword in ("anyOf", "oneOf"):
            beside = nullable_branch(source, node, keyword)
            if beside is not None and keyword not in kept:
                yield _null_too(beside.shape)
        for keyword in ("unevaluatedProperties", "unevaluatedItems"):
            if node.value.get(keyword) in (True, {}, None) or not source.rules(node.file).counts(keyword):
                continue
            rest = unevaluated(source, node, keyword)
            if rest is not None:
                yield rest
            else:
                shape.opaque |= {opaque(source, node, keyword)}
    yield shape


def _adds_null(source: Source, node: Node) -> bool:
    """Whether `nullable` stands beside what other nodes say, where it can only mean: or null."""
    value = node.value
    if not isinstance(value, dict) or value.get("nullable") is not True or not source.rules(node.file).nullable:
        return False
    return "type" not in value and any(key in value for key in ("allOf", "anyOf", "oneOf"))


def _with_null(source: Source, node: Node) -> Shape:
    bare = {key: value for key, value in node.value.items() if key != "nullable"}
    return _null_too(meet(source, list(_shapes(source, Node(node.file, node.pointer, bare)))))


def _null_too(shape: Shape) -> Shape:
    """The same and null, as a shape of its own."""
    result = meet(shape.source, [shape, Shape(shape.source)])
    null = shape.source.of_kind("null")
    result.kinds |= {"null"}
    result.own_kinds |= {"null"}
    if result.values is not None:
        result.values = {**result.values, token(None): None}
    result.any_of = tuple((*choice, null) for choice in result.any_of)
    result.one_of = tuple(
        choice if any("null" in branch.shape.kinds for branch in choice) else (*choice, null)
        for choice in result.one_of
    )
    return result
