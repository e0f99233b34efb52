"""What reading found wrong with a document, as the results that Spectral has for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from treadle.check.lint.context import Path
from treadle.check.lint.result import Level, Result
from treadle.check.lint.ruleset.model import ParserOptions
from treadle.contract.finding import Finding, Severity
from treadle.contract.parse import Document
from treadle.contract.place import Json
from treadle.contract.places import Places

Spot = tuple[int, int]

_KEYS = {"duplicate-key": "duplicate_keys", "key-not-string": "incompatible_values"}
"""Findings about a key, and the option that says how badly they count."""
_LEVELS: dict[Severity, Level | None] = {Severity.WARN: Level.WARN, Severity.INFO: None}


def read_problems(
    findings: Iterable[Finding], file: str, document: Document | None, options: ParserOptions
) -> Iterator[Result]:
    """The findings of one file as `parser` results, by the path of the key that they are about where there is one."""
    own = [each for each in findings if each.place.file == file]
    paths = _keys_at(document, {_spot(each) for each in own if each.rule in _KEYS}) if own else {}
    for finding in own:
        level = _LEVELS.get(finding.severity, Level.ERROR)
        begin = _spot(finding)
        path, width = paths.get(begin, ((), 0))
        if finding.rule in _KEYS and path:
            level = getattr(options, _KEYS[finding.rule])
        if level is not None:
            yield Result(file, path, "parser", finding.message, level, (begin, (begin[0], begin[1] + width)))


def _spot(finding: Finding) -> Spot:
    """0-based line and character."""
    return finding.place.line - 1, finding.place.column - 1


def _keys_at(document: Document | None, wanted: set[Spot]) -> dict[Spot, tuple[Path, int]]:
    """The paths of keys by where they are written, with their width there; of two equal keys, the one that counts."""
    if document is None or not wanted or not isinstance(document.places, Places):
        return {}
    places = document.places
    starts, text = places.lines.starts, places.lines.text
    offsets = {starts[line] + column: (line, column) for line, column in wanted if line < len(starts)}
    found: dict[Spot, tuple[Path, int]] = {}
    waiting: deque[tuple[Path, Json]] = deque([((), document.data)])
    while waiting and len(found) < len(offsets):
        path, node = waiting.popleft()
        spots = places.spots(node)
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            spot = offsets.get(spots[key]) if isinstance(node, dict) else None
            if spot is not None:
                quotes = 2 if text[spots[key]] in "\"'" else 0
                found.setdefault(spot, ((*path, key), len(str(key)) + quotes))
            if child and isinstance(child, dict | list):
                waiting.append(((*path, key), child))
    return found
