"""One difference between two versions of a contract, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from treadle.check.objects import Path
from treadle.contract.model import Place


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands in a contract: a JSON pointer of its file, and a path inside the schema there."""

    pointer: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A row of the table of verdicts, the words for its message, and where it shows in the old and the new file.

    What was removed is placed, in the new file, where it would stand.
    """

    id: str
    old: Spot | Place
    new: Spot | Place
    words: Mapping[str, str] = field(default_factory=dict)
