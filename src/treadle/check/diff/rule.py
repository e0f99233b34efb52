"""What a row of the table of changes is: one kind of change, whom it breaks, and which version it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.contract.version import Bump


class Level(StrEnum):
    """How a change is told. An `error` breaks somebody who keeps to the old contract; a `warning` may; `info` is said."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Direction(StrEnum):
    """Which way the values go that the change is about: to the server, from it, or neither (a path, a scheme)."""

    REQUEST = "request"
    RESPONSE = "response"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `message` is formatted with the words of a change; `why` is what `treadle explain` says.

    `direction`, `area`, `kind` and `action` are the coordinate of the rule, oasdiff's words for them. `forward` says
    that the change breaks the other way: somebody who keeps to the new contract and meets the old one. `differs` says
    why the level is not the one that oasdiff gives, where it is not.
    """

    id: str
    level: Level
    bump: Bump
    direction: Direction
    area: str
    kind: str
    action: str
    message: str
    why: str
    forward: bool = False
    differs: str = ""

    @property
    def backward(self) -> bool:
        """Whether the change breaks somebody who keeps to the old contract and meets the new one."""
        return self.level is Level.ERROR
