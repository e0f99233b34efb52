"""Where each node of a document stands, found only when asked for.

A document of three megabytes has some hundred thousand nodes and a handful of findings, so a builder stores plain
(line, column) pairs for each container, and a pointer becomes a `Place` on look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.contract.model import Json, Place
from treadle.contract.pointer import escape, tokens

Spots = Mapping[int, Any]
"""`id(container)` -> {key: (line, column)} or [(line, column)], counted from 1, for every dict and list of `data`."""

_INDEX_CHARS_MAX = 9


class Places(Mapping[str, Place]):
    """JSON pointer -> place of a key (in a mapping) or an item (in a list). Holds `data`, so the ids stay true."""

    __slots__ = ("_data", "_file", "_root", "_spots")

    def __init__(self, file: str, data: Json, spots: Spots, root: tuple[int, int] = (1, 1)) -> None:
        self._file = file
        self._data = data
        self._spots = spots
        self._root = root

    def __getitem__(self, pointer: str) -> Place:
        spot = self._root
        node = self._data
        for token in tokens(pointer):
            key = index(token) if isinstance(node, list) else token
            try:
                spot = self._spots[id(node)][key]
                node = node[key]
            except (KeyError, IndexError, TypeError):
                raise KeyError(pointer) from None
        return Place(self._file, *spot)

    def __iter__(self) -> Iterator[str]:
        """Every pointer of the tree; a node that aliases share appears under each of its names."""
        yield ""
        waiting: list[tuple[str, Json]] = [("", self._data)]
        while waiting:
            base, node = waiting.pop()
            if isinstance(node, dict):
                children = [(f"{base}/{escape(key)}", value) for key, value in node.items()]
            elif isinstance(node, list):
                children = [(f"{base}/{at}", value) for at, value in enumerate(node)]
            else:
                continue
            yield from (name for name, _ in children)
            waiting.extend(reversed(children))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Places):
            return NotImplemented
        return self is other or (self._file == other._file and dict(self) == dict(other))

    __hash__ = None  # type: ignore[assignment]  # equal by content, and content is big: never a key


def index(text: str) -> int | None:
    """A list index as RFC 6901 writes it, or None: no sign, no leading zero."""
    plain = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")
    return int(text) if plain and len(text) <= _INDEX_CHARS_MAX else None
