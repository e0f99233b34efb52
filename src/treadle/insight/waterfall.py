"""A trace as rows on a common time line: what caused what, when it began and how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treadle.facts.fact import Fact
from treadle.facts.tree import Node, grow

ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One fact. `depth` counts from 0; `offset_us` counts from the start of the trace."""

    fact: Fact
    depth: int
    offset_us: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One trace. `rows` are in tree order, parents first; `hidden` more facts did not fit."""

    trace_id: str
    start_us: int
    duration_us: int
    rows: tuple[Row, ...]
    hidden: int = 0


def waterfalls(facts: Iterable[Fact]) -> tuple[Waterfall, ...]:
    """One waterfall for each trace among the facts, by time."""
    by_trace: dict[str, list[Fact]] = {}
    for fact in facts:
        by_trace.setdefault(fact.trace_id, []).append(fact)
    made = (_waterfall(trace_id, own) for trace_id, own in by_trace.items())
    return tuple(sorted(made, key=lambda each: (each.start_us, each.trace_id)))


def _waterfall(trace_id: str, facts: list[Fact]) -> Waterfall:
    start_us = min(fact.at_us for fact in facts)
    end_us = max(fact.at_us + fact.duration_us for fact in facts)
    rows: list[Row] = []
    # No recursion: a client decides how deep its trace is.
    pending: list[tuple[Node, int]] = [(node, 0) for node in reversed(grow(facts))]
    while pending and len(rows) < ROWS_MAX:
        node, depth = pending.pop()
        rows.append(Row(node.fact, depth, node.fact.at_us - start_us))
        pending += [(child, depth + 1) for child in reversed(node.children)]
    return Waterfall(trace_id, start_us, end_us - start_us, tuple(rows), len(facts) - len(rows))
