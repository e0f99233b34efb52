"""Two versions of one contract of a workspace -> findings about the new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from treadle.check.diff.change import Side
from treadle.check.diff.documents import compare_documents
from treadle.check.diff.modes import promise_of
from treadle.check.diff.report import SEVERITIES, Told
from treadle.check.diff.rule import Level
from treadle.check.diff.rules import BY_ID
from treadle.check.diff.text import example
from treadle.check.diff.verdict import Verdict, raised
from treadle.contract.dialect import Family
from treadle.contract.finding import Finding, Severity
from treadle.contract.library import Library
from treadle.contract.model import Contract, Kind, Place
from treadle.contract.parse import Document
from treadle.contract.version import Bump, read_version

_FAMILIES = {Kind.OPENAPI: Family.OPENAPI, Kind.ASYNCAPI: Family.ASYNCAPI}


def compare(old: Contract, new: Contract, today: dt.date) -> tuple[Finding, ...]:
    """What releasing `new` in the place of `old` does to those whom it promised compatibility.

    Every finding stands at its place in the new file and names the place in the old one. Below 1.0.0 nothing was
    promised: there a breaking change warns, and asks for a minor version. `today` decides which sunset date is past.
    """
    if old.digest == new.digest:
        return ()
    promise = replace(promise_of(new.document), governed=True)
    comparison = compare_documents(_side(old), _side(new), _FAMILIES[new.kind], promise, today, informed=False)
    told = (_finding(each, old, new) for each in comparison.changes)
    asked = max(comparison.verdict.required, Bump.PATCH)  # the text did change
    verdict = Verdict(comparison.verdict.asked, asked, comparison.verdict.declared, old.version, new.version)
    return tuple(sorted({*told, *_version(verdict, new)}))


def version_findings(verdict: Verdict, place: Place, hint: str = "", contract: str = "") -> Iterator[Finding]:
    """What is wrong with the declared version: it is the old one, lower, or says less than the changes ask for."""
    if verdict.suffices:
        return
    words = {"old": verdict.old, "new": verdict.new, "required": verdict.required.name.lower()}
    words["declared"] = verdict.declared.name.lower() if verdict.declared is not None else ""
    if verdict.went_back:
        id = "version-went-back"
    else:
        id = "version-not-raised" if read_version(verdict.old) == read_version(verdict.new) else "version-too-low"
    message = BY_ID[id].message.format_map(words)
    yield Finding(place, id, Severity.BLOCK, message, hint or f"set info.version to {verdict.to_write}", contract)


def _side(contract: Contract) -> Side:
    main = Document(contract.place.file, contract.document, contract.places)
    return Side(Library(contract.sources, (main,)), contract.place.file)


def _finding(told: Told, old: Contract, new: Contract) -> Finding:
    breaking = told.level is Level.ERROR
    where = f"{told.where}: " if told.where else ""
    shown = f" (for example {example(told.proof.witness[0])})" if told.proof.witness and told.proof.of_values else ""
    severity = Severity.WARN if breaking and old.major == 0 else SEVERITIES[told.level]
    return Finding(
        told.new,
        told.id,
        severity,
        f"{where}{told.text}{shown} (version {old.version}: {told.old})",
        _way_on(new) if severity is Severity.BLOCK else told.why,
        new.id,
    )


def _way_on(new: Contract) -> str:
    """How to make a breaking change all the same."""
    major = new.major + 1
    return (
        f"undo it here; write {new.name}.v{major}.{new.kind}.yaml with version {major}.0.0 next to this file, "
        f"run both, and deprecate v{new.major} once its users have moved"
    )


def _version(verdict: Verdict, new: Contract) -> Iterator[Finding]:
    before = read_version(verdict.old)
    major = verdict.required is Bump.MAJOR or before is None
    hint = _way_on(new) if before is None or major else f"set info.version to {raised(before, verdict.required)}"
    yield from version_findings(verdict, new.at("/info/version"), hint, new.id)
