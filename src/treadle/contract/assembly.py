"""Builds plain data with positions from a stream of events, within a budget.

Both readers (YAML events, JSON tokens) push into one `Assembly`, so that duplicate keys, depth, size and positions are
judged by the same lines. The stack is a list: nesting in the input never nests Python calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Json, Place
from treadle.contract.places import Places

FINDINGS_MAX = 50
"""After so many, a document is broken as a whole and more would not help anybody."""

Spot = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one document may cost. An alias counts as many nodes, and as deep, as what it stands for."""

    bytes_max: int = 32 * 1024 * 1024
    depth_max: int = 512
    nodes_max: int = 2_000_000


class Refused(Exception):  # noqa: N818 - control flow inside the parser, never seen outside
    """The document cannot be read further; the findings so far say why."""


@dataclass(slots=True)
class _Anchor:
    value: Json
    nodes: int
    height: int


class _Frame:
    """One container that is still open."""

    __slots__ = ("anchor", "container", "height", "key", "nodes_before", "spot", "spots")

    def __init__(self, container: Json, spot: Spot, nodes_before: int, anchor: str | None) -> None:
        self.container = container
        self.spots: Any = {} if isinstance(container, dict) else []
        self.spot = spot
        self.key: str | None = None
        self.nodes_before = nodes_before
        self.height = 1
        self.anchor = anchor


class Assembly:
    """The tree so far. Positions in are counted from 1."""

    def __init__(self, file: str, budget: Budget) -> None:
        self.file = file
        self.budget = budget
        self.findings: list[Finding] = []
        self.root: Json = None
        self.root_spot: Spot = (1, 1)
        self.spots: dict[int, Any] = {}
        self.nodes = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchor | None] = {}

    def complain(self, rule: str, spot: Spot, message: str, hint: str = "") -> None:
        """Note a finding and go on; too many end the reading."""
        self.findings.append(Finding(Place(self.file, *spot), rule, Severity.INVALID, message, hint))
        if len(self.findings) >= FINDINGS_MAX:
            raise Refused

    def refuse(self, rule: str, spot: Spot, message: str, hint: str = "") -> Refused:
        """Note a finding that ends the reading: `raise assembly.refuse(...)`."""
        self.findings.append(Finding(Place(self.file, *spot), rule, Severity.INVALID, message, hint))
        return Refused()

    @property
    def wants_key(self) -> bool:
        """Whether the next node is the key of a mapping."""
        return bool(self._stack) and self._stack[-1].key is None and isinstance(self._stack[-1].container, dict)

    def key(self, key: str, spot: Spot) -> None:
        """The next pair of the open mapping."""
        frame = self._stack[-1]
        if key in frame.spots:
            first = Place(self.file, *frame.spots[key])
            self.complain(
                "duplicate-key", spot, f"key `{key}` is given twice; the first is at {first}", "keep one of the two"
            )
        frame.spots[key] = spot
        frame.key = key

    def value(self, value: Json, spot: Spot, anchor: str | None = None) -> None:
        """A scalar."""
        if type(value) is float and not math.isfinite(value):
            self.complain(
                "not-finite", spot, "JSON has no NaN and no infinity", "write a finite number or leave it out"
            )
        self._count(1, spot)
        if anchor:
            self._anchors[anchor] = _Anchor(value, 1, 0)
        self._place(value, spot)

    def open(self, container: Json, spot: Spot, anchor: str | None = None) -> None:
        """An empty dict or list that the next nodes go into."""
        self._count(1, spot)
        if len(self._stack) >= self.budget.depth_max:
            raise self.too_deep(spot)
        if anchor:
            self._anchors[anchor] = None
        self._place(container, spot)
        self._stack.append(_Frame(container, spot, self.nodes - 1, anchor))

    def close(self) -> None:
        """The innermost container is whole."""
        frame = self._stack.pop()
        self.spots[id(frame.container)] = frame.spots
        if frame.anchor:
            self._anchors[frame.anchor] = _Anchor(frame.container, self.nodes - frame.nodes_before, frame.height)
        if self._stack and self._stack[-1].height <= frame.height:
            self._stack[-1].height = frame.height + 1

    def alias(self, name: str, spot: Spot) -> None:
        """A node given before, again: shared, and paid for in full."""
        if name not in self._anchors:
            raise self.refuse("undefined-alias", spot, f"alias `*{name}` stands for nothing above it")
        anchor = self._anchors[name]
        if anchor is None:
            raise self.refuse("alias-cycle", spot, f"alias `*{name}` stands for a node that holds it", "use `$ref`")
        self._count(anchor.nodes, spot)
        if len(self._stack) + anchor.height > self.budget.depth_max:
            raise self.too_deep(spot)
        if self._stack and self._stack[-1].height <= anchor.height:
            self._stack[-1].height = anchor.height + 1
        self._place(anchor.value, spot)

    def places(self) -> Places:
        """The places of the whole tree."""
        return Places(self.file, self.root, self.spots, self.root_spot)

    def _place(self, value: Json, spot: Spot) -> None:
        if not self._stack:
            self.root, self.root_spot = value, spot
            return
        frame = self._stack[-1]
        if frame.key is not None:
            frame.container[frame.key] = value
            frame.key = None
        else:
            frame.container.append(value)
            frame.spots.append(spot)

    def _count(self, nodes: int, spot: Spot) -> None:
        self.nodes += nodes
        if self.nodes > self.budget.nodes_max:
            raise self.refuse(
                "budget-nodes",
                spot,
                f"more than {self.budget.nodes_max} nodes, aliases counted in full",
                "split the file",
            )

    def too_deep(self, spot: Spot) -> Refused:
        """The refusal of a node below the last level that the budget allows."""
        return self.refuse("budget-depth", spot, f"nested deeper than {self.budget.depth_max} levels", "flatten it")
