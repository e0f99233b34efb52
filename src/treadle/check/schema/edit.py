"""One difference between two versions, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

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
    """What an edit does to the set of values that a schema takes."""

    NONE = "none"
    NARROWS = "narrows"
    WIDENS = "widens"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Spot:
    """A node of one version: the file and JSON pointer where it is written, references followed."""

    file: str
    pointer: str


@dataclass(frozen=True, slots=True)
class SchemaEdit:
    """One keyword of one schema that changed, named as oasdiff names it less the part that says where.

    `kind` is `max-length-decreased`, `became-required`, `type-changed`, …; oasdiff's id is that with
    `request-body-`, `request-property-`, `response-property-`, … before it. `property` is the path of the property
    inside the body as people write it (`lines/amount`), empty for the body itself. `old` and `new` are where; a side
    that has no such node names the nearest one above. `words` fill the message: `old` and `new` values, `name`.
    `witness` is (instance,) where one was found that the old schema takes and the new refuses (`narrows`), or the
    reverse (`widens`), each checked by a validator on the schema at `old` and `new`.
    """

    kind: str
    effect: Effect
    property: str
    old: Spot
    new: Spot
    words: Mapping[str, str] = field(default_factory=dict)
    narrows: tuple[Json] | None = None
    widens: tuple[Json] | None = None
