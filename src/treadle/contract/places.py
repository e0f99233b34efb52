"""Where each node of a document stands, found only when asked for.

A document of three megabytes has some hundred thousand nodes and a handful of findings, so a reader keeps one offset a
key or item at most, and a pointer becomes a `Place` on look-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from treadle.contract.lines import Lines
from treadle.contract.place import Json, Place
from treadle.contract.pointer import escape, tokens

Spots = Mapping[int, Any]
"""`id(container)` -> {key: offset} or [offset], for every dict and list of `data`."""

_INDEX_CHARS_MAX = 9


class Places(Mapping[str, Place]):
    """JSON pointer -> place of a key (in a mapping) or an item (in a list). Holds `data`, so the ids stay true."""

    __slots__ = ("_file", "_spots", "data", "lines", "reader", "root")

    def __init__(self, file: str, data: Json, spots: Spots, lines: Lines, root: int = 0) -> None:
        self._file = file
        self.data = data
        self._spots = spots
        self.root = root
        self.lines = lines
        self.reader: Any = None
        """What `contract.ranges` keeps."""

    def __getitem__(self, pointer: str) -> Place:
        try:
            return Place(self._file, *self.lines.spot(self.offset(tokens(pointer))))
        except (KeyError, IndexError, TypeError):
            raise KeyError(pointer) from None

    def offset(self, path: Iterable[str | int]) -> int:
        """Where in the text the key or item at the end of `path` begins. Raises LookupError or TypeError."""
        at = self.root
        node = self.data
        for step in path:
            key = index(step) if isinstance(step, str) and isinstance(node, list) else step
            at = self.spots(node)[key]
            node = node[key]
        return at

    def spots(self, container: Json) -> Any:
        """Where the keys or items of a dict or list of `data` begin. Raises KeyError for anything else."""
        return self._spots[id(container)]

    def __iter__(self) -> Iterator[str]:
        """Every pointer of the tree; a node that aliases share appears under each of its names."""
        yield ""
        waiting: list[tuple[str, Json]] = [("", self.data)]
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
