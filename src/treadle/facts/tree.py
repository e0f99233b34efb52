"""Facts as the tree that their spans form, and that tree as text for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from treadle.facts.fact import Fact, Outcome

_DEPTH_MAX = 24
"""Deeper hops are drawn at this depth: a line must stay readable, whatever a client's trace looks like."""


@dataclass(frozen=True, slots=True)
class Node:
    """A fact and the hops that it caused, by time."""

    fact: Fact
    children: tuple[Node, ...] = ()


def grow(facts: Iterable[Fact]) -> tuple[Node, ...]:
    """The trees of some facts: roots by time. Each fact is in them exactly once.

    A fact stands under the fact whose span is its parent span, in the same trace. Where that one is not among them it
    is a root. Where several facts share a span, children stand under the earliest. Where parents form a ring, its
    earliest fact becomes a root.
    """
    ordered = sorted(facts, key=lambda fact: (fact.at_us, fact.seq))
    owner: dict[tuple[str, str], int] = {}
    for at, fact in enumerate(ordered):
        if fact.span_id:
            owner.setdefault((fact.trace_id, fact.span_id), at)
    parents: list[int | None] = [owner.get((fact.trace_id, fact.parent_span_id)) for fact in ordered]
    _open_rings(parents)
    below: list[list[int]] = [[] for _ in ordered]
    roots: list[int] = []
    for at, parent in enumerate(parents):
        (roots if parent is None else below[parent]).append(at)
    # Children first, without recursion: a trace may be thousands of hops deep.
    order, pending = [], list(roots)
    while pending:
        at = pending.pop()
        order.append(at)
        pending.extend(below[at])
    nodes: dict[int, Node] = {}
    for at in reversed(order):
        nodes[at] = Node(ordered[at], tuple(nodes.pop(child) for child in below[at]))
    return tuple(nodes[root] for root in roots)


def draw(nodes: Sequence[Node]) -> str:
    """Text with one line a fact: offset from the trace's start, duration, kind, who, what, how it ended, contract.

    What came from outside is printed with its control characters escaped.
    """
    traces: dict[str, list[Node]] = {}
    for node in nodes:
        traces.setdefault(node.fact.trace_id, []).append(node)
    return "\n\n".join(_draw_trace(trace, roots) for trace, roots in traces.items())


def _open_rings(parents: list[int | None]) -> None:
    """Make the earliest member of each ring of parents a root."""
    walk_of: list[int | None] = [None] * len(parents)
    for start in range(len(parents)):
        at: int | None = start
        while at is not None and walk_of[at] is None:
            walk_of[at] = start
            at = parents[at]
        if at is None or walk_of[at] != start:
            continue
        ring, member = [at], parents[at]
        while member is not None and member != at:
            ring.append(member)
            member = parents[member]
        parents[min(ring)] = None


def _draw_trace(trace: str, roots: Sequence[Node]) -> str:
    hops = list(_walk(roots))
    start = min(node.fact.at_us for node, _ in hops)
    end = max(node.fact.at_us + node.fact.duration_us for node, _ in hops)
    title = f"trace {_plain(trace)}" if trace else "outside of any trace"
    count = "1 fact" if len(hops) == 1 else f"{len(hops)} facts"
    rows = [
        (f"{branch}{_offset(node.fact.at_us - start)}", _length(node.fact.duration_us), *words(node.fact))
        for node, branch in hops
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    lines = []
    for hop, took, *said in rows:
        cells = [hop.ljust(widths[0]), took.rjust(widths[1])]
        cells += [word.ljust(width) for word, width in zip(said, [*widths[2:], 0], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([f"{title}  {moment(start)}  {count}  {_length(end - start)}", *lines])


def _walk(roots: Sequence[Node]) -> Iterator[tuple[Node, str]]:
    """Each node, parents first, with the branch that is drawn before it."""
    pending = [(node, "", node is roots[-1], 1) for node in reversed(roots)]
    while pending:
        node, stem, last, depth = pending.pop()
        yield node, f"{stem}{'└─' if last else '├─'} "
        below = stem if depth >= _DEPTH_MAX else stem + ("   " if last else "│  ")
        pending.extend((child, below, child is node.children[-1], depth + 1) for child in reversed(node.children))


def words(fact: Fact) -> tuple[str, str, str, str, str, str]:
    """Kind, who, what, how it ended, contract and detail, safe for a terminal."""
    ended = [str(fact.status)] if fact.status else []
    if fact.outcome is not Outcome.OK or not ended:
        ended.append(fact.outcome.value)
    if fact.code and fact.code not in ended:
        ended.append(_plain(fact.code))
    if fact.missing:
        ended.append(f"missing {fact.missing}")
    if fact.observed:
        ended.append(f"would be {_plain(fact.observed)}")
    if fact.replayed:
        ended.append("replayed")
    # What no client did, a process of ours did.
    who, what = _plain(fact.consumer or fact.node) or "-", _plain(fact.operation) or "-"
    return fact.kind.value, who, what, " ".join(ended), _plain(fact.contract), _plain(fact.detail)


def moment(at_us: int) -> str:
    """A time as people read it, in UTC, to the millisecond."""
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    except OverflowError:
        return f"{at_us} us"
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}Z"


def _offset(us: int) -> str:
    return ("-" if us < 0 else "+") + _length(abs(us), decimals=False)


def _length(us: int, *, decimals: bool = True) -> str:
    """A duration in the unit that people would take."""
    if us < 9_950 and decimals:
        return f"{us / 1000:.1f} ms"
    if us < 9_999_500:
        return f"{us / 1000:.0f} ms"
    if us < 600_000_000:
        return f"{us / 1e6:.1f} s"
    return f"{us / 60e6:.1f} min" if us < 36_000_000_000 else f"{us / 3600e6:.1f} h"


def _plain(text: str) -> str:
    """A text that cannot steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
