"""Where something stands, and what a document is made of: the two words that every reader needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = Any
"""What orjson returns: dict, list, str, int, float, bool or None. Treated as read-only everywhere."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file. `line` and `column` count from 1; `file` is relative to the workspace."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
