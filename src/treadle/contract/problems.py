"""What is wrong with a contract so far: an ordered set of findings that readers fill."""

from __future__ import annotations

from treadle.contract.finding import Finding, Severity
from treadle.contract.place import Place


class Problems:
    """Findings in the order in which they were met, each once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}

    def add(self, rule: str, place: Place, message: str, hint: str = "", severity: Severity = Severity.INVALID) -> None:
        """Note that `rule` is broken at `place`. Every rule has a text in `treadle.contract.complaints`."""
        self._found[Finding(place, rule, severity, message, hint)] = None

    def extend(self, findings: tuple[Finding, ...]) -> None:
        """Take over the findings of another reader."""
        self._found.update(dict.fromkeys(findings))

    @property
    def fatal(self) -> bool:
        """Whether any of them makes the contract invalid."""
        return any(each.severity is Severity.INVALID for each in self._found)

    def all(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the files."""
        return tuple(sorted(self._found))
