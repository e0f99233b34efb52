"""Workflow commands, which GitHub Actions shows as annotations in a pull request.

Source: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions.
"""

from __future__ import annotations

from treadle.base.printable import printable
from treadle.check.output.text import exempted
from treadle.check.output.tool import Tool
from treadle.check.report import Report
from treadle.contract.finding import Severity
from treadle.contract.place import Place

_COMMANDS = {Severity.INVALID: "error", Severity.BLOCK: "error", Severity.WARN: "warning", Severity.INFO: "notice"}


def render(report: Report, tool: Tool) -> str:  # noqa: ARG001 - every format is called alike
    """A command a finding and an exemption. What a document says cannot begin a command of its own."""
    lines = [
        _command(_COMMANDS[each.severity], each.place, each.rule, each.message, each.hint) for each in report.findings
    ]
    lines += [_command("notice", each.place, f"exempt: {each.rule}", exempted(each)) for each in report.exemptions]
    return "".join(f"{line}\n" for line in lines)


def _command(command: str, place: Place, title: str, *lines: str) -> str:
    said = "%0A".join(_data(line) for line in lines if line)
    where = f"file={_property(place.file)},line={place.line},col={place.column}"
    return f"::{command} {where},title={_property(title)}::{said}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
