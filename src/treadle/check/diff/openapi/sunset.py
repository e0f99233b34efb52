"""What a node says of its own end and of how far it may be relied on: `deprecated`, `x-sunset`, `x-stability-level`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import IntEnum

from treadle.contract.library import Node
from treadle.contract.model import Json

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2}))?\Z")
SUNSET = "x-sunset"
STABILITY = "x-stability-level"


class Stability(IntEnum):
    """How far something may be relied on, least first. What says nothing is stable."""

    DRAFT = 1
    ALPHA = 2
    BETA = 3
    STABLE = 4


_LEVELS = {level.name.lower(): level for level in Stability}


def sunset_date(said: Json) -> dt.date | None:
    """The day of an RFC 3339 date or date-time, or None where it is neither."""
    match = _DATE.match(said) if isinstance(said, str) else None
    try:
        return dt.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Grace:
    """How many days must lie between the announcement and the end, by stability; nothing is asked of drafts."""

    stable_days: int = 0
    beta_days: int = 0


def days_of_grace(operation: Node, grace: Grace) -> int | None:
    """The days that an operation owes its callers; None where its stability is no level, which is told by itself."""
    level = stability(operation)
    if level is None:
        return None
    return {Stability.STABLE: grace.stable_days, Stability.BETA: grace.beta_days}.get(level, 0)


def stability(node: Node) -> Stability | None:
    """The stability of a node, None where what it says is no level."""
    return stability_of(node.child(STABILITY).value)


def stability_of(said: Json) -> Stability | None:
    """The level that a word stands for, None where it is none."""
    if said is None:
        return Stability.STABLE
    return _LEVELS.get(said) if isinstance(said, str) else None


def deprecated(node: Node) -> bool:
    """Whether a node is announced to go."""
    return node.child("deprecated").value is True
