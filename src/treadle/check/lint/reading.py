"""What reading found wrong with a document, as the results that Spectral has for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from treadle.check.lint.result import Level, Result
from treadle.check.lint.ruleset.model import ParserOptions
from treadle.contract.finding import Finding


def read_problems(findings: Iterable[Finding], file: str, options: ParserOptions) -> Iterator[Result]:
    """The findings of one file as `parser` results. They have a place in the text, and no path."""
    for finding in findings:
        if finding.place.file != file:
            continue
        level: Level | None = Level.ERROR
        if finding.rule == "duplicate-key":
            level = options.duplicate_keys
        elif finding.rule == "non-json-key":
            level = options.incompatible_values
        if level is not None:
            spot = (finding.place.line - 1, finding.place.column - 1)
            yield Result(file, (), "parser", finding.message, level, (spot, spot))
