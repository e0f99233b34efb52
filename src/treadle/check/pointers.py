"""The way back from a place to the node that stands there, for what is told of findings after they were made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from treadle.contract.parse import Document
from treadle.contract.place import Place


class Pointers:
    """JSON pointers by place. Reads the whole document once, when it is first asked."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @cached_property
    def _by_spot(self) -> Mapping[tuple[int, int], str]:
        found: dict[tuple[int, int], str] = {}
        for pointer, place in self._document.places.items():
            # An item of a list and its first key share a place: the item comes first, and is meant.
            found.setdefault((place.line, place.column), pointer)
        return found

    def at(self, place: Place) -> str:
        """The pointer of the node at a place; empty, for the whole, where none begins there."""
        return self._by_spot.get((place.line, place.column), "")
