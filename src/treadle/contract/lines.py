"""Offsets of a text -> lines and columns, found only when asked for."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate


class Lines:
    """The lines of one text, given as its UTF-8 bytes and decoded when somebody asks.

    A line ends with a line feed, as YAML 1.2 and JSON have it; columns count characters.
    """

    __slots__ = ("_data", "_starts", "_text")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._text: str | None = None
        self._starts: list[int] = []

    @property
    def text(self) -> str:
        """The text. Raises UnicodeDecodeError."""
        if self._text is None:
            self._text = self._data.decode()
        return self._text

    def spot(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, counted from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    @property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        if not self._starts:
            lengths = (len(line) + 1 for line in self.text.split("\n")[:-1])
            self._starts = list(accumulate(lengths, initial=0))
        return self._starts
