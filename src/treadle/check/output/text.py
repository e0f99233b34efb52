"""Text for a terminal: a line a finding, as editors link it, and how to mend it below."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.base.printable import printable
from treadle.check.output.tool import Tool, counted
from treadle.check.report import Exemption, Report
from treadle.contract.finding import Finding, Severity

_COLOURS = {Severity.INVALID: "31", Severity.BLOCK: "31", Severity.WARN: "33", Severity.INFO: "36"}


def render(report: Report, tool: Tool) -> str:
    """Findings, then exemptions; nothing at all where there is neither."""
    return "".join(f"{line}\n" for line in _lines(report, tool))


def _lines(report: Report, tool: Tool) -> Iterator[str]:
    hint = ""
    for each in report.findings:
        yield _finding(each, tool)
        if each.hint and each.hint != hint:  # the same hint many times over hides the findings
            yield f"    hint: {printable(each.hint)}"
        hint = each.hint
    for exemption in report.exemptions:
        yield exempted(exemption)


def _finding(finding: Finding, tool: Tool) -> str:
    if not tool.colour:
        return str(finding)
    severity = f"\x1b[{_COLOURS[finding.severity]}m{finding.severity}\x1b[0m"
    place, rule, message = (printable(str(each)) for each in (finding.place, finding.rule, finding.message))
    return f"{place}: {severity} \x1b[1m{rule}\x1b[0m: {message}"


def exempted(exemption: Exemption) -> str:
    """One exemption in a line, whatever its reason holds."""
    if exemption.expired:
        state = f"expired on {exemption.until}, no longer counts"
    else:
        held = f"{exemption.count} held back" if exemption.count else "holds nothing back where it stands or below"
        state = held + (f", until {exemption.until}" if exemption.until else ", for ever")
    reason = exemption.reason or "no reason given"
    return printable(f"{exemption.place}: exempt {exemption.rule} ({exemption.origin}; {state}): {reason}")


def summary(report: Report) -> str:
    """What there is in one line: `2 blocking, 1 warning; 3 held back by 2 exemptions`."""
    held = sum(each.count for each in report.exemptions)
    active = sum(not each.expired for each in report.exemptions)
    said = f"; {held} held back by {active} exemption{'' if active == 1 else 's'}" if active else ""
    return counted(report.findings) + said
