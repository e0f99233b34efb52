"""What is said about two versions of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from treadle.check.diff.rule import Level
from treadle.check.diff.verdict import Verdict
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Json, Place

PROVED, POSSIBLE = "proved", "possible"

SEVERITIES: Mapping[Level, Severity] = {
    Level.ERROR: Severity.BLOCK,
    Level.WARNING: Severity.WARN,
    Level.INFO: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """How sure it is that a change breaks somebody: `word` is `proved` or `possible`, empty where it breaks nobody.

    `witness` is (instance,) that shows it: a value where the change is one `of_values`, else the exchange that fails.
    `part` is empty where the value is a whole body; else it is one alternative of it, whose schema stands at these
    pointers in the old and in the new version.
    """

    word: str = ""
    witness: tuple[Json] | None = None
    of_values: bool = False
    part: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One change, judged. `path` and `operation` are where it is felt; `old` and `new` are where it is written.

    `why` is the row's reason. `where` is the operation in words: `GET /v1/orders`, `send sales.order.created.v1`; empty
    where there are none.
    """

    id: str
    level: Level
    text: str
    path: str
    operation: str
    old: Place
    new: Place
    backward: bool = False
    forward: bool = False
    proof: Proof = Proof()
    why: str = ""
    where: str = ""

    def finding(self) -> Finding:
        """As every report of treadle has it; it stands at its place in the new version."""
        where = f"{self.where}: " if self.where else ""
        text = f"{where}{self.text} (before: {self.old})"
        return Finding(self.new, self.id, SEVERITIES[self.level], text, self.why)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every change, and what follows for the version. `backward` and `forward`: whether nobody breaks that way."""

    changes: tuple[Told, ...]
    verdict: Verdict
    version_place: Place
    backward: bool
    forward: bool

    @property
    def compatible(self) -> bool:
        """Whether nothing breaks that was promised: no error."""
        return not any(each.level is Level.ERROR for each in self.changes)

    def shown(self, old: str, new: str) -> Comparison:
        """The same, with the names of files as people know them: what stands before each."""
        if not old and not new:
            return self
        changes = tuple(
            replace(each, old=_renamed(each.old, old), new=_renamed(each.new, new)) for each in self.changes
        )
        return replace(self, changes=changes, version_place=_renamed(self.version_place, new))


def merged(comparisons: Iterable[Comparison]) -> Comparison:
    """The last comparison, with what breaks against any of the others: for transitive modes."""
    each = list(comparisons)
    last = each[-1]
    seen = {(told.id, told.path, told.operation, told.text) for told in last.changes}
    earlier: list[Told] = []
    for comparison in each[:-1]:
        for told in comparison.changes:
            key = (told.id, told.path, told.operation, told.text)
            if told.level is Level.ERROR and key not in seen:
                seen.add(key)
                earlier.append(told)
    return Comparison(
        (*earlier, *last.changes),
        last.verdict,
        last.version_place,
        all(one.backward for one in each),
        all(one.forward for one in each),
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The shape that `treadle diff --format json` prints."""
    verdict = comparison.verdict
    return {
        "required_bump": verdict.required.name.lower(),
        "declared_bump": None if verdict.declared is None else verdict.declared.name.lower(),
        "compatible": {"backward": comparison.backward, "forward": comparison.forward},
        "version_to_write": verdict.to_write,
        "findings": [
            {
                "id": each.id,
                "level": each.level.value,
                "text": each.text,
                "path": each.path,
                "operation": each.operation,
                "old": _place(each.old),
                "new": _place(each.new),
                "proof": each.proof.word or None,
                "witness": each.proof.witness[0] if each.proof.witness else None,
                "breaks": [word for word in ("backward", "forward") if getattr(each, word)],
            }
            | ({"witness_of": dict(zip(("old", "new"), each.proof.part, strict=True))} if each.proof.part else {})
            for each in comparison.changes
        ],
    }


def _renamed(place: Place, before: str) -> Place:
    return replace(place, file=before + place.file)


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
