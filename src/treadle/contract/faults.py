"""What is wrong with one document so far, and what a document may cost."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.finding import Finding, Severity
from treadle.contract.lines import Lines
from treadle.contract.place import Place

FINDINGS_MAX = 50
"""After so many, a document is broken as a whole and more would not help anybody."""
TOLERATED_MAX = 10_000
"""A tolerant reader goes on after these, without a word about the rest. A big API written with bare status codes has
two thousand."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one document may cost. An alias counts as many nodes, and as deep, as what it stands for."""

    bytes_max: int = 32 * 1024 * 1024
    depth_max: int = 512
    nodes_max: int = 2_000_000


class Refused(Exception):  # noqa: N818 - control flow inside the parser, never seen outside
    """The document cannot be read further; the findings so far say why."""


class Faults:
    """The findings of one reading. Places come in as offsets into the text."""

    __slots__ = ("budget", "file", "findings", "lines", "tolerant")

    def __init__(self, file: str, budget: Budget, *, tolerant: bool = False) -> None:
        self.file = file
        self.budget = budget
        self.tolerant = tolerant
        self.lines = Lines(b"")
        self.findings: list[Finding] = []

    def complain(self, rule: str, at: int, message: str, hint: str = "", severity: Severity = Severity.INVALID) -> None:
        """Note a finding and go on; too many end the reading, unless it is tolerant. Only then `severity` counts."""
        if not self.tolerant:
            self.findings.append(self._finding(rule, at, message, hint))
            if len(self.findings) >= FINDINGS_MAX:
                raise Refused
        elif len(self.findings) < TOLERATED_MAX:
            self.findings.append(self._finding(rule, at, message, hint, severity))

    def refuse(self, rule: str, at: int, message: str, hint: str = "") -> Refused:
        """Note a finding that ends the reading: `raise faults.refuse(...)`."""
        self.findings.append(self._finding(rule, at, message, hint))
        return Refused()

    def duplicate(self, key: str, at: int, first: int) -> None:
        """A key for the second time. In a tolerant reading the last one counts, as for most loaders."""
        message = f"key `{key}` is given twice; the first is at {self.place(first)}"
        self.complain("duplicate-key", at, message, "keep one of the two")

    def too_deep(self, at: int) -> Refused:
        """The refusal of a node below the last level that the budget allows."""
        return self.refuse("budget-depth", at, f"nested deeper than {self.budget.depth_max} levels", "flatten it")

    def too_many(self, at: int) -> Refused:
        """The refusal of one node more than the budget allows."""
        message = f"more than {self.budget.nodes_max} nodes, aliases counted in full"
        return self.refuse("budget-nodes", at, message, "split the file")

    def place(self, at: int) -> Place:
        """The place of an offset."""
        return Place(self.file, *self.lines.spot(at))

    def _finding(self, rule: str, at: int, message: str, hint: str, severity: Severity = Severity.INVALID) -> Finding:
        return Finding(self.place(at), rule, severity, message, hint)
