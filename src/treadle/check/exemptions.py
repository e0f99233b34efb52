"""Exceptions from rules, that age: each is for one rule, for a reason, until a day, at a node and what is below it.

They are written where they are needed, `x-treadle: {ignore: [{rule, reason, until}]}`, in any mapping of a contract or
of a file that it refers to. An exception without a reason or a last day does not count; one whose last day has gone by
does not either. Both are findings. Today is an argument, so the same files say the same on the same day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from treadle.check.pointers import Pointers
from treadle.check.report import Exemption
from treadle.contract.extension import KEY, own, walk
from treadle.contract.finding import Finding, Severity
from treadle.contract.parse import Document
from treadle.contract.pointer import pointer

INLINE = "inline"
COMPLAINTS: Mapping[str, str] = {
    "exemption-incomplete": (
        "An exception (`x-treadle: {ignore: [...]}`) says no `reason`, no `until`, or a day that does not exist. It "
        "does not count until it says both: an exception without a reason cannot be judged by whoever comes next, and "
        "one without an end never ends."
    ),
    "exemption-expired": (
        "The last day of an exception has gone by, so the rule counts again. Mend what the rule complains about; if it "
        "still cannot be mended, say why, with a new day."
    ),
}
"""What `treadle explain` says of the rules that exceptions themselves can break."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """One exception as it is written. `pointer` is the node that it covers, with everything below."""

    exemption: Exemption
    pointer: str
    fault: str = ""

    @property
    def counts(self) -> bool:
        """Whether it holds anything back."""
        return not self.fault and not self.exemption.expired


class Excepting(Protocol):
    """What makes exceptions in another way than documents do."""

    def met(self) -> tuple[Exemption, ...]:
        """Every exception of it, with how many findings it has held back so far."""

    def faults(self) -> Iterable[Finding]:
        """What is wrong with them."""


def may_ignore(data: bytes) -> bool:
    """Whether a file can hold an exception: a quick look, before its document is walked."""
    return b"ignore" in data and KEY.encode() in data


class Ignores:
    """The exceptions of documents, on one day. Documents are added as they are met, each file once."""

    def __init__(self, documents: Iterable[Document], today: date) -> None:
        self.today = today
        self._pointers: dict[str, Pointers] = {}
        self._ignores: dict[str, list[Ignore]] = {}
        self._held: Counter[Exemption] = Counter()
        self._others: list[Excepting] = []
        for document in documents:
            self.add(document)

    def add(self, document: Document) -> None:
        """Take the exceptions of a document in."""
        if document.file not in self._ignores:
            self._ignores[document.file] = [_aged(each, self.today) for each in _written(document)]
            self._pointers[document.file] = Pointers(document)

    def also(self, other: Excepting) -> None:
        """Report the exceptions that something else makes too."""
        self._others.append(other)

    def faults(self) -> Iterator[Finding]:
        """What is wrong with the exceptions themselves."""
        yield from self.faults_in(self._ignores)
        yield from self.other_faults()

    def other_faults(self) -> Iterator[Finding]:
        """As `faults`, of exceptions that stand in no document."""
        yield from (fault for other in self._others for fault in other.faults())

    def faults_in(self, files: Iterable[str]) -> Iterator[Finding]:
        """As `faults`, in some files only."""
        for each in (one for file in files for one in self._ignores.get(file, ())):
            exemption = each.exemption
            if each.fault:
                message = f"the exception from {exemption.rule} {each.fault}, so it does not count"
                hint = "say a `reason`, and `until` as the last day it counts, like 2026-12-31"
                yield Finding(exemption.place, "exemption-incomplete", Severity.BLOCK, message, hint)
            elif exemption.expired:
                days = (self.today - date.fromisoformat(exemption.until)).days
                message = f"the exception from {exemption.rule} expired {_ago(days)}, on {exemption.until}"
                hint = f"mend what {exemption.rule} complains about, or say why it still stands and until when"
                yield Finding(exemption.place, "exemption-expired", Severity.WARN, message, hint)

    def hold(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no exception covers; those that one does are counted."""
        return [each for each in findings if each.severity is Severity.INVALID or not self._holds(each)]

    def _holds(self, finding: Finding) -> bool:
        file = finding.place.file
        if not self._counting(file, finding.rule):
            return False
        return self.covers(file, finding.rule, self._pointers[file].at(finding.place))

    def covers(self, file: str, rule: str, at: str) -> bool:
        """Whether an exception from a rule stands at a node of a file or above it; then it is counted."""
        cover = next((each for each in self._counting(file, rule) if _below(at, each.pointer)), None)
        if cover is not None:
            self._held[cover.exemption] += 1
        return cover is not None

    def _counting(self, file: str, rule: str) -> list[Ignore]:
        listed = self._ignores.get(file, ())
        return [each for each in listed if each.exemption.rule == rule and each.counts]

    def met(self) -> tuple[Exemption, ...]:
        """Every exception that was met, with how many findings it has held back so far."""
        others = (one for other in self._others for one in other.met())
        listed = (one.exemption for each in self._ignores.values() for one in each if not one.fault)
        return tuple(sorted([*(replace(each, count=self._held[each]) for each in listed), *others]))


def _written(document: Document) -> Iterator[Ignore]:
    """Every exception of a document. What has no shape was a finding of the reader already."""
    for at, node in walk(document.data):
        listed = own(node).get("ignore") if KEY in node else None
        for number, each in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(each, dict) and isinstance(each.get("rule"), str):
                place = document.places[at + pointer(KEY, "ignore", number)]
                said = {key: each[key] for key in ("reason", "until") if isinstance(each.get(key), str)}
                reason, until = said.get("reason", "").strip(), said.get("until", "").strip()
                yield Ignore(Exemption(each["rule"], place, reason, until, INLINE), at)


def _aged(ignore: Ignore, today: date) -> Ignore:
    exemption = ignore.exemption
    lacking = [key for key, said in (("reason", exemption.reason), ("until", exemption.until)) if not said]
    if lacking:
        return replace(ignore, fault=f"says no {' and no '.join(lacking)}")
    try:
        last = date.fromisoformat(exemption.until)
    except ValueError:
        return replace(ignore, fault=f"ends on `{exemption.until}`, which is no day")
    return replace(ignore, exemption=replace(exemption, expired=last < today))


def _below(at: str, node: str) -> bool:
    return at == node or at.startswith(node + "/")


def _ago(days: int) -> str:
    return "yesterday" if days == 1 else f"{days} days ago"
