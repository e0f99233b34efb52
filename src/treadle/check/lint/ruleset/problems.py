"""What is wrong with a ruleset, gathered before anything is refused."""

from __future__ import annotations

from treadle.base.errors import InputError
from treadle.contract.finding import Finding, Severity
from treadle.contract.parse import Document
from treadle.contract.place import Place
from treadle.contract.pointer import pointer


class BadRuleset(InputError):  # noqa: N818 - the ruleset is bad, the error is that
    """A ruleset cannot be run; `findings` say where and why, every one."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        """At least one finding."""
        first, rest = findings[0], len(findings) - 1
        more = f" (and {rest} more)" if rest else ""
        super().__init__("bad-ruleset", f"{first.place}: {first.message}{more}", first.hint)
        self.findings = findings


class Problems:
    """Findings about rulesets, in the order in which they were met."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, place: Place, message: str, hint: str = "") -> None:
        """Note that something is wrong at a place."""
        finding = Finding(place, code, Severity.INVALID, message, hint)
        if finding not in self.findings:
            self.findings.append(finding)

    def check(self) -> None:
        """Raise `BadRuleset` if anything was noted."""
        if self.findings:
            raise BadRuleset(tuple(self.findings))


def place_of(document: Document, *path: str | int) -> Place:
    """Where a node of a ruleset stands, or what is nearest above it."""
    for size in range(len(path), -1, -1):
        found = document.places.get(pointer(*path[:size]))
        if found is not None:
            return found
    return Place(document.file)
