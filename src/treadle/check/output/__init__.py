"""How a report is written for those who read it: people, code scanning, test viewers, pull requests.

Each format is a module with `render(report, tool) -> str`. `json` is not among them: it is each verb's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from treadle.check.output.tool import Tool
from treadle.check.report import Report

__all__ = ["FORMATS", "Tool", "render"]

FORMATS: Mapping[str, str] = {
    # format: module, imported when it is asked for
    "text": "treadle.check.output.text",
    "sarif": "treadle.check.output.sarif",
    "junit": "treadle.check.output.junit",
    "github": "treadle.check.output.github",
    "markdown": "treadle.check.output.markdown",
}


def render(format: str, report: Report, tool: Tool) -> str:
    """The report in one of `FORMATS`, ending in a line break where it is not empty."""
    write: Callable[[Report, Tool], str] = import_module(FORMATS[format]).render
    return write(report, tool)
