"""What a row of the table of changes is: one kind of change, whom it breaks, and which version it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump


class Level(StrEnum):
    """How a change is told: an `error` breaks some who keep to the old contract, a `warning` may, `info` does not."""

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

    `direction`, `area`, `kind` and `action` are the coordinate of the rule, in oasdiff's vocabulary. `forward` says
    that the change breaks the other way: somebody who keeps to the new contract and meets the old one. `lawful` says
    that the level follows from what the change does to values, so that who knows more of that knows better. `differs`
    says why the level is not the one that oasdiff gives, where it is not.
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
    lawful: bool = False
    differs: str = ""

    @property
    def backward(self) -> bool:
        """Whether the change breaks somebody who keeps to the old contract and meets the new one."""
        return self.level is Level.ERROR

    @property
    def coordinate(self) -> tuple[str, str, str, str]:
        """Where the rule stands among all that could be said."""
        return (self.direction.value, self.area, self.kind, self.action)


def row(
    id: str,
    at: tuple[Direction, str, str, str],
    effect: Effect | None,
    message: str,
    why: str,
    *,
    level: Level | None = None,
    bump: Bump | None = None,
    differs: str = "",
) -> Rule:
    """A row whose level and bump follow from what the change does to the values of the old contract.

    `effect` is None where that cannot be told from the documents. A `level` that is given overrules the law.
    """
    told = law(effect, at[0]) if level is None else level
    asked = _bump(told, effect) if bump is None else bump
    lawful = level is None and effect is not Effect.NONE
    return Rule(id, told, asked, *at, message, why, _forward(effect, at[0]), lawful, differs)


def law(effect: Effect | None, direction: Direction) -> Level:
    """What a change means to those who keep to the old contract.

    Who sends is broken when less is taken, who reads when more may come. What both takes away and adds breaks either;
    what cannot be decided may.
    """
    if effect is None:
        return Level.WARNING
    breaking = Effect.WIDENS if direction is Direction.RESPONSE else Effect.NARROWS
    return Level.ERROR if effect in (breaking, Effect.CHANGES) else Level.INFO


def _bump(level: Level, effect: Effect | None) -> Bump:
    if level is Level.ERROR:
        return Bump.MAJOR
    return Bump.PATCH if effect is Effect.NONE and level is Level.INFO else Bump.MINOR


def _forward(effect: Effect | None, direction: Direction) -> bool:
    breaking = Effect.NARROWS if direction is Direction.RESPONSE else Effect.WIDENS
    return effect in (breaking, Effect.CHANGES)
