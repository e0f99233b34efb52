"""What the comparisons of single keywords speak: a change, a pair of schemas below, and who decides containment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part


class Policy(StrEnum):
    """What an open object promises of properties that it does not declare.

    `STRICT`: nothing, so that a new optional property refuses what was any value before, and branches of `oneOf` that
    overlap refuse what both take. `EVOLUTION`: nobody sends what is not declared, and `oneOf` is a choice of one.
    """

    STRICT = "strict"
    EVOLUTION = "evolution"


class Judge(Protocol):
    """Decides between parts and shapes."""

    policy: Policy

    @property
    def strict(self) -> Judge:
        """The same judge, who takes open objects by their letter: two kinds of thing are two, however alike."""
        ...

    def within(self, inner: Part | Shape, outer: Part | Shape) -> bool:
        """Whether everything that `inner` takes is proved to be taken by `outer`."""
        ...

    def effect(self, old: Part | Shape, new: Part | Shape) -> Effect:
        """What replacing one by the other does."""
        ...


class Pair(NamedTuple):
    """Two schemas below that stand for each other, and take their parents with them: wider below is wider above."""

    step: Step
    old: Part
    new: Part
    name: str
    """What the path of the property says of this step."""


@dataclass(frozen=True, slots=True)
class Change:
    """One keyword that changed at the place at hand. `at` is the property that it is about, where it names one."""

    kind: str
    effect: Effect
    keyword: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None
    where: tuple[str | int, ...] = ()
    """What follows the keyword in the pointer."""


Found = Change | Pair
