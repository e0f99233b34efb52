"""One search box: a trace, event or span id in; what happened, in order, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.facts.fact import Fact
from treadle.insight.waterfall import Waterfall, waterfalls

RECENT_MAX = 50


@dataclass(frozen=True, slots=True)
class Search:
    """What `/trace` shows: the newest facts, of one consumer where one was asked for.

    `facts_missing` is how many are known to be missing in all: a lower bound.
    """

    at_us: int
    query: str
    consumer: str
    error: str
    facts: tuple[Fact, ...]
    facts_missing: int


@dataclass(frozen=True, slots=True)
class TracePage:
    """What `/trace/{id}` shows: every trace that the id occurs in, and the contracts that were in force."""

    at_us: int
    id: str
    traces: tuple[Waterfall, ...]
    contracts: tuple[str, ...]


def trace_page(id: str, facts: Sequence[Fact], now_us: int) -> TracePage:
    """The page of an id."""
    stamps = dict.fromkeys(fact.contract for fact in facts if fact.contract)
    return TracePage(now_us, id, waterfalls(facts), tuple(stamps))
