"""Only what is new: findings that were there at an earlier state of the files are held back and counted.

A finding is known again by its rule, the node it is about (list positions do not count) and its words, so lines may
move, and a renamed file keeps what it had. Two of a kind where there was one: one of them is new.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from treadle.check.lint.result import Result
from treadle.check.pointers import Pointers
from treadle.check.report import Exemption, Report
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.contract.parse import Document
from treadle.contract.pointer import pointer

ORIGIN = "baseline"
_INDEX = re.compile(r"/[0-9]+(?=/|\Z)")
_SPOT = re.compile(r":[0-9]+:[0-9]+\b")
Fingerprint = tuple[str, str, str, str]


def fingerprints(
    findings: Iterable[Finding], documents: Iterable[Document], renamed: Mapping[str, str] | None = None
) -> Counter[Fingerprint]:
    """How often each finding was there. `renamed` says what a file is called now, by what it was called then."""
    known = {each.file: Pointers(each) for each in documents}
    return Counter(_fingerprint(each, known, renamed or {}) for each in findings)


def since(report: Report, documents: Iterable[Document], before: Counter[Fingerprint], ref: str) -> Report:
    """The report without what was there `before`, at `ref`. What is no valid contract is never held back."""
    known = {each.file: Pointers(each) for each in documents}
    left = Counter(before)
    kept: list[Finding] = []
    held: dict[tuple[str, str], Exemption] = {}
    for finding in report.findings:
        print_ = _fingerprint(finding, known, {})
        if finding.severity is Severity.INVALID or not left[print_]:
            kept.append(finding)
            continue
        left[print_] -= 1
        key = (finding.rule, finding.place.file)
        first = held.get(key) or Exemption(finding.rule, finding.place, f"it was there at {ref}", "", ORIGIN)
        held[key] = replace(first, count=first.count + 1)
    return Report(tuple(kept), tuple(sorted([*report.exemptions, *held.values()])))


def _fingerprint(finding: Finding, known: Mapping[str, Pointers], renamed: Mapping[str, str]) -> Fingerprint:
    file = finding.place.file
    at = known[file].at(finding.place) if file in known else ""
    return renamed.get(file, file), finding.rule, _INDEX.sub("/*", at), _SPOT.sub("", finding.message)


@dataclass(slots=True)
class KnownBefore:
    """Results of lint that were there at a revision: what is new is told apart, what is not is counted."""

    ref: str
    before: Counter[Fingerprint]
    held: Counter[tuple[str, str]] = field(default_factory=Counter)

    def new(self, results: Iterable[Result]) -> list[Result]:
        """The results that were not there."""
        left, kept = Counter(self.before), []
        for each in results:
            known = print_of(each)
            if not left[known]:
                kept.append(each)
                continue
            left[known] -= 1
            self.held[each.code, each.file] += 1
        return kept

    def met(self) -> tuple[Exemption, ...]:
        """One exception for each rule and file."""
        reason = f"it was there at {self.ref}"
        return tuple(
            Exemption(rule, Place(file), reason, "", ORIGIN, count=count) for (rule, file), count in self.held.items()
        )

    def faults(self) -> tuple[Finding, ...]:
        """There is nothing wrong with what was there before."""
        return ()


def print_of(result: Result) -> Fingerprint:
    """By what a result of lint is known again."""
    return result.file, result.code, _INDEX.sub("/*", pointer(*result.path)), result.message
