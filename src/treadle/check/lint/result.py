"""What the lint engine says, in Spectral's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from treadle.check.lint.context import Path


class Level(IntEnum):
    """Spectral's severities (and those of the Language Server Protocol, less one)."""

    ERROR = 0
    WARN = 1
    INFO = 2
    HINT = 3


@dataclass(frozen=True, slots=True, order=True)
class Result:
    """One complaint of one rule. `file` and `path` are where it is written, after every reference was followed.

    `range` is there where no path leads to the place: 0-based line and character, of the first and behind the last.
    """

    file: str
    path: Path
    code: str
    message: str
    level: Level
    range: tuple[tuple[int, int], tuple[int, int]] | None = None
