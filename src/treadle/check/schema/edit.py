"""One difference between two versions, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple

from treadle.contract.model import Json


class Flow(StrEnum):
    """Which way values go. A request is written by callers of the old version and read by the new one; a response is
    written by the new and read by callers of the old; what is both (an event whose producers and subscribers move at
    different times) is judged both ways.
    """

    REQUEST = "request"
    RESPONSE = "response"
    BOTH = "both"


class Effect(Enum):
    """What an edit does to the set of values that a schema takes.

    `NARROWS` and `CHANGES` say that a value may have been taken and be refused now, `WIDENS` and `CHANGES` the
    reverse. Each may be said too often, never too seldom: a schema whose edits all widen takes all that it took.
    """

    NONE = "none"
    NARROWS = "narrows"
    WIDENS = "widens"
    CHANGES = "changes"

    @property
    def narrows(self) -> bool:
        """Whether a value may be refused that was taken."""
        return self in {Effect.NARROWS, Effect.CHANGES}

    @property
    def widens(self) -> bool:
        """Whether a value may be taken that was refused."""
        return self in {Effect.WIDENS, Effect.CHANGES}

    @property
    def reversed(self) -> Effect:
        """The effect of the edit that undoes this one."""
        return {Effect.NARROWS: Effect.WIDENS, Effect.WIDENS: Effect.NARROWS}.get(self, self)

    @staticmethod
    def of(*, narrows: bool, widens: bool) -> Effect:
        """The effect that does both, one or neither."""
        return Effect.CHANGES if narrows and widens else _ONE[narrows, widens]


_ONE = {(True, False): Effect.NARROWS, (False, True): Effect.WIDENS, (False, False): Effect.NONE}


class Mark(StrEnum):
    """What is written of the property (or header, or body) at hand, in one of the versions, beside the edit."""

    READ_ONLY = "read-only"
    WRITE_ONLY = "write-only"
    REQUIRED = "required"
    DEFAULT = "default"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Spot:
    """A node of one version: the file and JSON pointer where it is written, references followed."""

    file: str
    pointer: str


class Step(NamedTuple):
    """One step from a schema into one below it: the keyword, and the name, pattern or position beneath it.

    A last step `properties` leads to the property that was added or removed, or is required or not.

    The branches of `allOf` are merged, so no step leads into one. `old` and `new` differ for a branch of `anyOf` or
    `oneOf` that stands elsewhere now.
    """

    keyword: str
    old: str | int = ""
    new: str | int = ""


@dataclass(frozen=True, slots=True)
class SchemaEdit:
    """One keyword of one schema that changed, named as oasdiff names it less the part that says where.

    `kind` is `max-length-decreased`, `became-required`, `type-changed`, …; oasdiff's id is that with
    `request-body-`, `request-property-`, `response-property-`, … before it.
    `effect` is what the edit does to the values that the schema at this place takes; it decides whether the edit
    breaks, and `kind` only what it is called.
    `property` is the path of the property inside the body as people write it (`lines/items/amount`), empty for the
    body itself; `trail` is the same in steps. `old` and `new` are where; a side that has no such node names the
    nearest one above. `old_marks` and `new_marks` are the marks of the property at `property`. `hidden` says that it
    does not travel this way, since it is read-only in a request or write-only in a response: then `effect` is `NONE`.
    `words` fill the message: `old` and `new` values, `name`.
    `narrows` is (instance,) where a whole body was found that the old takes and the new refuses, `widens` the
    reverse, each checked by a validator on both whole bodies.
    """

    kind: str
    effect: Effect
    property: str
    old: Spot
    new: Spot
    words: Mapping[str, str] = field(default_factory=dict)
    old_marks: frozenset[Mark] = frozenset()
    new_marks: frozenset[Mark] = frozenset()
    hidden: bool = False
    trail: tuple[Step, ...] = ()
    narrows: tuple[Json] | None = None
    widens: tuple[Json] | None = None
