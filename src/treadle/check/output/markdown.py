"""Markdown, for a comment on a pull request: the count, a table of findings, a table of exemptions."""

from __future__ import annotations

import re

from treadle.base.printable import printable
from treadle.check.output.text import summary
from treadle.check.output.tool import Tool
from treadle.check.report import Report

_ROWS_MAX = 200
"""A comment on a pull request holds 65,536 characters; the whole list is in the other formats."""
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&!]|:(?=//)|\.(?<=www\.))")
"""What could begin markup, or make a link of bare text (GitHub Flavored Markdown 0.29, section 6.9)."""
_WORD_JOINER = "\u2060"
"""Invisible; a name after it is no mention, which is looked for in the rendered page and heeds no backslash."""


def render(report: Report, tool: Tool) -> str:
    """Nothing that a document says becomes markup, a link or a mention."""
    lines = [f"### treadle {tool.verb}: {summary(report)}", ""]
    if report.findings:
        lines += ["| severity | rule | where | what |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {each.severity} | {_code(each.rule)} | {_code(str(each.place))} | {_cell(each.message, each.hint)} |"
            for each in report.findings[:_ROWS_MAX]
        ]
        if len(report.findings) > _ROWS_MAX:
            lines += ["", f"… and {len(report.findings) - _ROWS_MAX} more."]
        lines.append("")
    if report.exemptions:
        lines += ["| exempt rule | where | held back | until | reason |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {_code(each.rule)} | {_code(str(each.place))} | {'expired' if each.expired else each.count} "
            f"| {_code(each.until) if each.until else 'for ever'} | {_cell(each.reason or 'no reason given')} |"
            for each in report.exemptions[:_ROWS_MAX]
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(*texts: str) -> str:
    said = (_MARKS.sub(r"\\\1", printable(text)).replace("@", f"@{_WORD_JOINER}") for text in texts if text)
    return "<br>".join(said)


def _code(text: str) -> str:
    """Code takes no escapes: what would end it, or the cell, is replaced."""
    return "`" + printable(text).replace("`", "'").replace("|", "¦") + "`"
