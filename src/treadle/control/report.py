"""What a plan or an apply says, as JSON for programs and as text for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from treadle.base.printable import printable
from treadle.contract.finding import Finding, Severity
from treadle.control.decide import Action, Decision, Desired
from treadle.control.plan import Change

Report = Mapping[str, Any]
"""`{"contracts": [{contract, action, live, wanted, findings, changes}], "settings": [change…], "findings": […]}`."""

_WORDS = {
    Action.ADD: "new",
    Action.CHANGE: "changes",
    Action.REMOVE: "goes",
    Action.KEEP: "stays",
    Action.REFUSE: "REFUSED",
}


def report(desired: Desired, changes: Sequence[Change]) -> dict[str, Any]:
    """Everything in one value; contracts by id, each with what changes in which engine."""
    return {
        "contracts": [
            {
                "contract": each.contract,
                "action": each.action.value,
                "live": each.live,
                "wanted": each.wanted,
                "findings": [finding_row(finding) for finding in each.findings],
                "changes": [change_row(change) for change in changes if change.row.contract == each.contract],
            }
            for each in desired.decisions
        ],
        "settings": [change_row(change) for change in changes if not change.row.contract],
        "findings": [finding_row(finding) for finding in desired.findings],
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    """One finding, flat."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "file": finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "message": finding.message,
        "hint": finding.hint,
    }


def change_row(change: Change) -> dict[str, Any]:
    """One change, flat; `text` is the line for people."""
    return {
        "engine": change.row.engine,
        "action": change.action,
        "kind": change.row.kind,
        "name": change.row.name,
        "fields": [{"name": name, "old": old, "new": new} for name, old, new in change.fields],
        "text": str(change),
    }


def exit_code(found: Report) -> int:
    """3 where a refused contract is not valid, 1 where a policy refuses one or complains, else 0."""
    severities = {
        finding["severity"]
        for finding in [*found["findings"], *(each for row in found["contracts"] for each in row["findings"])]
    }
    if Severity.INVALID in severities:
        return 3
    return 1 if Severity.BLOCK in severities else 0


def lines(found: Report) -> Iterable[str]:
    """A report for people."""
    for row in found["contracts"]:
        yield printable(f"{row['contract']}: {_headline(row)}")
        for finding in row["findings"]:
            yield from _finding(finding)
        for change in row["changes"]:
            yield f"  {change['text']}"
    if found["settings"]:
        yield "settings"
        for change in found["settings"]:
            yield f"  {change['text']}"
    for finding in found["findings"]:
        yield from _finding(finding)


def summary(found: Report) -> str:
    """One line."""
    counts = {action: sum(row["action"] == action for row in found["contracts"]) for action in Action}
    said = ", ".join(f"{count} {action.past}" for action, count in counts.items() if count)
    changed = len(found["settings"]) + sum(len(row["changes"]) for row in found["contracts"])
    return f"{said or 'no contracts'}; {changed} changes in the engines"


def reasons(decision: Decision) -> str:
    """Why a contract was refused, in one line that begins with the rule."""
    return f"{decision.blocking[0].rule}: {why(decision)}" if decision.blocking else why(decision)


def why(decision: Decision) -> str:
    """The same without the rule: message, place, and how many more there are."""
    if not decision.blocking:
        return "its file cannot be read"
    first = decision.blocking[0]
    more = len(decision.blocking) - 1
    return f"{first.message} ({first.place})" + (f", and {more} more" if more else "")


def _headline(row: Mapping[str, Any]) -> str:
    word = _WORDS[Action(row["action"])]
    if row["action"] == Action.REFUSE:
        kept = f"{row['live']} goes on serving" if row["live"] else "nothing of it is live"
        return f"{word} {row['wanted'] or '(unreadable)'}; {kept}"
    if row["action"] == Action.CHANGE:
        return f"{word} {row['live']} -> {row['wanted']}"
    return f"{word} {row['wanted'] or row['live']}"


def _finding(finding: Mapping[str, Any]) -> Iterable[str]:
    place = f"{finding['file']}:{finding['line']}:{finding['column']}"
    yield f"  {finding['severity']} {finding['rule']}: {printable(finding['message'])}"
    yield f"      at {printable(place)}"
    if finding["hint"]:
        yield f"      hint: {printable(finding['hint'])}"
