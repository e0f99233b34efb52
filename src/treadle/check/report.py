"""What a run says as a whole: findings, and the exemptions that held some back."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.finding import Finding
from treadle.contract.place import Place


@dataclass(frozen=True, slots=True, order=True)
class Exemption:
    """One exception from one rule. `until` is its last day (ISO 8601); empty where none is said.

    `origin` is `inline` (in the document), `ruleset` (an override) or `baseline` (a git ref). `count` is how many
    findings it held back in this run; an expired one holds back none.
    """

    rule: str
    place: Place
    reason: str
    until: str
    origin: str
    expired: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Findings in the order of the files, and every exemption that was met."""

    findings: tuple[Finding, ...]
    exemptions: tuple[Exemption, ...] = ()
