"""One version of an OpenAPI document, and nodes of it with references followed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from treadle.check.diff.change import Side
from treadle.check.schema.edit import Spot
from treadle.contract.library import Node, References
from treadle.contract.model import Json
from treadle.contract.pointer import tokens
from treadle.contract.problems import Problems

_SHOWN_CHARS_MAX = 60


class Document:
    """The root of one version. A reference that leads nowhere is an empty node: it is the linter's to complain."""

    def __init__(self, side: Side) -> None:
        self.root = side.library.root(side.file)
        self.references = References(side.library, Problems())

    @property
    def is_3_0(self) -> bool:
        """Whether it is of the version that has no `null` among its types, and asks less of read-only properties."""
        return str(self.root.child("openapi").value).startswith("3.0")

    def follow(self, node: Node) -> Node:
        """Where a node's references end."""
        if node.reference is None:
            return node
        return self.references.follow(node) or Node(node.file, node.pointer, None)

    def at(self, spot: Spot) -> Node:
        """The node at a spot, followed."""
        root = self.references.library.root(spot.file)
        return self.follow(root.child(*tokens(spot.pointer)))

    def child(self, node: Node, *names: str | int) -> Node:
        """Step down, and follow what stands there."""
        return self.follow(node.child(*names))

    def entries(self, node: Node, *, extensible: bool = False) -> dict[str, Node]:
        """The entries of an object, followed, by name; none where it is no object.

        `x-` begins an extension in `extensible` ones, and a name in maps such as `headers`.
        """
        if not isinstance(node.value, dict):
            return {}
        return {name: self.child(node, name) for name in node.value if not (extensible and name.startswith("x-"))}

    def items(self, node: Node) -> Iterator[Node]:
        """The items of a list, followed."""
        if isinstance(node.value, list):
            for index in range(len(node.value)):
                yield self.child(node, index)


def spot(node: Node) -> Spot:
    """Where a node is written."""
    return Spot(node.file, node.pointer)


def texts(node: Node) -> list[str]:
    """The strings in a list."""
    return [each for each in node.value if isinstance(each, str)] if isinstance(node.value, list) else []


def flag(node: Node) -> bool:
    """Whether a node is `true`."""
    return node.value is True


def shown(value: Json) -> str:
    """A value as it stands in a message: JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[: _SHOWN_CHARS_MAX - 1] + "…"
