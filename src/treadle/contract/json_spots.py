"""Where the keys and items of a JSON text begin, each container looked at when somebody asks for it.

The standard library's C scanner skips a whole sibling at its own speed, so a text of many megabytes is never cut into
tokens in Python. libyaml would not do: it refuses surrogate-pair escapes and keys of more than 1024 characters.
"""

from __future__ import annotations

import re
from json import JSONDecoder, loads
from typing import Any

from treadle.contract.lines import Lines
from treadle.contract.place import Json

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rf'(?:{_STRING}|[^\s,\[\]{{}}"]++)'
_MEMBER = re.compile(rf"[,{{]\s*+({_STRING})\s*+:\s*+(?:{_SCALAR}\s*+)?")
"""From a brace or comma over a key, and its value where that is a scalar."""
_ITEM = re.compile(rf"[,\[]\s*+(?!\])()(?:{_SCALAR}\s*+)?")
_SPACE = re.compile(r"\s*+")

_SCANNER = JSONDecoder(parse_int=str, parse_float=str)
"""Numbers are left as text: one of a million digits costs nothing then."""


class JsonSpots(dict[int, Any]):
    """`id(container)` -> {key: offset} or [offset], made on look-up. A container is found by way of its parent.

    The text of `lines` must be JSON, and `data` what it says, beginning at `begins`; of a key given twice the last
    counts.
    """

    def __init__(self, lines: Lines, data: Json, begins: int) -> None:
        super().__init__()
        self.lines = lines
        self._begins: dict[int, tuple[Json, int]] = {id(data): (data, begins)}

    def __missing__(self, id_: int) -> Any:
        container, at = self._begins.pop(id_)
        found = self[id_] = self._members(container, at) if isinstance(container, dict) else self._items(container, at)
        return found

    def _members(self, container: dict[str, Json], at: int) -> dict[str, int]:
        text, found = self.lines.text, dict[str, int]()
        while match := _MEMBER.match(text, at):
            token, at = match[1], match.end()
            key = loads(token) if "\\" in token else token[1:-1]
            found[key] = match.start(1)
            if text[at] in "{[":
                at = self._past(container[key], at)
        return found

    def _items(self, container: list[Json], at: int) -> list[int]:
        text, found = self.lines.text, list[int]()
        while match := _ITEM.match(text, at):
            at = match.end()
            if text[at] in "{[":
                at = self._past(container[len(found)], at)
            found.append(match.start(1))
        return found

    def _past(self, value: Json, at: int) -> int:
        """The offset of the comma or bracket behind a container, of which the beginning is kept."""
        self._begins[id(value)] = (value, at)
        text = self.lines.text
        _, end = _SCANNER.raw_decode(text, at)
        return _SPACE.match(text, end).end()  # type: ignore[union-attr]  # it matches the empty string
