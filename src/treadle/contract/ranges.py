"""From where to where a node stands, as Spectral prints it: 0-based lines and UTF-16 units.

A reader keeps the offset at which each key and item begins; the rest is found in the text around it, for the few nodes
that somebody complains about. What Spectral does, learnt from what it prints: a scalar reaches from its first to behind
its last character; a collection that is the value of a key begins one behind the key, and ends where its last scalar
ends, whatever brackets follow; an alias ends the way, so what lies below one has no range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from treadle.contract.parse import Document
from treadle.contract.place import Json
from treadle.contract.places import Places, index

Spot = tuple[int, int]
Range = tuple[Spot, Spot]

NOWHERE: Range = ((0, 0), (0, 0))

_SPACE = r"(?:[ \t\r\n]++|(?<=[ \t\r\n])#[^\n]*+)*+"
"""White space and comments. Possessive, so that no text makes a pattern try twice."""
_GAP = re.compile(_SPACE)
_COLON = re.compile(_SPACE + ":")
_PROPERTIES = re.compile(rf"(?:[&!][^\s,\[\]{{}}]*+{_SPACE})*+")
"""Anchors and tags in front of a value."""
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|\'[^\']*+(?:\'\'[^\']*+)*+\'', re.DOTALL)
_BARE = re.compile(r"[-+.~\w]++")
_NULL = re.compile(r"(?:~|null|Null|NULL)(?=[\s,\]}]|\Z)(?!\s*+:\s)")
_EMPTY = re.compile(r"[\[{](?:[^\]}#\n]|#[^\n]*+|\n)*+[\]}]")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]*+")
_BLOCK = re.compile(r"[|>][-+]?([1-9])?[^\n]*+")
_BLOCK_LINE = re.compile(r"^( *+)[ \t]*+[^ \t\r\n]", re.MULTILINE)
_LINE_PREFIX = re.compile(r"(?:[-?] ++| )*+")
_FOLD = re.compile(r"[ \t\n]++")


@dataclass(frozen=True, slots=True)
class _Node:
    """A node and where its text is: `begins` as Spectral says it, `at` where the value itself stands.

    `at` is None where nothing is written: the value is null because it is absent.
    """

    value: Json
    begins: int
    at: int | None


def range_of(document: Document, path: Sequence[str | int]) -> Range:
    """The range of the node at `path`, or of its nearest ancestor that is there."""
    places = document.places
    if not isinstance(places, Places):
        return NOWHERE
    if places.reader is None:
        places.reader = _Reader(places)
    reader: _Reader = places.reader
    return reader.range(tuple(path))


class _Reader:
    """The text of one document, looked at around a few offsets. What was found is kept: findings come in crowds."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.text = places.lines.text
        self.ranges: dict[tuple[str | int, ...], Range] = {}
        self.children: dict[tuple[int, Any], _Node] = {}

    def range(self, path: tuple[str | int, ...]) -> Range:
        """As `range_of`."""
        if path not in self.ranges:
            self.ranges[path] = self._range(path)
        return self.ranges[path]

    def _range(self, path: tuple[str | int, ...]) -> Range:
        node = self.root()
        for step in path:
            if self.is_alias(node):
                return NOWHERE
            key = index(step) if isinstance(step, str) and isinstance(node.value, list) else step
            if not isinstance(node.value, dict | list) or not self.has(node.value, key):
                break
            node = self.child(node.value, key)
            if isinstance(key, int) and node.at is None:
                return NOWHERE
        return self.spot(node.begins), self.spot(self.end(node))

    def root(self) -> _Node:
        """The whole document; it begins with the text where nothing but one line stands above it."""
        at = _past(_PROPERTIES, self.text, self.places.root)
        return _Node(self.places.data, 0 if at == self.text.find("\n") + 1 else at, at)

    def has(self, container: Json, key: Any) -> bool:
        """Whether a container holds a key or index."""
        try:
            return self.places.spots(container)[key] is not None
        except (LookupError, TypeError):
            return False

    def child(self, container: Json, key: Any) -> _Node:
        """One value of a mapping, or item of a list."""
        name = (id(container), key)
        if name not in self.children:
            self.children[name] = self._child(container, key)
        return self.children[name]

    def _child(self, container: Json, key: Any) -> _Node:
        value, at = container[key], self.places.spots(container)[key]
        written: int | None
        if isinstance(container, dict):
            at = _past(_PROPERTIES, self.text, at)
            quoted = _QUOTED.match(self.text, at)
            key_ends = quoted.end() if quoted else at + len(key)
            colon_ends = _past(_COLON, self.text, key_ends)
            written = self._written(value, _past(_GAP, self.text, colon_ends))
            if written is None:
                return _Node(value, colon_ends, None)
            alias = self.text.startswith("*", written)
            return _Node(value, key_ends + 1 if alias or isinstance(value, dict | list) else written, written)
        written = self._written(value, at)
        if written is None:
            return _Node(value, at, None)
        return _Node(value, written + self.text.startswith("*", written), written)

    def _written(self, value: Json, at: int) -> int | None:
        at = _past(_PROPERTIES, self.text, at)
        return None if value is None and not (_NULL.match(self.text, at) or self.text.startswith("*", at)) else at

    def is_alias(self, node: _Node) -> bool:
        """Whether the node is written as an alias of another."""
        return node.at is not None and self.text.startswith("*", node.at)

    def end(self, node: _Node) -> int:
        """Behind the last character of the last scalar."""
        while node.at is not None and not self.is_alias(node) and node.value and isinstance(node.value, dict | list):
            spots = self.places.spots(node.value)
            if isinstance(node.value, dict):
                node = self.child(node.value, max(spots, key=spots.__getitem__))
            else:
                node = self.child(node.value, len(spots) - 1)
                if node.at is None:
                    return _past(_GAP, self.text, node.begins)
        return node.begins if node.at is None else self._leaf_end(node.value, node.at)

    def _leaf_end(self, value: Json, at: int) -> int:
        first = self.text[at : at + 1]
        if first in ("|", ">"):
            return self._block_end(at)
        pattern = _LEAVES.get(first)
        if pattern or not isinstance(value, str):
            return _past(pattern or _BARE, self.text, at)
        if self.text.startswith(value, at):
            return at + len(value)
        for word in _FOLD.split(value):
            at = _past(_GAP, self.text, at)
            at += len(word) if self.text.startswith(word, at) else 0
        return at

    def _block_end(self, at: int) -> int:
        """In front of the line break before the first line that stands further left than the scalar's own."""
        line_begins = self.text.rfind("\n", 0, at) + 1
        indent = _past(_LINE_PREFIX, self.text, line_begins) - line_begins
        if line_begins + indent >= at:
            indent = self.text.rfind("-", line_begins, at) - line_begins
        header = _BLOCK.match(self.text, at)
        given = header[1] if header else None
        least = indent + int(given or 1)
        for line in _BLOCK_LINE.finditer(self.text, header.end() if header else at):
            width = len(line[1])
            if width < least:
                return line.start() - 1
            if given is None:
                given, least = "", width
        return len(self.text) - self.text.endswith("\n")

    def spot(self, offset: int) -> Spot:
        """Line and character, counted from 0."""
        line, column = self.places.lines.spot(offset)
        before = self.text[offset - column + 1 : offset]
        wide = 0 if before.isascii() else sum(each > "\uffff" for each in before)
        return line - 1, column - 1 + wide


_LEAVES = {'"': _QUOTED, "'": _QUOTED, "*": _ALIAS, "[": _EMPTY, "{": _EMPTY}


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
