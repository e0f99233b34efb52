"""One change between two versions, found and named, before it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.check.diff.rule import Level
from treadle.check.schema.edit import Flow, SchemaEdit, Spot
from treadle.contract.library import Library


@dataclass(frozen=True, slots=True)
class Side:
    """One version: the files that it may refer to, and the one that it is."""

    library: Library
    file: str


@dataclass(frozen=True, slots=True)
class Change:
    """What changed and where. `rule` is the id of a row; `words` fill the row's message.

    `path` and `operation` are where it is felt (`/pets/{id}`, `GET`), empty where it belongs to no operation. `old` and
    `new` are where it is written; on a side that lacks it, where it would be. `level` is the row's, unless what is
    known of this very change says better. A change of a schema carries its `edit`, the two schemas that whole values
    are judged by (`schemas`) and the way they `flow`: from these a witness can be sought.
    """

    rule: str
    level: Level
    words: Mapping[str, str]
    path: str
    operation: str
    old: Spot
    new: Spot
    edit: SchemaEdit | None = None
    flow: Flow | None = None
    schemas: tuple[Spot, Spot] | None = None
