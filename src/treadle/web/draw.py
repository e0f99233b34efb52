"""Geometry of what the pages draw: numbers in, SVG coordinates out. No colours, no words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from treadle.insight.layout import Layout, arrange
from treadle.insight.map import TITLES, Column, Edge, Node, SystemMap

SPARK_WIDTH = 240
SPARK_HEIGHT = 36
_SPARK_PAD = 2.0

NODE_WIDTH = 242
NODE_HEIGHT = 64
_ROW = 78
_GAP = 70
_TOP = 34
_NAME_CHARS = 31
_DETAIL_CHARS = 36


def spark(series: Sequence[float | None], limit: float | None) -> tuple[str, str, str]:
    """Three path data: the line, the area under it, and the objective where it comes into sight.

    The scale starts at 0 and ends a little over the largest value. A None is a gap in the line.
    """
    known = [value for value in series if value is not None]
    top = max([*known, 0.0])
    if limit is not None and top > limit / 3:
        top = max(top, limit)
    scale = (SPARK_HEIGHT - 2 * _SPARK_PAD) / top if top else 0.0
    step = SPARK_WIDTH / max(len(series) - 1, 1)
    floor = SPARK_HEIGHT - _SPARK_PAD
    line: list[str] = []
    area: list[str] = []
    for run in _runs(series):
        points = [(at * step, floor - value * scale) for at, value in run]
        if len(points) == 1:
            # A lone value is drawn as a short dash: a point has no length and would not show.
            points = [(points[0][0] - step / 2, points[0][1]), (points[0][0] + step / 2, points[0][1])]
        path = "L".join(f"{_num(x)} {_num(y)}" for x, y in points)
        line.append("M" + path)
        area.append(f"M{_num(points[0][0])} {_num(floor)}L{path}L{_num(points[-1][0])} {_num(floor)}Z")
    shown = limit is not None and top >= limit > 0
    objective = f"M0 {_num(floor - limit * scale)}H{SPARK_WIDTH}" if shown and limit is not None else ""
    return "".join(line), "".join(area), objective


@dataclass(frozen=True, slots=True)
class Box:
    """A node where it stands. `name` and `detail` are cut to fit; the node keeps them whole."""

    node: Node
    x: int
    y: int
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as path data, and the small triangle that shows where it leads."""

    edge: Edge
    path: str
    tip: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole map. `titles` are (x, text) of the columns that hold something."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    titles: tuple[tuple[int, str], ...]


def draw_map(shown: SystemMap) -> Drawing:
    """Put a map on paper."""
    columns = len(Column)
    layout = arrange(
        {node.id: int(node.column) for node in shown.nodes},
        [(edge.source, edge.target) for edge in shown.edges],
        columns=columns,
    )
    boxes = tuple(
        Box(
            node=node,
            x=_left(node.column),
            y=round(_TOP + layout.centre[node.id] * _ROW - NODE_HEIGHT / 2),
            name=cut(node.name, _NAME_CHARS),
            detail=cut(node.detail, _DETAIL_CHARS),
        )
        for node in shown.nodes
    )
    used = {node.column for node in shown.nodes}
    return Drawing(
        width=columns * NODE_WIDTH + (columns - 1) * _GAP + 4,
        height=round(_TOP + max(layout.height, 1) * _ROW),
        boxes=boxes,
        lines=tuple(_lines(shown, layout)),
        titles=tuple((_left(column), TITLES[column]) for column in Column if column in used),
    )


def cut(text: str, chars: int) -> str:
    """A text with its middle left out where it is too long: the ends of names tell versions apart."""
    if len(text) <= chars:
        return text
    tail = chars // 3
    return f"{text[: chars - tail - 1]}…{text[-tail:]}"


def bar(offset_us: int, duration_us: int, total_us: int) -> tuple[str, str]:
    """Where a hop lies on a line 1000 wide: its start and its length, never too short to see."""
    if total_us <= 0:
        return "0", "1000"
    width = max(duration_us / total_us * 1_000, 4)
    return _num(min(offset_us / total_us * 1_000, 1_000 - width)), _num(width)


def _lines(shown: SystemMap, layout: Layout) -> Iterable[Line]:
    """Each edge as a smooth curve through its lanes, spread along the sides of the boxes it joins."""
    column = {node.id: int(node.column) for node in shown.nodes}
    offsets = _offsets(shown.edges, layout, column)
    for edge in shown.edges:
        way = layout.ways[edge.source, edge.target]
        forward = column[edge.source] < column[edge.target]
        left, right = (edge.source, edge.target) if forward else (edge.target, edge.source)
        ys = [_TOP + centre * _ROW for _, centre in way]
        ys[0] += offsets[edge, left]
        ys[-1] += offsets[edge, right]
        x = _left(way[0][0]) + NODE_WIDTH + (0 if forward else 7)
        path = [f"M{x} {_num(ys[0])}"]
        for (at, _), before, y in zip(way[1:], ys, ys[1:], strict=False):
            last = at == way[-1][0]
            end = _left(at) - (7 if forward and last else 0)
            middle = x + (end - x) / 2
            path.append(f"C{_num(middle)} {_num(before)} {_num(middle)} {_num(y)} {end} {_num(y)}")
            x = end
            if not last:
                x = _left(at) + NODE_WIDTH
                path.append(f"H{x}")
        if forward:
            tip = f"M{_left(way[-1][0])} {_num(ys[-1])}l-8 -4v8z"
        else:
            tip = f"M{_left(way[0][0]) + NODE_WIDTH} {_num(ys[0])}l8 -4v8z"
        yield Line(edge, "".join(path), tip)


def _offsets(edges: Sequence[Edge], layout: Layout, column: Mapping[str, int]) -> dict[tuple[Edge, str], float]:
    """How far from the middle of a box's side each of its edges ends, so that they do not lie on each other."""
    sides: dict[tuple[str, bool], list[tuple[float, Edge]]] = {}
    for edge in edges:
        way = layout.ways[edge.source, edge.target]
        left, right = sorted((edge.source, edge.target), key=column.__getitem__)
        sides.setdefault((left, True), []).append((way[1][1], edge))
        sides.setdefault((right, False), []).append((way[-2][1], edge))
    found: dict[tuple[Edge, str], float] = {}
    for (node, _), ends in sides.items():
        ends.sort(key=lambda end: (end[0], end[1].source, end[1].target))
        step = min(14.0, (NODE_HEIGHT - 20) / max(len(ends) - 1, 1))
        for at, (_, edge) in enumerate(ends):
            found[edge, node] = (at - (len(ends) - 1) / 2) * step
    return found


def _runs(series: Sequence[float | None]) -> Iterable[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for at, value in enumerate(series):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _left(column: int) -> int:
    return 2 + column * (NODE_WIDTH + _GAP)


def _num(value: float) -> str:
    """One decimal, and none where it says nothing."""
    return f"{value:.1f}".removesuffix(".0")
