"""A layered drawing: fixed columns, few crossings, and no line behind a box.

An edge that skips columns gets a dummy node in each column it passes, which keeps a lane free for it. Barycentre
sweeps then order the columns, and the best order seen is kept. Source: Sugiyama, Tagawa and Toda, "Methods for visual
understanding of hierarchical system structures", IEEE Trans. SMC 11 (1981). The result depends on names only, never
on the order in which nodes were given, so a map does not jump when a file moves.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

LANE = 0.4
"""How high a lane is; a node is 1 high."""
SWEEPS = 8
SWAPPED_MAX = 80
"""Larger maps are not refined by exchanging neighbours, which takes time that grows with the square."""

Edge = tuple[str, str]
Slot = str | tuple[str, str, int]
"""A node's id, or (source, target, column) of a lane that an edge takes through a column."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. `centre` is the vertical middle of each slot, in node heights from the top.

    `ways` gives for each edge its points, one a column: (column, centre), from the leftmost to the rightmost.
    """

    columns: tuple[tuple[Slot, ...], ...]
    centre: Mapping[Slot, float]
    ways: Mapping[Edge, tuple[tuple[int, float], ...]]
    height: float


def arrange(column_of: Mapping[str, int], edges: Iterable[Edge], *, columns: int) -> Layout:
    """Lay out nodes, each in its column, so that edges cross little. An edge may run in either direction."""
    ways: dict[Edge, list[Slot]] = {}
    order: list[list[Slot]] = [[] for _ in range(columns)]
    for node in sorted(column_of):
        order[column_of[node]].append(node)
    links: list[set[tuple[Slot, Slot]]] = [set() for _ in range(max(columns - 1, 0))]
    for edge in sorted(set(edges)):
        way = _way(edge, column_of)
        ways[edge] = way
        first = min(column_of[edge[0]], column_of[edge[1]])
        for step, (left, right) in enumerate(pairwise(way)):
            links[first + step].add((left, right))
            if step:
                order[first + step].append(left)
    best = _fewest_crossings(order, links)
    centre, height = _stack(best)
    drawn = {
        edge: tuple((min(column_of[edge[0]], column_of[edge[1]]) + i, centre[slot]) for i, slot in enumerate(way))
        for edge, way in ways.items()
    }
    return Layout(tuple(tuple(column) for column in best), centre, drawn, height)


def crossings(order: Sequence[Sequence[Slot]], links: Sequence[Iterable[tuple[Slot, Slot]]]) -> int:
    """How many pairs of edges cross between neighbouring columns."""
    total = 0
    for left, right, between in zip(order, order[1:], links, strict=False):
        at_left = {slot: i for i, slot in enumerate(left)}
        at_right = {slot: i for i, slot in enumerate(right)}
        ends: list[int] = []
        for _, end in sorted((at_left[a], at_right[b]) for a, b in between):
            total += len(ends) - bisect_right(ends, end)
            insort(ends, end)
    return total


def _way(edge: Edge, column_of: Mapping[str, int]) -> list[Slot]:
    """The slots an edge passes, from its leftmost end to its rightmost."""
    left, right = sorted(edge, key=lambda node: column_of[node])
    if column_of[left] == column_of[right]:
        raise ValueError(f"edge {edge} stays within one column")
    lanes: list[Slot] = [(*edge, column) for column in range(column_of[left] + 1, column_of[right])]
    return [left, *lanes, right]


def _fewest_crossings(order: list[list[Slot]], links: Sequence[set[tuple[Slot, Slot]]]) -> list[list[Slot]]:
    """Sweep right and left in turn; each slot goes to the mean of its neighbours in the column just left."""
    best = [list(column) for column in order]
    fewest = crossings(best, links)
    now = [list(column) for column in order]
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        rightwards = sweep % 2 == 0
        for step in range(len(links)) if rightwards else reversed(range(len(links))):
            fixed, moved = (step, step + 1) if rightwards else (step + 1, step)
            _by_mean(now[moved], now[fixed], links[step], moved_is_right=rightwards)
        seen = crossings(now, links)
        if seen < fewest:
            best, fewest = [list(column) for column in now], seen
    if sum(len(column) for column in best) <= SWAPPED_MAX:
        _swap_neighbours(best, links)
    return best


def _swap_neighbours(order: list[list[Slot]], links: Sequence[set[tuple[Slot, Slot]]]) -> None:
    """Exchange neighbours as long as that takes a crossing away: what means alone do not find."""
    fewest = crossings(order, links)
    better = True
    while better and fewest:
        better = False
        for column in order:
            for at in range(len(column) - 1):
                column[at], column[at + 1] = column[at + 1], column[at]
                seen = crossings(order, links)
                if seen < fewest:
                    fewest, better = seen, True
                else:
                    column[at], column[at + 1] = column[at + 1], column[at]


def _by_mean(
    moved: list[Slot], fixed: Sequence[Slot], between: Iterable[tuple[Slot, Slot]], *, moved_is_right: bool
) -> None:
    place = {slot: i / max(len(fixed) - 1, 1) for i, slot in enumerate(fixed)}
    own = {slot: i / max(len(moved) - 1, 1) for i, slot in enumerate(moved)}
    near: dict[Slot, list[float]] = {slot: [] for slot in moved}
    for left, right in between:
        if moved_is_right:
            near[right].append(place[left])
        else:
            near[left].append(place[right])
    moved.sort(key=lambda slot: sum(near[slot]) / len(near[slot]) if near[slot] else own[slot])


def _stack(order: Sequence[Sequence[Slot]]) -> tuple[dict[Slot, float], float]:
    """Stack each column, and centre it on the tallest one."""
    heights = [sum(_size(slot) for slot in column) for column in order]
    tallest = max(heights, default=0.0)
    centre: dict[Slot, float] = {}
    for column, height in zip(order, heights, strict=True):
        top = (tallest - height) / 2
        for slot in column:
            centre[slot] = top + _size(slot) / 2
            top += _size(slot)
    return centre, tallest


def _size(slot: Slot) -> float:
    return 1.0 if isinstance(slot, str) else LANE
